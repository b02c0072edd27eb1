"""Solids of the film: a rough crystal, and a cut stone facet by facet in its true proportions. Pure geometry.

A round brilliant has 57 facets: table, 8 stars, 8 kites and 16 halves above the girdle, 16 halves and 8 mains below.
The planes of kites and mains fix every corner. Other outlines are the same facets drawn out to the stone's own shape.
"""

import hashlib
import math
from functools import cache
from typing import NamedTuple

Point = tuple[float, float, float]
_EIGHTH = math.pi / 4


class Facet(NamedTuple):
    """Corners in order; `nth` is its turn when the facets are polished one after another."""

    corners: tuple[Point, ...]
    nth: int

    @property
    def normal(self) -> Point:
        a, b, c = self.corners[0], self.corners[1], self.corners[2]
        u, v = _minus(b, a), _minus(c, a)
        n = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
        length = math.hypot(*n) or 1.0
        n = (n[0] / length, n[1] / length, n[2] / length)
        middle = self.middle
        outward = n[0] * middle[0] + n[1] * middle[1] + n[2] * (middle[2] + 0.2)
        return n if outward >= 0 else (-n[0], -n[1], -n[2])

    @property
    def middle(self) -> Point:
        count = len(self.corners)
        x, y, z = (sum(corner[axis] for corner in self.corners) / count for axis in range(3))
        return x, y, z


def cut_stone(shape: str, width_um: int, length_um: int, depth_um: int) -> list[Facet]:
    """The finished stone, its half width 1; z points up from the girdle."""
    depth = 2 * depth_um / max(width_um, 1)
    crown, pavilion, table, keel = depth * 0.27, depth * 0.73, 0.57, 0.25
    stretch, rim = max(1.0, length_um / max(width_um, 1)), outline(family_of(shape))
    bow = (1 + table) / 2 * 0.98

    def at(radius: float, nth: int, z: float) -> Point:
        x, y = rim[nth]
        return radius * x * stretch, radius * y, z

    tables = [at(table, 2 * k, crown) for k in range(8)]
    girdle = [at(1, nth, 0) for nth in range(16)]
    half = math.cos(_EIGHTH / 2)
    bows = [at(bow, 2 * k + 1, crown * (1 - bow * half) / (1 - table)) for k in range(8)]
    keels = [at(keel, 2 * k + 1, -pavilion * (1 - keel * half)) for k in range(8)]
    tip = (0.0, 0.0, -pavilion)
    faces: list[tuple[Point, ...]] = [tuple(tables)]
    for k in range(8):
        faces.append((keels[k - 1], tip, keels[k], girdle[2 * k]))
    for k in range(8):
        faces.append((tables[k], bows[k], girdle[2 * k], bows[k - 1]))
    for k in range(8):
        faces.append((tables[k], tables[(k + 1) % 8], bows[k]))
    for k in range(8):
        before, between, after = girdle[2 * k], girdle[2 * k + 1], girdle[(2 * k + 2) % 16]
        faces += [(bows[k], before, between), (bows[k], between, after)]
    for k in range(8):
        before, between, after = girdle[2 * k], girdle[2 * k + 1], girdle[(2 * k + 2) % 16]
        faces += [(keels[k], before, between), (keels[k], between, after)]
    return [Facet(corners, nth) for nth, corners in enumerate(faces)]


def rough(seed: str) -> list[Facet]:
    """An octahedron as nature leaves it: its corners moved and its edges cut off by what the seed says."""
    drawn = hashlib.sha256(seed.encode()).digest()
    wave = [byte / 255 for byte in drawn]
    ring = []
    for k in range(8):
        radius = (1.0 if k % 2 == 0 else 0.78) * (0.88 + 0.24 * wave[k])
        turn = k * _EIGHTH + 0.2 * (wave[8 + k] - 0.5)
        ring.append((radius * math.cos(turn), radius * math.sin(turn), 0.18 * (wave[16 + k] - 0.5)))
    top, bottom = (0.1 * wave[24] - 0.05, 0.1 * wave[25] - 0.05, 0.95), (0.1 * wave[26] - 0.05, 0.0, -1.0)
    upper = [_between(one, top, 0.42 + 0.16 * wave[27]) for one in ring[::2]]
    faces: list[tuple[Point, ...]] = []
    for k in range(4):
        a, between, b = ring[2 * k], ring[2 * k + 1], ring[(2 * k + 2) % 8]
        faces += [(a, between, upper[k]), (between, b, upper[(k + 1) % 4]), (between, upper[(k + 1) % 4], upper[k])]
        faces += [(upper[k], upper[(k + 1) % 4], top), (a, between, bottom), (between, b, bottom)]
    return [Facet(corners, nth) for nth, corners in enumerate(faces)]


def turned(point: Point, yaw: float, pitch: float) -> Point:
    """Seen from the front: x to the right, y up, z towards the eye."""
    x, y, z = point
    x, y = x * math.cos(yaw) - y * math.sin(yaw), x * math.sin(yaw) + y * math.cos(yaw)
    return x, z * math.cos(pitch) + y * math.sin(pitch), -y * math.cos(pitch) + z * math.sin(pitch)


# Which of the outlines below is meant: our own codes, the trade's abbreviations and the laboratories' words.
_CODES = {
    "round": "RBC RB BR RD RND RO R OEC",
    "oval": "OVL OV OVAL O",
    "cushion": "CUS CU CB CMB CUX CUSH CSMB OMB OMC",
    "princess": "PRN PR PRIN PC SQUARE CARRE",
    "step": "EMR EM E EC ASS ASC AS SE SEM RAD RA RN LR SR CCRMB FLANDERS OCTAGON OCT",
    "baguette": "BAG BG BGT TBAG TB",
    "marquise": "MQS MQ MR M",
    "pear": "PER PS PE PB P PMB",
    "heart": "HRT HT HS HB H",
    "triangle": "TRI TR TRL T",
}
_FAMILY = {code: family for family, codes in _CODES.items() for code in codes.split()}
_WORDS = (
    ("cushion", "cushion"), ("old min", "cushion"), ("princess", "princess"), ("emerald", "step"),
    ("asscher", "step"), ("radiant", "step"), ("cut-corner", "step"), ("cut corner", "step"),
    ("baguette", "baguette"), ("marquise", "marquise"), ("navette", "marquise"), ("pear", "pear"),
    ("heart", "heart"), ("trill", "triangle"), ("triang", "triangle"), ("oval", "oval"), ("round", "round"),
    ("square", "princess"), ("rectang", "baguette"),
)  # fmt: skip


def family_of(shape: str) -> str:
    """The outline that a shape has, however it is called; what nobody knows is drawn round."""
    said = shape.strip().replace("_", " ")
    if (family := _FAMILY.get(said.upper())) is not None:
        return family
    return next((family for word, family in _WORDS if word in said.lower()), "round")


@cache
def outline(family: str) -> tuple[tuple[float, float], ...]:
    """Sixteen points of the girdle, seen from above; the length lies along x and reaches from -1 to 1."""
    turns = [k * _EIGHTH / 2 for k in range(16)]
    if family == "cushion":
        return tuple(_superellipse(turn, 3.2) for turn in turns)
    if family in ("princess", "baguette"):
        return tuple(_ray(turn, 0.0) for turn in turns)
    if family == "step":  # corners cut off: a corner of the octagon on either side of each diagonal
        spread = math.atan(1 - _CLIP)
        return tuple(
            _ray(
                turn
                if k % 2 == 0
                else (turn // (2 * _EIGHTH)) * 2 * _EIGHTH + (spread, 2 * _EIGHTH - spread)[k // 2 % 2],
                _CLIP,
            )
            for k, turn in enumerate(turns)
        )
    if family == "marquise":
        return tuple((math.cos(turn), math.sin(turn) * abs(math.sin(turn))) for turn in turns)
    if family == "pear":
        return tuple((math.cos(turn), math.sin(turn) * math.sin(turn / 2) * 1.3) for turn in turns)
    if family == "heart":
        return tuple(_heart(turn) for turn in turns)
    if family == "triangle":
        return tuple(_triangle(turn) for turn in turns)
    return tuple((math.cos(turn), math.sin(turn)) for turn in turns)


_CLIP = 0.32


def _superellipse(turn: float, corner: float) -> tuple[float, float]:
    cos, sin = math.cos(turn), math.sin(turn)
    radius = (abs(cos) ** corner + abs(sin) ** corner) ** (-1 / corner)
    return radius * cos, radius * sin


def _ray(turn: float, clip: float) -> tuple[float, float]:
    """Where a ray leaves the square of half side 1 whose corners are cut off."""
    cos, sin = math.cos(turn), math.sin(turn)
    radius = min(1 / max(abs(cos), abs(sin)), (2 - clip) / (abs(cos) + abs(sin)))
    return radius * cos, radius * sin


def _heart(turn: float) -> tuple[float, float]:
    """The cleft on one side of the length, the tip on the other."""
    x = 13 * math.cos(turn) - 5 * math.cos(2 * turn) - 2 * math.cos(3 * turn) - math.cos(4 * turn)
    return (x + 2.717) / 14.283, math.sin(turn) ** 3


def _triangle(turn: float) -> tuple[float, float]:
    """Three bowed sides; a corner at the end of the length."""
    near = (turn + math.pi / 3) % (2 * math.pi / 3) - math.pi / 3
    radius = 0.5 / math.cos(math.pi / 3 - abs(near)) * 0.55 + 0.45
    return radius * math.cos(turn) * 1.12 - 0.12, radius * math.sin(turn) * 1.15


def _between(a: Point, b: Point, share: float) -> Point:
    x, y, z = (p + (q - p) * share for p, q in zip(a, b, strict=True))
    return x, y, z


def _minus(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]
