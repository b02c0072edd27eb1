"""Estimates of stones from the results of like ones over 24 months (curation spec 6). Nothing is told here that is not
public of each result; the facts of the stones that were sold only decide which results are alike."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import bulk
from pavilion.auctions.evidence import Comparable, Evidence
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import Code, Finding
from pavilion.catalogue.models import Stone
from pavilion.insight import estimate_rules as rules
from pavilion.insight import price_index
from pavilion.insight.price_models import LEAST
from pavilion.insight.results_models import ResultLot

AT_ONCE = 400  # names in one statement
NOTHING = Evidence(0, None, False, ())


class Sold(NamedTuple):
    row: ResultLot
    title_en: str
    title_zh: str
    zone: str


async def of_stones(
    session: AsyncSession, stones: Sequence[Stone], currency: str, now: datetime
) -> Mapping[str, Evidence]:
    """What the archive says of each stone, by its public id."""
    sold = await _alike(session, stones, currency, now)
    white = any(stone.color and len(sold[rules.grades(stone, stone.weight_mct)]) >= LEAST for stone in stones)
    steps = await price_index.index(session, currency, now) if white else []
    return {stone.public_id: _evidence(stone, sold[rules.grades(stone, stone.weight_mct)], steps) for stone in stones}


async def outside_band(
    session: AsyncSession, sale: Sale, lots: Mapping[str, Sequence[str]], now: datetime
) -> list[Finding]:
    """A warning before publication: lots of a single stone whose estimate and that of like stones do not meet."""
    if sale.type == SaleType.COLLECTION:
        return []
    single = {lot: stones[0] for lot, stones in lots.items() if len(stones) == 1}
    estimated = Lot.low_minor.is_not(None) & Lot.high_minor.is_not(None)
    rows = await session.scalars(select(Lot).where(Lot.sale_id == sale.id, estimated).order_by(Lot.rank))
    wanted = [lot for lot in rows if lot.public_id in single]
    held = await stones_by_lot(session, [lot.id for lot in wanted])
    told = await of_stones(session, [stone for lot in wanted for stone in held[lot.id]], sale.currency, now)
    found = []
    for lot in wanted:
        span = told.get(single[lot.public_id], NOTHING).span
        if span is not None and lot.low_minor is not None and lot.high_minor is not None:
            low, high = bulk.outwards(span.low, span.high, sale.increments)
            if lot.high_minor < low or lot.low_minor > high:
                found.append(Finding(Code.ESTIMATE_OUTSIDE_BAND, lot.public_id, single[lot.public_id]))
    return found


async def _alike(
    session: AsyncSession, stones: Sequence[Stone], currency: str, now: datetime
) -> dict[rules.Grades, list[Sold]]:
    """Single stones that were sold since and are like one of these, the latest first."""
    cells = sorted({_cell(stone) for stone in stones})
    found: dict[rules.Grades, list[Sold]] = defaultdict(list)
    for start in range(0, len(cells), AT_ONCE):
        rows = [Sold(*row) for row in await session.execute(_sold(cells[start : start + AT_ONCE], currency, now))]
        was = await _stones_of(session, [one.row.lot for one in rows])
        for one in rows:
            if (stone := was.get(one.row.lot)) is not None:
                found[rules.grades(stone, one.row.weight_mct)].append(one)
    for several in found.values():
        several.sort(key=lambda one: (one.row.ended_at, one.row.id), reverse=True)
    return found


def _cell(stone: Stone) -> tuple[str, ...]:
    return tuple(getattr(stone, name) or "" for name in _CELL)


_CELL = ("shape", "color", "fancy_color", "clarity")


def _sold(cells: Sequence[tuple[str, ...]], currency: str, now: datetime) -> Select[ResultLot, str, str, str]:
    wanted = select(ResultLot, Sale.title_en, Sale.title_zh, Sale.zone).join(Sale, Sale.public_id == ResultLot.sale)
    return wanted.where(
        ResultLot.state == "sold",
        ResultLot.stones == 1,
        ResultLot.per_carat > 0,
        ResultLot.currency == currency,
        ResultLot.ended_at >= rules.since(now),
        ResultLot.ended_at <= now,
        tuple_(*(getattr(ResultLot, name) for name in _CELL)).in_(cells),
    )


async def _stones_of(session: AsyncSession, lots: Sequence[str]) -> dict[str, Stone]:
    """The single stone of each lot that was sold."""
    found: dict[str, Stone] = {}
    for start in range(0, len(lots), AT_ONCE):
        some = select(Lot.id, Lot.public_id).where(Lot.public_id.in_(lots[start : start + AT_ONCE]))
        named: dict[int, str] = dict((await session.execute(some)).all())
        held = await stones_by_lot(session, list(named))
        found |= {named[id_]: stones[0] for id_, stones in held.items() if len(stones) == 1}
    return found


def _evidence(stone: Stone, sold: Sequence[Sold], steps: Sequence[price_index.Step]) -> Evidence:
    """The index is of white diamonds: a fancy colour is held against prices as they were paid."""
    indexed = bool(stone.color) and not stone.fancy_color and any(step.tenths for step in steps)
    adjusted = [one.row.per_carat * (rules.factor(steps, one.row.ended_at) if indexed else Fraction(1)) for one in sold]
    return Evidence(
        len(sold),
        rules.span(adjusted, stone.weight_mct),
        indexed,
        [_comparable(one, price) for one, price in zip(sold, adjusted, strict=True)],
    )


def _comparable(one: Sold, adjusted: Fraction) -> Comparable:
    row = one.row
    return Comparable(
        row.lot,
        row.number,
        one.title_en,
        one.title_zh,
        row.ended_at,
        one.zone,
        row.weight_mct,
        row.per_carat,
        rules.rounded(adjusted),
    )
