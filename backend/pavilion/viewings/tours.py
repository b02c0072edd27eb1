"""The tour of a trunk of stones that serves most wishes, and breaks no booking; pure.

A wish is at a time and a place. Two of them exclude each other if they want the same stone, desk or company at once, or
if no way, however it is routed, brings the trunk in time from the one to the other while offices are open to pack and
to unpack. Arrivals never come sooner by leaving later, so what holds for every pair holds for the whole tour: the best
tour is the heaviest set of wishes without a pair that excludes each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from pavilion.viewings.lines import GRID, Stop, Ways

BUDGET = 200_000  # steps of the exact search; then the greedy one
MOST_EXACT = 60  # wishes that hang together, of which the exact search is tried
Span = tuple[datetime, datetime]
Report = Callable[[int], None]  # percent of the work done


class How(StrEnum):
    """By which search: only the greedy one may miss the best."""

    EXACT = "exact"
    GREEDY = "greedy"
    SOLVER = "solver"


@dataclass(frozen=True, slots=True)
class Item:
    """A wish at a time and a place, or, `fixed`, a booking that stands or a place where the trunk must be."""

    key: str
    office: str
    start: datetime
    end: datetime
    things: frozenset[str] = frozenset()  # stones, desk, company: what cannot be at two places at once
    before: int = 0  # minutes
    after: int = 0
    weight: int = 1
    fixed: bool = False

    @property
    def needed_from(self) -> datetime:
        return self.start - timedelta(minutes=self.before)

    @property
    def needed_until(self) -> datetime:
        return self.end + timedelta(minutes=self.after)


@dataclass(frozen=True)
class Task:
    """A trunk at `home` at `since` that must be at `back` by `until`, and the offices it may go to."""

    home: str
    since: datetime
    back: str
    until: datetime
    items: tuple[Item, ...]
    windows: Mapping[str, tuple[Span, ...]]  # when each office is open, in order
    ways: Ways
    pack: int = 0
    unpack: int = 0

    @cached_property
    def nodes(self) -> tuple[Item, ...]:
        """Everything there is to be at, in order of time: where the trunk begins and ends is fixed."""
        edges = (
            Item("", self.home, self.since, self.since, fixed=True),
            Item(" ", self.back, self.until, self.until, fixed=True),
        )
        return tuple(sorted((*self.items, *edges), key=lambda item: (item.needed_from, item.needed_until, item.key)))


@dataclass(frozen=True, slots=True)
class Tour:
    """The stays of the trunk from where it stands at first; the wishes it serves, of how much weight in all."""

    stops: tuple[Stop, ...]
    served: tuple[str, ...]
    weight: int
    of: int
    how: How

    @property
    def moves(self) -> bool:
        return len(self.stops) > 1


class NoTour(Exception):
    """What stands fixed cannot all be kept, whatever is served besides: `one` and `other` exclude each other."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one, other)
        self.one, self.other = one, other


Heaviest = Callable[["Graph", Report], tuple[int, How]]


@dataclass(frozen=True, slots=True)
class Graph:
    """The wishes that go with all that is fixed: weights, and for each the mask of those that it excludes."""

    nodes: tuple[Item, ...]
    excluded: tuple[int, ...]

    @property
    def weights(self) -> list[int]:
        return [node.weight for node in self.nodes]


def suggest(task: Task, heaviest: Heaviest | None = None, report: Report = lambda _: None) -> Tour:
    """The tour that serves most. NoTour if not even the fixed places can be kept."""
    graph = graph_of(task, report)
    mask, how = (heaviest or search)(graph, report)
    chosen = [node for n, node in enumerate(graph.nodes) if mask >> n & 1]
    report(100)
    return Tour(
        _stops(task, chosen),
        tuple(node.key for node in chosen),
        sum(node.weight for node in chosen),
        sum(item.weight for item in task.items if not item.fixed),
        how,
    )


def graph_of(task: Task, report: Report = lambda _: None) -> Graph:
    nodes = task.nodes
    reach = _Reach(task)
    fixed = [node for node in nodes if node.fixed]
    for n, one in enumerate(fixed):
        for other in fixed[n + 1 :]:
            if excludes(reach, one, other):
                raise NoTour(one.key, other.key)
    able = [
        node
        for node in nodes
        if not node.fixed and _open(task, node) and not any(excludes(reach, node, other) for other in fixed)
    ]
    masks = [0] * len(able)
    for n, one in enumerate(able):
        report(n * 40 // len(able))
        for m in range(n + 1, len(able)):
            if excludes(reach, one, able[m]):
                masks[n] |= 1 << m
                masks[m] |= 1 << n
    return Graph(tuple(able), tuple(masks))


def excludes(reach: "_Reach", one: Item, other: Item) -> bool:
    """Whether the trunk cannot serve both."""
    first, second = (one, other) if (one.start, one.key) <= (other.start, other.key) else (other, one)
    if first.office != second.office:
        return reach.ready(first.office, first.needed_until, second.office) > second.needed_from
    if not first.things & second.things:
        return False
    return first.end + timedelta(minutes=max(first.after, second.before)) > second.start


def search(graph: Graph, report: Report = lambda _: None) -> tuple[int, How]:
    """The heaviest set: exact where a knot of wishes is small enough, greedy where it is not."""
    chosen, how = 0, How.EXACT
    knots = list(_knots(graph))
    for n, knot in enumerate(knots):
        report(40 + n * 60 // len(knots))
        best = _exact(graph, knot) if knot.bit_count() <= MOST_EXACT else None
        if best is None:
            best, how = _greedy(graph, knot), How.GREEDY
        chosen |= best
    return chosen, how


def greedy(graph: Graph, report: Report = lambda _: None) -> tuple[int, How]:
    """A good set, soon found."""
    return _greedy(graph, (1 << len(graph.nodes)) - 1), How.GREEDY


def _knots(graph: Graph) -> Iterator[int]:
    """Wishes that exclude each other by any chain; between knots there is nothing to weigh."""
    left = (1 << len(graph.nodes)) - 1
    while left:
        knot, edge = 0, left & -left
        while edge:
            knot |= edge
            edge = _around(graph, edge) & left & ~knot
        left &= ~knot
        yield knot


def _around(graph: Graph, mask: int) -> int:
    found = 0
    for n in _bits(mask):
        found |= graph.excluded[n]
    return found


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _exact(graph: Graph, knot: int) -> int | None:
    """The heaviest set of this knot; none where the budget runs out. At each step the wish that excludes most is taken
    or left, and a branch that cannot beat the best is dropped: of wishes that all exclude each other one can be had."""
    weights, excluded = graph.weights, graph.excluded
    best, best_mask, steps = 0, 0, 0
    stack = [(knot, 0, 0)]
    while stack:
        steps += 1
        if steps > BUDGET:
            return None
        left, weight, mask = stack.pop()
        if not left:
            if weight > best:
                best, best_mask = weight, mask
            continue
        if weight + _bound(weights, excluded, left) <= best:
            continue
        pivot = max(_bits(left), key=lambda n: ((excluded[n] & left).bit_count(), -n))
        if excluded[pivot] & left:
            stack.append((left & ~(1 << pivot), weight, mask))
            stack.append((left & ~(1 << pivot) & ~excluded[pivot], weight + weights[pivot], mask | 1 << pivot))
        else:  # nothing excludes anything any more
            stack.append((0, weight + sum(weights[n] for n in _bits(left)), mask | left))
    return best_mask


def _bound(weights: Sequence[int], excluded: Sequence[int], left: int) -> int:
    """At most so much can still be had: the heaviest of each group that all exclude each other."""
    total = 0
    while left:
        first = left & -left
        group, among = first, left & excluded[first.bit_length() - 1]
        while among:
            n = among & -among
            group |= n
            among &= excluded[n.bit_length() - 1]
        total += max(weights[n] for n in _bits(group))
        left &= ~group
    return total


def _greedy(graph: Graph, knot: int) -> int:
    """Take what weighs most for what it excludes; then exchange while that gains."""
    weights, excluded = graph.weights, graph.excluded
    chosen, left = 0, knot
    while left:
        best = max(_bits(left), key=lambda n: (weights[n] * 1000 // (1 + (excluded[n] & left).bit_count()), -n))
        chosen |= 1 << best
        left &= ~(1 << best) & ~excluded[best]
    gained = True
    while gained:
        gained = False
        for n in _bits(knot & ~chosen):
            losing = chosen & excluded[n]
            if weights[n] > sum(weights[m] for m in _bits(losing)):
                chosen, gained = chosen & ~losing | 1 << n, True
        for m in _bits(chosen):
            freed = [n for n in _bits(knot & ~chosen) if not chosen & ~(1 << m) & excluded[n]]
            pair = next((p for p in _pairs(freed, excluded) if sum(weights[n] for n in p) > weights[m]), None)
            if pair is not None:
                chosen, gained = chosen & ~(1 << m) | 1 << pair[0] | 1 << pair[1], True
                break
    return chosen


def _pairs(among: Sequence[int], excluded: Sequence[int]) -> Iterator[tuple[int, int]]:
    for i, n in enumerate(among):
        for m in among[i + 1 :]:
            if not excluded[n] >> m & 1:
                yield n, m


def _open(task: Task, item: Item) -> bool:
    return any(opens <= item.start and item.end <= closes for opens, closes in task.windows.get(item.office, ()))


class _Reach:
    """How soon the trunk can be shown at an office, by any route."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._known: dict[tuple[str, datetime], dict[str, tuple[datetime, tuple[Stop, ...]]]] = {}

    def ready(self, start: str, at: datetime, end: str) -> datetime:
        """Unpacked at `end` by then, if it is free at `start` from `at` on; later than any time where it never is."""
        found = self._from(start, at).get(end)
        return found[0] if found else datetime.max.replace(tzinfo=at.tzinfo)

    def route(self, start: str, at: datetime, end: str) -> tuple[Stop, ...]:
        """The stays of that way after `start`, of which only departures matter before the last; the first stop is
        `start` itself with its departure."""
        return self._from(start, at)[end][1]

    def _from(self, start: str, at: datetime) -> dict[str, tuple[datetime, tuple[Stop, ...]]]:
        key = start, at
        if key not in self._known:
            self._known[key] = dict(self._search(start, at))
        return self._known[key]

    def _search(self, start: str, at: datetime) -> Iterator[tuple[str, tuple[datetime, tuple[Stop, ...]]]]:
        """The office reached soonest is settled first; who leaves sooner never arrives later."""
        task, settled = self.task, set[str]()
        open_ways: dict[str, tuple[datetime, tuple[Stop, ...]]] = {start: (at, (Stop(start),))}
        while open_ways:
            office = min(open_ways, key=lambda name: (open_ways[name][0], name))
            ready, stops = open_ways.pop(office)
            settled.add(office)
            yield office, (ready, stops)
            leaves = departure(task, office, ready)
            if leaves is None:
                continue
            for other in task.windows:
                if other in settled:
                    continue
                there = arrival(task, other, leaves, task.ways.minutes(office, other, leaves.date()))
                if there is not None:
                    shown = there + timedelta(minutes=task.unpack)
                    if other not in open_ways or shown < open_ways[other][0]:
                        way = (*stops[:-1], replace(stops[-1], depart=leaves), Stop(other, there))
                        open_ways[other] = shown, way


def departure(task: Task, office: str, free: datetime) -> datetime | None:
    """When the trunk can leave: packed while the office is open."""
    for opens, closes in task.windows.get(office, ()):
        leaves = max(free, opens) + timedelta(minutes=task.pack)
        if leaves <= closes:
            return leaves
    return None


def arrival(task: Task, office: str, leaves: datetime, minutes: int) -> datetime | None:
    """When it can be taken in: unpacked while the office is open."""
    least = leaves + max(GRID, timedelta(minutes=minutes))
    for opens, closes in task.windows.get(office, ()):
        arrives = max(least, opens)
        if arrives + timedelta(minutes=task.unpack) <= closes:
            return arrives
    return None


def _stops(task: Task, chosen: Sequence[Item]) -> tuple[Stop, ...]:
    """The stays that serve what was chosen: from each place it leaves as soon as all is done there."""
    reach = _Reach(task)
    keep = {item.key for item in chosen}
    visits = [node for node in task.nodes if node.fixed or node.key in keep]
    stops, free = [Stop(task.home)], task.since
    for node in visits:
        here = stops[-1]
        if node.office != here.office:
            way = reach.route(here.office, free, node.office)
            stops[-1] = replace(here, depart=way[0].depart)
            stops.extend(way[1:])
            free = reach.ready(here.office, free, node.office)
        free = max(free, node.needed_until)
    return tuple(replace(stop, pack=task.pack, unpack=task.unpack) for stop in stops)
