"""The line of a stone through places and time, and what may be done to it; pure.

A line is its stays in order. Between two stays the stone travels: that is a leg, and a leg needs at least the minutes
that the house's table says for the way, from door to door.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

GRID = timedelta(minutes=5)
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
USUAL_WAY = 24 * 60  # minutes; of a way that the table does not know


class LineCode(StrEnum):
    """Why a line cannot be."""

    OFF_GRID = "not_on_grid"
    BEYOND = "bad_input"
    BACKWARDS = "stay_backwards"
    OVERLAP = "stay_overlap"
    SHORT = "stay_too_short"
    LEG_SHORT = "leg_too_short"
    OVER = "stay_over"
    NOT_HERE = "stone_not_here"
    SAME_OFFICE = "same_office"


class LineFault(Exception):
    """The first thing that makes a line impossible, and between which stays."""

    def __init__(self, code: LineCode, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code, self.facts = code, facts


@dataclass(frozen=True, slots=True)
class Stop:
    """A stay. `arrive` none: it always was there; `depart` none: for good. Shown from unpacked until packing."""

    office: str
    arrive: datetime | None = None
    depart: datetime | None = None
    pack: int = 0  # minutes
    unpack: int = 0
    carrier: str = ""
    carrier_ref: str = ""
    id: int | None = None  # of the stored stay

    @property
    def since(self) -> datetime:
        return self.arrive or EVER

    @property
    def until(self) -> datetime:
        return self.depart or NEVER

    @property
    def shown_from(self) -> datetime:
        return self.arrive + timedelta(minutes=self.unpack) if self.arrive else EVER

    @property
    def shown_until(self) -> datetime:
        return self.depart - timedelta(minutes=self.pack) if self.depart else NEVER


Line = tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A row of the house's table of ways."""

    start: str
    end: str
    minutes: int
    valid_from: date


@dataclass(frozen=True, slots=True)
class Ways:
    """How many minutes a way needs on a day: the newest row for it, else for the way back, else the usual ones."""

    rows: tuple[Way, ...] = ()  # in the order they were written

    def minutes(self, start: str, end: str, on: date) -> int:
        return self.row(start, end, on) or self.row(end, start, on) or USUAL_WAY

    def row(self, start: str, end: str, on: date) -> int | None:
        fitting = [row for row in self.rows if (row.start, row.end) == (start, end) and row.valid_from <= on]
        newest = max(row.valid_from for row in fitting) if fitting else None
        return next((row.minutes for row in reversed(fitting) if row.valid_from == newest), None)


@dataclass(frozen=True, slots=True)
class Leg:
    """Between two stays; `start` none where the first of them has no end."""

    start: Stop
    end: Stop

    @property
    def minutes(self) -> int:
        assert self.start.depart is not None and self.end.arrive is not None
        return int((self.end.arrive - self.start.depart).total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Shown:
    """An appointment's claim on a stone, with the pads it was given."""

    appointment: int
    stone: str
    office: str
    start: datetime
    end: datetime
    before: int = 0  # minutes
    after: int = 0


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A stone cannot be shown at a time: it is at another office, or on its way."""

    code: str  # stone_elsewhere | stone_in_transit
    bookable_from: datetime | None
    at: str | None = None  # the office it is at


@dataclass(frozen=True, slots=True)
class Sending:
    """One place more on a stone's way: it leaves where it is at `leave` and stays there from `arrive`."""

    office: str
    leave: datetime
    arrive: datetime
    depart: datetime | None = None
    pack: int = 0
    unpack: int = 0
    carrier: str = ""
    carrier_ref: str = ""

    @property
    def stop(self) -> Stop:
        return Stop(self.office, self.arrive, self.depart, self.pack, self.unpack, self.carrier, self.carrier_ref)


def legs(line: Iterable[Stop]) -> list[Leg]:
    return [Leg(one, two) for one, two in pairwise(line) if one.depart is not None and two.arrive is not None]


def in_order(stops: Iterable[Stop]) -> Line:
    return tuple(sorted(stops, key=lambda stop: (stop.since, stop.until)))


def check(line: Line, ways: Ways) -> None:
    """LineFault, unless a stone can travel so."""
    for stop in line:
        _check_stop(stop)
    for one, two in pairwise(line):
        if one.depart is None or two.arrive is None or two.arrive <= one.depart:
            raise LineFault(LineCode.OVERLAP, one=one.office, other=two.office)
        needed = ways.minutes(one.office, two.office, one.depart.date()) if one.office != two.office else 5
        if Leg(one, two).minutes < needed:
            given = Leg(one, two).minutes
            raise LineFault(
                LineCode.LEG_SHORT, one=one.office, other=two.office, given=hours(given), needed=hours(needed)
            )


def check_change(before: Line, after: Line, ways: Ways, now: datetime) -> None:
    """LineFault, unless the new line can be and leaves alone what is over."""
    check(after, ways)
    kept = {stop.id: stop for stop in after if stop.id is not None}
    for stop in before:
        over = stop.depart is not None and stop.depart <= now
        if over and stop.id is not None and kept.get(stop.id) != stop:
            raise LineFault(LineCode.OVER, one=stop.office)


def place_at(line: Iterable[Stop], at: datetime) -> Stop | None:
    """The stay that covers this instant."""
    return next((stop for stop in line if stop.since <= at < stop.until), None)


def elsewhere(line: Line, shown: Shown) -> Elsewhere | None:
    """Why a stone on this line cannot be shown so (viewings spec R7); none where it can."""
    start, end = shown.start - timedelta(minutes=shown.before), shown.end + timedelta(minutes=shown.after)
    if any(s.office == shown.office and s.shown_from <= start and end <= s.shown_until for s in line):
        return None
    ready = (s.shown_from + timedelta(minutes=shown.before) for s in line if s.office == shown.office and s.arrive)
    later = min((at for at in ready if at > shown.start), default=None)
    here = place_at(line, shown.start)
    if here is not None and here.office != shown.office:
        return Elsewhere("stone_elsewhere", later, here.office)
    return Elsewhere("stone_in_transit", later)


def sent(line: Line, ways: Sequence[Sending]) -> Line:
    """The line with these places on it in turn. The stay that the first one leaves ends then; the last one lasts as
    long as that stay would have, unless it says otherwise."""
    first = ways[0]
    home = place_at(line, first.leave)
    if home is None or home.since >= first.leave:
        raise LineFault(LineCode.NOT_HERE)
    stops = [stop for stop in line if stop is not home] + [replace(home, depart=first.leave)]
    for sending, after in pairwise(ways):
        stops.append(replace(sending.stop, depart=after.leave))
    last = ways[-1].stop
    if last.depart is None and last.office == home.office:
        last = replace(last, depart=home.depart)
    stops.append(last)
    for one, two in pairwise([home.office, *(way.office for way in ways)]):
        if one == two:
            raise LineFault(LineCode.SAME_OFFICE, one=one)
    return in_order(stops)


def changed(line: Line, stay: int, **values: Any) -> Line:
    """The line with one stay as these values say."""
    return in_order(replace(stop, **values) if stop.id == _one(line, stay).id else stop for stop in line)


def removed(line: Line, stay: int) -> Line:
    """The line without going there: who would have left for good stays for good where it was before."""
    gone = _one(line, stay)
    rest = [stop for stop in line if stop.id != stay]
    place = line.index(gone)
    if gone.depart is None and place > 0:
        rest[-1] = replace(rest[-1], depart=None)
    return tuple(rest)


class Moves(StrEnum):
    """What a delay of a leg moves with it."""

    ARRIVAL = "arrival"
    LEG = "leg"
    REST = "rest"


def delayed(line: Line, stay: int, by: timedelta, moves: Moves = Moves.ARRIVAL, now: datetime = EVER) -> Line:
    """The stone reaches this stay so much later (or earlier); with the departure before it unless it has left, and with
    all after it."""
    late = _one(line, stay)
    place = line.index(late)
    if late.arrive is None:
        raise LineFault(LineCode.NOT_HERE)
    stops = list(line)
    stops[place] = replace(late, arrive=late.arrive + by)
    if moves is not Moves.ARRIVAL and place > 0 and stops[place - 1].until > now:
        stops[place - 1] = replace(stops[place - 1], depart=_later(stops[place - 1].depart, by))
    if moves is Moves.REST:
        stops[place] = replace(stops[place], depart=_later(late.depart, by))
        for n in range(place + 1, len(stops)):
            stops[n] = replace(stops[n], arrive=_later(stops[n].arrive, by), depart=_later(stops[n].depart, by))
    return tuple(stops)


@dataclass(frozen=True, slots=True)
class Draft:
    """The lines of some stones as somebody wants them."""

    lines: Mapping[str, Line] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Mapping[str, Line], change: Callable[[Line], Line]) -> "Draft":
        """The same change to each line; a fault names the stone it came of."""
        made: dict[str, Line] = {}
        for stone, line in lines.items():
            try:
                made[stone] = change(line)
            except LineFault as fault:
                fault.facts.setdefault("stone", stone)
                raise
        return cls(made)


def hours(minutes: int) -> str:
    """`11:30`, as a duration is read."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def _later(at: datetime | None, by: timedelta) -> datetime | None:
    return None if at is None else at + by


def _one(line: Line, stay: int) -> Stop:
    found = next((stop for stop in line if stop.id == stay), None)
    if found is None:
        raise LineFault(LineCode.NOT_HERE)
    return found


def _check_stop(stop: Stop) -> None:
    for at in (stop.arrive, stop.depart):
        if at is not None and not EVER < at < NEVER:
            raise LineFault(LineCode.BEYOND, one=stop.office)
        if at is not None and (at - EVER) % GRID:
            raise LineFault(LineCode.OFF_GRID, one=stop.office)
    if stop.pack < 0 or stop.unpack < 0 or stop.pack % 5 or stop.unpack % 5:
        raise LineFault(LineCode.OFF_GRID, one=stop.office)
    if stop.arrive is None or stop.depart is None:
        return
    if stop.depart <= stop.arrive:
        raise LineFault(LineCode.BACKWARDS, one=stop.office)
    if stop.shown_until < stop.shown_from:
        raise LineFault(LineCode.SHORT, one=stop.office, needed=hours(stop.pack + stop.unpack))
