"""What a viewing occupies: resources in quanta of five minutes, and which of them are in its way; pure.

A desk, a stone and an operator are kept apart from the next viewing by pads. With the gap mode `max` two key spaces
hold `[start - before, end)` and `[start, end + after)`, so that neighbours keep the longer of the two pads; with `sum`
one key space holds both pads. Seats, companies of a room and desks of a company are counters: the lowest free number of
each quantum is taken, and two racers always meet on it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pavilion.viewings.rows import Keys, Met, Row, Rows, Taken, counted, met
from pavilion.viewings.states import GapMode, ViewingMode
from pavilion.viewings.wishes import Wish

STEP = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPARE = 20  # counters looked at beyond the cap: from a time when there were more


@dataclass(frozen=True, slots=True)
class Pads:
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Seating:
    """How many may sit in a room; `companies` none: as many as find seats."""

    room: str
    cap: int
    companies: int | None = None
    most: int = 0  # what the room holds without a regime


@dataclass(frozen=True, slots=True)
class Clash:
    """In whose way a wish is, for how long, and until when it is only holds that are in the way."""

    start: datetime
    end: datetime
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """The rows a wish takes, and the rows of its company's place in the room that it shares."""

    own: tuple[Row, ...] = ()
    places: tuple[Row, ...] = ()  # new places of the company
    shared: tuple[Row, ...] = ()

    @property
    def size(self) -> int:
        return len(self.own) + len(self.places) + len(self.shared)


@dataclass(frozen=True, slots=True)
class Occupied:
    """Everything a wish wants of the claim table."""

    start: datetime
    end: datetime
    pads: Pads
    mode: GapMode
    desk: str
    company_id: int
    party: int
    desks_per_company: int
    seating: Seating | None = None  # none: nobody sits in a room
    stones: tuple[str, ...] = ()
    operator: int | None = None
    visitors: tuple[str, ...] = ()  # names of the persons
    _core: range = field(init=False, repr=False)
    _span: range = field(init=False, repr=False)
    _own: Keys = field(init=False, repr=False)
    _other: Keys = field(init=False, repr=False)  # of the other gap mode, which another office may use

    def __post_init__(self) -> None:
        core, span = quanta(self.start, self.end), quanta(self.start - self.pads.before, self.end + self.pads.after)
        maxed = ((":f", range(span.start, core.stop)), (":t", range(core.start, span.stop)))
        summed = ((":s", span),)
        put = object.__setattr__
        put(self, "_core", core)
        put(self, "_span", span)
        put(self, "_own", summed if self.mode is GapMode.SUM else maxed)
        put(self, "_other", maxed if self.mode is GapMode.SUM else summed)

    @property
    def core(self) -> range:
        return self._core

    @property
    def span(self) -> range:
        """With both pads."""
        return self._span

    def resources(self) -> list[str]:
        """Every resource whose rows can be in the way, numbers beyond the cap too."""
        found = [thing + key for thing in self._padded() for key, _ in (*self._own, *self._other)]
        found += [f"visitor:{visitor}" for visitor in self.visitors]
        found += [f"company:{self.company_id}:{k}" for k in range(1, self.desks_per_company + SPARE + 1)]
        if self.seating:
            most = max(self.seating.most, self.seating.cap) + SPARE
            found += [f"seat:{self.seating.room}:{k}" for k in range(1, most + 1)]
            found += [f"roomco:{self.seating.room}:{k}" for k in range(1, most + 1)]
        return found

    def fixed(self) -> Iterator[Row]:
        """The rows that leave no choice."""
        for thing in self._padded():
            for key, span in self._own:
                yield from ((thing + key, quantum) for quantum in span)
        for visitor in self.visitors:
            yield from ((f"visitor:{visitor}", quantum) for quantum in self.core)

    def _padded(self) -> Iterator[str]:
        yield f"desk:{self.desk}"
        yield from (f"stone:{stone}" for stone in self.stones)
        if self.operator is not None:
            yield f"operator:{self.operator}"

    def keys(self) -> Keys:
        """The key spaces of a padded thing."""
        return self._own

    # What is in the way

    def company_clash(self, rows: Rows) -> Clash | None:
        """The company's desks are all in use."""
        numbers = self.desks_per_company + SPARE
        return self._crowded(rows, f"company:{self.company_id}", numbers, 1, self.desks_per_company)

    def thing_clash(self, rows: Rows, thing: str) -> Clash | None:
        """A desk, stone or operator (`desk:A3`) is with somebody else, pads counted."""
        return _clash(self._met_by(rows, thing))

    def is_free(self, rows: Rows, thing: str) -> bool:
        return not self._met_by(rows, thing)

    def _met_by(self, rows: Rows, thing: str) -> Met:
        return met(rows, thing, self._span, self._own, self._other)

    def visitor_clash(self, rows: Rows, visitor: str) -> Clash | None:
        return _clash(met(rows, f"visitor:{visitor}", self._core, (("", self._core),)))

    def seat_clash(self, rows: Rows) -> Clash | None:
        """Persons in the room and this party are more than it holds; the first run of such instants."""
        if self.seating is None:
            return None
        most = max(self.seating.most, self.seating.cap) + SPARE
        return self._crowded(rows, f"seat:{self.seating.room}", most, self.party, self.seating.cap)

    def companies_clash(self, rows: Rows) -> Clash | None:
        if self.seating is None or self.seating.companies is None:
            return None
        most = max(self.seating.most, self.seating.cap) + SPARE
        return self._crowded(
            rows, f"roomco:{self.seating.room}", most, 1, self.seating.companies, besides=self.company_id
        )

    def _crowded(
        self, rows: Rows, thing: str, most: int, wanted: int, cap: int, *, besides: int | None = None
    ) -> Clash | None:
        """`most`: the numbers of the counter that are looked at."""
        there: dict[int, list[Taken]] = defaultdict(list)
        for quantum, taken in counted(rows, thing, self._core, most):
            if taken.company_id != besides:
                there[quantum].append(taken)
        if not there and wanted <= cap:
            return None
        full: list[tuple[int, list[Taken], bool]] = []
        for quantum in self._core:
            if len(there[quantum]) + wanted > cap:
                firm = sum(1 for one in there[quantum] if one.held_until is None)
                full.append((quantum, there[quantum], firm + wanted <= cap))
        if not full:
            return None
        run = full[0][0]
        while any(quantum == run + 1 for quantum, _, _ in full):
            run += 1
        held = [one.held_until for _, there, _ in full for one in there if one.held_until is not None]
        only_holds = held and all(passes for _, _, passes in full)
        return Clash(instant(full[0][0]), instant(run + 1), max(held) if only_holds else None)

    # What is taken

    def pick(self, rows: Rows) -> Picked:
        """The rows to take; every clash has been ruled out among those read from the claim table."""
        assert isinstance(rows, dict)
        own, places, shared = list(self.fixed()), [], []
        for quantum in self.core:
            own += self._lowest(rows, f"company:{self.company_id}", quantum, 1)
            if self.seating is None:
                continue
            own += self._lowest(rows, f"seat:{self.seating.room}", quantum, self.party)
            place = self._place(rows, self.seating, quantum)
            if place is None:
                places += self._lowest(rows, f"roomco:{self.seating.room}", quantum, 1)
            else:
                shared.append(place)
        return Picked(tuple(sorted(own)), tuple(sorted(places)), tuple(sorted(shared)))

    def _place(self, rows: dict[Row, Taken], seating: Seating, quantum: int) -> Row | None:
        """Where the company already has its place in the room."""
        for k in range(1, max(seating.most, seating.cap) + SPARE + 1):
            row = (f"roomco:{seating.room}:{k}", quantum)
            if row in rows and rows[row].company_id == self.company_id:
                return row
        return None

    def _lowest(self, rows: dict[Row, Taken], name: str, quantum: int, count: int) -> list[Row]:
        found: list[Row] = []
        k = 1
        while len(found) < count:
            if (f"{name}:{k}", quantum) not in rows:
                found.append((f"{name}:{k}", quantum))
            k += 1
        return found


def occupied(
    wish: Wish,
    pads: Pads,
    mode: GapMode,
    seating: Seating | None,
    desks_per_company: int,
    visitors: Mapping[int, str] | None = None,
) -> Occupied:
    """`visitors`: who each is, the same person for whichever company."""
    in_room = wish.mode is ViewingMode.IN_PERSON
    who = tuple((visitors or {}).get(visitor, str(visitor)) for visitor in wish.visitors)
    return Occupied(
        wish.start, wish.end, pads, mode, wish.desk, wish.company_id, wish.party if in_room else 0, desks_per_company,
        seating if in_room else None, wish.stones, wish.operator, who,
    )  # fmt: skip


def _clash(found: Met) -> Clash | None:
    if not found:
        return None
    quanta_met = {quantum for quantum, _ in found}
    first = run = min(quanta_met)
    while run + 1 in quanta_met:
        run += 1
    held = [taken.held_until for _, taken in found if taken.held_until is not None]
    return Clash(instant(first), instant(run + 1), max(held) if len(held) == len(found) else None)


# The grid


def on_grid(at: datetime) -> bool:
    return (at - EPOCH) % STEP == timedelta(0)


def floor(at: datetime) -> datetime:
    return at - (at - EPOCH) % STEP


def ceil(at: datetime) -> datetime:
    return at if on_grid(at) else floor(at) + STEP


def quantum(at: datetime) -> int:
    """The quantum that holds the instant."""
    return (at - EPOCH) // STEP


def instant(quantum: int) -> datetime:
    return EPOCH + quantum * STEP


def quanta(start: datetime, end: datetime) -> range:
    return range(quantum(start), quantum(end))
