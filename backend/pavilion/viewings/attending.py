"""Coming to the desk, sitting down and leaving it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.instants import stamp
from pavilion.viewings import booking, claims, facts, gating, placing, recording, rules, sweeping, waiting
from pavilion.viewings.models import Appointment
from pavilion.viewings.occupying import ceil, floor
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.wishes import Answer, Code, Wish


async def check_in(
    session: AsyncSession,
    appointment: Appointment,
    *,
    by: str,
    declaration_at: datetime | None = None,
    override: str | None = None,
    now: datetime,
) -> Answer:
    """Somebody came. Where a declaration is asked it is fresh, or staff says in `override` why not. Who comes after
    the place was given up sits down from the current step on, if it is still free."""
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state in (S.CHECKED_IN, S.IN_PROGRESS):
        return recording.done(appointment)
    if appointment.state not in (S.BOOKED, S.NO_SHOW):
        return placing.wrong_state(appointment)
    known, _ = await facts.of_place(session, await placing.wish_of(session, appointment), now)
    assert known.place is not None
    opens = appointment.starts_at - known.rules.checkin_early * rules.MINUTE
    if now < opens:
        return Answer(Code.TOO_EARLY, {"from": stamp(opens)})
    missed = rules.missed_at(known.rules, appointment.starts_at)
    if appointment.state == S.BOOKED and missed <= now:
        await sweeping.give_up(session, appointment, at=missed, now=now)
    signed = declaration_at or appointment.declaration_at
    fresh = rules.declared(appointment.starts_at, signed, now)
    if known.regime.declaration and not fresh and not override:
        return Answer(Code.DECLARATION_MISSING, {"signed": stamp(signed)} if signed else {})
    if appointment.state == S.NO_SHOW:
        refused = await _walk_in(session, appointment, now)
        if refused is not None:
            return refused
    cause = "walk_in" if appointment.state == S.NO_SHOW else ""
    appointment.state, appointment.checked_in_at = S.CHECKED_IN, now
    appointment.declaration_at = signed
    appointment.version += 1
    recording.happened(
        session, appointment, "checked_in", office=known.place.office, by=by, at=now, reason=override or "",
        cause=cause,
        **({"overridden": True} if override and known.regime.declaration and not fresh else {}),
    )  # fmt: skip
    return recording.done(appointment)


async def start(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    """The stones are on the desk."""
    await placing.locked(session, appointment)
    if appointment.state == S.IN_PROGRESS:
        return recording.done(appointment)
    if appointment.state != S.CHECKED_IN:
        return placing.wrong_state(appointment)
    place, _ = await facts.place_of(session, appointment.desk_id)
    appointment.state = S.IN_PROGRESS
    appointment.version += 1
    recording.happened(session, appointment, "changed", office=place.office, by=by, at=now, cause="started")
    return recording.done(appointment)


async def finish(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    """It was shown. What is left of its time, from the next step on, is free and offered to those who wait."""
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state == S.DONE:
        return recording.done(appointment)
    if appointment.state not in (S.CHECKED_IN, S.IN_PROGRESS):
        return placing.wrong_state(appointment)
    place, _ = await facts.place_of(session, appointment.desk_id)
    end = ceil(now)
    early = end < appointment.ends_at
    if early:
        await claims.trim(session, appointment, place, end=end)
        appointment.freed_at = end
    appointment.state, appointment.finished_at = S.DONE, now
    appointment.version += 1
    recording.happened(session, appointment, "done", office=place.office, by=by, at=now)
    await session.flush()
    await gating.open_gates(session, appointment, by=by, now=now)
    if early:
        await waiting.offer(session, now, cause="finished")
    return recording.done(appointment)


async def _walk_in(session: AsyncSession, appointment: Appointment, now: datetime) -> Answer | None:
    """The rest of its time is taken again, or the answer is that it was given up; why, stands beside."""
    given_up = {"at": stamp(appointment.freed_at or appointment.starts_at)}
    wish = replace(await placing.wish_of(session, appointment), start=floor(now))
    if wish.start >= wish.end:
        return Answer(Code.NO_SHOW, given_up)
    for _ in range(claims.TRIES):
        answer, found = await booking.looked(session, wish, now, staff=True, own=appointment.id, seated=True)
        if not answer.ok:
            return Answer(Code.NO_SHOW, given_up | {"why": answer.code.value})
        try:
            async with session.begin_nested():
                known = await _without_own(session, appointment, wish, found.facts, now)
                await placing.occupy(session, appointment, wish, known, places=0)
        except claims.Crossed:
            await placing.locked(session, appointment)  # as it was before the savepoint
            continue
        appointment.freed_at = None
        return None
    return Answer(Code.NO_SHOW, given_up)


async def _without_own(
    session: AsyncSession, appointment: Appointment, wish: Wish, known: rules.Facts, now: datetime
) -> rules.Facts:
    """What it still has of the time that is taken again, the pad before included, is in nobody's way (R10)."""
    assert known.place is not None
    wanted = rules.claimed(wish, known)
    await claims.release(session, appointment, known.place, frm=wish.start - wanted.pads.before)
    return replace(known, rows=(await claims.read(session, wanted, now)).rows)
