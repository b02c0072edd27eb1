"""What time alone brings: holds and offers that lapse, and appointments nobody came to."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.viewings import claims, facts, placing, recording, rules, waiting
from pavilion.viewings.models import Appointment
from pavilion.viewings.occupying import ceil
from pavilion.viewings.states import AppointmentState as S

HOUSE = "house"
Due = tuple[datetime, int, int]  # when; lapses before no-shows; appointment


async def due(session: AsyncSession, now: datetime) -> int:
    """Everything due by `now` has happened in its order, each with a pass over those who wait; the answer counts it."""
    if not await _list(session, _candidates(now), now):
        return 0
    await placing.alone(session)
    return await _settle(session, _candidates(now), now)


async def tick(sessions: Sessions, now: datetime) -> int:
    """As `due`, in a transaction of its own; and who waits for a time that has begun waits no more. With nothing due it
    only reads."""
    async with reading(sessions) as session:
        if await next_due(session, now) is None and not await waiting.over(session, now):
            return 0
    async with sessions.begin() as session:
        await placing.alone(session)
        return await due(session, now) + await waiting.end_over(session, now)


async def settle(session: AsyncSession, appointments: Collection[int], now: datetime) -> int:
    """As `due`, for these alone."""
    wanted = _candidates(now).where(Appointment.id.in_(appointments))
    if not await _list(session, wanted, now):
        return 0
    await placing.alone(session)
    return await _settle(session, wanted, now)


async def next_due(session: AsyncSession, by: datetime) -> datetime | None:
    """When the first thing becomes due that is due by then."""
    listed = await _list(session, _candidates(by), by)
    return listed[0][0] if listed else None


async def give_up(session: AsyncSession, appointment: Appointment, *, at: datetime, now: datetime) -> None:
    """Nobody came: from then on, rounded up to the grid, its places are free, and offered to those who wait. The
    caller is `alone` and has it locked."""
    place, _ = await facts.place_of(session, appointment.desk_id)
    free = min(ceil(at), appointment.ends_at)
    await claims.release(session, appointment, place, frm=free)
    appointment.state, appointment.freed_at = S.NO_SHOW, free
    appointment.version += 1
    recording.happened(session, appointment, "no_show", office=place.office, by=HOUSE, at=at)
    await session.flush()
    await waiting.offer(session, now, cause="no_show")


def _candidates(now: datetime) -> Select[Appointment]:
    late = or_(
        and_(Appointment.state == S.HELD, Appointment.expires_at <= now),
        and_(Appointment.state == S.BOOKED, Appointment.starts_at <= now),
    )
    return select(Appointment).where(late)


async def _list(session: AsyncSession, wanted: Select[Appointment], now: datetime) -> list[Due]:
    """What is due, in its order."""
    found: list[Due] = []
    for appointment in await session.scalars(wanted):
        if appointment.expires_at is not None:
            found.append((appointment.expires_at, 0, appointment.id))
        else:
            known = await facts.rules_for(session, appointment.desk_id, appointment.sale)
            missed = rules.missed_at(known, appointment.starts_at)
            if missed <= now:
                found.append((missed, 1, appointment.id))
    return sorted(found)


async def _settle(session: AsyncSession, wanted: Select[Appointment], now: datetime) -> int:
    count = 0
    for at, _, appointment_id in await _list(session, wanted, now):
        appointment = await session.get_one(Appointment, appointment_id)
        await placing.locked(session, appointment)
        if appointment.state == S.HELD and appointment.expires_at == at:
            await _lapse(session, appointment, at=at, now=now)
        elif appointment.state == S.BOOKED and appointment.starts_at <= at:
            await give_up(session, appointment, at=at, now=now)
        else:
            continue
        count += 1
    return count


async def _lapse(session: AsyncSession, appointment: Appointment, *, at: datetime, now: datetime) -> None:
    place, _ = await facts.place_of(session, appointment.desk_id)
    await claims.release(session, appointment, place)
    await claims.give_quotas_back(session, appointment.quotas, placing.quota_places(appointment.party))
    appointment.state, appointment.expires_at = S.EXPIRED, None
    appointment.version += 1
    entry = await waiting.lapsed(session, appointment, at=at, office=place.office)
    cause = "" if entry is None else "offer"
    recording.happened(session, appointment, "expired", office=place.office, by=HOUSE, at=at, cause=cause)
    await session.flush()
    await waiting.offer(session, now, cause="expired", leaving_out=entry)
