"""When an office is open: weekly hours and single dates become windows of instants, laid down ahead of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.viewings import local_times
from pavilion.viewings.local_times import DAY, at_clock, day_of
from pavilion.viewings.place_models import Office, OpeningException, OpeningHours, Window
from pavilion.viewings.slots import Span

AHEAD = 400  # days for which windows are laid down
Pauses = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Every such weekday from a date on, until another or for good; local times of the office."""

    weekday: int
    opens: str
    closes: str
    breaks: Pauses = ()
    valid_from: date = date.min
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        begun = self.valid_from <= day and day.weekday() == self.weekday
        return begun and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class OtherDay:
    """A date on which the weekly hours do not hold; closed where `opens` is none."""

    day: date
    opens: str | None = None
    closes: str | None = None
    breaks: Pauses = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of one date, as it is written on the door and as instants."""

    day: date
    opens: str
    closes: str
    breaks: Pauses
    opens_at: datetime
    closes_at: datetime
    breaks_at: tuple[Span, ...]


def openings(
    zone: ZoneInfo, patterns: Iterable[Pattern], others: Iterable[OtherDay], since: date, until: date
) -> list[Opening]:
    """The openings of these dates, both included. Of two that begin together the longer one stands; one that a
    change of clocks swallows is none."""
    weekly, single = list(patterns), {other.day: other for other in others}
    found: dict[datetime, Opening] = {}
    for n in range((until - since).days + 1):
        day = since + n * DAY
        for opens, closes, breaks in _of_date(day, weekly, single.get(day)):
            made = _opening(zone, day, opens, closes, breaks)
            standing = found.get(made.opens_at)
            if made.opens_at < made.closes_at and (standing is None or standing.closes_at < made.closes_at):
                found[made.opens_at] = made
    return [found[at] for at in sorted(found)]


def _of_date(day: date, weekly: Sequence[Pattern], other: OtherDay | None) -> list[tuple[str, str, Pauses]]:
    if other is None:
        return [(one.opens, one.closes, one.breaks) for one in weekly if one.holds_on(day)]
    return [(other.opens, other.closes, other.breaks)] if other.opens and other.closes else []


def _opening(zone: ZoneInfo, day: date, opens: str, closes: str, breaks: Pauses) -> Opening:
    spans = [(at_clock(day, since, zone), at_clock(day, until, zone)) for since, until in breaks]
    return Opening(
        day, opens, closes, breaks, at_clock(day, opens, zone), at_clock(day, closes, zone),
        tuple(span for span in spans if span[0] < span[1]),
    )  # fmt: skip


def breaks_of(window: Window) -> tuple[Span, ...]:
    return tuple((datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in window.breaks_at)


async def patterns_of(session: AsyncSession, office: str) -> list[Pattern]:
    rows = select(OpeningHours).where(OpeningHours.office_id == office).order_by(OpeningHours.weekday, OpeningHours.id)
    return [
        Pattern(row.weekday, row.opens, row.closes, _pauses(row.breaks), row.valid_from, row.valid_to)
        for row in await session.scalars(rows)
    ]


async def others_of(session: AsyncSession, office: str, since: date) -> list[OtherDay]:
    rows = select(OpeningException).where(OpeningException.office_id == office, OpeningException.day >= since)
    return [
        OtherDay(row.day, row.opens, row.closes, _pauses(row.breaks))
        for row in await session.scalars(rows.order_by(OpeningException.day))
    ]


def _pauses(stored: Sequence[Sequence[str]]) -> Pauses:
    return tuple((since, until) for since, until in stored)


async def lay_down(session: AsyncSession, office: Office, *, now: datetime, new_clocks: bool = False) -> int:
    """From today on the windows of the weekly hours are what hours and single dates say, `AHEAD` days far. A window
    whose instants only a newer zone database moves stays until staff apply it (`new_clocks`, spec R16). Those of a
    sale and of a named session are left alone. Answers how many rows changed."""
    zone = local_times.zone_of(office.zone)
    today = day_of(now, zone)
    patterns, others = await patterns_of(session, office.id), await others_of(session, office.id, today)
    wanted = {(one.day, one.opens): one for one in openings(zone, patterns, others, today, today + AHEAD * DAY)}
    standing = await _of_hours(session, office.id, today)
    changed = 0
    for key, row in standing.items():
        if (one := wanted.get(key)) is None:
            await session.delete(row)
            changed += 1
        else:
            changed += _renew(row, one, new_clocks)
    await session.flush()  # what goes makes room for what comes: an office opens once at an instant
    taken = {row.opens_at for key, row in standing.items() if key in wanted}
    taken |= await _elsewise(session, office.id, now)
    new = [one for key, one in wanted.items() if key not in standing and one.opens_at not in taken]
    session.add_all(_row(office.id, one) for one in new)
    await session.flush()
    return changed + len(new)


async def _of_hours(session: AsyncSession, office: str, today: date) -> dict[tuple[date, str], Window]:
    rows = select(Window).where(
        Window.office_id == office, Window.day >= today, Window.sale.is_(None), Window.session == ""
    )
    return {(row.day, row.opens): row for row in await session.scalars(rows)}


async def _elsewise(session: AsyncSession, office: str, now: datetime) -> set[datetime]:
    """When windows of sales and sessions open: no other may begin at the same instant."""
    rows = select(Window.opens_at).where(
        Window.office_id == office, Window.closes_at > now - 2 * DAY, Window.sale.is_not(None) | (Window.session != "")
    )
    return set(await session.scalars(rows))


def _renew(row: Window, one: Opening, new_clocks: bool) -> bool:
    """The row says what the opening says; whether anything changed. `tz_version` tells by which database."""
    moved_by_clocks = (row.day, row.opens, row.closes) == (one.day, one.opens, one.closes) and (
        (row.opens_at, row.closes_at) != (one.opens_at, one.closes_at)
    )
    if moved_by_clocks and not new_clocks:
        return False
    facts = _facts(one)
    changed = any(getattr(row, name) != value for name, value in facts.items())
    for name, value in facts.items() if changed else ():
        setattr(row, name, value)
    return changed


def _row(office: str, one: Opening) -> Window:
    return Window(office_id=office, session="", sale=None, **_facts(one))


def _facts(one: Opening) -> dict[str, Any]:
    return {
        "day": one.day, "opens": one.opens, "closes": one.closes,
        "breaks": [list(pause) for pause in one.breaks],
        "opens_at": one.opens_at, "closes_at": one.closes_at,
        "breaks_at": [[since.isoformat(), until.isoformat()] for since, until in one.breaks_at],
        "tz_version": local_times.tz_version(),
    }  # fmt: skip


class LayingDown:
    """The tick that keeps the windows of all offices `AHEAD` days far: once a day for each, and at the start."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._laid: dict[str, date] = {}

    async def tick(self, now: datetime) -> int:
        async with reading(self._sessions) as session:
            zones = {office.id: office.zone for office in await session.scalars(select(Office))}
        due = [
            (office, today)
            for office, zone in sorted(zones.items())
            if self._laid.get(office) != (today := day_of(now, local_times.zone_of(zone)))
        ]
        for office_id, today in due[:1]:
            async with self._sessions.begin() as session:
                office = await session.get(Office, office_id)
                if office is not None:
                    await lay_down(session, office, now=now)
            self._laid[office_id] = today
        return len(due[:1])


def sound(opens: str, closes: str, breaks: Iterable[tuple[str, str]]) -> bool:
    """It closes after it opens, on the grid, and the breaks lie inside one behind the other."""
    pauses = list(breaks)
    times = [opens, closes, *(clock for pause in pauses for clock in pause)]
    if not all(local_times.clock_of(clock) for clock in times) or closes <= opens:
        return False
    end = opens
    for since, until in pauses:
        if not end <= since < until <= closes:
            return False
        end = until
    return True


def within(day: date, now: datetime) -> bool:
    """A date of which staff may speak: not beyond the last year the house knows."""
    return local_times.known_year(day) and day >= (now - timedelta(days=366)).date()
