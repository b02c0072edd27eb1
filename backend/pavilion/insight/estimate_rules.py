"""Which results are of like stones, and what they say of a price. Pure, exact until it is shown.

Like stones are of one species, variety, shape, colour, clarity, hue and intensity, size band, group of cuts and group
of fluorescences (catalogue spec 7). Percentiles lie between two results in proportion to the distance."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from pavilion.auctions.evidence import Span
from pavilion.catalogue.models import Stone
from pavilion.catalogue.position import CUTS, FLUORESCENCES, band_of
from pavilion.insight.price_index import Step
from pavilion.insight.price_models import LEAST
from pavilion.insight.quarters import quarter_of
from pavilion.kernel.money import half_up

BACK_YEARS = 2


class Grades(NamedTuple):
    """What two like stones have in common."""

    species: str
    variety: str
    shape: str
    color: str
    clarity: str
    hue: str
    intensity: str
    band: int
    cut: int | str
    fluorescence: int | str


def grades(stone: Stone, weight_mct: int) -> Grades:
    """Of the stone at this weight."""
    return Grades(
        stone.species,
        stone.variety or "",
        stone.shape,
        stone.color or "",
        stone.clarity or "",
        stone.fancy_color or "",
        stone.fancy_intensity or "",
        band_of(weight_mct)[0],
        _group(stone.cut, CUTS),
        _group(stone.fluor_intensity, FLUORESCENCES),
    )


def since(now: datetime) -> datetime:
    """Twenty-four months before; on the last day of a leap February, the day before it."""
    day = 28 if (now.month, now.day) == (2, 29) else now.day
    return now.replace(year=now.year - BACK_YEARS, day=day)


def factor(steps: Sequence[Step], at: datetime) -> Fraction:
    """By how much a price of that day has to be taken to stand against the last quarter that was told. A quarter that
    was not told counts as the one before it, a time before the index as its beginning."""
    told = [(step.quarter, step.tenths) for step in steps if step.tenths]
    if not told:
        return Fraction(1)
    then = [tenths for quarter, tenths in told if quarter <= quarter_of(at)] or [told[0][1]]
    return Fraction(told[-1][1], then[-1])


def span(prices: Sequence[Fraction], weight_mct: int) -> Span | None:
    """From the adjusted prices per carat; none of fewer than five. What is cut off widens the span."""
    if len(prices) < LEAST:
        return None
    order = sorted(prices)
    first, middle, last = (percentile(order, percent) for percent in (25, 50, 75))
    low, high = first * weight_mct / 1000, last * weight_mct / 1000
    spread = (last - first) * 10_000 / middle
    return Span(
        low.numerator // low.denominator,
        -(-high.numerator // high.denominator),
        (rounded(first), rounded(middle), rounded(last)),
        rounded(spread),
    )


def percentile(order: Sequence[Fraction], percent: int) -> Fraction:
    """Of prices that rise."""
    place = Fraction((len(order) - 1) * percent, 100)
    below = place.numerator // place.denominator
    above = min(below + 1, len(order) - 1)
    return order[below] + (order[above] - order[below]) * (place - below)


def rounded(value: Fraction) -> int:
    return half_up(value.numerator, value.denominator)


def _group(value: str | None, groups: Sequence[Sequence[str]]) -> int | str:
    """What a report does not say is a group of its own."""
    return next((place for place, group in enumerate(groups) if value in group), value or "")
