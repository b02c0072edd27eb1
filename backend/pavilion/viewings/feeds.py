"""Secret addresses of calendars: one of a person, one for each who works at an office. Reading one changes nothing, and
whatever somebody does to their copy of it stays with them."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person, PersonRole
from pavilion.accounts.rules import RIGHTS, Permission, Role
from pavilion.kernel import events
from pavilion.kernel.errors import NotFound
from pavilion.viewings import calendar_entries
from pavilion.viewings.calendar import Entry
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentVisitor, CalendarFeed, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff
from pavilion.viewings.states import AppointmentState as S

KEPT = timedelta(days=30)  # what ended, or was cancelled, is still told so long: readers look rarely
MOST = 300
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
TOLD = (S.REQUESTED, S.BOOKED)  # what never was one of these never stood in anybody's calendar


class Feed(NamedTuple):
    """A feed that is open, and for whom."""

    id: int
    token_sha256: str
    person: Person
    office: Office | None
    made_at: datetime


async def make(
    session: AsyncSession, *, person_id: int, office: str | None, by: str, now: datetime
) -> tuple[CalendarFeed, str]:
    """A new secret address; the former one of the same calendar opens nothing any more. The secret is told once."""
    if office is not None and not await _works_at(session, person_id, office):
        raise NotFound()
    await _close(session, person_id, office, now)
    token = secrets.token_urlsafe(32)
    row = CalendarFeed(token_sha256=sha256(token), office_id=office, made_by=person_id, made_at=now)
    row.person_id = person_id if office is None else None
    session.add(row)
    await session.flush()
    events.record(session, "feed:made", row.id, by=by, at=now, office=office)
    return row, token


async def revoke(session: AsyncSession, *, person_id: int, office: str | None, by: str, now: datetime) -> None:
    """The address of this calendar opens nothing any more."""
    for row in await _close(session, person_id, office, now):
        events.record(session, "feed:revoked", row.id, by=by, at=now, office=office)


async def made_by(session: AsyncSession, person_id: int) -> dict[str | None, datetime]:
    """When each open address of this person was made, by office; the own one under None."""
    mine = select(CalendarFeed.office_id, CalendarFeed.made_at).where(
        CalendarFeed.made_by == person_id, CalendarFeed.revoked_at.is_(None)
    )
    return dict((await session.execute(mine.order_by(CalendarFeed.id))).all())


async def behind(session: AsyncSession, token: str) -> Feed:
    """The feed of an address that works. Not found: never made, revoked, or of someone who may read it no more."""
    if not TOKEN.fullmatch(token):
        raise NotFound()
    wanted = (
        select(CalendarFeed, Person, Office)
        .join(Person, Person.id == CalendarFeed.made_by)
        .outerjoin(Office, Office.id == CalendarFeed.office_id)
        .where(CalendarFeed.token_sha256 == sha256(token), CalendarFeed.revoked_at.is_(None))
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None or found[1].disabled_at is not None:
        raise NotFound()
    row, person, office = found
    if office is not None and not await _works_at(session, person.id, office.id):
        raise NotFound()
    return Feed(row.id, row.token_sha256, person, office, row.made_at)


async def entries(session: AsyncSession, feed: Feed, now: datetime, *, base: str, sender: str) -> list[Entry]:
    """What the feed tells, by start."""
    lang = feed.person.lang or "en"
    if feed.office is not None:
        found = await _rows(session, Desk.office_id == feed.office.id, now)
        return [
            calendar_entries.for_office(one, office, desk, lang, base=base, sender=sender, changed=changed)
            for one, office, desk, changed in found
        ]
    found = await _rows(session, _mine(feed.person), now)
    return [
        calendar_entries.for_visitor(one, office, lang, base=base, sender=sender, changed=changed)
        for one, office, _, changed in found
    ]


async def entry_of(
    session: AsyncSession, public_id: str, person_id: int, lang: str, *, base: str, sender: str
) -> Entry:
    """One appointment as a calendar file, for the people of its company."""
    wanted = _with_place().where(Appointment.public_id == public_id, Person.id == person_id)
    wanted = wanted.join(Person, Person.company_id == Appointment.company_id)
    found = (await session.execute(wanted)).one_or_none()
    if found is None or found[0].state not in calendar_entries.SHOWN:
        raise NotFound()
    appointment, office, _, changed = found
    return calendar_entries.for_visitor(
        appointment, office, lang, base=base, sender=sender, changed=changed or appointment.created_at
    )


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _rows(
    session: AsyncSession, mine: ColumnElement[bool], now: datetime
) -> Sequence[tuple[Appointment, Office, Desk, datetime]]:
    told = exists().where(AppointmentEvent.appointment_id == Appointment.id, AppointmentEvent.state.in_(TOLD))
    since = now - KEPT
    shown = or_(
        Appointment.state.in_([one for one in calendar_entries.SHOWN if one != S.CANCELLED]),
        and_(Appointment.state == S.CANCELLED, told, _last_change() > since),
    )
    wanted = _with_place().where(mine, Appointment.ends_at > since, shown)
    rows = (
        await session.execute(wanted.order_by(Appointment.starts_at.desc(), Appointment.id.desc()).limit(MOST))
    ).all()
    return [(one, office, desk, changed or one.created_at) for one, office, desk, changed in reversed(rows)]


def _with_place() -> Select[Appointment, Office, Desk, datetime]:
    return (
        select(Appointment, Office, Desk, _last_change())
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Office, Office.id == Desk.office_id)
    )


def _last_change() -> ScalarSelect[datetime]:
    last = select(func.max(AppointmentEvent.at)).where(AppointmentEvent.appointment_id == Appointment.id)
    return last.correlate(Appointment).scalar_subquery()


def _mine(person: Person) -> ColumnElement[bool]:
    """Booked by this person or with them as a visitor, for the company they belong to now; or shown by them."""
    visits = exists().where(
        AppointmentVisitor.appointment_id == Appointment.id,
        AppointmentVisitor.visitor_id == Visitor.id,
        Visitor.person_id == person.id,
    )
    shows = Appointment.operator_id == person.id
    if person.company_id is None:
        return shows
    return or_(
        shows, and_(Appointment.company_id == person.company_id, or_(Appointment.booked_by == person.id, visits))
    )


async def _works_at(session: AsyncSession, person_id: int, office: str) -> bool:
    """The person acts for this office and still has the right to run viewings."""
    if await session.get(OfficeStaff, (office, person_id)) is None:
        return False
    roles = await session.scalars(select(PersonRole.role).where(PersonRole.person_id == person_id))
    return any(Permission.VIEWING_RUN in RIGHTS[Role(role)] for role in roles)


async def _close(session: AsyncSession, person_id: int, office: str | None, now: datetime) -> Sequence[CalendarFeed]:
    place = CalendarFeed.office_id.is_(None) if office is None else CalendarFeed.office_id == office
    mine = select(CalendarFeed).where(CalendarFeed.made_by == person_id, place, CalendarFeed.revoked_at.is_(None))
    rows = (await session.scalars(mine.with_for_update())).all()
    for row in rows:
        row.revoked_at = now
    return rows
