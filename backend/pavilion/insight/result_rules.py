"""What a result says beside its price: where it stands against the estimate, and in which group it is counted. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pavilion.insight.grid import COLORS, SIZES
from pavilion.kernel.money import half_up

# The hammer against the middle of the estimate, in basis points: step k ends before EDGES[k].
EDGES = (-5000, -3000, -2000, -1000, 0, 1000, 2000, 3000, 5000, 10_000, 20_000)
STEPS = len(EDGES) + 1
TONES = (*(name for name, _ in COLORS), "GEM")


class Against(NamedTuple):
    where: str
    bp: int
    step: int


UNSOLD = Against("", -10_000, 0)


def against(hammer: int, low: int, high: int) -> Against:
    """The estimate has two ends: both belong to it. The percentage is taken of its middle."""
    where = "below" if hammer < low else "above" if hammer > high else "within"
    bp = half_up((2 * hammer - low - high) * 10_000, max(low + high, 1))
    return Against(where, bp, bisect_right(EDGES, bp))


def tone(species: str, color: str | None) -> str:
    """The group of colours in which a stone is shown."""
    if species != "diamond":
        return "GEM"
    return next((name for name, letters in COLORS if color and color[0] in letters), "FANCY")


def size(weight_mct: int) -> str:
    return next(name for name, upto in SIZES if weight_mct < upto)


def common(values: Sequence[str | None]) -> str:
    """What all of them say, or nothing."""
    return (values[0] or "") if values and len(set(values)) == 1 else ""


def share_bp(part: int, whole: int) -> int | None:
    return None if whole == 0 else half_up(part * 10_000, whole)
