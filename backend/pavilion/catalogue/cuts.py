"""Cuts as half-spaces: a list of planes (nx, ny, nz, d) with n.p <= d, from which every facet follows exactly.

Half the longer side is 1; z is up, the girdle lies at z = 0. A heart is its right half, mirrored.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from pavilion.catalogue.solids import Facet, Plane, Point, faces, meet, moved, through, tilted

Flat = tuple[float, float]
Outline = Callable[[float], Flat]

GIRDLE = 0.02  # half its thickness
SIDES = 96  # of a round outline
_EIGHT = [k / 8 for k in range(8)]


class Cut(NamedTuple):
    """What a shape is drawn as: its family, its usual length to width, and whether the two halves mirror each other."""

    family: str
    ratio: int  # hundredths
    table: int = 57  # percent


CUTS: dict[str, Cut] = {
    "round": Cut("round", 100),
    "oval": Cut("oval", 135, 58),
    "cushion": Cut("cushion", 108, 60),
    "marquise": Cut("marquise", 192, 58),
    "pear": Cut("pear", 126, 58),
    "heart": Cut("heart", 100, 58),
    "emerald": Cut("emerald", 139),
    "radiant": Cut("radiant", 119),
    "asscher": Cut("asscher", 100),
    "princess": Cut("princess", 100, 70),
    "baguette": Cut("baguette", 200),
    "tapered_baguette": Cut("tapered", 200),
    "trapezoid": Cut("tapered", 130),
    "trilliant": Cut("trilliant", 100, 60),
    "half_moon": Cut("half_moon", 170),
    "kite": Cut("kite", 150),
    "lozenge": Cut("lozenge", 160),
    "shield": Cut("shield", 110),
    "bullet": Cut("bullet", 160),
    "fan": Cut("tapered", 110),
    "pentagon": Cut("5", 100),
    "hexagon": Cut("6", 100),
    "heptagon": Cut("7", 100),
    "octagon": Cut("8", 100),
    "nonagon": Cut("9", 100),
    "old_miner": Cut("cushion", 104, 53),
    "old_european": Cut("round", 100, 50),
    "flanders": Cut("flanders", 100),
}
OTHER = CUTS["round"]  # rose, briolette, star and the rest have no one plan


@lru_cache(maxsize=512)
def facets(family: str, ratio: int, table: int) -> list[Facet]:
    """The facets of one half of a heart, or of the whole of any other cut, at this length to width and table."""
    return faces(_planes(family, max(ratio, 100) / 100, table / 100))


def outline(family: str, ratio: int, table: int) -> list[Flat]:
    """The girdle seen from above, anticlockwise."""
    if family == "heart":
        right = [(0.0, -0.975), *(_heart(i / 90) for i in range(1, 90)), (0.0, 0.585)]
        return right + [(-x, y) for x, y in reversed(right[1:-1])]
    rims = [face.corners for face in facets(family, ratio, table) if abs(face.normal[2]) < 0.01]
    points = {(round(corner[0], 4), round(corner[1], 4)) for corners in rims for corner in corners}
    return sorted(points, key=lambda point: math.atan2(point[1], point[0]))


def _planes(family: str, ratio: float, table: float) -> list[Plane]:
    short = 1 / ratio
    if family in ("round", "oval"):
        return _brilliant(_superellipse(short, 1, 2), _EIGHT, table)
    if family == "cushion":
        return _brilliant(_superellipse(short, 1, 2.75), _EIGHT, table, depth=0.80 * short / 0.93, girdle=0.038)
    if family == "marquise":
        mains = [0, 0.115, 0.25, 0.385, 0.5, 0.615, 0.75, 0.885]
        return _brilliant(_marquise(short, 1), mains, table, depth=0.96 * short, normals={2: (0, 1), 6: (0, -1)})
    if family == "pear":
        mains = [0, 0.12, 0.25, 0.38, 0.5, 0.625, 0.75, 0.875]
        width = 0.97 * short
        planes = _brilliant(
            _pear(width, width, 1.94 - width), mains, table, depth=0.86 * width, normals={2: (0, 1)}, girdle=0.03
        )
        return [moved(plane, (width - (1.94 - width)) / 2) for plane in planes]
    if family == "heart":
        mains = [0, 0.24, 0.43, 0.62, 0.80, 1]
        last = _normal(_heart, 0.985, closed=False)
        half = _brilliant(_heart, mains, table, depth=0.66, closed=False, girdle=0.034, normals={0: (0, -1), 5: last})
        return [*half, (-1, 0, 0, 0)]
    if family == "trilliant":
        return _brilliant(_trillion, [k / 9 for k in range(9)], table, depth=0.62)
    if family == "radiant":
        return _radiant(_octagon(short, 1, 0.27))
    if family == "flanders":
        return _radiant(_octagon(1, 1, 0.58))
    if family == "princess":
        return _princess(short, table)
    return _step(_polygon(family, short))


# ---- outlines: t in [0, 1) anticlockwise ---------------------------------------------------------------------------


def _superellipse(a: float, b: float, e: float) -> Outline:
    def at(t: float) -> Flat:
        c, s = math.cos(2 * math.pi * t), math.sin(2 * math.pi * t)
        return a * math.copysign(abs(c) ** (2 / e), c), b * math.copysign(abs(s) ** (2 / e), s)

    return at


def _marquise(a: float, b: float) -> Outline:
    radius = (a * a + b * b) / (2 * a)
    half = math.asin(b / radius)

    def at(t: float) -> Flat:
        side, u = (1, t) if t < 0.25 or t >= 0.75 else (-1, t - 0.5)
        w = (u - 1 if u >= 0.75 else u) / 0.25 * half
        return side * (radius * math.cos(w) - (radius - a)), side * radius * math.sin(w)

    return at


def _pear(a: float, bottom: float, top: float) -> Outline:
    radius = (a * a + top * top) / (2 * a)
    half = math.asin(top / radius)

    def at(t: float) -> Flat:
        if t >= 0.5:
            w = math.pi + (t - 0.5) * 2 * math.pi
            return a * math.cos(w), bottom * math.sin(w)
        right = t < 0.25
        w = (t if right else 0.5 - t) / 0.25 * half
        x = radius * math.cos(w) - (radius - a)
        return (x if right else -x), radius * math.sin(w)

    return at


def _trillion(t: float) -> Flat:
    """A triangle with bowed sides, a corner to the top."""
    w = 2 * math.pi * t + math.pi / 2
    reach = 0.86 + 0.14 * math.cos(6 * math.pi * t)
    return reach * math.cos(w), reach * math.sin(w) - 0.14


_HEART = [(0, -0.98), (0.44, -0.62), (0.78, -0.20), (0.985, 0.25), (0.93, 0.63), (0.66, 0.86), (0.33, 0.83), (0, 0.585)]


def _heart(t: float) -> Flat:
    """The right half from the point (t = 0) round the lobe to the cleft (t = 1)."""
    knots = [(-0.40, -1.28), *_HEART, (-0.20, 0.30)]
    last = len(_HEART) - 2
    i = min(int(t * (last + 1)), last)
    u = t * (last + 1) - i
    p0, p1, p2, p3 = knots[i : i + 4]

    def blend(k: int) -> float:
        cubic = (3 * p1[k] - p0[k] - 3 * p2[k] + p3[k]) * u**3
        square = (2 * p0[k] - 5 * p1[k] + 4 * p2[k] - p3[k]) * u * u
        return 0.5 * (2 * p1[k] + (p2[k] - p0[k]) * u + square + cubic)

    return blend(0), blend(1)


def _normal(at: Outline, t: float, closed: bool = True) -> Flat:
    low, high = (t - 1e-4) % 1 if closed else max(0, t - 1e-4), (t + 1e-4) % 1 if closed else min(1, t + 1e-4)
    a, b = at(low), at(high)
    size = math.dist(a, b)
    return (b[1] - a[1]) / size, (a[0] - b[0]) / size


# ---- families ------------------------------------------------------------------------------------------------------


def _brilliant(
    at: Outline,
    mains: Sequence[float],
    table: float,
    *,
    depth: float | None = None,
    girdle: float = GIRDLE,
    closed: bool = True,
    normals: dict[int, Flat] | None = None,
) -> list[Plane]:
    """Table, mains, stars, upper halves; girdle; lower halves, pavilion mains: all meets exact."""
    points = [at(t) for t in mains]
    sides = [(normals or {}).get(k) or _normal(at, t, closed) for k, t in enumerate(mains)]
    reach = sorted(p[0] * q[0] + p[1] * q[1] for p, q in zip(points, sides, strict=True))
    top = girdle + (1 - table) * min(1, reach[0] * 1.05) * math.tan(math.radians(33.5))
    down = depth or 0.86 * math.sqrt(reach[0] * reach[-1])
    planes: list[Plane] = [(0, 0, 1, top)]
    upper, lower = [], []
    for p, q in zip(points, sides, strict=True):
        h = p[0] * q[0] + p[1] * q[1]
        upper.append(tilted(p, q, math.atan((top - girdle) / (h * (1 - table))), girdle, 1))
        lower.append(tilted(p, q, math.atan(down / h), -girdle, -1))
    planes += upper + lower
    count = len(mains)
    for i, j in [(k, (k + 1) % count) for k in range(count if closed else count - 1)]:
        middle = (mains[i] + mains[j] + (1 if j < i else 0)) / 2
        m = at(middle % 1 if closed else middle)
        star = meet(upper[i], upper[j], (0, 0, 1, girdle + (top - girdle) * 0.52))
        first, second = (_on_table(points[k], upper[k], table, top) for k in (i, j))
        planes.append(through(first, second, star))
        low = meet(lower[i], lower[j], (0, 0, 1, -girdle - down * 0.75))
        for k in (i, j):
            planes.append(through((*points[k], girdle), (*m, girdle), star))
            planes.append(through((*points[k], -girdle), (*m, -girdle), low))
    for s in range(SIDES):
        t = (s + 0.5) / SIDES
        p, q = at(t), _normal(at, t, closed)
        planes.append((q[0], q[1], 0, p[0] * q[0] + p[1] * q[1]))
    return planes


def _on_table(point: Flat, main: Plane, table: float, top: float) -> Point:
    """Where a main facet meets the table, nearest to the direction of its girdle point."""
    x, y = point[0] * table, point[1] * table
    nx, ny, nz, d = main
    s = (d - nz * top - nx * x - ny * y) / (nx * nx + ny * ny)
    return x + nx * s, y + ny * s, top


def _octagon(a: float, b: float, c: float) -> list[tuple[Flat, float]]:
    """A rectangle with cut corners, as outward normals and distances."""
    r = math.sqrt(0.5)
    d = (a + b - c) * r
    return [
        ((1, 0), a),
        ((r, r), d),
        ((0, 1), b),
        ((-r, r), d),
        ((-1, 0), a),
        ((-r, -r), d),
        ((0, -1), b),
        ((r, -r), d),
    ]


def _polygon(family: str, short: float) -> list[tuple[Flat, float]]:
    """Straight-sided outlines by their corners, anticlockwise."""
    s = short
    corners: dict[str, list[Flat]] = {
        "baguette": [(-s, -1), (s, -1), (s, 1), (-s, 1)],
        "tapered": [(-s, -1), (s, -1), (0.62 * s, 1), (-0.62 * s, 1)],
        "kite": [(0, -1), (s, 0.3), (0, 1), (-s, 0.3)],
        "lozenge": [(0, -1), (s, 0), (0, 1), (-s, 0)],
        "shield": [(0, -1), (0.8 * s, -0.3), (s, 0.7), (0, 1), (-s, 0.7), (-0.8 * s, -0.3)],
        "bullet": [(-s, -1), (s, -1), (s, 0.35), (0, 1), (-s, 0.35)],
        "half_moon": [(math.sin(w), s * (2 * math.cos(w) - 1)) for w in (math.pi * k / 12 for k in range(6, -7, -1))],
    }
    if family == "emerald":
        return _octagon(s, 1, 0.32 * s)
    if family == "asscher":
        return _octagon(1, 1, 0.42)
    if family.isdigit():
        n = int(family)
        turn = [math.pi / 2 + 2 * math.pi * k / n for k in range(n)]
        corners[family] = [(math.cos(w), math.sin(w)) for w in turn]
    found = corners[family]
    sides = []
    for (ax, ay), (bx, by) in zip(found, found[1:] + found[:1], strict=True):
        size = math.hypot(bx - ax, by - ay)
        normal = ((by - ay) / size, (ax - bx) / size)
        sides.append((normal, normal[0] * ax + normal[1] * ay))
    return sides


def _rows(sides: list[tuple[Flat, float]], rows: Sequence[tuple[float, float]], up: int) -> list[Plane]:
    """Rows of parallel facets: slope in degrees, and how far inwards the row reaches."""
    planes = []
    for normal, distance in sides:
        z, inset = up * GIRDLE, 0.0
        for slope, width in rows:
            angle = math.radians(slope)
            start = (normal[0] * (distance - inset), normal[1] * (distance - inset))
            planes.append(tilted(start, normal, angle, z, up))
            z += up * width * math.tan(angle)
            inset += width
    return planes


def _prism(sides: list[tuple[Flat, float]], rows: Sequence[tuple[float, float]]) -> list[Plane]:
    top = GIRDLE + sum(width * math.tan(math.radians(slope)) for slope, width in rows)
    return [(0, 0, 1, top), *((q[0], q[1], 0, h) for q, h in sides), *_rows(sides, rows, 1)]


def _step(sides: list[tuple[Flat, float]]) -> list[Plane]:
    size = min(distance for _, distance in sides) / 0.72
    crown = [(48, 0.10 * size), (38, 0.09 * size), (28, 0.08 * size)]
    return _prism(sides, crown) + _rows(sides, [(58, 0.16 * size), (49, 0.22 * size), (40.5, 0.34 * size)], -1)


def _radiant(sides: list[tuple[Flat, float]]) -> list[Plane]:
    planes = _prism(sides, [(44, 0.13), (31, 0.14)]) + _rows(sides, [(60, 0.1)], -1)
    corners = [
        meet((*p[0], 0, p[1]), (*q[0], 0, q[1]), (0, 0, 1, 0))
        for p, q in zip(sides, sides[1:] + sides[:1], strict=True)
    ]
    for k, (normal, _) in enumerate(sides):
        w = math.atan2(normal[1], normal[0])
        for turn in (-0.36, -0.12, 0.12, 0.36) if k % 2 == 0 else (-0.17, 0.17):
            n = (math.cos(w + turn), math.sin(w + turn))
            far = max(c[0] * n[0] + c[1] * n[1] for c in corners) * (1.10 if abs(turn) < 0.2 else 1.03)
            planes.append(tilted((n[0] * far, n[1] * far), n, math.atan(0.80 / far), -GIRDLE, -1))
    return planes


def _princess(short: float, table: float) -> list[Plane]:
    sides: list[tuple[Flat, float]] = [((1, 0), short), ((0, 1), 1), ((-1, 0), short), ((0, -1), 1)]
    inset = (1 - table) * short
    planes = _prism(sides, [(36, inset * 0.55), (24, inset * 0.45)]) + _rows(sides, [(64, 0.08)], -1)
    for normal, distance in sides:
        w = math.atan2(normal[1], normal[0])
        for turn in (-0.5, -0.28, -0.1, 0.1, 0.28, 0.5):  # the chevrons
            n = (math.cos(w + turn), math.sin(w + turn))
            far = distance * math.cos(turn) + math.sin(abs(turn)) * (1 if normal[0] else short)
            planes.append(tilted((n[0] * far, n[1] * far), n, math.atan(0.82 * short / far), -GIRDLE, -1))
    return planes
