"""Where a fancy colour stands on the map: its hue is the angle, how strong it is the distance from the middle, and its
weight the area. What has no angle stands in a strip below. Pure."""

from collections.abc import Sequence
from math import cos, radians, sin, sqrt
from typing import NamedTuple

from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import nomenclature

MIDDLE, OUTER = 300, 260
RANKS = {
    "faint": 1, "very_light": 2, "light": 3, "fancy_light": 4, "fancy": 5,
    "fancy_dark": 6, "fancy_intense": 6, "fancy_deep": 7, "fancy_vivid": 8,
}  # fmt: skip
MOST_RANK = 8
NEUTRAL = ("brown", "gray", "black", "white")
STRIP_TOP, STRIP_STEP = 650, 34
_PLACED = {"pink": 346.0, "olive": 100.0, "chameleon": 110.0}
_INNER = {"pink": 0.62}


class Dot(NamedTuple):
    """One stone: its place, and the radius of an area that grows with its weight."""

    stone: Stone
    x: int
    y: int
    r: int


class Spoke(NamedTuple):
    hue: str
    x: int
    y: int
    word_x: int
    word_y: int
    anchor: str


class HueMap(NamedTuple):
    dots: Sequence[Dot]
    rings: Sequence[int]
    spokes: Sequence[Spoke]
    strips: Sequence[tuple[str, int]]
    high: int


def drawn(stones: Sequence[Stone]) -> HueMap:
    """The larger below the smaller, so that none is covered."""
    strips = [hue for hue in NEUTRAL if any(one.fancy_color == hue for one in stones)]
    top = {hue: STRIP_TOP + place * STRIP_STEP for place, hue in enumerate(strips)}
    dots = [_dot(one, top) for one in sorted(stones, key=lambda one: -one.weight_mct)]
    spokes = [_spoke(hue) for hue in ("red", "orange", "yellow", "green", "blue", "violet", "purple", "pink")]
    rings = [OUTER * rank // MOST_RANK for rank in (2, 4, 5, 6, 8)]
    high = STRIP_TOP + len(strips) * STRIP_STEP if strips else 2 * MIDDLE + 20
    return HueMap(dots, rings, spokes, list(top.items()), high)


def degrees_of(stone: Stone) -> float | None:
    """By its modifier and hue, or its two joined hues; else by the hue alone. None: it has no hue."""
    circle = {row["name"]: float(row["degrees"]) for row in nomenclature().fancy["hue_circle"]}
    hue = stone.fancy_color or ""
    names = [f"{stone.overtones[-1]} {hue}"] if stone.overtones else []
    names += [f"{stone.fancy_secondary}-{hue}"] if stone.fancy_secondary else []
    return next((circle[name] for name in (*names, hue) if name in circle), _PLACED.get(hue))


def _dot(stone: Stone, strips: dict[str, int]) -> Dot:
    rank = RANKS.get(stone.fancy_intensity or "", 5)
    radius = max(3, round(9 * sqrt(stone.weight_mct / 1000)))
    angle = degrees_of(stone)
    if angle is None:
        return Dot(stone, 140 + 50 * rank, strips.get(stone.fancy_color or "", STRIP_TOP), radius)
    reach = OUTER * rank / MOST_RANK * _INNER.get(stone.fancy_color or "", 1.0)
    return Dot(stone, *_at(angle, reach), radius)


def _spoke(hue: str) -> Spoke:
    circle = {row["name"]: float(row["degrees"]) for row in nomenclature().fancy["hue_circle"]}
    angle = circle.get(hue, _PLACED.get(hue, 0.0))
    x, y = _at(angle, OUTER)
    word_x, word_y = _at(angle, OUTER + 18)
    anchor = "middle" if abs(word_x - MIDDLE) < 60 else "start" if word_x > MIDDLE else "end"
    return Spoke(hue, x, y, word_x, word_y + 4, anchor)


def _at(angle: float, reach: float) -> tuple[int, int]:
    """Clockwise from the top."""
    turn = radians(angle)
    return round(MIDDLE + reach * sin(turn)), round(MIDDLE - reach * cos(turn))
