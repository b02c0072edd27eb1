"""The cells in which prices are told, and what is told of one: how many, the middle, the span, the last day. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pavilion.catalogue.nomenclature import nomenclature
from pavilion.catalogue.position import BAND_STARTS, band_of
from pavilion.insight.grid import CLARITIES, COLORS, SHAPES
from pavilion.insight.price_models import LEAST
from pavilion.insight.result_rules import size
from pavilion.kernel.money import half_up

HEAVIEST = 10**9  # milli-carats, beyond every stone


class Place(NamedTuple):
    """Where a single stone belongs: the narrow cell, and the coarse one around it. Of a fancy colour `tone` is the hue,
    `grade` the intensity and `clarity_group` empty. `fine` or `coarse`: there is such a cell at all."""

    shape: str
    band: str
    color: str
    grade: str
    shape_group: str
    size: str
    tone: str
    clarity_group: str

    @property
    def fine(self) -> bool:
        return bool(self.grade)

    @property
    def coarse(self) -> bool:
        return bool(self.clarity_group) or self.color == self.tone


class Figure(NamedTuple):
    """Of so many prices per carat in minor units; the middle of an even number is the mean of the two, half up."""

    n: int
    low: int
    median: int
    high: int
    last_at: datetime | None
    first_at: datetime | None = None


def place_of(shape: str, weight_mct: int, color: str, fancy: str, grade: str) -> Place:
    group = next((name for name, members in SHAPES if shape in members), "other")
    if fancy:
        return Place(shape, band_name(weight_mct), fancy, grade, group, size(weight_mct), fancy, "")
    tone = next((name for name, letters in COLORS if color and color[0] in letters), "")
    clarity = next((name for name, members in CLARITIES if grade in members), "")
    return Place(shape, band_name(weight_mct), color, grade, group, size(weight_mct), tone, clarity)


def band_name(weight_mct: int) -> str:
    """`1.00-1.49`, as reports round; the last has no end."""
    least, upto = band_of(weight_mct)
    return f"{_ct(least)}-{_ct(upto - 10)}" if upto else f"{_ct(least)}-"


def bands() -> list[tuple[str, int, int]]:
    """Every narrow band with its ends, the second not included."""
    ends = [*BAND_STARTS[1:], HEAVIEST]
    return [(band_name(least), least, upto) for least, upto in zip(BAND_STARTS, ends, strict=True)]


def shapes_of(group: str) -> tuple[str, ...]:
    """The shapes of a group; what belongs to none is of `other`."""
    grouped = dict(SHAPES)
    if grouped.get(group):
        return grouped[group]
    taken = {shape for members in grouped.values() for shape in members}
    return tuple(shape for shape in nomenclature().codes["shape"] if shape not in taken)


def median(prices: Sequence[int]) -> int:
    order = sorted(prices)
    middle = len(order) // 2
    return order[middle] if len(order) % 2 else half_up(order[middle - 1] + order[middle], 2)


def figure(prices: Sequence[int], last_at: datetime | None = None, first_at: datetime | None = None) -> Figure | None:
    """None where there are too few to say anything, not even how few."""
    if len(prices) < LEAST:
        return None
    return Figure(len(prices), min(prices), median(prices), max(prices), last_at, first_at)


def colors_of(row: str) -> tuple[str, ...]:
    """The grades of colour that a row of a grid stands for, or the one that it is."""
    letters = dict(COLORS).get(row)
    known = (*nomenclature().codes["color"], *nomenclature().codes["color_range"])
    return tuple(code for code in known if code[0] in letters) if letters else (row,)


def clarities_of(col: str) -> tuple[str, ...]:
    return dict(CLARITIES).get(col, (col,))


class Grid(NamedTuple):
    """Colours down, clarities across. A cell that is not there is not told. The sums hold told cells alone: from no two
    figures of a grid follows anything of a cell that is not told, because none of them counts it."""

    rows: Sequence[str]
    cols: Sequence[str]
    cells: Mapping[tuple[str, str], Figure]
    row_n: Mapping[str, int]
    col_n: Mapping[str, int]
    n: int

    def shade(self, row: str, col: str) -> int:
        """1 to 5 by fifths of the middles that are told."""
        order = sorted(one.median for one in self.cells.values())
        mine = self.cells[row, col].median
        return 1 + sum(mine > order[len(order) * step // 5] for step in range(1, 5))


def grid(rows: Iterable[str], cols: Iterable[str], told: Mapping[tuple[str, str], Figure]) -> Grid:
    rows, cols = list(rows), list(cols)
    cells = {place: told[place] for row in rows for col in cols if (place := (row, col)) in told}
    return Grid(
        rows,
        cols,
        cells,
        {row: sum(one.n for (r, _), one in cells.items() if r == row) for row in rows},
        {col: sum(one.n for (_, c), one in cells.items() if c == col) for col in cols},
        sum(one.n for one in cells.values()),
    )


def _ct(mct: int) -> str:
    return f"{mct // 1000}.{mct % 1000 // 10:02d}"
