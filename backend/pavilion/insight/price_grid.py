"""Reads of told prices: the grid by colour and clarity, the same of asking prices, and the hues."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import asking
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.insight import price_cells
from pavilion.insight.grid import CLARITIES, COLORS, SHAPES, SIZES
from pavilion.insight.price_cells import Figure, Grid, figure
from pavilion.insight.price_models import PriceBatch, PriceResult
from pavilion.insight.result_asking import Asked

PERIODS: Mapping[str, int | None] = {"12": 12, "24": 24, "all": None}  # months back; 24 is usual
MONTH = timedelta(days=365) / 12
GRAINS, SOURCES = ("groups", "grades"), ("results", "asking")
GROUPS = tuple(name for name, _ in SHAPES)
_WHITE = tuple(name for name, letters in COLORS if letters)
_GRADES = 12  # clarities from FL to I3


class Wanted(NamedTuple):
    """One grid. `size` is a size of the coarse grid, or a narrow band where grades are asked for."""

    source: str
    grain: str
    shape: str
    size: str
    period: str
    currency: str

    @property
    def rows(self) -> tuple[str, ...]:
        codes = nomenclature().codes
        return _WHITE if self.grain == "groups" else (*codes["color"][:10], *codes["color_range"])

    @property
    def cols(self) -> tuple[str, ...]:
        codes = nomenclature().codes
        return tuple(name for name, _ in CLARITIES) if self.grain == "groups" else codes["clarity"][:_GRADES]


class Hue(NamedTuple):
    hue: str
    figure: Figure


def sizes_of(grain: str) -> list[tuple[str, int, int]]:
    """Name and ends of each size that may be asked for."""
    if grain == "grades":
        return price_cells.bands()
    starts = [0, *(upto for _, upto in SIZES[:-1])]
    return [(name, least, upto) for (name, upto), least in zip(SIZES, starts, strict=True)]


async def currencies(session: AsyncSession) -> list[str]:
    """Those in which prices are told, the one with most first."""
    counted = select(PriceBatch.currency, func.sum(PriceBatch.n)).group_by(PriceBatch.currency)
    rows = (await session.execute(counted)).all()
    return [code for code, _ in sorted(rows, key=lambda row: (-int(row[1]), row[0]))]


async def richest(session: AsyncSession, currency: str) -> tuple[str, str]:
    """The shape and size of which most is told."""
    by = (PriceBatch.shape_group, PriceBatch.size)
    counted = select(*by, func.sum(PriceBatch.n)).where(PriceBatch.currency == currency, PriceBatch.clarity_group != "")
    rows = (await session.execute(counted.group_by(*by))).all()
    best = max(rows, key=lambda row: (int(row[2]), row[0], row[1]), default=None)
    return (best[0], best[1]) if best else ("round", "1.00-1.99")


async def told(session: AsyncSession, wanted: Wanted, now: datetime) -> Grid:
    """From own results: whole batches, those of the coarse grid together with the narrow ones within it."""
    batch = PriceBatch
    narrow = wanted.grain == "grades"
    keys = (batch.color, batch.grade) if narrow else (batch.tone, batch.clarity_group)
    where = [batch.shape_group == wanted.shape, batch.currency == wanted.currency, *_since(wanted.period, now)]
    where += [batch.fine.is_(True), batch.band == wanted.size] if narrow else [batch.size == wanted.size]
    return price_cells.grid(wanted.rows, wanted.cols, await _figures(session, keys, where))


async def asked(session: AsyncSession, wanted: Wanted) -> Grid:
    """From what listed stones ask now."""
    _, least, upto = next(one for one in sizes_of(wanted.grain) if one[0] == wanted.size)
    rows = await asking.white_asked(session, price_cells.shapes_of(wanted.shape), least, upto, wanted.currency)
    groups = wanted.grain == "groups"
    cells: dict[tuple[str, str], list[int]] = {}
    for one in rows:
        place = price_cells.place_of("", least, one.color, "", one.clarity)
        cell = (place.tone, place.clarity_group) if groups else (one.color, one.clarity)
        cells.setdefault(cell, []).append(one.ppc)
    return price_cells.grid(wanted.rows, wanted.cols, _enough(cells.items()))


async def hues(session: AsyncSession, currency: str, period: str, now: datetime) -> list[Hue]:
    """Own results by hue, all shapes and sizes of it together, the dearest first."""
    where = [PriceBatch.clarity_group == "", PriceBatch.currency == currency, *_since(period, now)]
    found = await _figures(session, (PriceBatch.tone, PriceBatch.clarity_group), where)
    return sorted((Hue(hue, one) for (hue, _), one in found.items()), key=lambda one: -one.figure.median)


def opened(wanted: Wanted, row: str, col: str, told: Figure) -> str:
    """Where every result stands that a told cell speaks of: the archive, asked for what the cell holds since the first
    of them. Those that are not told yet stand there too; each of them is public by itself."""
    _, least, upto = next(one for one in sizes_of(wanted.grain) if one[0] == wanted.size)
    weight = least or None, None if upto >= price_cells.HEAVIEST else upto - 1
    chosen = {
        "state": ("sold",), "shape": price_cells.shapes_of(wanted.shape), "color": price_cells.colors_of(row),
        "clarity": price_cells.clarities_of(col),
    }  # fmt: skip
    return Asked(chosen, weight, days=(_day(told), None), currency=wanted.currency).address()


def opened_hue(hue: str, currency: str, told: Figure) -> str:
    """The same of a hue."""
    return Asked({"state": ("sold",), "color": (hue,)}, days=(_day(told), None), currency=currency).address()


def _day(told: Figure) -> date | None:
    return told.first_at.astimezone(UTC).date() if told.first_at is not None else None


def _since(period: str, now: datetime) -> list[Any]:
    months = PERIODS[period]
    return [] if months is None else [PriceBatch.last_at >= now - months * MONTH]


async def _figures(session: AsyncSession, keys: Sequence[Any], where: Sequence[Any]) -> dict[tuple[str, str], Figure]:
    prices: dict[tuple[str, str], list[int]] = {}
    ends: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    wanted = select(*keys, PriceBatch.first_at, PriceBatch.last_at, PriceResult.per_carat).join(
        PriceResult, PriceResult.batch_id == PriceBatch.id
    )
    rows: Sequence[Any] = (await session.execute(wanted.where(*where))).all()
    for row, col, first, last, per_carat in rows:
        prices.setdefault((row, col), []).append(per_carat)
        known = ends.get((row, col), (first, last))
        ends[row, col] = min(first, known[0]), max(last, known[1])
    return _enough(prices.items(), ends)


def _enough(
    cells: Iterable[tuple[tuple[str, str], Sequence[int]]],
    ends: Mapping[tuple[str, str], tuple[datetime, datetime]] | None = None,
) -> dict[tuple[str, str], Figure]:
    found = ((cell, figure(prices, *(reversed(ends[cell]) if ends else ()))) for cell, prices in cells)
    return {cell: one for cell, one in found if one is not None}
