"""A stone that nobody can be shown any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.viewings import claims, facts, placing, recording
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.states import TAKING, StoneFate
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.stone_models import StoneEnd


@dataclass(frozen=True, slots=True)
class Ended:
    """Public ids of appointments, sorted: which lost the stone, and which of them have none left."""

    updated: tuple[str, ...]
    needs_attention: tuple[str, ...]


async def end_stone(session: AsyncSession, stone: str, fate: StoneFate, *, by: str, now: datetime) -> Ended:
    """Sold or withdrawn: coming appointments go on without it, and one that has no stone left needs somebody to look
    at it; none is cancelled. Told twice, nothing more happens."""
    await placing.alone(session)
    await placing.still(session, [stone], writing=True)
    if await session.scalar(select(StoneEnd.id).where(StoneEnd.stone == stone)) is None:
        session.add(StoneEnd(stone=stone, fate=fate.value, at=now))
        events.record(session, "stone:not_shown", stone, by=by, at=now, fate=fate.value)
    coming = (
        select(Appointment)
        .join(AppointmentStone, AppointmentStone.appointment_id == Appointment.id)
        .where(
            AppointmentStone.stone == stone, AppointmentStone.dropped.is_(None), Appointment.ends_at > now,
            Appointment.state.in_(TAKING | {S.REQUESTED}),
        )
        .order_by(Appointment.id)
        .with_for_update(of=Appointment)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    updated, lost = [], []
    for appointment in (await session.scalars(coming)).all():
        updated.append(appointment.public_id)
        if await drop(session, appointment, stone, f"stone_{fate.value}", by=by, now=now):
            lost.append(appointment.public_id)
    await session.flush()
    return Ended(tuple(sorted(updated)), tuple(sorted(lost)))


async def drop(
    session: AsyncSession, appointment: Appointment, stone: str, why: str, *, by: str, now: datetime
) -> bool:
    """The appointment goes on without the stone, and says whether it has none left. The caller has it locked."""
    rows = await session.scalars(select(AppointmentStone).where(AppointmentStone.appointment_id == appointment.id))
    left = 0
    for row in rows:
        if row.stone == stone:
            row.dropped, row.dropped_at = why, now
        left += row.dropped is None
    place, _ = await facts.place_of(session, appointment.desk_id)
    await claims.drop_stones(session, appointment, [stone], now)
    appointment.sequence += appointment.state == S.BOOKED
    if left == 0:
        appointment.attention = why
    appointment.version += 1
    kind = "attention" if left == 0 else "changed"
    recording.happened(session, appointment, kind, office=place.office, by=by, at=now, cause=why, stones_left=left)
    return left == 0
