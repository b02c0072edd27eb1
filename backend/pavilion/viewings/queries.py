"""Reading appointments, their stones and their visitors."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Office


async def appointment(session: AsyncSession, public_id: str) -> Appointment | None:
    return await session.scalar(select(Appointment).where(Appointment.public_id == public_id))


async def of_company(session: AsyncSession, company_id: int) -> Sequence[Appointment]:
    """The latest start first."""
    found = select(Appointment).where(Appointment.company_id == company_id)
    return (await session.scalars(found.order_by(Appointment.starts_at.desc(), Appointment.id.desc()))).all()


async def of_office_day(session: AsyncSession, office: Office, day: date) -> Sequence[Appointment]:
    """What starts on that date of the office, by start and desk."""
    begins, ends = day_of(office.zone, day)
    found = (
        select(Appointment)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(Desk.office_id == office.id, Appointment.starts_at >= begins, Appointment.starts_at < ends)
        .order_by(Appointment.starts_at, Desk.rank, Desk.id, Appointment.id)
    )
    return (await session.scalars(found)).all()


def day_of(zone: str, day: date) -> tuple[datetime, datetime]:
    """The instants at which a date of a zone begins and ends."""
    here = ZoneInfo(zone)
    return (
        datetime.combine(day, time(0), here).astimezone(UTC),
        datetime.combine(day + timedelta(days=1), time(0), here).astimezone(UTC),
    )


async def stones_of(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[AppointmentStone]]:
    """The stones of each appointment in the order asked, dropped ones too."""
    rows = select(AppointmentStone).where(AppointmentStone.appointment_id.in_(ids)).order_by(AppointmentStone.place)
    found: dict[int, list[AppointmentStone]] = defaultdict(list)
    for row in await session.scalars(rows):
        found[row.appointment_id].append(row)
    return found


async def visitors_of(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[tuple[AppointmentVisitor, Visitor]]]:
    """Who comes to each appointment, in the order named."""
    rows = (
        select(AppointmentVisitor, Visitor)
        .join(Visitor, Visitor.id == AppointmentVisitor.visitor_id)
        .where(AppointmentVisitor.appointment_id.in_(ids))
        .order_by(AppointmentVisitor.place)
    )
    found: dict[int, list[tuple[AppointmentVisitor, Visitor]]] = defaultdict(list)
    for link, visitor in await session.execute(rows):
        found[link.appointment_id].append((link, visitor))
    return found
