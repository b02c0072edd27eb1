"""Where the marks stand in the charts of the archive, in whole units of their drawing. The templates only draw it.

Prices and weights go over several tens, so both axes of the chart of prices are logarithmic.
"""

from collections.abc import Iterable, Sequence
from math import log
from statistics import median_low
from typing import NamedTuple

from pavilion.insight.grid import SIZES
from pavilion.insight.result_rules import EDGES, TONES, size
from pavilion.insight.results import Money, Point

WIDE, HIGH, LEFT, TOP = 640, 300, 64, 12
BAR_WIDE, BAR_HIGH = 44, 150
LEAST_OF_LINE = 3  # stones under which a step is no statement
_WEIGHTS = (100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000, 20_000, 50_000, 100_000)
# Each group has a shape of its own, so that none is told by its shade alone: about 6 units wide, around the point.
_MARKS = {
    "D-F": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "G-H": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "I-J": "m-3-3h6v6h-6z",
    "K-M": "m-3-3h6v6h-6z",
    "N-Z": "m-3-3l6 6m0-6l-6 6",
    "FANCY": "m0-4l4 4l-4 4l-4-4z",
    "GEM": "m0-4l4 7h-8z",
}


class Tick(NamedTuple):
    at: int
    value: int


class Tone(NamedTuple):
    """The stones of one group of colours: their marks, and the middle price of each size as steps."""

    name: str
    marks: str
    steps: str
    mark: str  # one alone, for the key
    n: int


class Cell(NamedTuple):
    n: int
    per_carat: int


class Prices(NamedTuple):
    tones: Sequence[Tone]
    across: Sequence[Tick]
    down: Sequence[Tick]
    sizes: Sequence[str]
    cells: dict[tuple[str, str], Cell]  # of a size and a group: how many, and their middle price per carat


class Bar(NamedTuple):
    least: int | None  # basis points
    upto: int | None
    n: int
    x: int
    y: int
    height: int


def prices(points: Sequence[Point]) -> Prices | None:
    """None where there are too few to draw."""
    if len(points) < LEAST_OF_LINE:
        return None
    across = _Axis.over([one.weight_mct for one in points], LEFT, LEFT + WIDE)
    down = _Axis.over([one.per_carat for one in points], TOP + HIGH, TOP)
    cells = {
        (name, tone): Cell(len(found), median_low(found))
        for name, _ in SIZES
        for tone in TONES
        if (found := [one.per_carat for one in points if one.tone == tone and size(one.weight_mct) == name])
    }
    tones = [
        Tone(
            tone,
            "".join(f"M{across.at(p.weight_mct)} {down.at(p.per_carat)}{_MARKS[tone]}" for p in own),
            _steps(tone, cells, across, down),
            f"M7 7{_MARKS[tone]}",
            len(own),
        )
        for tone in TONES
        if (own := [one for one in points if one.tone == tone])
    ]
    used = [name for name, _ in SIZES if any((name, tone) in cells for tone in TONES)]
    weights = [Tick(across.at(mct), mct) for mct in _WEIGHTS if across.least <= mct <= across.most]
    return Prices(tones, _apart(weights), [Tick(down.at(v), v) for v in _decades(down)], used, cells)


def distribution(money: Money) -> list[Bar]:
    """How many lots were sold how far from the middle of their estimates."""
    tallest = max(money.steps, default=0)
    bounds = [None, *EDGES, None]
    return [
        Bar(bounds[k], bounds[k + 1], n, k * BAR_WIDE, BAR_HIGH - height, height)
        for k, n in enumerate(money.steps)
        for height in (n * BAR_HIGH // tallest if tallest else 0,)
    ]


class _Axis(NamedTuple):
    least: int
    most: int
    start: int
    end: int

    @classmethod
    def over(cls, values: Iterable[int], start: int, end: int) -> "_Axis":
        """A tenth of room on both sides; at least from one value to its double."""
        found = list(values)
        least, most = min(found), max(found)
        return cls(max(1, least * 9 // 10), max(most * 11 // 10, least * 2, 2), start, end)

    def at(self, value: int) -> int:
        value = min(max(value, self.least), self.most)
        part = (log(value) - log(self.least)) / (log(self.most) - log(self.least))
        return self.start + round((self.end - self.start) * part)


def _decades(axis: _Axis) -> list[int]:
    """1, 2, 5, 10 .. as far as the axis goes; more where it is short, fewer where they would crowd."""
    found = _rungs(axis, (1, 2, 5))
    if len(found) < 4:
        return _rungs(axis, range(1, 10))
    return found if len(found) <= 8 else _rungs(axis, (1,))


def _rungs(axis: _Axis, digits: Iterable[int]) -> list[int]:
    found, unit, digits = [], 1, tuple(digits)
    while unit <= axis.most:
        found += [unit * k for k in digits if axis.least <= unit * k <= axis.most]
        unit *= 10
    return found


def _apart(ticks: Sequence[Tick]) -> list[Tick]:
    """Those that leave room for their words."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or tick.at - kept[-1].at >= 60:
            kept.append(tick)
    return kept


def _steps(tone: str, cells: dict[tuple[str, str], Cell], across: _Axis, down: _Axis) -> str:
    """The middle price of each size that holds enough stones, as a line of steps."""
    pieces: list[str] = []
    least = 0
    for name, upto in SIZES:
        cell = cells.get((name, tone))
        if cell is not None and cell.n >= LEAST_OF_LINE:
            left, right = across.at(max(least, across.least)), across.at(min(upto, across.most))
            pieces.append(f"{'L' if pieces else 'M'}{left} {down.at(cell.per_carat)}H{right}")
        least = upto
    return "".join(pieces)
