"""What a lot list as a file would change, told cell by cell against what stands; nothing is stored here."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import sheet_columns, wording
from pavilion.auctions.curation import MOST_LOTS, TooManyLots
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import LotStone, Sale
from pavilion.auctions.rules import broken
from pavilion.auctions.sheet_columns import FORMULA, LIMITS, MONEY, MOST_STONES, STORED, Column, Row
from pavilion.auctions.sheets import Cell, Held, Line, Read, SheetPreview, Value, digest, held_of
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel.weight import unparted

Named = dict[str | tuple[Column, str], list[Stone]]
_DOUBTFUL = {Column.STOCK: "sheet_stock_ambiguous"}


async def compare(session: AsyncSession, sale: Sale, read: Read, actor: Actor) -> SheetPreview:
    """What the rows would change against what stands now."""
    held = await held_of(session, sale, actor)
    by_lot = {one.lot.public_id: one for one in held}
    known = await _stones_named(session, read.rows, actor)
    inside = set(await session.scalars(select(LotStone.stone_id).where(LotStone.sale_id == sale.id)))
    sets = actor.may(Permission.RESERVE_SET) and actor.may(Permission.RESERVE_SEE)
    told = Counter(row.says(Column.LOT) for row in read.rows)
    lines, taken = [], set(inside)
    for row in read.rows:
        line = Line(row, by_lot.get(row.says(Column.LOT)))
        _name(line, told, known, taken)
        for column in row.cells:
            _read_cell(line, column, sale, read.decimal, sets)
        _refuse_words(line)
        lines.append(line)
    if len(held) + sum(line.held is None for line in lines) > MOST_LOTS:
        raise TooManyLots(most=MOST_LOTS)
    order = _order(held, lines)
    _labels_once(held, lines)
    for line in lines:
        _weigh(line, sale)
    kept = len(held) - sum(line.held is not None for line in lines)
    shown = [line for line in lines if line.cells or line.held is None]
    before: list[str | int] = [one.lot.public_id for one in held]
    moves = order != [*before, *(line.row.number for line in lines if line.held is None)]
    return SheetPreview(shown, order, moves, read.rows, read.unread, kept, digest(held), read.decimal)


async def _stones_named(session: AsyncSession, rows: Sequence[Row], actor: Actor) -> Named:
    """Stones as far as new rows name them: by id and report number under themselves, by stock number, which only its
    supplier gives once, under the column and its case-folded form."""
    fresh = [row for row in rows if not row.says(Column.LOT)]
    words = {w for row in fresh for c in (Column.STONES, Column.REPORTS) for w in sheet_columns.named(row.says(c))}
    stock = {word.casefold() for row in fresh for word in _stock_numbers(row.says(Column.STOCK))}
    found: Named = defaultdict(list)
    for some in _some(words):
        wanted = visible_to(actor).where(or_(Stone.public_id.in_(some), Stone.report_no.in_(some)))
        for stone in await session.scalars(wanted):
            found[stone.public_id].append(stone)
            if stone.report_no:
                found[stone.report_no].append(stone)
    for some in _some(stock):
        for stone in await session.scalars(visible_to(actor).where(Stone.stock_no_key.in_(some))):
            found[Column.STOCK, stone.stock_no_key].append(stone)
    return found


def _some(words: set[str]) -> Iterator[list[str]]:
    """As many at a time as one question takes."""
    asked = sorted(words)
    yield from (asked[start : start + 400] for start in range(0, len(asked), 400))


def _stock_numbers(text: str) -> list[str]:
    """What may be numbers in the cell: the whole of it, for a number may hold a space, and its words."""
    return [text, *sheet_columns.named(text)] if text else []


def _called(row: Row, column: Column, known: Named) -> Iterator[tuple[str, list[Stone]]]:
    """Each name in the cell, and the stones that bear it. Of one stock number only those count that can be listed,
    while there are any: a stone that cannot be sold does not make another's number doubtful."""
    text = row.says(column)
    if column is not Column.STOCK:
        yield from ((word, known.get(word, [])) for word in sheet_columns.named(text))
        return
    words = [text] if (column, text.casefold()) in known else sheet_columns.named(text)
    for word in words:
        bear = known.get((column, word.casefold()), [])
        yield word, [stone for stone in bear if stone.listed] or bear


def _name(line: Line, told: Counter[str], known: Named, taken: set[int]) -> None:
    """Which lot the row speaks of, or which stones its new lot would hold."""
    lot = line.row.says(Column.LOT)
    if lot:
        if line.held is None or told[lot] > 1:
            code = "sheet_unknown_lot" if line.held is None else "sheet_lot_twice"
            line.cells.append(Cell(Column.LOT, None, lot[:40], code))
        return
    column = next((one for one in sheet_columns.NAMING if line.row.says(one)), Column.REPORTS)
    called = list(_called(line.row, column, known))
    code = "" if called else "sheet_stone_missing"
    for _, stones in called[:MOST_STONES]:
        if len(stones) != 1:
            code = _DOUBTFUL.get(column, "sheet_report_ambiguous") if stones else "sheet_unknown_stone"
        elif not stones[0].listed:
            code = "not_verified"
        elif stones[0].id in taken:
            code = "already_in_sale"
        else:
            taken.add(stones[0].id)
            line.stones.append(stones[0])
    if len(called) > MOST_STONES:
        code = "sheet_too_long"
    if code:
        line.cells.append(Cell(column, None, " ".join(word for word, _ in called)[:120], code))


def _read_cell(line: Line, column: Column, sale: Sale, decimal: str, sets: bool) -> None:
    text, held = line.row.says(column), line.held
    old = held.says(column) if held is not None else None
    if text == FORMULA and column is not Column.LOT:
        line.cells.append(Cell(column, old, text[:60], "sheet_formula"))
        return
    if column is Column.RESERVE and not sets:
        if text:
            line.cells.append(Cell(column, None, None, "sheet_reserve_right"))
        return
    priced = sale.type == SaleType.COLLECTION
    if (column in (Column.RESERVE, *sheet_columns.BIDDING) and priced) or (column is Column.PRICE and not priced):
        if text:
            line.cells.append(Cell(column, None, text[:60], "sheet_other_format"))
        return
    match column:
        case Column.LOT | Column.VERSION | Column.POSITION:
            _read_count(line, column, text, old)
        case Column.STONES | Column.REPORTS | Column.STOCK:
            if held is not None and text and sheet_columns.named(text) != sheet_columns.named(str(old)):
                line.cells.append(Cell(column, old, text[:120], "sheet_stones_fixed"))
        case Column.NUMBER:
            _read_number(line, text, old)
        case Column.TITLE_EN | Column.TITLE_ZH:
            if held is not None or text:
                code = "sheet_too_long" if len(text) > 200 else ""
                said = " ".join(text.split())[:200]
                same = said == " ".join(str(old or "").split())  # programs of tables make every space an ordinary one
                _say(line, column, old, old if same else unparted(said), code)
        case _:
            try:
                _say(line, column, old, sheet_columns.amount_said(text, sale.currency, decimal))
            except ValueError:
                line.cells.append(Cell(column, old, text[:60], "amount_invalid"))


def _read_count(line: Line, column: Column, text: str, old: Value) -> None:
    try:
        said = sheet_columns.count_said(text) if column is not Column.LOT else None
    except ValueError:
        said = None
        line.cells.append(Cell(column, old, text[:60], "sheet_count"))
    if column is Column.POSITION and said is not None and said > LIMITS.rows:
        line.cells.append(Cell(column, old, said, "sheet_count"))


def _read_number(line: Line, text: str, old: Value) -> None:
    try:
        number, suffix = sheet_columns.number_said(text)
    except ValueError:
        line.cells.append(Cell(Column.NUMBER, old, text[:20], "sheet_number"))
        return
    if text != (old or ""):
        line.values |= {"number": number, "suffix": suffix}
        line.cells.append(Cell(Column.NUMBER, old, text, _stale(line)))


def _say(line: Line, column: Column, old: Value, new: Value, code: str = "") -> None:
    if new != old and not (line.held is None and new is None):
        line.values |= dict.fromkeys(STORED[column], new)
        line.cells.append(Cell(column, old, new, code or _stale(line)))


def _stale(line: Line) -> str:
    """A lot changed since the file was written keeps what it says; both values are shown."""
    seen = sheet_columns.version_said(line.row)
    return "sheet_stale" if line.held is not None and seen is not None and seen != line.held.lot.version else ""


def _refuse_words(line: Line) -> None:
    stones = line.held.stones if line.held is not None else line.stones
    faults = wording.faults_of(line.values, wording.clarity_of(stones))
    for at, cell in enumerate(line.cells):
        if cell.column in faults and not cell.code:
            line.cells[at] = Cell(cell.column, cell.old, cell.new, faults[cell.column])


def _order(held: Sequence[Held], lines: Sequence[Line]) -> list[str | int]:
    """Who is told to stand elsewhere is taken out and put in at its place, first to last; the others keep their order.
    A new lot without a place stands at the end."""
    wanted: list[tuple[int, str | int]] = []
    for line in lines:
        if line.faulty:
            continue
        try:
            said = sheet_columns.count_said(line.row.says(Column.POSITION))
        except ValueError:
            said = None
        if line.held is None:
            wanted.append((said or LIMITS.rows + 1, line.row.number))
        elif said is not None and said != line.held.place:
            wanted.append((said, line.held.lot.public_id))
    moved = {one for _, one in wanted}
    order: list[str | int] = [one.lot.public_id for one in held if one.lot.public_id not in moved]
    last = -1
    for place, one in sorted(wanted, key=lambda said: said[0]):
        last = max(last + 1, min(place - 1, len(order)))
        order.insert(last, one)
    places = {one: place for place, one in enumerate(order, 1)}
    for line in lines:
        if line.held is not None and line.held.lot.public_id in moved and not line.faulty:
            after = places[line.held.lot.public_id]
            if after != line.held.place:
                line.cells.append(Cell(Column.POSITION, line.held.place, after, _stale(line)))
        elif line.held is None and not line.faulty:
            line.cells.append(Cell(Column.POSITION, None, places[line.row.number]))
    return order


def _labels_once(held: Sequence[Held], lines: Sequence[Line]) -> None:
    """No two lots of the sale would bear one number."""
    labels: dict[str | int, tuple[int | None, str]] = {
        one.lot.public_id: (one.lot.number, one.lot.suffix) for one in held
    }
    for line in lines:
        if "number" in line.values:
            key = line.held.lot.public_id if line.held is not None else line.row.number
            labels[key] = line.values["number"], line.values["suffix"]
    often = Counter(label for label in labels.values() if label[0] is not None)
    for line in lines:
        if "number" in line.values and often[line.values["number"], line.values["suffix"]] > 1:
            for at, cell in enumerate(line.cells):
                if cell.column is Column.NUMBER and not cell.code:
                    line.cells[at] = Cell(cell.column, cell.old, cell.new, "number_taken")


def _weigh(line: Line, sale: Sale) -> None:
    """Which invariants the new figures would break; they bar publication, not the file."""
    if not any(cell.column in MONEY for cell in line.cells) or sale.type == SaleType.COLLECTION:
        return
    lot = line.held.lot if line.held is not None else None
    reserve = line.values.get("reserve_minor", line.held.reserve if line.held is not None else None)
    said = {n: line.values.get(f"{n}_minor", getattr(lot, f"{n}_minor", None)) for n in ("opening", "low", "high")}
    line.broken = broken(sale.increments, reserve=reserve, **said)
