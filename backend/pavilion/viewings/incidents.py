"""Something came back other than it went out: the stone and its tray rest until a second person has looked."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.viewings.desk_models import Incident, Tray
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Office
from pavilion.viewings.states import IncidentKind

CU04_MCT = 2  # from here on origin's rule CU-04 holds the stone too
LEAST_WORDS, MOST_WORDS = 10, 2000


class StoneBlocked(Refusal):
    """An incident about it is open; `incident` names it."""

    status, code = 409, "stone_blocked"


class SecondLookNeeded(Refusal):
    """Whoever opened an incident does not close it."""

    status, code = 403, "second_look_needed"


class IncidentClosed(Refusal):
    status, code = 409, "incident_closed"


async def open_incident(
    session: AsyncSession,
    office: Office,
    kind: IncidentKind,
    *,
    stone: str | None,
    tray: Tray | None = None,
    appointment: Appointment | None = None,
    out_mct: int | None = None,
    in_mct: int | None = None,
    words: str = "",
    by: str,
    now: datetime,
) -> Incident:
    """From now on the stone and the tray are handed to nobody; the event tells whoever leads the shift."""
    incident = Incident(
        public_id=ulid(now),
        office_id=office.id,
        appointment_id=None if appointment is None else appointment.id,
        kind=kind,
        stone=stone,
        tray_id=None if tray is None else tray.id,
        out_mct=out_mct,
        in_mct=in_mct,
        words=words,
        opened_by=by,
        opened_at=now,
    )
    session.add(incident)
    await session.flush()
    difference = None if out_mct is None or in_mct is None else in_mct - out_mct
    record(
        session,
        "incident:opened",
        incident.public_id,
        by=by,
        at=now,
        office=office.id,
        kind=kind.value,
        stone=stone,
        tray=None if tray is None else tray.label,
        difference=difference,
        rule="CU-04" if difference is not None and abs(difference) > CU04_MCT else None,
        appointment=None if appointment is None else appointment.public_id,
    )
    return incident


async def close(
    session: AsyncSession, office: Office, public_id: str, *, resolution: str, by: str, now: datetime
) -> Incident:
    """A second person has looked and says how it stands; stone and tray are free again."""
    wanted = select(Incident).where(Incident.public_id == public_id, Incident.office_id == office.id)
    incident = await session.scalar(wanted.with_for_update())
    if incident is None:
        raise NotFound()
    if incident.closed_at is not None:
        raise IncidentClosed()
    if incident.opened_by == by:
        raise SecondLookNeeded()
    said = " ".join(resolution.split())
    if not LEAST_WORDS <= len(said) <= MOST_WORDS:
        raise BadInput(fields={"resolution": "resolution_length"})
    incident.resolution, incident.closed_by, incident.closed_at = said, by, now
    await session.flush()
    record(session, "incident:closed", public_id, by=by, at=now, office=office.id, stone=incident.stone)
    return incident


async def open_about(session: AsyncSession, stones: Sequence[str], trays: Sequence[int] = ()) -> Incident | None:
    """The first incident that keeps one of these stones, or one of these trays, from being handed over."""
    about = or_(Incident.stone.in_(stones), Incident.tray_id.in_(trays))
    wanted = select(Incident).where(about, Incident.closed_at.is_(None))
    return await session.scalar(wanted.order_by(Incident.id).limit(1))


async def of_office(session: AsyncSession, office: Office, most: int = 200) -> Sequence[Incident]:
    """The open ones first, then the newest."""
    wanted = select(Incident).where(Incident.office_id == office.id)
    order = (Incident.closed_at.is_not(None), Incident.opened_at.desc(), Incident.id.desc())
    return (await session.scalars(wanted.order_by(*order).limit(most))).all()


async def trays_of(session: AsyncSession, rows: Sequence[Incident]) -> dict[int, str]:
    """The labels of the trays that these are about."""
    found = await session.execute(select(Tray.id, Tray.label).where(Tray.id.in_([row.tray_id for row in rows])))
    return {row[0]: row[1] for row in found}


async def names_of(session: AsyncSession, people: Sequence[str]) -> dict[str, str]:
    """Who these public ids are, for those of the house."""
    rows = await session.execute(select(Person.public_id, Person.name).where(Person.public_id.in_(people)))
    return {row[0]: row[1] for row in rows}
