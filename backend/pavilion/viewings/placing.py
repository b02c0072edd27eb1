"""What every verb does with a place: look whether it is free, write an appointment with its claims, lock one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, String, bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import awaiting, snapshots
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.ids import ulid
from pavilion.viewings import claims, facts, recording, rules
from pavilion.viewings.local_times import tz_version
from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor, WaitEntry
from pavilion.viewings.occupying import Occupied
from pavilion.viewings.place_models import Office
from pavilion.viewings.rules import Facts
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import ViewingMode, WaitState
from pavilion.viewings.wishes import Answer, Code, Wish

Made = tuple[Appointment | None, Answer]
CONTESTED = 1  # seconds after which somebody who lost every race may try again


async def alone(session: AsyncSession) -> None:
    """Until this transaction ends no other frees places or hands them to those who wait. Asked before any appointment
    is locked, so that nobody waits in a circle."""
    await one_at_a_time(session, "viewings")


async def keep(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    by: str,
    person_id: int | None = None,
    until: datetime,
    now: datetime,
) -> Made:
    """An offer to somebody who waits: the place is theirs until then."""
    for _ in range(claims.TRIES):
        answer, found = await looked(session, wish, now, staff=False)
        if not answer.ok:
            return None, answer
        try:
            return await write(
                session, wish, found.facts, S.HELD, key=key, by=by, person_id=person_id, until=until, now=now,
                cause="offer",
            )  # fmt: skip
        except claims.QuotaFull as full:
            return None, quota_full(full)
        except claims.Crossed:
            continue
    return None, contested(wish)


async def still(session: AsyncSession, stones: Sequence[str], *, writing: bool = False) -> None:
    """Until this transaction ends nobody changes where these stones are and who may see them. Bookings ask so side by
    side; with `writing` it is asked by who is about to change it, after `alone`, and waits for those bookings."""
    await _still(session, [f"stone:{stone}" for stone in stones], writing)


async def open_as_it_is(session: AsyncSession, office: str) -> None:
    """Until this transaction ends nobody books at this office, and who did has told so: its hours, regimes and pads are
    about to change."""
    await alone(session)
    await _still(session, [f"office:{office}"], writing=True)


async def _still(session: AsyncSession, names: Sequence[str], writing: bool) -> None:
    if names and session.get_bind().dialect.name == "postgresql":
        await session.execute(_STILL_WRITING if writing else _STILL, {"names": list(names)})


_STILL = text(
    "select pg_advisory_xact_lock_shared(hashtextextended(s, 0)) from unnest(:names) as s order by s"
).bindparams(bindparam("names", type_=ARRAY(String)))
_STILL_WRITING = text(
    "select pg_advisory_xact_lock(hashtextextended(s, 0)) from unnest(:names) as s order by s"
).bindparams(bindparam("names", type_=ARRAY(String)))
_VERSION = select(Office.__table__.c.version).where(Office.__table__.c.id == bindparam("office"))


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
    """The answer to the wish, and what it rests on."""
    unreadable = rules.readable(wish)
    if not unreadable.ok:
        return unreadable, facts.Looked(Facts(None, None))
    found = await facts.of_wish(session, wish, now, own=own, key=key)
    return rules.check(wish, found.facts, now, staff=staff, seated=seated), found


async def wish_of(session: AsyncSession, appointment: Appointment) -> Wish:
    """What the appointment is for, as it stands: stones that cannot be shown any more are left out."""
    stones = select(AppointmentStone.stone).where(
        AppointmentStone.appointment_id == appointment.id, AppointmentStone.dropped.is_(None)
    )
    visitors = select(AppointmentVisitor.visitor_id).where(AppointmentVisitor.appointment_id == appointment.id)
    return Wish(
        appointment.company_id, appointment.desk_id, appointment.starts_at, appointment.ends_at, appointment.party,
        tuple(await session.scalars(stones.order_by(AppointmentStone.place))),
        tuple(await session.scalars(visitors.order_by(AppointmentVisitor.place))),
        appointment.operator_id, ViewingMode(appointment.mode), tuple(appointment.quotas), appointment.sale,
    )  # fmt: skip


async def locked(session: AsyncSession, appointment: Appointment) -> None:
    """As it is now; until this transaction ends nobody else changes it."""
    await session.flush()  # reading anew forgets what this transaction changed and has not written yet
    await session.refresh(appointment, with_for_update=True)


def wrong_state(appointment: Appointment) -> Answer:
    return Answer(Code.WRONG_STATE, {"state": appointment.state})


def quota_full(full: claims.QuotaFull) -> Answer:
    return Answer(Code.QUOTA_FULL, {"quota": full.quota})


def contested(wish: Wish) -> Answer:
    """Others were quicker each time, though nobody of them stayed."""
    code = Code.DESK_TAKEN if wish.mode is ViewingMode.REMOTE else Code.ROOM_FULL
    return Answer(code, {"retry_after": CONTESTED})


def quota_places(party: int) -> int:
    """A viewing by video takes one."""
    return max(1, party)


async def write(
    session: AsyncSession,
    wish: Wish,
    known: Facts,
    state: S,
    *,
    key: str,
    by: str,
    person_id: int | None,
    until: datetime | None,
    now: datetime,
    cause: str = "",
) -> Made:
    """The appointment stands with all its claims, or `Crossed` or `QuotaFull` and nothing was written."""
    assert known.place is not None
    kept = await exposed(session, wish.stones)
    try:
        async with session.begin_nested():
            appointment = _row(wish, known, state, key=key, person_id=person_id, until=until, now=now)
            if state is not S.REQUESTED:
                _padded(appointment, rules.claimed(wish, known))
            session.add(appointment)
            await session.flush()
            shown = [
                {"appointment_id": appointment.id, "stone": one, "exposed_id": one, "snapshot": kept[one], "place": n}
                for n, one in enumerate(wish.stones)
            ]
            guests = [
                {"appointment_id": appointment.id, "visitor_id": one, "place": n} for n, one in enumerate(wish.visitors)
            ]
            for table, rows in ((_STONES, shown), (_VISITORS, guests)):
                if rows:
                    await session.execute(table, rows)
            recording.happened(session, appointment, state, office=known.place.office, by=by, at=now, cause=cause)
            if state is not S.REQUESTED:
                await occupy(session, appointment, wish, known, places=quota_places(wish.party))
    except DBAPIError as error:  # the same key in the same moment, or a number drawn twice
        if not claims.is_crossed(error):
            raise
        raise claims.Crossed from None
    return appointment, recording.done(appointment)


_STONES, _VISITORS = (
    insert(model.metadata.tables[model.__tablename__]) for model in (AppointmentStone, AppointmentVisitor)
)


async def exposed(session: AsyncSession, stones: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What each of these stones is, for the line of an appointment; `Crossed` where one lost its exposure since we
    looked, and the next look says so. Asked before a line is written or locked: whoever takes exposures away comes to
    the lines after them too."""
    kept = await snapshots.of_exposed(session, stones)
    if len(kept) < len(stones):
        raise claims.Crossed
    return kept


async def occupy(
    session: AsyncSession,
    appointment: Appointment,
    wish: Wish,
    known: Facts,
    *,
    places: int,
) -> None:
    """Its claims and so many places in quotas are taken, or `Crossed` or `QuotaFull`."""
    assert isinstance(known.rows, dict)
    if session.get_bind().dialect.name == "postgresql":
        await _as_looked(session, wish, known)
    wanted = rules.claimed(wish, known)
    _padded(appointment, wanted)
    await claims.take(session, appointment, wanted.pick(known.rows))
    if places > 0:
        await claims.take_quotas(session, wish.quotas, places)
    try:
        await awaiting.await_stones(session, wish.stones, wish.end)
    except DBAPIError as error:
        if not claims.is_crossed(error):
            raise
        raise claims.Crossed from None


async def _as_looked(session: AsyncSession, wish: Wish, known: Facts) -> None:
    """Nothing became of the office's hours and rules, or of a stone, since we looked, nor will until this transaction
    ends; else `Crossed`, and the next look says what. The embedded database has one writer, who looked as such."""
    assert known.place is not None
    await _still(session, [f"office:{known.place.office}", *(f"stone:{stone}" for stone in wish.stones)], writing=False)
    if await session.scalar(_VERSION, {"office": known.place.office}) != known.place.version:
        raise claims.Crossed
    if wish.stones and not rules.shown(wish, replace(known, stones=await facts.stones(session, wish.stones))).ok:
        raise claims.Crossed


def _padded(appointment: Appointment, wanted: Occupied) -> None:
    """It knows how its claims are written."""
    appointment.pad_before, appointment.pad_after = (
        pad // rules.MINUTE for pad in (wanted.pads.before, wanted.pads.after)
    )
    appointment.gap_mode = wanted.mode


def _row(
    wish: Wish, known: Facts, state: S, *, key: str, person_id: int | None, until: datetime | None, now: datetime
) -> Appointment:
    assert known.place is not None
    public_id = ulid(now)
    return Appointment(
        public_id=public_id,
        uid=f"{public_id}@viewings.pavilion",
        number=f"{known.place.office.upper()}-{public_id[-6:]}",
        company_id=wish.company_id,
        party=0 if wish.mode is ViewingMode.REMOTE else wish.party,
        desk_id=wish.desk,
        mode=wish.mode,
        operator_id=wish.operator,
        starts_at=wish.start,
        ends_at=wish.end,
        zone=known.place.zone,
        wall=wall(wish.start, known.place.zone),
        tz_version=tz_version(),
        sale=wish.sale,
        quotas=list(wish.quotas),
        state=state,
        expires_at=until,
        request_key=key,
        booked_by=person_id,
        created_at=now,
        sequence=0,
        version=1,
    )


def wall(at: datetime, zone: str) -> str:
    """What the clock at the office shows then, as it was agreed."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


async def end_waiting(session: AsyncSession, appointment: Appointment) -> bool:
    """Whoever waited for this has it now, or wants it no more."""
    entry = await session.scalar(select(WaitEntry).where(WaitEntry.appointment_id == appointment.id))
    if entry is None or entry.state != WaitState.OFFERED:
        return False
    entry.state = WaitState.GONE
    return True
