"""What a viewing occupies: resources in quanta of five minutes, and which of them are in its way; pure.

A desk, a stone and an operator are kept apart from the next viewing by pads. With the gap mode `max` two key spaces
hold `[start - before, end)` and `[start, end + after)`, so that neighbours keep the longer of the two pads; with `sum`
one key space holds both pads. Seats, companies of a room and desks of a company are counters: the lowest free number of
each quantum is taken, and two racers always meet on it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat

from pavilion.viewings.states import GapMode, ViewingMode
from pavilion.viewings.wishes import Wish

STEP = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPARE = 20  # counters looked at beyond the cap: from a time when there were more

Row = tuple[str, int]  # resource, quantum


@dataclass(frozen=True, slots=True)
class Pads:
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose a row is: an appointment's of this company, or (no appointment) the company's place in a room.

    `held_until`: it is only on hold."""

    company_id: int
    appointment_id: int | None = None
    sharers: int = 1
    held_until: datetime | None = None


Rows = Mapping[Row, Taken]


class Table(dict[Row, Taken]):
    """Rows that know of which resources they are: for many questions about the same ones."""

    def __init__(self) -> None:
        super().__init__()
        self.resources: set[str] = set()

    def take(self, resource: str, span: range, taken: Taken) -> None:
        self.resources.add(resource)
        self.update(dict.fromkeys(zip(repeat(resource), span), taken))


def _there(rows: Rows, resources: Sequence[str]) -> Sequence[str]:
    """Those of the resources that can have rows at all."""
    return [name for name in resources if name in rows.resources] if isinstance(rows, Table) else resources


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "_core", quanta(self.start, self.end))
        object.__setattr__(self, "_span", quanta(self.start - self.pads.before, self.end + self.pads.after))

    @property
    def core(self) -> range:
        return self._core

    @property
    def span(self) -> range:
        """With both pads."""
        return self._span

    def resources(self) -> list[str]:
        """Every resource whose rows can be in the way, numbers beyond the cap too."""
        found = [name for thing in self._padded() for name, _ in self.keys(thing, both=True)]
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
            for name, span in self.keys(thing):
                yield from ((name, quantum) for quantum in span)
        for visitor in self.visitors:
            yield from ((f"visitor:{visitor}", quantum) for quantum in self.core)

    def _padded(self) -> Iterator[str]:
        yield f"desk:{self.desk}"
        yield from (f"stone:{stone}" for stone in self.stones)
        if self.operator is not None:
            yield f"operator:{self.operator}"

    def keys(self, thing: str, *, both: bool = False) -> list[tuple[str, range]]:
        """The key spaces of a padded thing; `both`: also those of the other gap mode, which another office may use."""
        core, span = self._core, self._span
        if self.mode is GapMode.SUM and not both:
            return [(f"{thing}:s", span)]
        front, back = range(span.start, core.stop), range(core.start, span.stop)
        maxed = [(f"{thing}:f", front), (f"{thing}:t", back)]
        return [*maxed, (f"{thing}:s", span)] if both else maxed

    # What is in the way

    def company_clash(self, rows: Rows) -> Clash | None:
        """The company's desks are all in use."""
        names = [f"company:{self.company_id}:{k}" for k in range(1, self.desks_per_company + SPARE + 1)]
        return self._crowded(rows, names, 1, self.desks_per_company)

    def thing_clash(self, rows: Rows, thing: str) -> Clash | None:
        """A desk, stone or operator (`desk:A3`) is with somebody else, pads counted."""
        if not _there(rows, [f"{thing}:{key}" for key in "fts"]):
            return None
        own = self.keys(thing)
        met = _met(rows, own)
        if not met:  # of another office's gap mode
            met = _met(rows, [one for one in self.keys(thing, both=True) if one not in own])
        return _clash(met)

    def visitor_clash(self, rows: Rows, visitor: str) -> Clash | None:
        name = f"visitor:{visitor}"
        return _clash([(quantum, rows[name, quantum]) for quantum in self.core if (name, quantum) in rows])

    def seat_clash(self, rows: Rows) -> Clash | None:
        """Persons in the room and this party are more than it holds; the first run of such instants."""
        if self.seating is None:
            return None
        most = max(self.seating.most, self.seating.cap) + SPARE
        names = [f"seat:{self.seating.room}:{k}" for k in range(1, most + 1)]
        return self._crowded(rows, names, self.party, self.seating.cap)

    def companies_clash(self, rows: Rows) -> Clash | None:
        if self.seating is None or self.seating.companies is None:
            return None
        most = max(self.seating.most, self.seating.cap) + SPARE
        names = [f"roomco:{self.seating.room}:{k}" for k in range(1, most + 1)]
        return self._crowded(rows, names, 1, self.seating.companies, besides=self.company_id)

    def _crowded(
        self, rows: Rows, names: Sequence[str], wanted: int, cap: int, *, besides: int | None = None
    ) -> Clash | None:
        full: list[tuple[int, list[Taken], bool]] = []
        names = _there(rows, names)
        if wanted <= cap - len(names):
            return None
        for quantum in self.core:
            there = [rows[name, quantum] for name in names if (name, quantum) in rows]
            there = [one for one in there if one.company_id != besides]
            if len(there) + wanted > cap:
                firm = sum(1 for one in there if one.held_until is None)
                full.append((quantum, there, firm + wanted <= cap))
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
        """The rows to take; every clash has been ruled out."""
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

    def _place(self, rows: Rows, seating: Seating, quantum: int) -> Row | None:
        """Where the company already has its place in the room."""
        for k in range(1, max(seating.most, seating.cap) + SPARE + 1):
            row = (f"roomco:{seating.room}:{k}", quantum)
            if row in rows and rows[row].company_id == self.company_id:
                return row
        return None

    def _lowest(self, rows: Rows, name: str, quantum: int, count: int) -> list[Row]:
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


def _met(rows: Rows, keys: Sequence[tuple[str, range]]) -> list[tuple[int, Taken]]:
    known = _there(rows, [name for name, _ in keys])
    return [(at, rows[name, at]) for name, span in keys if name in known for at in span if (name, at) in rows]


def _clash(met: Iterable[tuple[int, Taken]]) -> Clash | None:
    met = list(met)
    if not met:
        return None
    found = {quantum for quantum, _ in met}
    first = run = min(found)
    while run + 1 in found:
        run += 1
    held = [taken.held_until for _, taken in met if taken.held_until is not None]
    return Clash(instant(first), instant(run + 1), max(held) if len(held) == len(met) else None)


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
