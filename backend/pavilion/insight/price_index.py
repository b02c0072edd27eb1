"""An index of what the house sold, quarter by quarter: like is held against like, so that a quarter of better stones is
no dearer quarter.

Stones are counted in the strata of the coarse grid. A quarter is held against the last one that was told: over the
strata that both have, the middle prices of both are summed with the smaller of the two counts as weight, and the index
moves by the ratio of the sums. Both sides need five results or more, or the quarter is not told. Exact until it is
shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.insight.price_cells import median, place_of
from pavilion.insight.price_models import LEAST
from pavilion.insight.quarters import Quarter, quarter_of
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.money import half_up

BASE = 1000  # tenths: the first quarter is 100.0
Stratum = tuple[str, ...]


class Sold(NamedTuple):
    at: datetime
    stratum: Stratum
    per_carat: int


class Step(NamedTuple):
    """A quarter of the index in tenths; none is told where too little can be compared. `n`: results of the quarter that
    were compared, with `before_n` of the quarter before it."""

    quarter: Quarter
    tenths: int | None
    n: int
    before_n: int
    strata: int


async def index(session: AsyncSession, currency: str, now: datetime) -> list[Step]:
    """Of white diamonds sold singly, over the quarters that have ended."""
    wanted = select(
        *(ResultLot.ended_at, ResultLot.shape, ResultLot.weight_mct, ResultLot.color, ResultLot.clarity),
        ResultLot.per_carat,
    ).where(
        ResultLot.state == "sold",
        ResultLot.stones == 1,
        ResultLot.color != "",
        ResultLot.per_carat > 0,
        ResultLot.currency == currency,
        ResultLot.ended_at < datetime.combine(quarter_of(now).first_day, datetime.min.time(), now.tzinfo),
    )
    rows = []
    for at, shape, weight, color, clarity, per_carat in await session.execute(wanted):
        place = place_of(shape, weight, color, "", clarity)
        if place.coarse:
            rows.append(Sold(at, tuple(place[4:]), per_carat))
    return steps(rows)


def steps(rows: Iterable[Sold]) -> list[Step]:
    """The index from its first quarter with enough results, every quarter since in order."""
    held: dict[Quarter, dict[Stratum, list[int]]] = {}
    for row in rows:
        held.setdefault(quarter_of(row.at), {}).setdefault(row.stratum, []).append(row.per_carat)
    told: list[Step] = []
    level, before = Fraction(BASE), None
    for quarter in sorted(held):
        cells = held[quarter]
        if before is None:
            n = sum(map(len, cells.values()))
            if n >= LEAST:
                before = cells
                told.append(Step(quarter, BASE, n, 0, len(cells)))
            continue
        step, ratio = _against(quarter, before, cells)
        if ratio is not None:
            level *= ratio
            before = cells
            step = step._replace(tenths=half_up(level.numerator, level.denominator))
        told.append(step)
    return told


def _against(
    quarter: Quarter, before: dict[Stratum, list[int]], cells: dict[Stratum, list[int]]
) -> tuple[Step, Fraction | None]:
    both = sorted(before.keys() & cells.keys())
    n, before_n = (sum(len(side[one]) for one in both) for side in (cells, before))
    if min(n, before_n) < LEAST:
        return Step(quarter, None, 0, 0, 0), None
    weights: Sequence[int] = [min(len(cells[one]), len(before[one])) for one in both]
    new, old = (
        sum(weight * median(side[one]) for weight, one in zip(weights, both, strict=True)) for side in (cells, before)
    )
    return Step(quarter, None, n, before_n, len(both)), Fraction(new, old)
