"""The day of an office as staff see it: desks across, time down, and what waits for a word."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor
from pavilion.provenance import custody_keeping
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings import incidents, queries, staffing, stone_cards
from pavilion.viewings.desk_models import Incident, Tray
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentStone, WaitEntry
from pavilion.viewings.place_models import Desk, Office, Window
from pavilion.viewings.states import AppointmentState, WaitState
from pavilion.viewings.stone_cards import StoneCard

STEP = timedelta(minutes=5)
FIRST_ROW = 2  # of the grid: the names of the desks stand in the first
USUAL = (9, 18)  # hours shown of a day without opening hours
S = AppointmentState
SHOWN = (S.HELD, S.BOOKED, S.CHECKED_IN, S.IN_PROGRESS, S.DONE, S.NO_SHOW)
LOOKS = {
    S.HELD: "is-free",
    S.BOOKED: "",
    S.CHECKED_IN: "is-in",
    S.IN_PROGRESS: "is-now",
    S.DONE: "is-done",
    S.NO_SHOW: "is-absent",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as a block of the board. `late`: it has begun and nobody is here."""

    public_id: str
    number: str
    company: str
    state: str
    look: str
    column: int
    row: int
    span: int
    desk: str
    desk_id: str
    starts_at: datetime
    ends_at: datetime
    party: int
    mode: str
    operator: str
    attention: str | None
    lots: tuple[str, ...]
    stones: int
    out: int
    blocked: bool
    late: bool
    version: int

    @property
    def movable(self) -> bool:
        return self.state == S.BOOKED


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which no desk sits."""

    row: int
    span: int


@dataclass(frozen=True, slots=True)
class Hour:
    row: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What waits for a word of staff."""

    appointment: Appointment
    company: str
    desk: Desk
    reason: str
    why: str  # requested, or the code of what needs attention


@dataclass(frozen=True, slots=True)
class Waiting:
    place: int
    entry: WaitEntry
    company: str
    desk: Desk


@dataclass(frozen=True, slots=True)
class OnTray:
    """A stone of the day: out at a desk, blocked, or in the safe until it is next asked for."""

    card: StoneCard
    state: str  # out, blocked, safe, back
    entry: CustodyEntry | None
    visit: Visit | None
    desk: str


@dataclass(slots=True)
class Day:
    office: Office
    day: date
    desks: Sequence[Desk]
    begins: datetime
    rows: int
    hours: list[Hour]
    visits: list[Visit]
    rests: list[Rest]
    now_row: int | None
    closed: bool
    trays: list[OnTray] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    @property
    def before(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def after(self) -> date:
        return self.day + timedelta(days=1)

    @property
    def ends(self) -> datetime:
        return self.begins + self.rows * STEP

    @property
    def waiting_then(self) -> list[Waiting]:
        """Who waits for an hour of this day."""
        return [one for one in self.waiting if local_day(self.office, one.entry.starts_at) == self.day]

    @property
    def waiting_else(self) -> list[Waiting]:
        return [one for one in self.waiting if local_day(self.office, one.entry.starts_at) != self.day]


def local_day(office: Office, at: datetime) -> date:
    return at.astimezone(ZoneInfo(office.zone)).date()


def row_of(begins: datetime, at: datetime) -> int:
    return FIRST_ROW + (at - begins) // STEP


async def day_of(session: AsyncSession, office: Office, day: date, actor: Actor, now: datetime) -> Day:
    """Everything of that date: who comes, what lies where, what is asked, and who waits."""
    desks = await staffing.desks_of(session, office)
    found = [one for one in await queries.of_office_day(session, office, day) if one.state in SHOWN]
    windows = await _windows(session, office, day)
    begins, ends = _span(office, day, windows, found)
    made = Day(
        office=office,
        day=day,
        desks=_with_closed(desks, found, {desk.id: desk for desk in await _desks(session, found)}),
        begins=begins,
        rows=(ends - begins) // STEP,
        hours=_hours(office, begins, ends),
        visits=[],
        rests=_rests(begins, ends, windows),
        now_row=row_of(begins, now) if begins <= now < ends else None,
        closed=not windows,
    )
    stones = await queries.stones_of(session, [one.id for one in found])
    out = await custody_keeping.out_now(session, place=office.id)
    made.incidents = [one for one in await incidents.of_office(session, office) if one.closed_at is None]
    held, blocked = await _kept_back(session, made.incidents, out)
    cards = await stone_cards.of_lines(session, actor, (row for rows in stones.values() for row in rows))
    made.visits = await _visits(session, made, found, stones, out, blocked, cards, now)
    made.trays = _trays(made, found, stones, held, blocked, cards)
    made.asked = await _asked(session, office)
    made.waiting = await _waiting(session, office)
    return made


async def _windows(session: AsyncSession, office: Office, day: date) -> Sequence[Window]:
    wanted = select(Window).where(Window.office_id == office.id, Window.day == day).order_by(Window.opens_at)
    return (await session.scalars(wanted)).all()


def _span(
    office: Office, day: date, windows: Sequence[Window], found: Sequence[Appointment]
) -> tuple[datetime, datetime]:
    """From the full hour before anything begins to the one after everything has ended."""
    zone = ZoneInfo(office.zone)
    usual = [datetime.combine(day, time(hour), zone).astimezone(UTC) for hour in USUAL]
    starts = [window.opens_at for window in windows] + [one.starts_at for one in found]
    ends = [window.closes_at for window in windows] + [one.ends_at for one in found]
    if not windows:
        starts, ends = [*starts, usual[0]], [*ends, usual[1]]
    first, last = min(starts).astimezone(zone), max(ends).astimezone(zone)
    begins = first.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    over = timedelta(minutes=60 - last.minute) if last.minute else timedelta(0)
    return begins, (last.replace(second=0, microsecond=0).astimezone(UTC) + over)


def _hours(office: Office, begins: datetime, ends: datetime) -> list[Hour]:
    count = (ends - begins) // timedelta(hours=1)
    return [Hour(row_of(begins, at), at) for n in range(count) for at in [begins + timedelta(hours=n)]]


def _rests(begins: datetime, ends: datetime, windows: Sequence[Window]) -> list[Rest]:
    """Breaks, and what lies before, between and after the openings."""
    closed: list[tuple[datetime, datetime]] = []
    at = begins
    for window in windows:
        if window.opens_at > at:
            closed.append((at, window.opens_at))
        closed += [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in window.breaks_at]
        at = max(at, window.closes_at)
    if windows and at < ends:
        closed.append((at, ends))
    return [Rest(row_of(begins, start), (end - start) // STEP) for start, end in closed if end > start]


async def _desks(session: AsyncSession, found: Sequence[Appointment]) -> Sequence[Desk]:
    return (await session.scalars(select(Desk).where(Desk.id.in_({one.desk_id for one in found})))).all()


def _with_closed(desks: Sequence[Desk], found: Sequence[Appointment], by_id: Mapping[str, Desk]) -> list[Desk]:
    """Desks that are closed for new bookings are shown while somebody sits at them."""
    known = {desk.id for desk in desks}
    return [*desks, *(by_id[one] for one in dict.fromkeys(a.desk_id for a in found) if one not in known)]


async def _kept_back(
    session: AsyncSession, told: Sequence[Incident], out: Sequence[CustodyEntry]
) -> tuple[dict[str, CustodyEntry], set[str]]:
    """By stone the entry under which it is out, by itself or in its tray; and the stones that an incident blocks, about
    themselves or about the tray in which they lie."""
    held = {entry.stone: entry for entry in out if entry.stone is not None}
    entries = {entry.tray: entry for entry in out if entry.tray is not None}
    ids = {one.tray_id for one in told if one.tray_id is not None}
    blocked = {one.stone for one in told if one.stone is not None}
    if entries or ids:
        wanted = select(Tray).where(Tray.public_id.in_(entries) | Tray.id.in_(ids))
        for tray in await session.scalars(wanted):
            if tray.public_id in entries:
                held |= dict.fromkeys(tray.stones, entries[tray.public_id])
            if tray.id in ids:
                blocked |= set(tray.stones)
    return held, blocked


async def _visits(
    session: AsyncSession,
    made: Day,
    found: Sequence[Appointment],
    stones: Mapping[int, Sequence[AppointmentStone]],
    out: Sequence[CustodyEntry],
    blocked: Set[str],
    cards: Mapping[AppointmentStone, StoneCard],
    now: datetime,
) -> list[Visit]:
    companies = await _names(session, Company, [one.company_id for one in found])
    operators = await _names(session, Person, [one.operator_id for one in found if one.operator_id])
    columns = {desk.id: n for n, desk in enumerate(made.desks, start=1)}
    names = {desk.id: desk for desk in made.desks}
    visits = []
    for one in found:
        kept = [row for row in stones.get(one.id, ()) if row.dropped is None]
        ends = one.freed_at if one.freed_at is not None and one.freed_at > one.starts_at else one.ends_at
        visits.append(
            Visit(
                public_id=one.public_id,
                number=one.number,
                company=companies.get(one.company_id, ""),
                state=one.state,
                look="is-late" if one.state == S.BOOKED and one.starts_at < now else LOOKS[S(one.state)],
                column=columns[one.desk_id],
                row=row_of(made.begins, one.starts_at),
                span=max(1, (ends - one.starts_at) // STEP),
                desk=names[one.desk_id].id,
                desk_id=one.desk_id,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                party=one.party,
                mode=one.mode,
                operator=operators.get(one.operator_id or 0, ""),
                attention=one.attention,
                lots=tuple(cards[row].lot for row in kept if row in cards and cards[row].lot),
                stones=len(kept),
                out=sum(entry.ref == one.public_id for entry in out),
                blocked=any(row.stone in blocked for row in kept),
                late=one.state == S.BOOKED and one.starts_at < now,
                version=one.version,
            )
        )
    return visits


def _trays(
    made: Day,
    found: Sequence[Appointment],
    stones: Mapping[int, Sequence[AppointmentStone]],
    held: Mapping[str, CustodyEntry],
    blocked: Set[str],
    cards: Mapping[AppointmentStone, StoneCard],
) -> list[OnTray]:
    """Each stone of the day once, in the order in which it is first asked for; what is out comes first."""
    visits = {visit.public_id: visit for visit in made.visits}
    names = {desk.id: desk for desk in made.desks}
    rows: dict[str, OnTray] = {}
    for one in found:
        visit = visits[one.public_id]
        for row in stones.get(one.id, ()):
            if row.dropped is not None or row not in cards:
                continue
            entry = held.get(row.stone)
            state = "out" if entry else "blocked" if row.stone in blocked else "safe"
            over = one.state in (S.DONE, S.NO_SHOW)
            known = rows.get(row.stone)
            if known is None or (known.state == "back" and not over):
                done = "back" if over and state == "safe" else state
                rows[row.stone] = OnTray(cards[row], done, entry, visit, names[one.desk_id].id)
    order = {"out": 0, "blocked": 1, "safe": 2, "back": 3}
    return sorted(rows.values(), key=lambda tray: order[tray.state])


async def _asked(session: AsyncSession, office: Office) -> list[Asked]:
    rows = await session.execute(
        select(Appointment, Company.name, Desk)
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Company, Company.id == Appointment.company_id)
        .where(
            Desk.office_id == office.id,
            (Appointment.state == S.REQUESTED)
            | (Appointment.attention.is_not(None) & Appointment.state.in_((S.HELD, S.BOOKED))),
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(200)
    )
    found = [(one, company, desk) for one, company, desk in rows]
    last = await _last_words(session, [one.id for one, _, _ in found])
    return [
        Asked(one, company, desk, last.get(one.id, ""), one.attention or "requested") for one, company, desk in found
    ]


async def _last_words(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    """What was said with the latest event of each appointment."""
    latest = select(func.max(AppointmentEvent.id)).where(AppointmentEvent.appointment_id.in_(ids))
    rows = await session.execute(
        select(AppointmentEvent.appointment_id, AppointmentEvent.reason).where(
            AppointmentEvent.id.in_(latest.group_by(AppointmentEvent.appointment_id))
        )
    )
    return {row[0]: row[1] for row in rows}


async def _waiting(session: AsyncSession, office: Office) -> list[Waiting]:
    rows = await session.execute(
        select(WaitEntry, Company.name, Desk)
        .join(Desk, Desk.id == WaitEntry.desk_id)
        .join(Company, Company.id == WaitEntry.company_id)
        .where(Desk.office_id == office.id, WaitEntry.state != WaitState.GONE)
        .order_by(WaitEntry.priority, WaitEntry.created_at, WaitEntry.id)
        .limit(200)
    )
    return [Waiting(n, *row) for n, row in enumerate(rows, start=1)]


async def _names(session: AsyncSession, table: type[Company] | type[Person], ids: Sequence[int]) -> dict[int, str]:
    rows = await session.execute(select(table.id, table.name).where(table.id.in_(set(ids))))
    return {row[0]: row[1] for row in rows}
