"""A file as rows of text: CSV, TSV or XLSX, read as a stream and never beyond its limits."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000
Row = tuple[int, list[str]]  # record number (the header is 1) and its cells

_DELIMITERS = ",;\t|"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = frozenset(range(32)) - {9, 10, 12, 13, 27}
_CHUNK = 1 << 20
_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
_RUN = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula


@dataclass(frozen=True, slots=True)
class Limits:
    file_bytes: int = 50 * MEGABYTE
    rows: int = 200_000
    columns: int = 200
    unpacked_bytes: int = 500 * MEGABYTE
    unpacked_ratio: int = 100


LIMITS = Limits()


class SheetFault(Exception):
    """The file as a whole cannot be read; `code` is one of the file-level codes."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}")
        self.code, self.facts = code, facts


@dataclass(frozen=True, slots=True)
class Sheet:
    """A readable file. `rows` may be asked for again: each call reads from the start."""

    path: Path
    header: tuple[str, ...]
    decimal: str
    delimiter: str
    encoding: str
    limits: Limits

    def rows(self) -> Iterator[Row]:
        """The records after the header that hold anything, each with its number."""
        records = _records(self.path, self.encoding, self.delimiter, self.limits)
        next(records, None)
        for number, cells in enumerate(records, 2):
            if number > self.limits.rows + 1:
                raise SheetFault("too_many_rows", limit=f"{self.limits.rows:,}")
            if any(cell and not cell.isspace() for cell in cells):
                yield number, cells


def open_sheet(path: Path, limits: Limits = LIMITS) -> Sheet:
    """The file with its header read, or the fault that keeps it from being a table."""
    if path.stat().st_size > limits.file_bytes:
        raise SheetFault("too_large", limit=f"{limits.file_bytes // MEGABYTE} MB")
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK"):
        encoding, delimiter = "xlsx", ","
    else:
        encoding = _encoding(path, start)
        delimiter = _delimiter(path, encoding)
    header = next(_records(path, encoding, delimiter, limits), None)
    if header is None or not any(cell.strip() for cell in header):
        raise SheetFault("no_header")
    if len(header) > limits.columns:
        raise SheetFault("too_large", limit=f"{limits.columns} columns")
    return Sheet(path, tuple(header), "," if delimiter == ";" else ".", delimiter, encoding, limits)


def _records(path: Path, encoding: str, delimiter: str, limits: Limits) -> Iterator[list[str]]:
    if encoding == "xlsx":
        from pavilion.kernel import xlsx  # the dialect imports this module for its faults

        return xlsx.records(path, limits)
    return _csv_records(path, encoding, delimiter, limits)


def _csv_records(path: Path, encoding: str, delimiter: str, limits: Limits) -> Iterator[list[str]]:
    csv.field_size_limit(limits.file_bytes)  # an overlong cell is the row's fault (`too_long`), not the file's
    with path.open(encoding=encoding, newline="") as file:
        try:
            yield from csv.reader(file, delimiter=delimiter)
        except UnicodeError:
            raise SheetFault("encoding") from None
        except csv.Error:
            raise SheetFault("not_a_table") from None


def _encoding(path: Path, start: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else cp1252; a binary file is no table."""
    if not start.strip():
        raise SheetFault("no_header")
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name if _decodes(path, name) else _no_encoding()
    if any(byte in _BINARY for byte in start):
        raise SheetFault("not_a_table")
    if _decodes(path, "utf-8"):
        return "utf-8"
    return "cp1252" if _decodes(path, "cp1252") else _no_encoding()


def _no_encoding() -> str:
    raise SheetFault("encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


def _delimiter(path: Path, encoding: str) -> str:
    """The most frequent of the four in the first line."""
    with path.open(encoding=encoding) as file:
        line = file.readline(_CHUNK)
    return max(_DELIMITERS, key=line.count)


def write_csv(rows: Iterator[Sequence[str]], delimiter: str = ",", *, figures: bool = False) -> Iterator[bytes]:
    """UTF-8 with its mark, in pieces; what a spreadsheet would run as a formula gets a leading apostrophe. `figures`:
    a plain number below zero is left as the number it is."""
    yield codecs.BOM_UTF8
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell if figures and _NUMBER.fullmatch(cell) else harmless(cell) for cell in row])
        if buffer.tell() > _CHUNK // 16:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def harmless(cell: str) -> str:
    """The cell as a spreadsheet may open it."""
    return f"'{cell}" if cell.startswith(_RUN) else cell


def bare(cell: str) -> str:
    """The cell as it was before it was made harmless."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_RUN) else cell
