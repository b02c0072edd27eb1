"""The waiting list (viewings spec R13): a whole wish waits for its place; freed places are offered in its order."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.viewings import facts, placing, recording, rules
from pavilion.viewings.models import Appointment, WaitEntry
from pavilion.viewings.states import AppointmentState, ViewingMode, WaitState
from pavilion.viewings.wishes import Answer, Code, Wish

HOUSE = "house"
LAPSES = 2  # the second lapse of an offer ends the waiting
KEY_LENGTH = 58  # of a key; offers add to it
PRIORITIES = 1000
# A wish that can never be had does not wait.
HOPELESS = frozenset(
    {
        Code.BAD_INPUT, Code.NOT_ON_GRID, Code.UNKNOWN_REFERENCE, Code.NOTICE_TOO_SHORT, Code.VIEWING_CLOSED,
        Code.STONE_SOLD, Code.STONE_WITHDRAWN,
    }
)  # fmt: skip


async def join(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    priority: int = 0,
    by: str,
    person_id: int | None = None,
    now: datetime,
) -> tuple[WaitEntry | None, Answer]:
    """The wish waits; a smaller priority comes first. The same key of the same company waits once; with another wish it
    is a mistake."""
    if not 1 <= len(key) <= KEY_LENGTH or not -PRIORITIES <= priority <= PRIORITIES:
        return None, Answer(Code.BAD_INPUT, {"fields": {"key": Code.BAD_INPUT.value}})
    await placing.alone(session)
    before = await session.scalar(
        select(WaitEntry).where(WaitEntry.company_id == wish.company_id, WaitEntry.request_key == key)
    )
    if before is not None:
        same = (before.desk_id, before.starts_at, before.ends_at) == (wish.desk, wish.start, wish.end)
        if not same or before.wish["stones"] != list(wish.stones):
            return None, Answer(Code.BAD_INPUT, {"fields": {"key": "key_reused"}})
        return before, _waits(before)
    answer, found = await placing.looked(session, wish, now, staff=True)
    if answer.code in HOPELESS:
        return None, answer
    entry = WaitEntry(
        public_id=ulid(now), company_id=wish.company_id, desk_id=wish.desk, mode=wish.mode, starts_at=wish.start,
        ends_at=wish.end, party=wish.party, wish=_rest(wish), sale=wish.sale, priority=priority, created_at=now,
        request_key=key, joined_by=person_id, lapses=0, state=WaitState.WAITING,
    )  # fmt: skip
    session.add(entry)
    await session.flush()
    assert found.facts.place is not None
    recording.waited(session, entry, "joined", office=found.facts.place.office, by=by, at=now)
    return entry, _waits(entry)


async def leave(session: AsyncSession, entry: WaitEntry, *, by: str, now: datetime) -> Answer:
    """The wish waits no more. An offer is declined instead."""
    await placing.alone(session)
    await session.refresh(entry, with_for_update=True)
    if entry.state != WaitState.WAITING:
        return Answer(Code.WRONG_STATE, {"state": entry.state})
    entry.state = WaitState.GONE
    place, _ = await facts.place_of(session, entry.desk_id)
    recording.waited(session, entry, "gone", office=place.office, by=by, at=now, cause="left")
    return _waits(entry)


async def offer(session: AsyncSession, now: datetime, *, cause: str, leaving_out: int | None = None) -> int:
    """One pass: each who waits is tried in order, and whose whole wish fits has it on hold; counts the offers.

    The caller is `alone`. `leaving_out`: the entry whose offer has just lapsed.
    """
    waiting = (
        select(WaitEntry)
        .where(WaitEntry.state == WaitState.WAITING, WaitEntry.starts_at > now)
        .order_by(WaitEntry.priority, WaitEntry.created_at, WaitEntry.id)
    )
    offered = 0
    for entry in (await session.scalars(waiting)).all():
        if entry.id != leaving_out:
            offered += await _try(session, entry, now, cause)
    return offered


async def over(session: AsyncSession, now: datetime) -> bool:
    """Whether somebody still waits for a time that has begun."""
    return await session.scalar(_OVER.with_only_columns(WaitEntry.id).where(WaitEntry.starts_at <= now)) is not None


async def end_over(session: AsyncSession, now: datetime) -> int:
    """Nobody waits for a time that has begun any more; nothing is told of it, for nothing was to be had."""
    entries = (await session.scalars(_OVER.where(WaitEntry.starts_at <= now).with_for_update())).all()
    for entry in entries:
        entry.state = WaitState.GONE
        place, _ = await facts.place_of(session, entry.desk_id)
        recording.waited(session, entry, "gone", office=place.office, by=HOUSE, at=now, cause="over")
    return len(entries)


_OVER = select(WaitEntry).where(WaitEntry.state == WaitState.WAITING).order_by(WaitEntry.id).limit(100)


async def lapsed(session: AsyncSession, appointment: Appointment, *, at: datetime, office: str) -> int | None:
    """The offer was not taken in time: its entry goes to the end, and after the second time it goes. Which entry."""
    entry = await session.scalar(select(WaitEntry).where(WaitEntry.appointment_id == appointment.id))
    if entry is None or entry.state != WaitState.OFFERED:
        return None
    entry.lapses += 1
    if entry.lapses >= LAPSES:
        entry.state = WaitState.GONE
        recording.waited(session, entry, "gone", office=office, by=HOUSE, at=at, cause="lapsed")
    else:
        entry.state, entry.created_at = WaitState.WAITING, at
    await session.flush()
    return entry.id


async def declined(session: AsyncSession, appointment: Appointment, *, by: str, at: datetime, office: str) -> None:
    """Whoever gives an offer back waits no more."""
    entry = await session.scalar(select(WaitEntry).where(WaitEntry.appointment_id == appointment.id))
    if entry is not None and entry.state == WaitState.OFFERED:
        entry.state = WaitState.GONE
        recording.waited(session, entry, "gone", office=office, by=by, at=at, cause="declined")


def wish_of(entry: WaitEntry) -> Wish:
    rest = entry.wish
    return Wish(
        entry.company_id, entry.desk_id, entry.starts_at, entry.ends_at, entry.party, tuple(rest["stones"]),
        tuple(rest["visitors"]), rest["operator"], ViewingMode(entry.mode), tuple(rest["quotas"]), entry.sale,
    )  # fmt: skip


async def _try(session: AsyncSession, entry: WaitEntry, now: datetime, cause: str) -> bool:
    wish = wish_of(entry)
    answer, found = await placing.looked(session, wish, now, staff=False)
    place = found.facts.place or (await facts.place_of(session, entry.desk_id))[0]
    until = rules.offer_until(found.facts.rules, entry.starts_at, now)
    if until <= now:
        return False  # it would start too soon
    appointment = None
    if answer.ok:
        appointment, answer = await placing.keep(
            session, wish, key=f"{entry.request_key}/{entry.lapses}", by=HOUSE, person_id=entry.joined_by,
            until=until, now=now,
        )  # fmt: skip
    if appointment is None:
        entry.skipped, entry.skipped_at = answer.code, now
        recording.waited(session, entry, "skipped", office=place.office, by=HOUSE, at=now, reason=answer.code)
        return False
    assert appointment.state == AppointmentState.HELD
    entry.state, entry.appointment_id = WaitState.OFFERED, appointment.id
    entry.skipped = entry.skipped_at = None
    recording.waited(
        session, entry, "offered", office=place.office, by=HOUSE, at=now, cause=cause,
        appointment=appointment.public_id, expires=stamp(until),
    )  # fmt: skip
    await session.flush()
    return True


def _rest(wish: Wish) -> dict[str, Any]:
    return {
        "stones": list(wish.stones), "visitors": list(wish.visitors), "operator": wish.operator,
        "quotas": list(wish.quotas),
    }  # fmt: skip


def _waits(entry: WaitEntry) -> Answer:
    return Answer(facts={"entry": entry.public_id, "state": entry.state})
