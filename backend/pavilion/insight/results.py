"""Reads of the archive: pages by keyset, the sums of a question, and what the charts are drawn from."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import sequels
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import WITHHELD, withheld, withheld_lots
from pavilion.auctions.rules import LotState, SaleState
from pavilion.auctions.sequel_models import LotSequel
from pavilion.catalogue.searching import After
from pavilion.insight.archiving import CLOSED
from pavilion.insight.result_asking import STATES, USUAL, Asked, conditions
from pavilion.insight.result_rules import STEPS, share_bp
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.instants import from_micros, micros

MOST_SALES = 200  # offered as a choice
POINTS = 400  # of the chart of prices, the latest
EXPORTED_AT_ONCE = 1000
LONGEST_WINDOW = timedelta(days=600)  # of offers after a sale; what ended before it is not asked about
UNDER_HAMMER = ("sold", "cancelled")  # the record of the sale has told the bids


class Closed(NamedTuple):
    """What a list says of a closed sale."""

    public_id: str
    title_en: str
    title_zh: str
    currency: str
    zone: str
    first_close_at: datetime | None
    entity: str
    offer_days: int | None


_CLOSED: Select[Any] = select(
    *(getattr(Sale, name) for name in Closed._fields[:-1]), Sale.rules["passed_offer_days"].as_integer()
)


class Again(NamedTuple):
    """The lot in which the same stones were offered once more."""

    lot: str
    number: str
    sale: str


class Line(NamedTuple):
    """A lot of the archive as this reader may see it. Of one that is `withheld` the row has no word and no figure but
    its number, how it ended, and its bids."""

    row: ResultLot
    sale: Closed
    again: Again | None
    tells_bids: bool
    takes_offers: bool
    withheld: bool

    @property
    def total(self) -> int:
        return self.row.hammer + self.row.premium


@dataclass(frozen=True, slots=True)
class Money:
    """The sums of a question in one currency."""

    currency: str
    sold: int
    sold_after: int
    cancelled: int
    passed: int
    withdrawn: int
    hammer: int
    premium: int
    low_sold: int
    low_offered: int
    against: Mapping[str, int]
    steps: Sequence[int]

    @property
    def offered(self) -> int:
        return self.sold + self.sold_after + self.cancelled + self.passed

    @property
    def by_lot_bp(self) -> int | None:
        return share_bp(self.sold, self.offered)

    @property
    def by_value_bp(self) -> int | None:
        """Of the low estimates of everything offered, the part that was sold."""
        return share_bp(self.low_sold, self.low_offered)

    @property
    def total(self) -> int:
        return self.hammer + self.premium


class Point(NamedTuple):
    weight_mct: int
    per_carat: int
    tone: str


async def closed_sales(session: AsyncSession) -> list[Closed]:
    """The sales whose results stand, the latest first."""
    found = _CLOSED.where(Sale.state.in_(CLOSED), Sale.rules_hash.is_not(None))
    rows = await session.execute(found.order_by(Sale.first_close_at.desc(), Sale.id.desc()).limit(MOST_SALES))
    return [Closed(*row) for row in rows]


def main_currency(sales: Iterable[Closed]) -> str:
    """The currency in which most of the sales were held."""
    count: dict[str, int] = {}
    for sale in sales:
        count[sale.currency] = count.get(sale.currency, 0) + 1
    return max(count, key=lambda code: count[code], default="USD")


async def withheld_of(session: AsyncSession, actor: Actor) -> frozenset[str]:
    """The lots of the archive of which this reader is told no word."""
    if actor.is_staff:
        return frozenset()
    lost = withheld_lots(actor).subquery()
    return frozenset(await session.scalars(select(ResultLot.lot).join(lost, lost.c.public_id == ResultLot.lot)))


async def sums(session: AsyncSession, asked: Asked, kept: Collection[str]) -> list[Money]:
    """One for each currency, the one with most lots first. The estimate of a withheld lot is in none."""
    by = (ResultLot.currency, ResultLot.state, ResultLot.against, ResultLot.step)
    low = case((ResultLot.lot.in_(kept), 0), else_=ResultLot.low) if kept else ResultLot.low
    added = [func.count(), *(func.sum(column) for column in (ResultLot.hammer, ResultLot.premium, low))]
    meant = conditions(asked, kept)
    rows: Sequence[Any] = (await session.execute(select(*by, *added).where(*meant).group_by(*by))).all()
    found = [_money(code, [row for row in rows if row[0] == code]) for code in dict.fromkeys(row[0] for row in rows)]
    return sorted(found, key=lambda one: (-one.offered - one.withdrawn, one.currency))


def _money(currency: str, rows: Sequence[Any]) -> Money:
    lots, low = dict.fromkeys(STATES, 0), dict.fromkeys(STATES, 0)
    against, steps = dict.fromkeys(("below", "within", "above"), 0), [0] * STEPS
    hammer = premium = 0
    for _, state, where, step, n, hammers, premiums, lows in rows:
        lots[state] += n
        low[state] += int(lows)  # a sum of PostgreSQL is a decimal
        if state == "sold":
            if where:  # an estimate on request is compared with nothing
                against[where] += n
                steps[step] += n
            hammer, premium = hammer + int(hammers), premium + int(premiums)
    return Money(
        currency,
        sold=lots["sold"],
        sold_after=lots["sold_after"],
        cancelled=lots["cancelled"],
        passed=lots["passed"],
        withdrawn=lots["withdrawn"],
        hammer=hammer,
        premium=premium,
        low_sold=low["sold"],
        low_offered=sum(low.values()) - low["withdrawn"],
        against=against,
        steps=tuple(steps),
    )


async def page_of(
    session: AsyncSession, asked: Asked, after: After | None, size: int, kept: Collection[str]
) -> tuple[list[ResultLot], After | None]:
    """The next lots in the order asked for, and the mark of the page after them."""
    key, before = asked.key, after.shown if after else 0
    wanted = select(ResultLot).where(*conditions(asked, kept))
    if after is not None:
        place = tuple_(key, ResultLot.id)
        at = (from_micros(after.key) if key is ResultLot.ended_at else after.key, after.id)
        wanted = wanted.where(place < at if asked.descending else place > at)
    order = (key.desc(), ResultLot.id.desc()) if asked.descending else (key, ResultLot.id)
    rows = list(await session.scalars(wanted.order_by(*order).limit(size + 1)))
    if len(rows) <= size:
        return rows, None
    last = rows[size - 1]
    stands = getattr(last, key.key)
    mark = After(micros(stands) if isinstance(stands, datetime) else stands, last.id, before + size)
    return rows[:size], mark


async def lines(session: AsyncSession, rows: Sequence[ResultLot], actor: Actor, now: datetime) -> list[Line]:
    """The rows with their sales, and with the lots that offered the same again."""
    wanted = _CLOSED.where(Sale.public_id.in_({row.sale for row in rows}))
    sales = {sale[0]: Closed(*sale) for sale in await session.execute(wanted)}
    again = await offered_again(session, [row.lot for row in rows if row.state != "sold"])
    lost = await withheld(session, [row.lot for row in rows], actor)
    return [
        Line(
            _bare(row) if row.lot in lost else row,
            sales[row.sale],
            again.get(row.lot),
            row.state in UNDER_HAMMER or actor.is_staff or now >= row.bids_told_at or row.lot in again,
            row.state == "passed" and row.lot not in again and _takes_offers(sales[row.sale], row.ended_at, now),
            row.lot in lost,
        )
        for row in rows
    ]


def _bare(row: ResultLot) -> ResultLot:
    """A withheld lot in the archive: what its book says, and nothing that its stones are known by."""
    told = {name: getattr(row, name) for name in ("lot", "sale", "number", "currency", "state", "ended_at")}
    told |= {name: getattr(row, name) for name in ("hammer", "premium", "bids", "bidders", "bids_told_at")}
    nothing = dict.fromkeys(("shape", "tone", "color", "fancy_color", "clarity", "lab", "against"), "")
    noughts = dict.fromkeys(("stones", "weight_mct", "low", "high", "per_carat", "against_bp", "step"), 0)
    return ResultLot(title_en=WITHHELD["en"], title_zh=WITHHELD["zh"], **told, **nothing, **noughts)


def _takes_offers(sale: Closed, ended_at: datetime, now: datetime) -> bool:
    """Whether a buyer could offer for a lot that passed then."""
    if sale.offer_days is None or ended_at < now - LONGEST_WINDOW:
        return False
    return sequels.takes_offers(ended_at, sale.zone, sale.offer_days, sale.entity, now)


async def offered_again(session: AsyncSession, lots: Sequence[str]) -> dict[str, Again]:
    """By the old lot: the new one, as soon as its sale is published."""
    if not lots:
        return {}
    new = (
        select(Lot, Sale.public_id)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(Lot.reoffer_of.in_(lots), Sale.state != SaleState.DRAFT, Lot.state != LotState.DRAFT)
    )
    return {
        lot.reoffer_of: Again(lot.public_id, lot.number_text, sale)
        for lot, sale in await session.execute(new)
        if lot.reoffer_of is not None
    }


async def points(session: AsyncSession, asked: Asked, currency: str, kept: Collection[str]) -> list[Point]:
    """The latest sold lots of the question, for the chart of prices."""
    wanted = select(ResultLot.weight_mct, ResultLot.per_carat, ResultLot.tone).where(
        *conditions(asked, kept), ResultLot.state == "sold", ResultLot.currency == currency, ResultLot.per_carat > 0
    )
    rows = await session.execute(wanted.order_by(ResultLot.ended_at.desc(), ResultLot.id.desc()).limit(POINTS))
    return [Point(*row) for row in rows]


class Sums:
    """Sums and points of the questions asked last. They hold until the archive has grown or a lot of it says what
    became of it."""

    MOST = 64

    def __init__(self) -> None:
        self._grown: tuple[int, int] = (-1, -1)
        self._held: dict[tuple[str, frozenset[str]], tuple[list[Money], list[Point]]] = {}

    async def of(self, session: AsyncSession, asked: Asked, kept: frozenset[str]) -> tuple[list[Money], list[Point]]:
        said = select(func.sum(LotSequel.id)).join(ResultLot, ResultLot.lot == LotSequel.lot)
        said = said.where(ResultLot.state == LotSequel.became)
        grown = (await session.scalar(select(func.max(ResultLot.id))) or 0, int(await session.scalar(said) or 0))
        if grown != self._grown:
            self._held, self._grown = {}, grown
        question = (replace(asked, sort=USUAL).address(), kept)
        if question not in self._held:
            asked = replace(asked, sort=USUAL)
            found = await sums(session, asked, kept)
            drawn = next((one for one in found if one.sold), None)
            if len(self._held) >= self.MOST:
                self._held.pop(next(iter(self._held)), None)
            self._held[question] = found, await points(session, asked, drawn.currency, kept) if drawn else []
        return self._held[question]


async def everything(sessions: Sessions, asked: Asked, actor: Actor, now: datetime) -> AsyncIterator[Line]:
    """All lots of the question, read some at a time, so that no transaction lasts as long as the download."""
    after: After | None = None
    while True:
        async with reading(sessions) as session:
            kept = await withheld_of(session, actor)
            rows, after = await page_of(session, asked, after, EXPORTED_AT_ONCE, kept)
            found = await lines(session, rows, actor, now)
        for line in found:
            yield line
        if after is None:
            return
