"""The map of a stone's way: Lambert's azimuthal equal-area projection around the middle of the way, drawn as SVG paths.

Equal areas, so that no country looks larger than it is; centred on the way, so that the shortest lines between stops
are nearly straight. A stop is the middle of a country or region in whole degrees, never the place itself.
"""

import json
import math
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

WIDTH, HEIGHT = 440, 300
_MARGIN = (58, 44)  # room for the names beside the stops
_LEAST = 0.26  # half the width shown, in radii of the earth: a way inside one country still shows where it lies
_FAR = -0.9  # cosine: what lies further off is folded to this distance, outside every frame
_EYE = 1.3  # corners closer together than this are one to the eye
_NAME = (74, 13)  # a country's name as drawn, at most
_NEAR_STOPS = 19  # stops closer than this are one mark
_NET_DEGREES = 15
_OUTSIDE = 6  # how far beyond the frame lines go on, so that their ends are not seen
_DATA = Path(__file__).parent / "data"

Flat = tuple[float, float]


class Place(NamedTuple):
    """Whole degrees, east and north."""

    lon: int
    lat: int


class Mark(NamedTuple):
    """Stops that lie together on the paper are one mark: `numbers` says which."""

    x: float
    y: float
    numbers: tuple[int, ...]
    anchor: str  # of the name: start, end or middle
    label_x: float
    label_y: float


class Drawing(NamedTuple):
    land: str
    net: str
    legs: tuple[str, ...]
    marks: tuple[Mark, ...]


def centre(cc: str, region: str | None = None) -> Place | None:
    """The middle of the region if it is known, else of the country."""
    table = _places()
    if region is not None and (found := table["regions"].get(cc, {}).get(region)) is not None:
        return Place(*found)
    middle = table["countries"].get(cc)
    return Place(*middle) if middle is not None else _middles().get(cc)


def town(cc: str, name: str) -> Place | None:
    """Where a city of the trade lies, in whole degrees."""
    found = _places()["towns"].get(cc, {}).get(name)
    return Place(*found) if found is not None else None


@lru_cache(maxsize=512)
def drawn(stops: tuple[Place, ...]) -> Drawing:
    """The land around these stops and the way from the first to the last, in a frame of WIDTH by HEIGHT."""
    frame = _Frame(stops)
    ways = [frame.way(start, end) for start, end in pairwise(stops) if start != end]
    return Drawing(
        land="".join(frame.land()),
        net="".join(frame.net()),
        legs=tuple(_line(way) for way in ways),
        marks=_marks([frame.paper(stop) for stop in stops], [point for way in ways for point in _dense(way)]),
    )


def outlines() -> Iterable[Sequence[Flat]]:
    """The outlines of all land, as longitude and latitude in radians."""
    world = _world()
    for ring in world.rings:
        yield [point for arc in ring for point in (world.arcs[arc] if arc >= 0 else world.arcs[~arc][::-1])]


class _Frame:
    """The projection and how it lies on the paper."""

    def __init__(self, stops: Sequence[Place]) -> None:
        self.lon0, self.lat0 = _middle_of(stops)
        self._sin, self._cos = math.sin(self.lat0), math.cos(self.lat0)
        flat = [point for pair in pairwise(stops) for point in self._curve(*pair)] or [self._flat(*_radians(stops[0]))]
        xs, ys = [x for x, _ in flat], [y for _, y in flat]
        half_x, half_y = (WIDTH / 2 - _MARGIN[0]), (HEIGHT / 2 - _MARGIN[1])
        wide = max((max(xs) - min(xs)) / 2, (max(ys) - min(ys)) / 2 * half_x / half_y, _LEAST)
        self.scale = half_x / wide
        self._mid = ((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)
        self._arcs = [_thinned([self._put(self._flat(lon, lat)) for lon, lat in arc]) for arc in _world().arcs]

    def paper(self, place: Place) -> Flat:
        return self._put(self._flat(*_radians(place)))

    def way(self, start: Place, end: Place) -> list[Flat]:
        return [self._put(point) for point in self._curve(start, end)]

    def land(self) -> Iterable[str]:
        for ring in _world().rings:
            corners = [point for arc in ring for point in (self._arcs[arc] if arc >= 0 else self._arcs[~arc][::-1])]
            if len(clipped := _clipped(corners)) > 2 and not self._behind(ring):
                yield _line(clipped) + "z"

    def _behind(self, ring: Sequence[int]) -> bool:
        """An island round the far point of the earth, which the projection would turn inside out."""
        ends = (_world().arcs[arc if arc >= 0 else ~arc][0] for arc in ring)
        return all(self._nearness(lon, lat) < -0.5 for lon, lat in ends)

    def net(self) -> Iterable[str]:
        for degree in range(-180, 180, _NET_DEGREES):
            yield from _runs(self._of_degrees((degree, lat) for lat in range(-75, 76, 5)))
        for degree in range(-75, 76, _NET_DEGREES):
            yield from _runs(self._of_degrees((lon, degree) for lon in range(-180, 181, 5)))

    def _of_degrees(self, places: Iterable[tuple[int, int]]) -> list[Flat]:
        return [self._put(self._flat(math.radians(lon), math.radians(lat))) for lon, lat in places]

    def _flat(self, lon: float, lat: float) -> Flat:
        sin, cos, turn = math.sin(lat), math.cos(lat), lon - self.lon0
        near = self._nearness(lon, lat)
        x, y = cos * math.sin(turn), self._cos * sin - self._sin * cos * math.cos(turn)
        if near < _FAR:
            length = math.hypot(x, y) or 1.0
            out = math.sqrt(2 * (1 - _FAR))
            return x / length * out, y / length * out
        k = math.sqrt(2 / (1 + near))
        return k * x, k * y

    def _nearness(self, lon: float, lat: float) -> float:
        """The cosine of the way there from the middle."""
        return self._sin * math.sin(lat) + self._cos * math.cos(lat) * math.cos(lon - self.lon0)

    def _put(self, flat: Flat) -> Flat:
        x, y = flat
        return WIDTH / 2 + (x - self._mid[0]) * self.scale, HEIGHT / 2 - (y - self._mid[1]) * self.scale

    def _curve(self, start: Place, end: Place) -> list[Flat]:
        """The great circle between both, in steps."""
        a, b = _vector(*_radians(start)), _vector(*_radians(end))
        angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
        if angle < 1e-6:
            return [self._flat(*_radians(start))]
        steps = max(4, round(angle * 20))
        found: list[Flat] = []
        for step in range(steps + 1):
            p, q = math.sin(angle * (1 - step / steps)), math.sin(angle * step / steps)
            x, y, z = (p * u + q * v for u, v in zip(a, b, strict=True))
            found.append(self._flat(math.atan2(y, x), math.atan2(z, math.hypot(x, y))))
        return found


class _World(NamedTuple):
    arcs: list[list[Flat]]  # radians
    rings: list[list[int]]  # of all land; `~n` is arc n backwards
    largest: dict[str, list[Flat]]  # degrees, of each country the ring that encloses most


@cache
def _world() -> _World:
    document = json.loads((_DATA / "world.json").read_text("utf-8"))
    degrees = [_summed(arc) for arc in document["arcs"]]
    arcs = [[(math.radians(x), math.radians(y)) for x, y in arc] for arc in degrees]
    closed = {
        cc: [[point for arc in ring for point in (degrees[arc] if arc >= 0 else degrees[~arc][::-1])] for ring in rings]
        for cc, rings in document["countries"].items()
    }
    return _World(
        arcs, document["land"], {cc: max(rings, key=lambda ring: abs(_area(ring))) for cc, rings in closed.items()}
    )


@cache
def _places() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_DATA / "places.json").read_text("utf-8"))
    return found


@cache
def _middles() -> dict[str, Place]:
    return {cc: _middle_of_ring(ring) for cc, ring in _world().largest.items()}


def _summed(arc: Sequence[int]) -> list[Flat]:
    x = y = 0
    points: list[Flat] = []
    for dx, dy in zip(arc[::2], arc[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x / 100, y / 100))
    return points


def _area(ring: Sequence[Flat]) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise([*ring, ring[0]])) / 2


def _middle_of_ring(ring: Sequence[Flat]) -> Place:
    area, x, y = _area(ring), 0.0, 0.0
    for (x0, y0), (x1, y1) in pairwise([*ring, ring[0]]):
        part = x0 * y1 - x1 * y0
        x, y = x + (x0 + x1) * part, y + (y0 + y1) * part
    return Place(round(x / (6 * area)), round(y / (6 * area)))


def _radians(place: Place) -> Flat:
    return math.radians(place.lon), math.radians(place.lat)


def _vector(lon: float, lat: float) -> tuple[float, float, float]:
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _middle_of(stops: Sequence[Place]) -> Flat:
    """Longitude and latitude of the middle of all stops; of the first if they cancel out."""
    x, y, z = (sum(parts) for parts in zip(*(_vector(*_radians(stop)) for stop in stops), strict=True))
    if math.hypot(x, y, z) < 1e-6:
        return _radians(stops[0])
    return math.atan2(y, x), math.atan2(z, math.hypot(x, y))


def _thinned(points: Sequence[Flat]) -> list[Flat]:
    """Without points that the eye cannot tell apart. Both ends stay: neighbours share them."""
    kept = [points[0]]
    for point in points[1:-1]:
        if abs(point[0] - kept[-1][0]) + abs(point[1] - kept[-1][1]) > _EYE:
            kept.append(point)
    return [*kept, points[-1]]


def _clipped(ring: list[Flat]) -> list[Flat]:
    """The ring inside the frame and a little beyond, by Sutherland and Hodgman, one side after the other."""
    for axis, limit, sign in (
        (0, -_OUTSIDE, 1),
        (0, WIDTH + _OUTSIDE, -1),
        (1, -_OUTSIDE, 1),
        (1, HEIGHT + _OUTSIDE, -1),
    ):
        kept: list[Flat] = []
        for before, point in zip([ring[-1], *ring[:-1]], ring, strict=True):
            inside, was = (point[axis] - limit) * sign >= 0, (before[axis] - limit) * sign >= 0
            if inside != was:
                share = (limit - before[axis]) / (point[axis] - before[axis])
                kept.append(_between(before, point, share))
            if inside:
                kept.append(point)
        if not kept:
            return []
        ring = kept
    return ring


def _runs(points: Sequence[Flat]) -> Iterable[str]:
    """The parts of a line that are in the frame."""
    run: list[Flat] = []
    for start, end in pairwise(points):
        near = abs(end[0] - start[0]) + abs(end[1] - start[1]) < WIDTH
        part = _inside(start, end) if near else None
        if run and (part is None or part[0] != run[-1]):
            yield _line(run)
            run = []
        if part is not None:
            run = [*(run or part[:1]), part[1]]
    if run:
        yield _line(run)


def _inside(start: Flat, end: Flat) -> tuple[Flat, Flat] | None:
    """The part of a straight line that is in the frame, by Liang and Barsky."""
    first, last = 0.0, 1.0
    for axis, size in ((0, WIDTH), (1, HEIGHT)):
        step = end[axis] - start[axis]
        for way, room in ((-step, start[axis] + _OUTSIDE), (step, size + _OUTSIDE - start[axis])):
            if way == 0 and room < 0:
                return None
            if way < 0:
                first = max(first, room / way)
            elif way > 0:
                last = min(last, room / way)
    if first >= last:
        return None
    return _between(start, end, first), _between(start, end, last)


def _between(start: Flat, end: Flat, share: float) -> Flat:
    if share in (0.0, 1.0):
        return end if share else start
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _line(points: Sequence[Flat]) -> str:
    """A path in tenths, each corner told from the one before: the shortest spelling."""
    tenths = [(round(x * 10), round(y * 10)) for x, y in points]
    words = [f"M{_tenth(tenths[0][0])} {_tenth(tenths[0][1])}l"]
    steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(tenths)]
    words += [f"{_tenth(dx)} {_tenth(dy)} " for dx, dy in steps if dx or dy]
    return "".join(words).rstrip() if len(words) > 1 else words[0][:-1]


def _tenth(n: int) -> str:
    whole, part = divmod(abs(n), 10)
    return f"{'-' if n < 0 else ''}{whole or (0 if not part else '')}{f'.{part}' if part else ''}"


def _dense(way: Sequence[Flat]) -> list[Flat]:
    """Points close enough that no name can stand between two of them."""
    return [
        (x0 + (x1 - x0) * step / 8, y0 + (y1 - y0) * step / 8)
        for (x0, y0), (x1, y1) in pairwise(way)
        for step in range(9)
    ]


def _marks(points: Sequence[Flat], route: Sequence[Flat]) -> tuple[Mark, ...]:
    together: list[tuple[Flat, list[int]]] = []
    for number, point in enumerate(points, 1):
        near = next((numbers for at, numbers in together if math.dist(at, point) < _NEAR_STOPS), None)
        if near is None:
            together.append((point, [number]))
        else:
            near.append(number)
    taken = [_box(x - 9, y - 9, 18, 18) for (x, y), _ in together]
    found = []
    for point, numbers in together:
        mark, box = min(_ways_to_name(point, numbers), key=lambda way: _crowding(way[1], route, taken))
        taken.append(box)
        found.append(mark)
    return tuple(found)


Box = tuple[float, float, float, float]


def _ways_to_name(point: Flat, numbers: Sequence[int]) -> Iterable[tuple[Mark, Box]]:
    """The name right, left, below or above of its mark."""
    x, y = point
    wide, high = _NAME
    gap = 8 + 5 * len(numbers)
    for anchor, dx, dy in (("start", gap, 4), ("end", -gap, 4), ("middle", 0, 22), ("middle", 0, -14)):
        left = {"start": x + dx, "end": x + dx - wide, "middle": x - wide / 2}[anchor]
        mark = Mark(round(x, 1), round(y, 1), tuple(numbers), anchor, round(x + dx, 1), round(y + dy, 1))
        yield mark, _box(left, y + dy - high + 2, wide, high)


def _crowding(box: Box, route: Sequence[Flat], taken: Sequence[Box]) -> int:
    """How much the name would cover: the route, other stops and names, and most of all the edge of the map."""
    left, top, right, bottom = box
    outside = left < 2 or top < 2 or right > WIDTH - 2 or bottom > HEIGHT - 2
    on_route = sum(1 for x, y in route if left - 2 < x < right + 2 and top - 2 < y < bottom + 2)
    on_others = sum(1 for a, b, c, d in taken if left < c and a < right and top < d and b < bottom)
    return 1000 * outside + 50 * on_others + on_route


def _box(left: float, top: float, wide: float, high: float) -> Box:
    return left, top, left + wide, top + high
