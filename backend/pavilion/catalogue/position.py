"""Where a price per carat stands among like stones: its rank, the share that asks more, and what the others ask.

Like stones are listed, not sold, priced in the same currency, and of the same species, variety, shape, colour and
clarity, size band, group of cuts and group of fluorescences (catalogue spec 7). The stone itself is not among the
others, so that their figures stand still while its price is tried."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.benchmarks import Beside, beside
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import LISTED, sees_price_of, sees_prices
from pavilion.kernel.money import half_up

# Where a size band begins, in milli-carats; it ends before the next.
BAND_STARTS = (0, 180, 230, 300, 400, 500, 700, 900, 1000, 1500, 2000, 3000, 4000, 5000, 10_000)
CUTS = (("ideal", "excellent"), ("very_good",), ("good", "fair", "poor"))
FLUORESCENCES = (("none", "very_slight", "slight", "faint"), ("medium",), ("strong", "very_strong"))
BEST = 10  # of whose prices the mean is told
LEAST_COMPANIES = 3  # others among whom nobody is known, for a reader who does not see their prices
SAME = ("species", "variety", "shape", "color", "clarity", "fancy_color", "fancy_intensity")


_SOLD = select(StoneCommitment.stone_id).where(
    StoneCommitment.stone_id == Stone.id,
    StoneCommitment.released_at.is_(None),
    StoneCommitment.kind == CommitmentKind.SOLD,
)
_COUNTS = and_(LISTED, Stone.price_per_carat_minor > 0, ~_SOLD.exists())  # it has a place among its like


class Others(NamedTuple):
    """What like stones ask per carat, rising. `withheld`: there are more, of too few companies to be told. `exact`: the
    reader sees each of these prices anyhow, and not only what follows from all of them."""

    prices: Sequence[int]
    withheld: bool
    exact: bool


class Position(NamedTuple):
    """One price per carat among the others, in minor units. `rank` 1 asks least; of equals all have the better one."""

    ppc: int
    n: int
    rank: int
    cheaper: int
    equal: int
    dearer: int
    share_bp: int  # of the others, those that ask more
    average: int
    best: int
    best_mean: int
    best_of: int  # so many stand in that mean

    @property
    def against_bp(self) -> int:
        """The price against the average of the others, in basis points."""
        return half_up((self.ppc - self.average) * 10_000, max(self.average, 1))


class Among(NamedTuple):
    """What the stone's page says beside its price; `stands` is none where there is nothing to stand among."""

    lists: Sequence[Beside]
    stands: Position | None
    withheld: bool


def band_of(mct: int) -> tuple[int, int | None]:
    """The size band: from, and up to but not including; the last has no end."""
    place = bisect_right(BAND_STARTS, mct)
    return BAND_STARTS[place - 1], BAND_STARTS[place] if place < len(BAND_STARTS) else None


def position(prices: Sequence[int], ppc: int) -> Position | None:
    """Where this price stands among prices that rise; None where there are none."""
    if not prices:
        return None
    n, cheaper = len(prices), bisect_left(prices, ppc)
    dearer = n - bisect_right(prices, ppc)
    best = prices[:BEST]
    return Position(
        ppc,
        n,
        rank=cheaper + 1,
        cheaper=cheaper,
        equal=n - cheaper - dearer,
        dearer=dearer,
        share_bp=half_up(dearer * 10_000, n),
        average=half_up(sum(prices), n),
        best=prices[0],
        best_mean=half_up(sum(best), len(best)),
        best_of=len(best),
    )


async def stood_at(session: AsyncSession, actor: Actor, stone: Stone, promised: StoneCommitment | None) -> Among | None:
    """The lists beside the stone and its position, for who sees what it asks, while it is to be had."""
    if not may_see(actor, stone) or (promised is not None and promised.kind == CommitmentKind.SOLD):
        return None
    found, asked = await others(session, actor, stone), stone.price_per_carat_minor
    return Among(await beside(session, stone), position(found.prices, asked) if asked else None, found.withheld)


def may_see(actor: Actor, stone: Stone) -> bool:
    """Whoever sees what the stone asks; of a stone that is not listed nobody compares the price."""
    return stone.listed and sees_price_of(actor, stone)


async def others(session: AsyncSession, actor: Actor, stone: Stone) -> Others:
    """What like stones ask. Its supplier, who sees no price of another member, is told of theirs only where they are of
    enough companies, and never which is whose."""
    asked = select(Stone.price_per_carat_minor, Stone.supplier_company_id).where(*like(stone), _COUNTS)
    found = [(ppc, company) for ppc, company in await session.execute(asked) if ppc is not None]
    if sees_prices(actor):
        return Others(sorted(ppc for ppc, _ in found), withheld=False, exact=True)
    companies = {company for _, company in found} - {stone.supplier_company_id}
    told = len(companies) >= LEAST_COMPANIES
    prices = sorted(ppc for ppc, company in found if told or company == stone.supplier_company_id)
    return Others(prices, withheld=bool(companies) and not told, exact=False)


class Strip(NamedTuple):
    """One line from the lowest price to the highest, 600 units wide: where each mark stands."""

    least: int
    most: int
    ticks: Sequence[int]
    best: int
    best_mean: int
    average: int
    asked: int | None
    tried: int | None


WIDE, LEFT = 600, 20


def strip(found: Others, asked: int | None, tried: int | None) -> Strip | None:
    """Where the figures of the others and this price stand; None where there is nothing to stand among."""
    stood = position(found.prices, asked or 0)
    if stood is None:
        return None
    marks = [stood.best, stood.average, *(price for price in (asked, tried) if price is not None)]
    least, most = min(marks), max([*marks, found.prices[-1]] if found.exact else marks)

    def at(price: int) -> int:
        return LEFT + (price - least) * WIDE // max(most - least, 1)

    return Strip(
        least,
        most,
        [at(price) for price in found.prices] if found.exact else [],
        at(stood.best),
        at(stood.best_mean),
        at(stood.average),
        None if asked is None else at(asked),
        None if tried is None else at(tried),
    )


def like(stone: Stone) -> list[ColumnElement[bool]]:
    """Of the stone's kind, whether listed or not, but not itself."""
    least, upto = band_of(stone.weight_mct)
    found = [
        *(_equal(getattr(Stone, name), getattr(stone, name)) for name in SAME),
        _grouped(Stone.cut, stone.cut, CUTS),
        _grouped(Stone.fluor_intensity, stone.fluor_intensity, FLUORESCENCES),
        Stone.weight_mct >= least,
        Stone.currency == stone.currency,
        Stone.id != stone.id,
    ]
    return found if upto is None else [*found, Stone.weight_mct < upto]


def _equal(column: Any, value: str | None) -> ColumnElement[bool]:
    same: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def _grouped(column: Any, value: str | None, groups: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """Of the same group; what a report does not say is a group of its own."""
    same: ColumnElement[bool] = next((column.in_(group) for group in groups if value in group), _equal(column, value))
    return same


def _group_of(column: Any, groups: Sequence[Sequence[str]]) -> ColumnElement[str]:
    """What two stones of one group have in common, as `_grouped` has it."""
    return case(*((column.in_(group), group[0]) for group in groups), else_=column)


def _ranked() -> Subquery:
    weight = Stone.weight_mct
    bands = [(weight < upto, place) for place, upto in enumerate(BAND_STARTS[1:])]
    alike = [
        *(getattr(Stone, name) for name in SAME),
        _group_of(Stone.cut, CUTS),
        _group_of(Stone.fluor_intensity, FLUORESCENCES),
        case(*bands, else_=len(bands)),
        Stone.currency,
    ]
    rank = func.rank().over(partition_by=alike, order_by=Stone.price_per_carat_minor)
    n = func.count().over(partition_by=alike)
    return select(Stone.id.label("id"), rank.label("rank"), n.label("n")).where(_COUNTS).subquery("ranked")


# Of every stone that counts its rank among its like, itself among them, and how many they are. Sorts by position only:
# it reads the whole catalogue.
RANKED = _ranked()
