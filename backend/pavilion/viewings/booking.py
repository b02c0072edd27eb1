"""Taking a place: on hold, for good, or asked for; and confirming or approving what was held or asked."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NotRequired, TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.instants import stamp
from pavilion.viewings import claims, facts, placing, recording, rules, sweeping
from pavilion.viewings.models import Appointment, AppointmentEvent
from pavilion.viewings.occupying import floor
from pavilion.viewings.placing import Made
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.wishes import Answer, Code, Wish

KEY_LENGTH = 64


class Said(TypedDict):
    """Who takes a place and when; the same key once more is the same place once more."""

    key: str
    by: str
    person_id: NotRequired[int | None]
    staff: NotRequired[bool]  # in the name of the office, which may do more
    now: datetime


async def hold(session: AsyncSession, wish: Wish, **said: Unpack[Said]) -> Made:
    """The place is kept for the company until the hold expires, or the answer says why not."""
    return await _make(session, wish, S.HELD, **said)


async def book(session: AsyncSession, wish: Wish, **said: Unpack[Said]) -> Made:
    """Held and confirmed in one act."""
    return await _make(session, wish, S.BOOKED, **said)


async def ask(session: AsyncSession, wish: Wish, **said: Unpack[Said]) -> Made:
    """The office is asked; nothing is kept until it approves."""
    return await _make(session, wish, S.REQUESTED, **said)


async def confirm(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    """The held place is booked; asked again, the same answer."""
    await placing.locked(session, appointment)
    if appointment.state == S.EXPIRED or (appointment.expires_at is not None and appointment.expires_at <= now):
        return await _expired(session, appointment, now)
    if appointment.state == S.BOOKED:
        return recording.done(appointment)
    if appointment.state != S.HELD:
        return placing.wrong_state(appointment)
    place, _ = await facts.place_of(session, appointment.desk_id)
    appointment.state, appointment.expires_at = S.BOOKED, None
    appointment.version += 1
    cause = "offer" if await placing.end_waiting(session, appointment) else ""
    recording.happened(session, appointment, "booked", office=place.office, by=by, at=now, cause=cause)
    if appointment.attention is not None:  # it lost its last stone while it was held, of which nobody is told
        appointment.version += 1
        code = appointment.attention
        recording.happened(session, appointment, "attention", office=place.office, by=by, at=now, cause=code)
    return recording.done(appointment)


async def approve(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    """What was asked for is booked, if every check passes; else it stays asked."""
    await placing.alone(session)
    await placing.locked(session, appointment)
    if appointment.state == S.BOOKED:
        return recording.done(appointment)
    if appointment.state != S.REQUESTED:
        return placing.wrong_state(appointment)
    wish = await placing.wish_of(session, appointment)
    for _ in range(claims.TRIES):
        answer, found = await looked(session, wish, now, staff=True, own=appointment.id)
        known = found.facts
        if not answer.ok:
            return answer
        try:
            async with session.begin_nested():
                places = placing.quota_places(wish.party)
                await placing.occupy(session, appointment, wish, known, places=places)
        except claims.Crossed:
            await placing.locked(session, appointment)  # as it was before the savepoint
            continue
        except claims.QuotaFull as full:
            await placing.locked(session, appointment)
            return placing.quota_full(full)
        assert known.place is not None
        appointment.state = S.BOOKED
        appointment.version += 1
        recording.happened(session, appointment, "booked", office=known.place.office, by=by, at=now, cause="approved")
        return recording.done(appointment)
    return placing.contested(wish)


async def looked(
    session: AsyncSession,
    wish: Wish,
    now: datetime,
    *,
    staff: bool,
    own: int | None = None,
    seated: bool = False,
    key: str | None = None,
) -> tuple[Answer, facts.Looked]:
    """The answer to the wish and what it rests on. Whoever is in the way although their time is over is told so first,
    and those who wait come before whoever asks now."""
    again = partial(placing.looked, session, wish, now, staff=staff, own=own, seated=seated, key=key)
    answer, found = await again()
    if found.before is not None:
        return answer, found
    if _counts_company(found.facts.rules):
        await placing.alone(session)  # else two appointments of one company pass its limit side by side
        answer, found = await again()
    if found.late and await sweeping.settle(session, found.late, now):
        answer, found = await again()
    return answer, found


def _counts_company(known: rules.BookingRules) -> bool:
    return known.company_day_limit is not None or known.company_hours is not None


# Making one


async def _make(
    session: AsyncSession,
    wish: Wish,
    state: S,
    *,
    key: str,
    by: str,
    person_id: int | None = None,
    staff: bool = False,
    now: datetime,
) -> Made:
    if not 1 <= len(key) <= KEY_LENGTH:
        return None, Answer(Code.BAD_INPUT, {"fields": {"key": Code.BAD_INPUT.value}})
    for _ in range(claims.TRIES):
        asking = state is S.REQUESTED
        at_the_door = staff and wish.start == floor(now)
        answer, found = await looked(session, wish, now, staff=staff or asking, seated=at_the_door, key=key)
        if found.before is not None:
            return await _made_before(session, wish, found.before)
        known = found.facts
        if asking and answer.code in NOT_ASKED:
            return None, answer
        if not asking and not answer.ok:
            before = await _made_meanwhile(session, wish, known, key)
            return (None, answer) if before is None else await _made_before(session, wish, before)
        until = now + timedelta(seconds=known.rules.hold_ttl) if state is S.HELD else None
        try:
            return await placing.write(
                session, wish, known, state, key=key, by=by, person_id=person_id, until=until, now=now
            )
        except claims.Crossed:
            continue
        except claims.QuotaFull as full:
            if not await sweeping.due(session, now):  # a hold that ended may still count in it
                return None, placing.quota_full(full)
    return None, placing.contested(wish)


# What asking the office cannot mend; the rest is looked at when it approves.
NOT_ASKED = frozenset(
    {
        Code.BAD_INPUT, Code.NOT_ON_GRID, Code.UNKNOWN_REFERENCE, Code.NOTICE_TOO_SHORT, Code.BEYOND_HORIZON,
        Code.VIEWING_CLOSED, Code.OUTSIDE_WINDOW, Code.STONE_SOLD, Code.STONE_WITHDRAWN,
    }
)  # fmt: skip


async def _made_meanwhile(session: AsyncSession, wish: Wish, known: rules.Facts, key: str) -> int | None:
    """What is in the way may be the same act, sent twice: it was written after we asked for the key and before we asked
    for the claims."""
    assert isinstance(known.rows, dict)
    if not any(taken.company_id == wish.company_id for taken in known.rows.values()):
        return None
    mine = select(Appointment.id).where(Appointment.company_id == wish.company_id, Appointment.request_key == key)
    return await session.scalar(mine)


async def _made_before(session: AsyncSession, wish: Wish, appointment_id: int) -> Made:
    """The same key of the same company is the same act; with another wish it is a mistake."""
    before = await session.get_one(Appointment, appointment_id, populate_existing=True)
    first = await session.scalar(
        select(AppointmentEvent.facts).where(AppointmentEvent.appointment_id == before.id, AppointmentEvent.n == 1)
    )
    asked = (wish.desk, stamp(wish.start), stamp(wish.end))
    if first is None or (first["desk"], first["start"], first["end"]) != asked:
        return None, Answer(Code.BAD_INPUT, {"fields": {"key": "key_reused"}})
    return before, recording.done(before)


async def _expired(session: AsyncSession, appointment: Appointment, now: datetime) -> Answer:
    """The time to confirm ran out; nothing new is kept, but whether it could be is said."""
    wish = await placing.wish_of(session, appointment)
    found = await facts.of_wish(session, wish, now, own=appointment.id)
    rows = found.facts.rows
    assert isinstance(rows, dict)
    lapsed = {taken.appointment_id for taken in rows.values()
              if taken.held_until is not None and taken.held_until <= now}  # fmt: skip
    free = {row: taken for row, taken in rows.items() if taken.appointment_id not in lapsed - {None}}
    again = rules.check(wish, replace(found.facts, rows=free), now)
    return Answer(Code.HOLD_EXPIRED, {"rehold_possible": again.ok, "appointment": appointment.public_id})
