"""A price list as a file: read row by row, each fault named by its column and code. Pure but for the reading."""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pavilion.catalogue.fancy import white
from pavilion.catalogue.nomenclature import header_key, key, nomenclature
from pavilion.catalogue.numbers import Unread, read_money, read_number
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.kernel.sheet import MEGABYTE, Limits, SheetFault, bare, open_sheet

LIMITS = Limits(file_bytes=2 * MEGABYTE, rows=20_000, columns=40, unpacked_bytes=40 * MEGABYTE)
COLUMNS = ("shape", "from", "to", "color", "clarity", "price")
HEAVIEST = 1_000_000  # milli-carats
_HEADS: Mapping[str, str] = {
    header_key(word): column
    for column, words in {
        "shape": ("Shape", "形状"),
        "from": ("From", "From ct", "Weight from", "Low size", "Size from", "重量起", "自"),
        "to": ("To", "To ct", "Weight to", "High size", "Size to", "重量止", "至"),
        "color": ("Color", "Colour", "颜色"),
        "clarity": ("Clarity", "净度"),
        "price": ("Price", "Price per carat", "Per carat", "$/ct", "PPC", "每克拉价", "每克拉价格"),
    }.items()
    for word in words
}


class Row(NamedTuple):
    """A price per carat in minor units, and for what; both weights inclusive."""

    shape: str
    color: str
    clarity: str
    from_mct: int
    to_mct: int
    ppc_minor: int


class Fault(NamedTuple):
    """What keeps a row of the file from being read."""

    number: int
    column: str
    raw: str
    code: str


@dataclass(frozen=True, slots=True)
class ListRead:
    rows: Sequence[Row]
    faults: Sequence[Fault]
    unread: Sequence[str] = ()

    @property
    def sha256(self) -> str:
        """Of what was read, in the order of the list and not of the file."""
        return hashlib.sha256(json.dumps(sorted(self.rows)).encode()).hexdigest()

    @property
    def document(self) -> str:
        """What a preview hands out, to be stored as it was seen."""
        return base64.urlsafe_b64encode(zlib.compress(json.dumps(self.rows).encode(), 9)).decode()


def read_file(path: Path, currency: str) -> ListRead:
    """Every row of the file, or its faults; SheetFault where the file is no such table."""
    sheet = open_sheet(path, LIMITS)
    heads = [_HEADS.get(header_key(head)) for head in sheet.header]
    named = [head for head in heads if head]
    if len(set(named)) < len(named):
        raise SheetFault("benchmark_column_twice")
    if missing := [column for column in COLUMNS if column not in named]:
        raise SheetFault("benchmark_columns_missing", columns=", ".join(missing))
    rows: list[tuple[int, Row]] = []
    faults: list[Fault] = []
    for number, cells in sheet.rows():
        said = {column: bare(cell.strip()) for column, cell in zip(heads, cells, strict=False) if column}
        row, wrong = _read(number, said, currency, sheet.decimal)
        faults += wrong
        if row is not None:
            rows.append((number, row))
    faults += _crossing(rows)
    unread = tuple(head[:60] for head, column in zip(sheet.header, heads, strict=True) if column is None and head)
    return ListRead([row for _, row in rows], sorted(faults), unread)


def read_document(document: str) -> ListRead:
    """What a preview handed out, read as strictly as a file; anything else is refused."""
    try:
        packed = zlib.decompressobj().decompress(base64.urlsafe_b64decode(document), LIMITS.unpacked_bytes)
        rows = [Row(*line) for line in json.loads(packed)]
        sound = 0 < len(rows) <= LIMITS.rows and all(map(_sound, rows))
    except (binascii.Error, zlib.error, ValueError, TypeError, RecursionError) as fault:
        raise BadInput(fields={"document": "bad_input"}) from fault
    if not sound or _crossing(enumerate(rows)):
        raise BadInput(fields={"document": "bad_input"})
    return ListRead(rows, ())


def _read(number: int, said: Mapping[str, str], currency: str, decimal: str) -> tuple[Row | None, list[Fault]]:
    faults: list[Fault] = []

    def cell(column: str) -> str:
        return said.get(column, "")

    def wrong(column: str, code: str) -> None:
        faults.append(Fault(number, column, cell(column)[:60], code))

    table = nomenclature()
    shape = table.aliases["shape"].get(key(cell("shape")))
    color = white(cell("color"), table)
    clarity = table.aliases["clarity"].get(key(cell("clarity")))
    least, most = _weight(cell("from"), decimal), _weight(cell("to"), decimal)
    price = _price(cell("price"), decimal, currency)
    for column, value in zip(COLUMNS, (shape, least, most, color, clarity, price), strict=True):
        if cell(column).startswith("="):
            wrong(column, "benchmark_formula")
        elif value is None or value == "none":
            wrong(column, f"benchmark_{column if column not in ('from', 'to') else 'weight'}")
    if least is not None and most is not None and least > most:
        wrong("to", "benchmark_band")
    if faults or shape is None or color is None or clarity is None or least is None or most is None or price is None:
        return None, faults
    return Row(shape, color, clarity, least, most, price), []


def _weight(text: str, decimal: str) -> int | None:
    """Milli-carats of a weight in whole hundredths of a carat."""
    try:
        number = read_number(text.casefold().removesuffix("ct").strip(), decimal)
    except Unread:
        return None
    mct, doubts = number.stored(1000)
    return mct if 0 < mct <= HEAVIEST and mct % 10 == 0 and "precision_dropped" not in doubts else None


def _price(text: str, decimal: str, currency: str) -> int | None:
    try:
        minor, doubts = read_money(text, decimal, currency, floor=False)
    except Unread:
        return None
    return minor if 0 < minor <= MAX_AMOUNT and not doubts else None


def _sound(row: Row) -> bool:
    """Whether a row that came back is one that could have been read."""
    codes, numbers = nomenclature().codes, row[3:]
    return (
        row.shape in codes["shape"]
        and (row.color in codes["color"] or row.color in codes["color_range"])
        and row.clarity in codes["clarity"]
        and row.clarity != "none"
        and all(type(number) is int for number in numbers)
        and 0 < row.from_mct <= row.to_mct <= HEAVIEST
        and row.from_mct % 10 == row.to_mct % 10 == 0
        and 0 < row.ppc_minor <= MAX_AMOUNT
    )


def _crossing(rows: Iterable[tuple[int, Row]]) -> list[Fault]:
    """Of two rows that speak of one weight of one kind of stone, the later in weight is at fault."""
    faults: list[Fault] = []
    before: Row | None = None
    for number, row in sorted(rows, key=lambda one: (one[1][:5], one[0])):
        if before is not None and before[:3] == row[:3] and row.from_mct <= before.to_mct:
            faults.append(Fault(number, "from", f"{row.from_mct // 1000}.{row.from_mct % 1000 // 10:02d}",
                                "benchmark_twice"))  # fmt: skip
        if before is None or before[:3] != row[:3] or row.to_mct > before.to_mct:
            before = row
    return faults
