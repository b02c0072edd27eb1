"""Which companies booked a viewing of which stone; of how many of them a seller is told, `insight` decides."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.states import COUNTING, AppointmentState


async def booked(session: AsyncSession, since: datetime) -> list[tuple[int, int]]:
    """Every stone and company that has a viewing of it booked, or had one, since then; not what was called off."""
    rows = await session.execute(
        select(Stone.id, Appointment.company_id)
        .join(AppointmentStone, AppointmentStone.stone == Stone.public_id)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .where(Appointment.created_at >= since, Appointment.state.in_(COUNTING - {AppointmentState.HELD}))
        .distinct()
    )
    return [(stone, company) for stone, company in rows]
