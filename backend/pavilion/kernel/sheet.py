"""A file as rows of text: CSV, TSV or XLSX, read as a stream and never beyond its limits."""

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000
Row = tuple[int, list[str]]  # record number (the header is 1) and its cells

_DELIMITERS = ",;\t|"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = frozenset(range(32)) - {9, 10, 12, 13, 27}
_LETTERS = re.compile(rb"[\xa1-\xff]+")  # and signs of cp1252, without its quotation marks and dashes
_HALF = 256
_CHUNK = 1 << 20
_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
_RUN = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula


@dataclass(frozen=True, slots=True)
class Limits:
    file_bytes: int = 50 * MEGABYTE
    rows: int = 200_000
    columns: int = 200
    cells: int = 9_000_000  # that hold anything, of the whole file: 200,000 rows with forty columns stay well below
    row_chars: int = 4 * MEGABYTE
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
        with closing(_records(self.path, self.encoding, self.delimiter, self.limits)) as records:
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
    with closing(_records(path, encoding, delimiter, limits)) as records:
        header = next(records, None)
    if header is None or not any(cell.strip() for cell in header):
        raise SheetFault("no_header")
    if len(header) > limits.columns:
        raise SheetFault("too_many_columns", limit=f"{limits.columns:,}")
    return Sheet(path, tuple(header), "," if delimiter == ";" else ".", delimiter, encoding, limits)


def _records(path: Path, encoding: str, delimiter: str, limits: Limits) -> Generator[list[str]]:
    """Every record, as long as all of them together hold no more than is allowed; an empty cell counts for nothing."""
    filled = 0
    with closing(_dialect(path, encoding, delimiter, limits)) as records:
        for cells in records:
            filled += len(cells) - cells.count("")
            if filled > limits.cells:
                raise SheetFault("too_many_cells", limit=f"{limits.cells:,}")
            yield cells


def _dialect(path: Path, encoding: str, delimiter: str, limits: Limits) -> Generator[list[str]]:
    if encoding == "xlsx":
        from pavilion.kernel import xlsx  # the dialect imports this module for its faults

        return xlsx.records(path, limits)
    return _csv_records(path, encoding, delimiter, limits)


def _csv_records(path: Path, encoding: str, delimiter: str, limits: Limits) -> Generator[list[str]]:
    """An overlong cell is its row's fault (`too_long`). A row that finds no end is the file's: a quotation mark that is
    never closed makes one cell of all rows behind it, and fifty megabytes of separators would fill the memory."""
    csv.field_size_limit(limits.row_chars)
    number = lines = chars = 0  # of finished records; of the one that is being read

    def text() -> Iterator[str]:
        nonlocal lines, chars
        while line := file.readline(limits.row_chars + 1):
            lines, chars = lines + 1, chars + len(line)
            if chars > limits.row_chars:
                raise SheetFault("row_without_end", row=f"{number + 1:,}")
            yield line
        if lines > 1:
            raise SheetFault("row_without_end", row=f"{number + 1:,}")

    with path.open(encoding=encoding, newline="") as file:
        try:
            for cells in csv.reader(text(), delimiter=delimiter):
                number, lines, chars = number + 1, 0, 0
                yield cells
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
    if _is_unmarked_utf_16(start):
        return _no_encoding()
    if any(byte in _BINARY for byte in start):
        raise SheetFault("not_a_table")
    if _decodes(path, "utf-8"):
        return "utf-8"
    return "cp1252" if _decodes(path, "cp1252") and _is_western(path) else _no_encoding()


def _is_unmarked_utf_16(start: bytes) -> bool:
    """Every other byte is nothing, the rest is text: the column names of a table in an encoding that is not told."""
    halves = (start[:_HALF:2], start[1:_HALF:2])
    return any(
        len(text) > 8 and not any(nothing) and not any(byte in _BINARY or byte == 0 for byte in text)
        for text, nothing in (halves, halves[::-1])
    )


def _is_western(path: Path) -> bool:
    """Letters beyond ASCII stand alone among others in the languages of cp1252 (`Zürich`). Where most of them stand
    side by side they are Chinese, Cyrillic or Hebrew in a code page of their own, and would be stored as nonsense."""
    letters = together = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for run in _LETTERS.findall(chunk):
                letters += len(run)
                together += len(run) if len(run) > 1 else 0
    return letters < 4 or 2 * together <= letters


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
