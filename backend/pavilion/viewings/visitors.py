"""Who comes: the persons whom a company names, their passes, links and declarations."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.ids import ulid
from pavilion.viewings.forms import NamedVisitor
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Regime
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import TAKING
from pavilion.viewings.wishes import Code

DECLARED_BEFORE = timedelta(hours=24)  # at most so long before the start (viewings spec R15)
TOKEN_BYTES = 16
KNOWN = 200  # of a company, shown to choose from


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def known_of(session: AsyncSession, company_id: int) -> Sequence[Visitor]:
    """Whom the company has named before, as long as their names are kept."""
    wanted = select(Visitor).where(Visitor.company_id == company_id, Visitor.erased_at.is_(None))
    return (await session.scalars(wanted.order_by(Visitor.name, Visitor.id).limit(KNOWN))).all()


async def of_public_ids(session: AsyncSession, company_id: int, public_ids: Sequence[str]) -> list[Visitor]:
    """In the order named; one of another company, or erased, is not found."""
    wanted = select(Visitor).where(Visitor.company_id == company_id, Visitor.public_id.in_(public_ids))
    found = {row.public_id: row for row in await session.scalars(wanted) if row.erased_at is None}
    if len(found) != len(set(public_ids)):
        raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="known")
    return [found[one] for one in public_ids]


async def named(
    session: AsyncSession, company_id: int, persons: Iterable[NamedVisitor], *, today: date, now: datetime
) -> list[int]:
    """Their ids; a person of that name and date of birth is the same one as before."""
    known = {(row.name.casefold(), row.born): row for row in await known_of(session, company_id)}
    found: list[int] = []
    for n, person in enumerate(persons):
        if person.born >= today:
            raise BadInput(fields={f"named.{n}.born": "bad_input"})
        row = known.get((person.name.casefold(), person.born))
        if row is None:
            row = Visitor(public_id=ulid(now), company_id=company_id, name=person.name, born=person.born)
            row.document_kind, row.created_at = person.document_kind, now
            session.add(row)
            await session.flush()
            known[(person.name.casefold(), person.born)] = row
        elif row.document_kind != person.document_kind:
            row.document_kind = person.document_kind
        if row.id not in found:
            found.append(row.id)
    return found


async def link_of(session: AsyncSession, appointment: Appointment, visitor: str) -> tuple[AppointmentVisitor, Visitor]:
    """A person of this appointment by the public id."""
    wanted = (
        select(AppointmentVisitor, Visitor)
        .join(Visitor, Visitor.id == AppointmentVisitor.visitor_id)
        .where(AppointmentVisitor.appointment_id == appointment.id, Visitor.public_id == visitor)
    )
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise NotFound()
    return row[0], row[1]


def new_token() -> str:
    """128 random bits as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


async def make_link(session: AsyncSession, appointment: Appointment, visitor: str, *, by: str, now: datetime) -> str:
    """The secret of a new link for this person; the earlier one opens nothing any more. It is told once."""
    if appointment.state not in TAKING:
        raise ViewingRefused(Code.WRONG_STATE, state=appointment.state)
    row, person = await link_of(session, appointment, visitor)
    token = new_token()
    row.link_sha256 = token_hash(token)
    facts = {"appointment": appointment.public_id, "company_id": appointment.company_id}
    events.record(session, "visitor:link_made", person.public_id, by=by, at=now, **facts)
    return token


async def by_link(session: AsyncSession, token: str) -> tuple[Appointment, AppointmentVisitor, Visitor]:
    """What a shared link opens: one person's own coming to one appointment, and nothing else."""
    wanted = (
        select(Appointment, AppointmentVisitor, Visitor)
        .join(AppointmentVisitor, AppointmentVisitor.appointment_id == Appointment.id)
        .join(Visitor, Visitor.id == AppointmentVisitor.visitor_id)
        .where(AppointmentVisitor.link_sha256 == token_hash(token), Visitor.erased_at.is_(None))
    )
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise NotFound()
    return row[0], row[1], row[2]


async def declaration_wanted(session: AsyncSession, appointment: Appointment) -> Regime | None:
    """The regime in force at the start, if it asks for a declaration."""
    return await declaration_at(session, appointment.desk_id, appointment.starts_at)


async def declaration_at(session: AsyncSession, desk: str, at: datetime) -> Regime | None:
    office = select(Desk.office_id).where(Desk.id == desk).scalar_subquery()
    wanted = select(Regime).where(Regime.office_id == office, Regime.ended_at.is_(None))
    wanted = wanted.where(Regime.starts_at <= at, Regime.ends_at > at)
    regime = await session.scalar(wanted.order_by(Regime.id).limit(1))
    return regime if regime is not None and regime.declaration else None


def declarable_from(appointment: Appointment) -> datetime:
    return appointment.starts_at - DECLARED_BEFORE


async def declare(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> None:
    """The company has declared for its visitors: at most 24 hours before the start, and once."""
    if appointment.state not in TAKING:
        raise ViewingRefused(Code.WRONG_STATE, state=appointment.state)
    if now < declarable_from(appointment):
        raise ViewingRefused(Code.TOO_EARLY, **{"from": declarable_from(appointment)})
    if appointment.declaration_at is not None:
        return
    appointment.declaration_at = now
    wanted = select(AppointmentVisitor).where(AppointmentVisitor.appointment_id == appointment.id)
    for row in await session.scalars(wanted):
        row.declared_at = now
    facts = {"company_id": appointment.company_id, "sequence": appointment.sequence}
    events.record(session, "appointment:declared", appointment.public_id, by=by, at=now, **facts)
