"""Where everything stands in the charts, in whole units of their drawing. Pure; the templates only draw it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pavilion.insight.grid import CLARITIES, COLORS, COLS, ROWS, SHAPES, SIZES, Row
from pavilion.insight.models import Comparison
from pavilion.insight.queries import Figures

BAR_WIDE, BAR_HIGH = 190, 22
CELL = 44
SMALL_WIDE, SMALL_HIGH = 12, 20
SHADES = 5
GAP_WIDE = 260


class BarShown(NamedTuple):
    size: str
    mct: int | None
    before: int | None
    y: int
    width: int
    before_x: int | None


class Shape(NamedTuple):
    """One shape: what was polished of it by size."""

    name: str
    bars: Sequence[BarShown]
    known: bool


class Square(NamedTuple):
    row: str
    col: str
    mct: int | None
    shade: int | None  # none: not told
    x: int
    y: int


class Matrix(NamedTuple):
    name: str
    squares: Sequence[Square]


class Pair(NamedTuple):
    """The own yield beside that of the others."""

    row: str
    col: str
    own_bp: int
    peer_bp: int
    y: int
    own_x: int
    peer_x: int


class Pairs(NamedTuple):
    rows: Sequence[Pair]
    ticks: Sequence[tuple[int, int]]  # place and basis points
    high: int


def by_size(now: Figures, before: Figures | None) -> list[Shape]:
    """Small multiples on one scale: carats polished by size, for each shape; the quarter before as a mark."""
    earlier: Mapping[str, int | None] = before.row_totals if before else {}
    told = [mct for totals in (now.row_totals, earlier) for mct in totals.values() if mct]
    most = max(told, default=1)
    shapes = []
    for shape, _ in SHAPES:
        bars = []
        for place, (size, _) in enumerate(SIZES):
            row = str(Row(size, shape))
            mct, was = now.row_totals.get(row), earlier.get(row)
            mark = None if was is None else was * BAR_WIDE // most
            bars.append(BarShown(size, mct, was, place * BAR_HIGH, (mct or 0) * BAR_WIDE // most, mark))
        shapes.append(Shape(shape, bars, any(bar.mct is not None for bar in bars)))
    return shapes


def by_grade(now: Figures) -> list[Square]:
    """One matrix: carats polished by colour down and clarity across, of all sizes and shapes."""
    shade = _shades([mct for mct in now.col_totals.values() if mct])
    return [
        Square(
            color,
            clarity,
            now.col_totals.get(f"{color} {clarity}"),
            shade(now.col_totals.get(f"{color} {clarity}")),
            across * CELL * 2,
            down * CELL,
        )
        for down, (color, _) in enumerate(COLORS)
        for across, (clarity, _) in enumerate(CLARITIES)
    ]


def whole_grid(now: Figures) -> list[Matrix]:
    """Every cell of the grid, one panel a shape: sizes down, clarities within colours across."""
    shade = _shades([mct for mct in now.cells.values() if mct])
    panels = []
    for shape, _ in SHAPES:
        squares = []
        for down, (size, _) in enumerate(SIZES):
            for across, col in enumerate(COLS):
                row = str(Row(size, shape))
                mct = now.cells.get((row, str(col)), 0)
                x = across * SMALL_WIDE + across // len(CLARITIES) * 4
                squares.append(Square(row, str(col), mct, shade(mct), x, down * SMALL_HIGH))
        panels.append(Matrix(shape, squares))
    return panels


def beside_peers(rows: Sequence[Comparison]) -> Pairs:
    """Yields in the order of the grid, on one scale that spans them all in whole tenths."""
    order = {(str(row), str(col)): place for place, (row, col) in enumerate((r, c) for r in ROWS for c in COLS)}
    found = sorted(rows, key=lambda one: order.get((one.row, one.col), 0))
    values = [bp for one in found for bp in (one.own_bp, one.peer_median_bp)]
    low, high = min(values, default=0) // 500 * 500, -(-max(values, default=500) // 500) * 500
    span = max(high - low, 500)

    def at(bp: int) -> int:
        return (bp - low) * GAP_WIDE // span

    pairs = [
        Pair(one.row, one.col, one.own_bp, one.peer_median_bp, place * 24, at(one.own_bp), at(one.peer_median_bp))
        for place, one in enumerate(found)
    ]
    return Pairs(pairs, [(at(bp), bp) for bp in range(low, low + span + 1, 500)], len(found) * 24)


def of(pairs: Sequence[Pair], size: str, shape: str) -> list[Pair]:
    """Those of this size and shape; an empty word, or one the grid does not have, asks for all."""
    wanted = {
        str(row)
        for row in ROWS
        if (row.size == size or size not in dict(SIZES)) and (row.shape == shape or shape not in dict(SHAPES))
    }
    return [pair for pair in pairs if pair.row in wanted]


class _Shading(NamedTuple):
    bounds: tuple[int, ...]

    def __call__(self, mct: int | None) -> int | None:
        """0 for nothing, 1 to 5 by fifths of the told figures; None for what is not told."""
        if mct is None:
            return None
        return 0 if mct == 0 else 1 + sum(mct > bound for bound in self.bounds)


def _shades(told: Sequence[int]) -> _Shading:
    order = sorted(told)
    return _Shading(tuple(order[len(order) * step // SHADES] for step in range(1, SHADES)) if order else ())
