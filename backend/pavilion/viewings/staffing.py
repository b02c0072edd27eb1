"""Who of the house acts for which office."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import NotFound
from pavilion.viewings import placing
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk, Office, OfficeStaff

LONGEST_ID = 12


async def offices_of(session: AsyncSession, actor: Actor) -> Sequence[Office]:
    """The offices for which this person acts, by name."""
    mine = select(OfficeStaff.office_id).where(OfficeStaff.person_id == actor.person_id)
    return (await session.scalars(select(Office).where(Office.id.in_(mine)).order_by(Office.name_en))).all()


async def office_for(session: AsyncSession, actor: Actor, office_id: str) -> Office:
    """NotFound alike for an office that is none and for one of others."""
    if len(office_id) > LONGEST_ID or await session.get(OfficeStaff, (office_id, actor.person_id)) is None:
        raise NotFound()
    return await session.get_one(Office, office_id)


async def appointment_at(session: AsyncSession, office: Office, public_id: str, *, lock: bool = False) -> Appointment:
    """An appointment of this office; NotFound for those of others. Locked, nothing is booked or moved beside it: the
    verbs of the desk take their locks in the same order."""
    if lock:
        await placing.alone(session)
    wanted = (
        select(Appointment)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(Appointment.public_id == public_id, Desk.office_id == office.id)
    )
    found = await session.scalar(wanted.with_for_update(of=Appointment) if lock else wanted)
    if found is None:
        raise NotFound()
    return found


async def desks_of(session: AsyncSession, office: Office) -> Sequence[Desk]:
    """In the order of the room, the stations for viewings by video among them."""
    wanted = select(Desk).where(Desk.office_id == office.id, Desk.closed_at.is_(None))
    return (await session.scalars(wanted.order_by(Desk.rank, Desk.id))).all()


async def is_station(session: AsyncSession, desk_id: str) -> bool:
    """Whether stones are shown by video there; a desk that is none is no station."""
    desk = await session.get(Desk, desk_id)
    return desk is not None and desk.room_id is None


async def names_of(session: AsyncSession, office: Office) -> dict[str, str]:
    """Who acts for this office, by public id."""
    here = select(OfficeStaff.person_id).where(OfficeStaff.office_id == office.id)
    acting = select(Person.public_id, Person.name).where(Person.id.in_(here), Person.disabled_at.is_(None))
    return {row[0]: row[1] for row in await session.execute(acting.order_by(Person.name))}
