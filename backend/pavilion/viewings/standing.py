"""What stands at an office in a span of time, read once, and what a wish would be answered among it; pure.

The answer is `rules.check`'s own: here its facts are put together for many wishes, from appointments instead of the
single rows of the claim table.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pavilion.viewings import rules
from pavilion.viewings.occupying import Occupied, Pads
from pavilion.viewings.rows import Rows, Span, Table, Taken
from pavilion.viewings.rules import BookingRules, CompanyFacts, Facts, Opening, Place, RegimeFacts, StoneFacts
from pavilion.viewings.states import GapMode, ViewingMode
from pavilion.viewings.wishes import Answer, Wish

NO_REGIME, NO_PADS = RegimeFacts(), Pads()
NOBODY: Mapping[int, str] = {}
NONE_ALIKE: frozenset[str] = frozenset()


class Sitting(NamedTuple):
    """An appointment that takes places. `id` orders them as they were made."""

    id: int
    company_id: int
    desk: str
    room: str | None
    start: datetime
    end: datetime
    party: int = 1
    pads: Pads = NO_PADS
    gap_mode: GapMode = GapMode.MAX
    mode: ViewingMode = ViewingMode.IN_PERSON
    held_until: datetime | None = None
    stones: tuple[str, ...] = ()
    visitors: tuple[tuple[int, str], ...] = ()  # and who each is, the same person for whichever company
    operator: int | None = None


@dataclass(frozen=True, slots=True)
class RegimeSpan:
    start: datetime
    end: datetime
    facts: RegimeFacts


@dataclass(frozen=True, slots=True)
class Company:
    """What holds for the company at this office whatever the time; `days`: its appointments by local date."""

    no_shows: int = 0
    approved: bool = True
    used: timedelta = timedelta(0)
    days: Mapping[date, int] = field(default_factory=dict)

    def facts(self, day: date) -> CompanyFacts:
        return CompanyFacts(self.no_shows, self.days.get(day, 0), self.used, self.approved)


@dataclass(frozen=True, slots=True)
class Scene:
    """An office in a span of time. `openings` none: it is open whenever somebody comes."""

    office: str
    zone: ZoneInfo
    places: Mapping[str, Place]  # by desk
    rules: BookingRules = field(default_factory=BookingRules)
    openings: tuple[Opening, ...] = ()
    viewing_ends: datetime | None = None
    regimes: tuple[RegimeSpan, ...] = ()
    stones: Mapping[str, StoneFacts] = field(default_factory=dict)
    persons: Mapping[int, str] = field(default_factory=dict)  # who the company's visitors are
    operators: frozenset[int] = frozenset()
    sittings: tuple[Sitting, ...] = ()  # by start

    def regime_at(self, start: datetime) -> RegimeFacts:
        return next((one.facts for one in self.regimes if one.start <= start < one.end), NO_REGIME)


class Around:
    """What lies about a span: the sittings that could be in its way."""

    def __init__(self, sittings: Iterable[Sitting] = ()) -> None:
        self.sittings: list[Sitting] = []  # by start
        self._reach = self._pad = timedelta(0)
        for one in sorted(sittings, key=_order):
            self.add(one)

    def add(self, one: Sitting) -> None:
        if self.sittings and _order(self.sittings[-1]) > _order(one):
            insort(self.sittings, one, key=_order)
        else:
            self.sittings.append(one)
        self._pad = max(self._pad, one.pads.before, one.pads.after)
        self._reach = max(self._reach, one.end - one.start)

    def near(self, start: datetime, end: datetime, pads: Pads) -> list[Sitting]:
        margin = self._pad + pads.before + pads.after
        first = bisect_left(self.sittings, (start - self._reach - margin, 0), key=_order)
        last = bisect_left(self.sittings, (end + margin, 0), key=_order)
        return [one for one in self.sittings[first:last] if one.end + margin > start]


def _order(one: Sitting) -> tuple[datetime, int]:
    return one.start, one.id


def check(
    scene: Scene, around: Around, wish: Wish, company: Company, now: datetime, *, staff: bool = False,
    seated: bool = False,
) -> Answer:  # fmt: skip
    """What a hold of this wish would answer now, among these sittings."""
    place = scene.places.get(wish.desk)
    near = around.near(wish.start, wish.end, rules.pads_of(scene.rules, wish.mode, scene.regime_at(wish.start)))
    rows = rows_for(wish, near, place.room if place else None, scene.persons)
    return rules.check(wish, facts_of(scene, wish, company, rows), now, staff=staff, seated=seated)


def facts_of(
    scene: Scene, wish: Wish, company: Company, rows: Rows, openings: tuple[Opening, ...] | None = None,
    alike: frozenset[str] = NONE_ALIKE,
) -> Facts:  # fmt: skip
    """`openings`: those alone that matter to the wish."""
    day = wish.start.astimezone(scene.zone).date()
    known = wish.operator is None or wish.operator in scene.operators
    return Facts(
        scene.places.get(wish.desk), company.facts(day), scene.rules,
        scene.openings if openings is None else openings, scene.viewing_ends, scene.regime_at(wish.start),
        scene.stones, frozenset(scene.persons), known, frozenset(wish.quotas), rows, scene.persons, alike,
    )  # fmt: skip


def rows_for(
    wish: Wish,
    near: Sequence[Sitting],
    room: str | None,
    persons: Mapping[int, str] = NOBODY,
    *,
    cap: int = 0,
    companies: bool = True,
) -> Table:
    """The rows of the claim table that can be in the way of this wish at any desk of the room, of sittings by start.

    Left out is what no check can be about: seats where all who come still find room for the wish under the smallest
    `cap`, and, without `companies`, the companies' places in the room."""
    rows = _Among(near, wish.stones)
    visitors = {persons.get(one, str(one)) for one in wish.visitors}
    for visitor in visitors:
        for one in near:
            if any(name == visitor for _, name in one.visitors):
                rows.take(f"visitor:{visitor}", core := _core(one), (("", core),), _taken(one))
    desks = _Counter(f"company:{wish.company_id}")
    for one in near:
        if one.company_id == wish.company_id:
            desks.take(rows, _core(one), 1, _taken(one))
    if room is not None:
        inside = [one for one in near if one.room == room and one.mode is ViewingMode.IN_PERSON]
        _seat(rows, inside, room, cap - wish.party)
        if companies:
            _number(rows, _places(inside), f"roomco:{room}")
    return rows


class _Among(Table):
    """The rows of these sittings. Those of a desk, a stone or an operator are laid out when they are asked about."""

    def __init__(self, sittings: Iterable[Sitting], stones: Sequence[str]) -> None:
        super().__init__()
        self._waiting: dict[str, list[Sitting]] = {}
        wanted = frozenset(stones)
        for one in sittings:
            self._waiting.setdefault(f"desk:{one.desk}", []).append(one)
            for stone in one.stones:
                if stone in wanted:
                    self._waiting.setdefault(f"stone:{stone}", []).append(one)
            if one.operator is not None:
                self._waiting.setdefault(f"operator:{one.operator}", []).append(one)

    def about(self, thing: str, span: range) -> list[Span]:
        for one in self._waiting.pop(thing, ()):
            its = _occupied(one.start, one.end, one.pads, one.gap_mode)
            self.take(thing, its.span, its.keys(), _taken(one))
        return super().about(thing, span)


def _taken(one: Sitting) -> Taken:
    return Taken(one.company_id, one.id, held_until=one.held_until)


def _core(one: Sitting) -> range:
    return _occupied(one.start, one.end, one.pads, one.gap_mode).core


@lru_cache(maxsize=4096)
def _occupied(start: datetime, end: datetime, pads: Pads, mode: GapMode) -> Occupied:
    """What a sitting takes of any desk: many sittings begin and end together."""
    return Occupied(start, end, pads, mode, "", 0, 0, 1)


def _seat(rows: Table, inside: Sequence[Sitting], room: str, left: int) -> None:
    """Seats, lowest numbers first, for all who are there while more persons are in the room than that."""
    seats, crowded = _Counter(f"seat:{room}"), _crowded(inside, left)
    for one in inside if crowded else ():
        if any(one.start < last and first < one.end for first, last in crowded):
            seats.take(rows, _core(one), one.party, _taken(one))


def _crowded(inside: Iterable[Sitting], left: int) -> list[tuple[datetime, datetime]]:
    """The spans in which more persons are in the room than that."""
    steps: dict[datetime, int] = defaultdict(int)
    for one in inside:
        steps[one.start] += one.party
        steps[one.end] -= one.party
    spans: list[tuple[datetime, datetime]] = []
    there, since = 0, None
    for at in sorted(steps):
        there += steps[at]
        if there > left and since is None:
            since = at
        elif there <= left and since is not None:
            spans.append((since, at))
            since = None
    if since is not None:  # the wish alone is more than that
        spans.append((since, max(steps)))
    return spans


class _Counter:
    """Numbers of a counter, the lowest free ones for each sitting; sittings come by their start."""

    def __init__(self, thing: str) -> None:
        self._thing = thing
        self._busy: list[tuple[int, int]] = []  # until, number
        self._free: list[int] = []
        self._most = 0

    def take(self, rows: Table, core: range, count: int, taken: Taken) -> None:
        while self._busy and self._busy[0][0] <= core.start:
            heappush(self._free, heappop(self._busy)[1])
        numbers = [self._next() for _ in range(count)]
        for number in numbers:
            heappush(self._busy, (core.stop, number))
        rows.take(self._thing, core, [(f":{number}", core) for number in numbers], taken)

    def _next(self) -> int:
        if self._free:
            return heappop(self._free)
        self._most += 1
        return self._most


def _places(inside: Iterable[Sitting]) -> dict[tuple[int, int], Taken]:
    """Each company's place in the room, which its appointments share; it is on hold where all of them are."""
    places: dict[tuple[int, int], Taken] = {}
    for one in inside:
        for quantum in _core(one):
            there = places.get((quantum, one.company_id))
            until = one.held_until if there is None else _later(there.held_until, one.held_until)
            places[quantum, one.company_id] = Taken(one.company_id, held_until=until)
    return places


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one is not None and other is not None else None


def _number(rows: Table, places: Mapping[tuple[int, int], Taken], thing: str) -> None:
    used: Counter[int] = Counter()
    for (quantum, _), place in places.items():
        used[quantum] += 1
        core = range(quantum, quantum + 1)
        rows.take(thing, core, ((f":{used[quantum]}", core),), place)
