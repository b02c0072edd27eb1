"""Solids of the film: a rough crystal, and a cut stone facet by facet in its true proportions. Pure geometry.

A round brilliant has 57 facets: table, 8 stars, 8 kites and 16 halves above the girdle, 16 halves and 8 mains below.
The planes of kites and mains fix every corner. Other outlines are the same facets drawn out to the stone's own shape.
"""

import hashlib
import math
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
    stretch, corner = max(1.0, length_um / max(width_um, 1)), _CORNERS.get(shape, 2.0)
    bow = (1 + table) / 2 * 0.98

    def at(radius: float, turn: float, z: float) -> Point:
        x, y = _outline(turn, corner)
        return radius * x * stretch, radius * y, z

    tables = [at(table, k * _EIGHTH, crown) for k in range(8)]
    girdle = [at(1, k * _EIGHTH / 2, 0) for k in range(16)]
    half = math.cos(_EIGHTH / 2)
    bows = [at(bow, (k + 0.5) * _EIGHTH, crown * (1 - bow * half) / (1 - table)) for k in range(8)]
    keels = [at(keel, (k + 0.5) * _EIGHTH, -pavilion * (1 - keel * half)) for k in range(8)]
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


# The exponent of the superellipse that is the outline; 2 is round, larger has corners.
_CORNERS = {"RBC": 2.0, "OVL": 2.0, "CUS": 2.9, "PRN": 7.0, "EMR": 5.0, "ASS": 5.0, "RAD": 5.0, "MQS": 1.45, "PER": 1.8}


def _outline(turn: float, corner: float) -> tuple[float, float]:
    cos, sin = math.cos(turn), math.sin(turn)
    radius = (abs(cos) ** corner + abs(sin) ** corner) ** (-1 / corner)
    return radius * cos, radius * sin


def _between(a: Point, b: Point, share: float) -> Point:
    x, y, z = (p + (q - p) * share for p, q in zip(a, b, strict=True))
    return x, y, z


def _minus(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]
