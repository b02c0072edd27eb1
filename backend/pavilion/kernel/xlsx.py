"""An XLSX workbook as rows of text, streamed: only its first visible sheet, never a macro, link or formula.

A reader of our own because the fast libraries build the whole grid first: one cell at XFD1048576 in a file of one
kilobyte would take all the memory there is.
"""

import re
import zlib
from array import array
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from pavilion.kernel.sheet import MEGABYTE, Limits, SheetFault

_CHUNK = 1 << 17
_SMALL_PART = 5 * MEGABYTE
_DATE_STYLES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_DATE_LETTERS = re.compile(r"[dy]|mmm", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_BROKEN = (
    *(BadZipFile, zlib.error, expat.ExpatError, NotImplementedError, EOFError, OSError, RuntimeError),
    *(ValueError, LookupError, ArithmeticError),  # a reference, date or number that leads nowhere
)
_PIECES = 128  # of text in one cell, thousands of characters each; no workbook holds more than 32,767
_DIRECTORY = 4 * MEGABYTE  # of the archive: some fifty thousand members
_ENDS_WITHIN = (1 << 16) + 128  # bytes: a comment and what stands before it
_NAMES = 2000  # of tags and attributes in one part; each is kept until its end
_TAG = 4 * MEGABYTE  # what may stand between two of its events
_REF = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def records(path: Path, limits: Limits) -> Generator[list[str]]:
    """Every row from the first, blank ones as empty lists."""
    _short_directory(path)
    try:
        with ZipFile(path) as archive:
            _safe(archive, limits)
            book = _Workbook(archive, limits)
            yield from _rows(archive, book, limits)
    except _BROKEN:
        raise SheetFault("not_a_table") from None


def _short_directory(path: Path) -> None:
    """The archive names no more members than a workbook with many pictures has: they are all read before one is looked
    at. Whatever may be the end of its directory, in the old form or the long one, is taken at its word."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _ENDS_WITHIN))
        tail = file.read()
    for mark, at, size in ((b"PK\5\6", 12, 4), (b"PK\6\6", 40, 8)):
        for end in re.finditer(re.escape(mark), tail):
            told = tail[end.start() + at : end.start() + at + size]
            if told != b"\xff" * size and int.from_bytes(told, "little") > _DIRECTORY:
                raise SheetFault("unsafe_archive")


def _safe(archive: ZipFile, limits: Limits) -> None:
    """The archive is a plain workbook that unpacks to no more than is allowed."""
    members = archive.infolist()
    packed, unpacked = (sum(size) for size in zip(*((m.compress_size, m.file_size) for m in members), strict=True))
    names = {member.filename.lower() for member in members}
    if unpacked > limits.unpacked_bytes or unpacked > limits.unpacked_ratio * max(packed, 10_000):
        raise SheetFault("unsafe_archive")
    if any("vbaproject" in name or "externallinks/" in name or "macrosheets/" in name for name in names):
        raise SheetFault("unsafe_archive")
    if "xl/workbook.xml" not in names:
        raise SheetFault("not_a_table")


def _parser() -> Any:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise SheetFault("unsafe_archive")

    parser.EntityDeclHandler = refuse
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _fed(archive: ZipFile, part: str, parser: Any) -> Iterator[None]:
    """The part is given to the parser piece by piece, each followed by a turn of whoever collects what it finds."""
    fed = 0
    with archive.open(part) as content:
        while chunk := content.read(_CHUNK):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if len(parser.intern) > _NAMES or fed - parser.CurrentByteIndex > _TAG:
                raise SheetFault("unsafe_archive")
            yield
    parser.Parse(b"", True)
    yield


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _elements(archive: ZipFile, part: str) -> list[tuple[str, dict[str, str]]]:
    """Start tags of a small part: local name and attributes by local name."""
    if archive.getinfo(part).file_size > _SMALL_PART:
        raise SheetFault("unsafe_archive")
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append(
        (_local(name), {_local(key): value for key, value in attributes.items()})
    )
    parser.Parse(archive.read(part), True)
    return found


class _Texts:
    """The shared texts in one piece of memory: a million small objects would take ten times as much."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("I", [0])

    def __getitem__(self, place: int) -> str:
        if place < 0:
            raise IndexError(place)
        end = self._ends[place + 1]
        return self._bytes[self._ends[place] : end].decode()

    def take(self, texts: Iterator[str], limits: Limits) -> None:
        """All of them, unless they are more than there may be cells, or longer together than two files."""
        for text in texts:
            self._bytes += text.encode()
            self._ends.append(len(self._bytes))
            if len(self._ends) > limits.cells + 1:
                raise SheetFault("too_many_cells", limit=f"{limits.cells:,}")
            if len(self._bytes) > 2 * limits.file_bytes:
                raise SheetFault("unsafe_archive")


class _Workbook:
    """What the cells of the sheet refer to."""

    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        parts = set(archive.namelist())
        elements = _elements(archive, "xl/workbook.xml")
        shown = [a for name, a in elements if name == "sheet" and a.get("state", "visible") == "visible"]
        targets = {
            a["Id"]: a["Target"]
            for name, a in _elements(archive, "xl/_rels/workbook.xml.rels")
            if name == "Relationship"
        }
        target = targets[shown[0]["id"]] if shown else ""
        self.sheet = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if self.sheet not in parts:
            raise SheetFault("not_a_table")
        by_1904 = any(name == "workbookPr" and a.get("date1904") in ("1", "true") for name, a in elements)
        self.first_day = date(1904, 1, 1) if by_1904 else date(1899, 12, 30)
        self.date_styles = _date_styles(archive) if "xl/styles.xml" in parts else set()
        self.strings = _Texts()
        if "xl/sharedStrings.xml" in parts:
            with closing(_strings(archive)) as texts:
                self.strings.take(texts, limits)


def _date_styles(archive: ZipFile) -> set[str]:
    """Which cell styles show a number as a day."""
    formats: dict[int, str] = {}
    styles: set[str] = set()
    inside, place = False, 0
    for name, attributes in _elements(archive, "xl/styles.xml"):
        if name == "numFmt":
            formats[int(attributes["numFmtId"])] = _QUOTED.sub("", attributes["formatCode"])
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            inside = name == "cellXfs"
        elif name == "xf" and inside:
            kind = int(attributes.get("numFmtId", "0"))
            if kind in _DATE_STYLES or _DATE_LETTERS.search(formats.get(kind, "")):
                styles.add(str(place))
            place += 1
    return styles


def _strings(archive: ZipFile) -> Generator[str]:
    """The shared texts; phonetic hints are left out."""
    ready: list[str] = []
    parts: list[str] = []
    reading = {"text": False, "phonetic": False}

    def start(name: str, _: dict[str, str]) -> None:
        match _local(name):
            case "si":
                parts.clear()
            case "rPh":
                reading["phonetic"] = True
            case "t":
                reading["text"] = not reading["phonetic"]

    def end(name: str) -> None:
        match _local(name):
            case "si":
                ready.append("".join(parts))
            case "rPh":
                reading["phonetic"] = False
            case "t":
                reading["text"] = False

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: parts.append(text) if reading["text"] and len(parts) < _PIECES else None
    for _ in _fed(archive, "xl/sharedStrings.xml", parser):
        yield from ready
        ready.clear()


class _SheetReader:
    """Folds the tags of a sheet into finished rows. What is done for every cell is written for speed: there may be
    millions of them, and each costs five calls from the parser."""

    def __init__(self, book: _Workbook, limits: Limits) -> None:
        self.book, self.limits = book, limits
        self.ready: list[list[str]] = []
        self.rows_seen = 0
        self._row: list[str] = []
        self._row_number = 0
        self._column, self._style, self._type = -1, "0", "n"
        self._formula = self._reading = False
        self._text: list[str] = []
        self._local: dict[str, str] = {}  # names of tags -> what is behind their namespace
        self._columns: dict[str, int] = {}  # letters -> place

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = self._local.get(name) or self._local.setdefault(name, _local(name))
        if tag == "v" or tag == "t":
            self._reading = True
        elif tag == "c":
            ref = attributes.get("r")
            self._column = self._column + 1 if ref is None else self._place(ref)
            self._style, self._type = attributes.get("s", "0"), attributes.get("t", "n")
            self._formula, self._text = False, []
        elif tag == "f":
            self._formula = True
        elif tag == "row":
            self._row, self._column = [], -1
            self._row_number = int(attributes.get("r", self.rows_seen + 1))

    def text(self, data: str) -> None:
        if self._reading and len(self._text) < _PIECES:
            self._text.append(data)

    def end(self, name: str) -> None:
        tag = self._local[name]
        if tag == "v" or tag == "t":
            self._reading = False
        elif tag == "c":
            if self._formula or self._text:
                self._put("=" if self._formula else self._value("".join(self._text)))
        elif tag == "row" and self._row:
            if self._row_number > self.limits.rows + 1:
                raise SheetFault("too_many_rows", limit=f"{self.limits.rows:,}")
            self.ready.extend([] for _ in range(self.rows_seen + 1, self._row_number))
            self.ready.append(self._row)
            self.rows_seen = max(self._row_number, self.rows_seen + 1)

    def _place(self, ref: str) -> int:
        """The column of a cell that names its own place; of one that names none, the next."""
        letters = ref.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            if _REF.fullmatch(ref) is None:
                return self._column + 1
            column = self._columns[letters] = _column(letters)
        return column

    def _put(self, value: str) -> None:
        if not value:
            return
        if self._column >= self.limits.columns:
            raise SheetFault("too_many_columns", limit=f"{self.limits.columns:,}")
        self._row.extend([""] * (self._column + 1 - len(self._row)))
        self._row[self._column] = value

    def _value(self, text: str) -> str:
        match self._type:
            case "s":
                return self.book.strings[int(text)] if text else ""
            case "b":
                return "TRUE" if text == "1" else "FALSE"
            case "n" if text and self._style in self.book.date_styles:
                return (self.book.first_day + timedelta(days=int(Decimal(text)))).isoformat()
            case "n":
                return _plain(text)
        return text


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _plain(text: str) -> str:
    """The number without exponent and without the noise of its binary form."""
    if not text or (text.isdigit() and text.isascii()):
        return text
    number = Decimal(repr(float(text)))
    if not number.is_finite() or abs(number.adjusted()) > 30:
        return text
    return format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number, "f")


def _rows(archive: ZipFile, book: _Workbook, limits: Limits) -> Iterator[list[str]]:
    reader, parser = _SheetReader(book, limits), _parser()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    for _ in _fed(archive, book.sheet, parser):
        yield from reader.ready
        reader.ready.clear()
