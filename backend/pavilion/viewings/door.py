"""At the door: visitors are let in with their pass, or by name; a no-show or somebody unannounced walks in."""

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState
from pavilion.kernel.errors import BadInput, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.provenance import custody_keeping
from pavilion.viewings import facts, passes, service
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Office, Regime
from pavilion.viewings.refusing import refuse_unless_ok
from pavilion.viewings.states import AppointmentState, ViewingMode
from pavilion.viewings.wishes import Code, Wish

S = AppointmentState
GRID = timedelta(minutes=5)
SHORTEST, LONGEST = 5, 240  # minutes of somebody who comes without an appointment
DECLARED_FOR = timedelta(hours=24)  # R15: signed at most so long before the start


class DocumentNotSeen(Refusal):
    """Nobody comes in before staff have looked at the document that was named."""

    status, code = 409, "document_not_seen"


class HandsNotEmpty(Refusal):
    """Whoever has a stone in his hands stays until it is back."""

    status, code = 409, "hands_not_empty"


class SitsTooLong(Refusal):
    """The office closes, or pauses, before they would be through; `until`, and how many `minutes` that leaves."""

    status, code = 409, "sits_too_long"


class NobodyLeft(Refusal):
    """Whoever is to leave has not come in, or has left."""

    status, code = 409, "visitor_not_inside"


@dataclass(frozen=True, slots=True)
class Shown:
    """What staff saw and heard at the door. `override`: why somebody comes in without a declaration."""

    document_seen: bool
    document_kind: str | None = None
    declared_now: bool = False
    override: str = ""


async def admit(
    session: AsyncSession,
    appointment: Appointment,
    visitor: Visitor,
    link: AppointmentVisitor,
    shown: Shown,
    *,
    by: str,
    now: datetime,
) -> None:
    """The visitor is inside and the pass is spent. With the first one the appointment is checked in, or what is left
    of a missed one is taken up again (R12); whatever speaks against that lets nobody in."""
    if not shown.document_seen:
        raise DocumentNotSeen()
    if shown.declared_now:
        link.declared_at = now
    if appointment.state not in (S.CHECKED_IN, S.IN_PROGRESS):
        answer = await service.check_in(
            session,
            appointment,
            by=by,
            declaration_at=declared_at(appointment, link),
            override=shown.override or None,
            now=now,
        )
        refuse_unless_ok(answer)
    await passes.use(session, link, now)
    link.document_seen_at, link.document_seen_by, link.left_at = now, by, None
    if shown.document_kind is not None:
        visitor.document_kind = shown.document_kind
    await session.flush()
    record(session, "visitor:in", appointment.public_id, by=by, at=now, visitor=visitor.public_id)


def declared_at(appointment: Appointment, link: AppointmentVisitor) -> datetime | None:
    """The latest declaration that speaks for this visit."""
    signed = [at for at in (appointment.declaration_at, link.declared_at) if at is not None]
    return max(signed, default=None)


async def declaration_needed(session: AsyncSession, office: Office, appointment: Appointment) -> bool:
    """Whether the regime in force at the start asks for one (R15)."""
    return await declaration_asked(session, office, appointment.starts_at)


async def declaration_asked(session: AsyncSession, office: Office, at: datetime) -> bool:
    first = await session.scalar(
        select(Regime)
        .where(
            Regime.office_id == office.id,
            Regime.ended_at.is_(None),
            Regime.starts_at <= at,
            Regime.ends_at > at,
        )
        .order_by(Regime.id)
        .limit(1)
    )
    return first is not None and first.declaration


def declaration_holds(appointment: Appointment, link: AppointmentVisitor, now: datetime) -> bool:
    signed = declared_at(appointment, link)
    return signed is not None and appointment.starts_at - DECLARED_FOR <= signed <= now


async def leave(
    session: AsyncSession, appointment: Appointment, link: AppointmentVisitor, *, by: str, now: datetime
) -> None:
    """The visitor has gone, with empty hands; the appointment goes on."""
    if link.document_seen_at is None or link.left_at is not None:
        raise NobodyLeft()
    visitor = await session.get_one(Visitor, link.visitor_id)
    out = await custody_keeping.out_now(session, ref=appointment.public_id)
    if any(entry.out_to == visitor.public_id for entry in out):
        raise HandsNotEmpty()
    link.left_at = now
    await session.flush()
    record(session, "visitor:out", appointment.public_id, by=by, at=now)


@dataclass(frozen=True, slots=True)
class WalkIn:
    """Somebody without an appointment: who, for which company, at which desk and for how long."""

    company: str
    name: str
    desk: str
    minutes: int
    stones: tuple[str, ...] = ()
    party: int = 1
    document_kind: str = "passport"
    born: date | None = None


async def walk_in(
    session: AsyncSession, office: Office, wish: WalkIn, shown: Shown, *, by: str, now: datetime
) -> Appointment:
    """They sit at the desk from the grid step that has begun, if every check passes; the appointment is booked and
    checked in at once."""
    if not shown.document_seen:
        raise DocumentNotSeen()
    company, desk = await _company(session, wish.company), await _desk(session, office, wish.desk)
    if not SHORTEST <= wish.minutes <= LONGEST or wish.minutes % 5:
        raise BadInput(fields={"minutes": "not_on_grid"})
    if wish.born is not None and wish.born >= now.date():
        raise BadInput(fields={"born": "bad_input"})
    visitor = Visitor(
        public_id=ulid(now), company_id=company.id, name=wish.name, born=wish.born, document_kind=wish.document_kind,
        created_at=now,
    )  # fmt: skip
    session.add(visitor)
    await session.flush()
    start = on_grid(now)
    place = Wish(
        company_id=company.id,
        desk=desk.id,
        start=start,
        end=start + timedelta(minutes=wish.minutes),
        party=wish.party,
        stones=wish.stones,
        visitors=(visitor.id,),
        mode=ViewingMode.IN_PERSON,
    )
    made, answer = await service.book(session, place, key=secrets.token_urlsafe(18), by=by, staff=True, now=now)
    if answer.code == Code.OUTSIDE_WINDOW:
        await _shorter(session, place, now)
    refuse_unless_ok(answer)
    assert made is not None
    link = await session.get_one(AppointmentVisitor, (made.id, visitor.id))
    await admit(session, made, visitor, link, shown, by=by, now=now)
    return made


async def _shorter(session: AsyncSession, wish: Wish, now: datetime) -> None:
    """Refused with what would do, where it is only the length that goes beyond closing or into a break."""
    least = replace(wish, end=wish.start + timedelta(minutes=SHORTEST))
    for opening in (await facts.of_wish(session, least, now)).facts.openings:
        until = min([opening.end, *(start for start, end in opening.breaks if end > wish.start)])
        if opening.start <= wish.start and least.end <= until < wish.end:
            raise SitsTooLong(until=until, minutes=(until - wish.start) // timedelta(minutes=1))


def on_grid(at: datetime) -> datetime:
    """The step of five minutes that has begun."""
    return at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)


async def _company(session: AsyncSession, said: str) -> Company:
    """By its name, in any case, or its public id."""
    name = " ".join(said.split())
    rows = await session.scalars(
        select(Company)
        .where(
            or_(Company.name.ilike(name.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_"), escape="\\"),
                Company.public_id == name),
            Company.state == CompanyState.APPROVED,
        )
        .limit(2)
    )  # fmt: skip
    found = rows.all()
    if len(found) != 1:
        raise BadInput(fields={"company": "company_unknown"})
    return found[0]


async def _desk(session: AsyncSession, office: Office, desk_id: str) -> Desk:
    desk = await session.get(Desk, desk_id)
    if desk is None or desk.office_id != office.id or desk.closed_at is not None or desk.room_id is None:
        raise BadInput(fields={"desk": "desk_unknown"})
    return desk
