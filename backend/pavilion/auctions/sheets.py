"""The lot list of a sale as a file, out and in.

Lots are found by `lot_id`, never by their number. A row without one names listed stones, by id, report number or stock
number, and is a new lot. A lot that the file does not name stays as it is; a column that it does not have changes
nothing.
"""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import queries, reserves, sheet_columns
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import Broken
from pavilion.auctions.sheet_columns import FORMULA, LIMITS, MONEY, STORED, Column, Row
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import decimal_text, exponent
from pavilion.kernel.sheet import bare, open_sheet
from pavilion.kernel.xlsx_writing import Cell as Typed

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A lot as it stands, with its place counted from 1; `reserve` only for who may know it."""

    lot: Lot
    place: int
    reserve: int | None
    stones: Sequence[Stone]

    def says(self, column: Column) -> Value:
        match column:
            case Column.LOT:
                return self.lot.public_id
            case Column.VERSION:
                return self.lot.version
            case Column.POSITION:
                return self.place
            case Column.NUMBER:
                return self.lot.number_text
            case Column.STONES:
                return " ".join(stone.public_id for stone in self.stones)
            case Column.REPORTS:
                return " ".join(stone.report_no for stone in self.stones if stone.report_no)
            case Column.STOCK:
                return " ".join(stone.stock_no for stone in self.stones)
            case Column.RESERVE:
                return self.reserve
        value: Value = getattr(self.lot, STORED[column][0])
        return value


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that would change something, or `code` that says why it cannot."""

    column: Column
    old: Value
    new: Value
    code: str = ""


@dataclass(slots=True)
class Line:
    """One row of the file against its lot; of a new lot `held` is none and `stones` are what it would hold."""

    row: Row
    held: Held | None
    stones: list[Stone] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        return any(cell.code for cell in self.cells)

    def warned(self, cell: Cell) -> list[Broken]:
        """The invariants that this cell breaks; beside the first cell stand those of figures that the file leaves."""
        columns = {
            fault: f"{'estimate_' if fault.startswith('low') else ''}{fault.partition('_')[0]}" for fault in self.broken
        }
        named = [one.column for one in self.cells]
        return [
            fault
            for fault, column in columns.items()
            if column == cell.column or (column not in named and cell == self.cells[0])
        ]

    @property
    def seen(self) -> int:
        """The version of the lot that the file speaks of."""
        assert self.held is not None
        return sheet_columns.version_said(self.row) or self.held.lot.version


@dataclass(frozen=True, slots=True)
class SheetPreview:
    """What the file would do: only rows that change something or cannot be taken."""

    lines: Sequence[Line]
    order: Sequence[str | int]  # every lot as it would stand: its id, or the row of a new one
    moves: bool
    rows: Sequence[Row]
    unread: Sequence[str]
    kept: int  # lots that the file does not name
    seen: str  # digest of the order that this was told against
    decimal: str

    @property
    def faults(self) -> int:
        return sum(1 for line in self.lines for cell in line.cells if cell.code)

    @property
    def added(self) -> int:
        return sum(line.held is None for line in self.lines)

    @property
    def document(self) -> str:
        """The file as it was read, with the versions that were seen: what is handed back to be applied."""
        versions = {line.held.lot.public_id: line.seen for line in self.lines if line.held is not None}
        rows = [[row.number, dict(row.cells) | _seen_in(row, versions)] for row in self.rows]
        said = {"rows": rows, "seen": self.seen, "decimal": self.decimal}
        return base64.urlsafe_b64encode(zlib.compress(json.dumps(said, ensure_ascii=False).encode(), 6)).decode()


@dataclass(frozen=True, slots=True)
class Read:
    rows: Sequence[Row]
    decimal: str
    unread: Sequence[str] = ()
    seen: str = ""


def read_file(path: Path, currency: str) -> Read:
    """The rows of the file, bounded; a SheetFault for what is no table."""
    sheet = open_sheet(path, LIMITS)
    columns, unread = sheet_columns.columns_read(sheet.header, currency)
    rows = [
        Row(number, {c: _plain(cells[at].strip()) if at < len(cells) else "" for c, at in columns.items()})
        for number, cells in sheet.rows()
    ]
    return Read(rows, sheet.decimal, unread)


def _plain(cell: str) -> str:
    """What was written as text is text; of a formula nothing is left but its sign."""
    return FORMULA if cell.startswith(FORMULA) else bare(cell)


def read_document(document: str) -> Read:
    """What a preview handed out, unpacked within the limits of a file; anything else is refused."""
    try:
        packed = zlib.decompressobj()
        said = json.loads(packed.decompress(base64.urlsafe_b64decode(document), LIMITS.file_bytes))
        rows = [Row(int(n), {Column(k): str(v)[:4000] for k, v in cells.items()}) for n, cells in said["rows"]]
        return Read(rows[: LIMITS.rows], str(said["decimal"]), (), str(said["seen"]))
    except (binascii.Error, zlib.error, ValueError, TypeError, LookupError, AttributeError) as fault:
        raise BadInput(fields={"document": "bad_input"}) from fault


async def held_of(session: AsyncSession, sale: Sale, actor: Actor) -> list[Held]:
    """Every lot of the sale as it stands, in running order."""
    lots = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))).all()
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots])
    sees = actor.may(Permission.RESERVE_SEE)
    return [
        Held(lot, place, reserves.reserve_of(session, lot) if sees else None, stones[lot.id])
        for place, lot in enumerate(lots, 1)
    ]


def typed_rows(sale: Sale, held: Sequence[Held], columns: Sequence[Column]) -> Iterator[list[Typed]]:
    """The list for a workbook: a number is a number, an amount one in the currency's own places."""
    for one in held:
        yield [_typed(one, column, exponent(sale.currency)) for column in columns]


def text_rows(sale: Sale, held: Sequence[Held], columns: Sequence[Column]) -> Iterator[list[str]]:
    for one in held:
        said = [(column, one.says(column)) for column in columns]
        yield [decimal_text(v, sale.currency) if c in MONEY and isinstance(v, int) else str(v or "") for c, v in said]


def digest(held: Sequence[Held]) -> str:
    return hashlib.sha256(" ".join(one.lot.public_id for one in held).encode()).hexdigest()


def _seen_in(row: Row, versions: Mapping[str, int]) -> dict[Column, str]:
    lot = row.says(Column.LOT)
    return {Column.VERSION: str(versions[lot])} if lot in versions else {}


def _typed(one: Held, column: Column, places: int) -> Typed:
    value = one.says(column)
    if column in MONEY and isinstance(value, int):
        return value, places
    return one.lot.number if column is Column.NUMBER and not one.lot.suffix else value
