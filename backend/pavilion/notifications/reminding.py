"""Reminders: when one is due, who is told is asked then, and whether it still holds."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import outbox
from pavilion.kernel.db import Sessions
from pavilion.kernel.outbox import Outbox
from pavilion.notifications.jobs import MOOT
from pavilion.notifications.telling import Teller
from pavilion.notifications.viewing_notices import REMINDER, people_of
from pavilion.viewings.models import Appointment
from pavilion.viewings.states import AppointmentState as S

AT_LEAST = timedelta(minutes=30)  # before the start; what quiet hours would carry past that is said at once


async def tick(sessions: Sessions, now: datetime) -> int:
    """How many reminders became notices, or were found to hold no longer."""
    rows = await outbox.claim(sessions, REMINDER, now)
    for row in rows:
        async with sessions.begin() as session:
            if await _told(session, row, now):
                await outbox.sent(session, row, now)
            else:
                await outbox.failed(session, row, MOOT, now, final=True)
    return len(rows)


async def _told(session: AsyncSession, row: Outbox, now: datetime) -> bool:
    said = row.payload
    found = select(Appointment).where(Appointment.public_id == said["appointment"])
    appointment = await session.scalar(found)
    if appointment is None or appointment.state != S.BOOKED or appointment.sequence != said["sequence"]:
        return False
    if now >= appointment.starts_at - timedelta(hours=said["next"]):
        return False  # late, and the next one says it too; or it has begun
    key = f"{appointment.public_id}:{said['hours']}h:{appointment.sequence}"
    await Teller(session, now).tell_people(
        "viewing_reminder", key, await people_of(session, appointment), at=now,
        last=max(now, appointment.starts_at - max(AT_LEAST, timedelta(hours=said["next"]))),
        appointment=appointment.public_id, sequence=appointment.sequence,
    )  # fmt: skip
    return True
