"""Convex solids from half-spaces: planes (nx, ny, nz, d) with n.p <= d, and the facets they cut out of space."""

import math
from typing import NamedTuple

Point = tuple[float, ...]
Plane = tuple[float, float, float, float]


class Facet(NamedTuple):
    normal: Point
    corners: list[Point]


def _cross(a: Point, b: Point) -> Point:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def through(a: Point, b: Point, c: Point) -> Plane:
    """The plane through three points, its normal pointing away from the middle of the stone."""
    n = _cross((b[0] - a[0], b[1] - a[1], b[2] - a[2]), (c[0] - a[0], c[1] - a[1], c[2] - a[2]))
    size = math.sqrt(_dot(n, n))
    x, y, z = (v / size for v in n)
    d = _dot((x, y, z), a)
    return (x, y, z, d) if 0.05 * x < d else (-x, -y, -z, -d)


def tilted(point: tuple[float, float], normal: tuple[float, float], slope: float, z: float, up: int) -> Plane:
    """The plane through a point of the girdle with this outward direction and slope; up is 1 for crown, -1 pavilion."""
    x, y, rise = math.sin(slope) * normal[0], math.sin(slope) * normal[1], up * math.cos(slope)
    return x, y, rise, x * point[0] + y * point[1] + rise * z


def meet(p: Plane, q: Plane, r: Plane) -> Point:
    """The point common to three planes."""
    qr, rp, pq = _cross(q[:3], r[:3]), _cross(r[:3], p[:3]), _cross(p[:3], q[:3])
    det = _dot(p[:3], qr)
    return tuple((p[3] * qr[i] + q[3] * rp[i] + r[3] * pq[i]) / det for i in range(3))


def moved(plane: Plane, dy: float) -> Plane:
    return (*plane[:3], plane[3] + plane[1] * dy)


def faces(planes: list[Plane]) -> list[Facet]:
    """Each plane's polygon: a large square in the plane, cut by every other plane."""
    found = []
    for k, plane in enumerate(planes):
        corners = _square(plane)
        for j, (nx, ny, nz, d) in enumerate(planes):
            if j == k:
                continue
            sides = [nx * p[0] + ny * p[1] + nz * p[2] - d for p in corners]
            if max(sides) <= 1e-9:
                continue
            corners = _clipped(corners, sides)
            if not corners:
                break
        if len(ring := _ring(corners)) >= 3:
            found.append(Facet(plane[:3], ring))
    return found


def _square(plane: Plane) -> list[Point]:
    n = plane[:3]
    u = _cross(n, (1, 0, 0) if abs(n[0]) < 0.8 else (0, 1, 0))
    size = math.sqrt(_dot(u, u))
    u = (u[0] / size, u[1] / size, u[2] / size)
    v = _cross(n, u)
    turns = ((-4, -4), (4, -4), (4, 4), (-4, 4))
    return [tuple(plane[3] * n[i] + a * u[i] + b * v[i] for i in range(3)) for a, b in turns]


def _clipped(corners: list[Point], sides: list[float]) -> list[Point]:
    kept = []
    for i, a in enumerate(corners):
        j = (i + 1) % len(corners)
        b, da, db = corners[j], sides[i], sides[j]
        if da <= 1e-9:
            kept.append(a)
        if (da < -1e-9 and db > 1e-9) or (da > 1e-9 and db < -1e-9):
            s = da / (da - db)
            kept.append((a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1]), a[2] + s * (b[2] - a[2])))
    return kept


def _ring(corners: list[Point]) -> list[Point]:
    """Without repeated corners, so that a facet has as many as it has."""
    kept: list[Point] = []
    for corner in corners:
        if not kept or math.dist(corner, kept[-1]) > 1e-3:
            kept.append(corner)
    return kept
