"""Giving a place back, and changing it for another: in one transaction, or nothing has changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.instants import stamp
from pavilion.viewings import booking, claims, facts, placing, recording, rules, waiting
from pavilion.viewings.local_times import tz_version
from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor
from pavilion.viewings.planning import CLOCK_MOVED
from pavilion.viewings.rules import Facts
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.wishes import Answer, Code, Wish

CANCELLABLE = frozenset({S.HELD, S.BOOKED, S.REQUESTED})
# What was wrong with the place before a move that passes every check. A stone that is gone stays gone.
OF_PLACE = frozenset(code.value for code in Code) - {Code.STONE_SOLD, Code.STONE_WITHDRAWN}


async def cancel(
    session: AsyncSession, appointment: Appointment, *, by: str, staff: bool = False, reason: str = "", now: datetime
) -> Answer:
    """Its place is free, and offered to those who wait. Buyers may until the cut-off; staff always. A request that
    staff turns down is cancelled too."""
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state not in CANCELLABLE:
        return placing.wrong_state(appointment)
    if appointment.state == S.BOOKED and not staff:
        late = await _too_late(session, appointment, now)
        if late is not None:
            return late
    return await _give_back(session, appointment, by=by, reason=reason, now=now)


async def decline(
    session: AsyncSession, appointment: Appointment, *, by: str, reason: str = "", now: datetime
) -> Answer:
    """What was held is not wanted; whoever had waited for it waits no more."""
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state != S.HELD:
        return placing.wrong_state(appointment)
    return await _give_back(session, appointment, by=by, reason=reason, now=now, cause="declined")


async def reschedule(
    session: AsyncSession,
    appointment: Appointment,
    *,
    start: datetime,
    end: datetime,
    desk: str | None = None,
    stones: Sequence[str] | None = None,
    visitors: Sequence[int] | None = None,
    by: str,
    staff: bool = False,
    reason: str = "",
    now: datetime,
) -> Answer:
    """The same appointment at another time, desk, or with other stones or visitors; on a refusal nothing changed.

    Its party grows with its visitors. Whoever keeps the start needs no notice for it.
    """
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state != S.BOOKED:
        return placing.wrong_state(appointment)
    if not staff:
        late = await _too_late(session, appointment, now)
        if late is not None:
            return late
    was = await placing.wish_of(session, appointment)
    wish = _changed(was, start, end, desk, stones, visitors)
    for _ in range(claims.TRIES):
        kept = wish.start == was.start
        answer, found = await booking.looked(
            session, wish, now, staff=staff, own=appointment.id, seated=kept and was.start > now
        )
        if not answer.ok:
            return answer
        try:
            return await _move(session, appointment, was, wish, found.facts, by=by, reason=reason, now=now)
        except claims.Crossed:
            await placing.locked(session, appointment)  # as it was before the savepoint
        except claims.QuotaFull as full:
            await placing.locked(session, appointment)
            return placing.quota_full(full)
    return placing.contested(wish)


def _changed(
    was: Wish,
    start: datetime,
    end: datetime,
    desk: str | None,
    stones: Sequence[str] | None,
    visitors: Sequence[int] | None,
) -> Wish:
    named = was.visitors if visitors is None else tuple(visitors)
    return replace(
        was,
        start=start,
        end=end,
        desk=desk or was.desk,
        stones=was.stones if stones is None else tuple(stones),
        visitors=named,
        party=max(was.party, len(named)) if was.party else 0,
    )


async def _move(
    session: AsyncSession,
    appointment: Appointment,
    was: Wish,
    wish: Wish,
    known: Facts,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Answer:
    """Its own claims go first, so that they are in nobody's way; then the new ones are taken."""
    before, _ = await facts.place_of(session, was.desk)
    assert known.place is not None
    async with session.begin_nested():
        if wish.stones != was.stones:
            await _other_stones(session, appointment, wish.stones)
        await claims.release(session, appointment, before)
        found = await claims.read(session, rules.claimed(wish, known), now)
        places = placing.quota_places(wish.party) - placing.quota_places(was.party)
        await placing.occupy(session, appointment, wish, replace(known, rows=found.rows), places=places)
    appointment.starts_at, appointment.ends_at = wish.start, wish.end
    appointment.desk_id, appointment.party = wish.desk, wish.party
    if (wish.start, known.place.zone) != (was.start, appointment.zone):  # else the wall time stays as it was agreed
        appointment.zone, appointment.wall = known.place.zone, placing.wall(wish.start, known.place.zone)
        appointment.tz_version = tz_version()
        settled = OF_PLACE | {CLOCK_MOVED}
    else:
        settled = OF_PLACE
    if wish.stones != was.stones:
        appointment.attention = None if wish.stones else appointment.attention
    if appointment.attention in settled:
        appointment.attention = None
    if wish.visitors != was.visitors:
        await _other_visitors(session, appointment, wish.visitors)
    appointment.sequence += 1
    appointment.version += 1
    recording.happened(
        session, appointment, "moved", office=known.place.office, by=by, at=now, reason=reason,
        was_start=stamp(was.start), was_end=stamp(was.end), was_office=before.office,
    )  # fmt: skip
    await session.flush()
    await waiting.offer(session, now, cause="moved")
    return recording.done(appointment)


async def _other_stones(session: AsyncSession, appointment: Appointment, stones: Sequence[str]) -> None:
    """What stays is kept as it was when it was put there; what was dropped stays on record before the rest."""
    wanted = select(AppointmentStone).where(AppointmentStone.appointment_id == appointment.id)
    found = await session.scalars(wanted.execution_options(populate_existing=True))
    lines = {line.stone: line for line in found}
    shown = await placing.exposed(session, [one for one in stones if one not in lines or lines[one].dropped])
    left = [line for stone, line in lines.items() if stone not in stones]
    for line in left:
        if line.dropped is None:
            await session.delete(line)
    first = 1 + max((line.place for line in left if line.dropped is not None), default=-1)
    for place, stone in enumerate(stones, start=first):
        line = lines.get(stone) or AppointmentStone(appointment_id=appointment.id, stone=stone)
        line.place = place
        if stone in shown:
            line.exposed_id, line.snapshot, line.dropped, line.dropped_at = stone, shown[stone], None, None
        session.add(line)
    await session.flush()


async def _other_visitors(session: AsyncSession, appointment: Appointment, visitors: Sequence[int]) -> None:
    """Who stays keeps the pass."""
    links = await session.scalars(select(AppointmentVisitor).where(AppointmentVisitor.appointment_id == appointment.id))
    known = {link.visitor_id: link for link in links}
    for gone in known.keys() - set(visitors):
        await session.delete(known[gone])
    for place, visitor in enumerate(visitors):
        if visitor in known:
            known[visitor].place = place
        else:
            session.add(AppointmentVisitor(appointment_id=appointment.id, visitor_id=visitor, place=place))


async def _too_late(session: AsyncSession, appointment: Appointment, now: datetime) -> Answer | None:
    known = await facts.rules_for(session, appointment.desk_id, appointment.sale)
    return rules.cutoff_passed(known, appointment.starts_at, appointment.zone, now)


async def _give_back(
    session: AsyncSession, appointment: Appointment, *, by: str, reason: str, now: datetime, cause: str = ""
) -> Answer:
    place, _ = await facts.place_of(session, appointment.desk_id)
    if appointment.state != S.REQUESTED:
        await claims.release(session, appointment, place)
        await claims.give_quotas_back(session, appointment.quotas, placing.quota_places(appointment.party))
    await waiting.declined(session, appointment, by=by, at=now, office=place.office)
    appointment.sequence += appointment.state == S.BOOKED  # of the others nobody was sent an invitation
    appointment.state, appointment.expires_at = S.CANCELLED, None
    appointment.version += 1
    recording.happened(
        session, appointment, "cancelled", office=place.office, by=by, at=now, reason=reason, cause=cause
    )
    await session.flush()
    await waiting.offer(session, now, cause="cancelled")
    return recording.done(appointment)
