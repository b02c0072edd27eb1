"""What becomes of viewings when something else happened: a stone was sold, withdrawn or lost its verdict, its lot left
a sale, or a sale went back to its builders. Appointments are told, never cancelled (viewings spec R7).

What holds of a stone is read from the stone, not from the event: an event read twice, late or after a restart ends in
the same rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.rules import LIVE_LOT, LotState, SaleState
from pavilion.catalogue import awaiting, lying, snapshots
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event, cursor_of, news, unread
from pavilion.kernel.instants import from_stamp
from pavilion.viewings import gating, recording, service
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.place_models import Desk
from pavilion.viewings.states import TAKING, AppointmentState, StoneFate
from pavilion.viewings.stone_models import StoneEnd

FOLLOWER = "viewings:stones"
OF_STONES = ("stone:sold", "stone:withdrawn", "stone:released", "stone:committed", "stone:verdict_changed")
OF_APPOINTMENTS = tuple(f"appointment:{kind}" for kind in ("cancelled", "expired", "no_show", "moved", "done"))
GIVING_BACK = ("appointment:cancelled", "appointment:moved")
OF_SALES = ("sale:published", "sale:unpublished", "sale:lot_listed", "sale:deleted")
NAMES = (*OF_STONES, *OF_SALES, *OF_APPOINTMENTS)
AT_ONCE = 500
LOOK_BACK = 200  # events read before that are looked at again
ANEW = timedelta(minutes=1)  # so often every stone that somebody will come to see is looked at
BY = "house"
SALE_OFF = "sale_off"  # why an appointment needs a look: the sale it was for is none any more


class Following:
    """The tick: after each event of a stone, a sale or an appointment, and now and then without one."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._looked: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """How many events were read and stones put right."""
        if self._looked is None or now - self._looked >= ANEW:
            self._looked = now
            done = await follow(self._sessions, now)
            async with reading(self._sessions) as session:
                wrong = await _wrong(session, await awaited(session, now))
            if wrong:
                async with self._sessions.begin() as session:
                    await look(session, wrong, now)
            return done + len(wrong)
        return await follow(self._sessions, now)


async def follow(sessions: Sessions, now: datetime) -> int:
    """What was said of stones, sales and appointments since the last look has had its effect."""
    if not await news(sessions, FOLLOWER, NAMES):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        again, read = await unread(session, cursor, NAMES, at_once=AT_ONCE, look_back=LOOK_BACK)
        everything = [*again, *read]
        stones = {event.subject for event in everything if event.name in OF_STONES}
        sales = {event.subject for event in everything if event.name in OF_SALES}
        appointments = {event.subject for event in everything if event.name in OF_APPOINTMENTS}
        await link_again(session, stones)
        await look(session, await _wrong(session, stones), now)
        for sale in sorted(sales):
            await look_at_sale(session, sale, now)
        await look_at_awaited(session, appointments, now)
        await look_at_freed(session, everything, now)
        if read:
            cursor.last_id = read[-1].id
        return len(read)


async def look(session: AsyncSession, stones: Collection[str], now: datetime) -> None:
    """Of each stone the viewings know what became of it: its coming appointments go on without it, or it may be shown
    again. Looked at twice, nothing more happens."""
    found = await fates(session, stones)
    ends = {end.stone: end for end in await session.scalars(select(StoneEnd).where(StoneEnd.stone.in_(stones)))}
    for stone in sorted(found):
        fate, end = found[stone], ends.get(stone)
        if fate is not None and end is None:
            await service.end_stone(session, stone, fate, by=BY, now=now)
        elif fate is not None and end is not None and end.fate != fate:
            end.fate = fate.value
        elif fate is None and end is not None:
            await session.delete(end)
            events.record(session, "stone:shown_again", stone, by=BY, at=now)
    await session.flush()


async def link_again(session: AsyncSession, stones: Collection[str]) -> None:
    """A stone that lost its exposure and had it back before anybody looked stays in its appointments."""
    lost = and_(
        AppointmentStone.stone.in_(stones), AppointmentStone.exposed_id.is_(None), AppointmentStone.dropped.is_(None)
    )
    if names := list(await session.scalars(select(AppointmentStone.stone).where(lost).distinct())):
        shown = await snapshots.of_exposed(session, names)
        back = update(AppointmentStone).where(lost, AppointmentStone.stone.in_(shown))
        linked = back.values(exposed_id=AppointmentStone.stone)
        await session.execute(linked.execution_options(synchronize_session=False))


async def fates(session: AsyncSession, stones: Collection[str]) -> dict[str, StoneFate | None]:
    """Whether each can still be seen: sold; or off the list, without its verdict, or taken out of the sale it stood in
    and not offered since. Stones that the house does not have are not answered."""
    promise = and_(StoneCommitment.stone_id == Stone.id, StoneCommitment.released_at.is_(None))
    rows = await session.execute(
        visible_to(HOUSE)
        .with_only_columns(Stone.id, Stone.public_id, Stone.exposed_id, Stone.withdrawn_at, StoneCommitment.kind)
        .outerjoin(StoneCommitment, promise)
        .where(Stone.public_id.in_(stones))
    )
    known = rows.all()
    left = await _left_their_sale(session, [id for id, *_ in known])
    return {stone: _fate(exposed, withdrawn, kind, id in left) for id, stone, exposed, withdrawn, kind in known}


async def look_at_sale(session: AsyncSession, sale: str, now: datetime) -> None:
    """Who comes for a sale that is off is told so, and for one that is on again too. Whoever saw a stone before its lot
    was published may bid on it above the gate."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    off = row is None or row.state == SaleState.DRAFT
    coming = select(Appointment).where(
        Appointment.sale == sale, Appointment.state.in_(TAKING), Appointment.ends_at > now
    )
    for appointment in await session.scalars(coming.order_by(Appointment.id)):
        if off and appointment.attention is None:
            await _mark(session, appointment, SALE_OFF, now)
        elif not off and appointment.attention == SALE_OFF:
            await _mark(session, appointment, None, now)
    if row is not None and not off:
        await _open_for_earlier(session, row, now)


async def awaited(session: AsyncSession, now: datetime) -> Sequence[str]:
    """The stones that somebody will come to see."""
    rows = (
        select(AppointmentStone.stone)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .where(AppointmentStone.dropped.is_(None), Appointment.state.in_(TAKING), Appointment.ends_at > now)
    )
    return (await session.scalars(rows.distinct().order_by(AppointmentStone.stone))).all()


async def look_at_awaited(session: AsyncSession, appointments: Collection[str], now: datetime) -> None:
    """The stones of these appointments stay listed until the last who comes to see them has gone, and no longer."""
    theirs = (
        select(AppointmentStone.stone)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .where(Appointment.public_id.in_(appointments))
    )
    until: dict[str, datetime | None] = dict.fromkeys(await session.scalars(theirs.distinct()))
    last = (
        select(AppointmentStone.stone, func.max(Appointment.ends_at))
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .where(AppointmentStone.stone.in_(until), AppointmentStone.dropped.is_(None))
        .where(Appointment.state.in_(TAKING), Appointment.ends_at > now)
        .group_by(AppointmentStone.stone)
    )
    until |= dict((await session.execute(last)).all())
    await awaiting.awaited_until(session, until, now=now)


async def look_at_freed(session: AsyncSession, said: Collection[Event], now: datetime) -> None:
    """A booked time to come that was given back, and that nobody has taken since, is free for the stones it was for."""
    times = {event.subject: event.facts for event in said if event.name in GIVING_BACK}
    booked = select(Event.subject).where(Event.name == "appointment:booked", Event.subject.in_(times))
    theirs = (
        select(Appointment, AppointmentStone.stone)
        .join(AppointmentStone, AppointmentStone.appointment_id == Appointment.id)
        .where(Appointment.public_id.in_(booked), AppointmentStone.dropped.is_(None))
    )
    freed: dict[str, str] = {}
    for row, stone in (await session.execute(theirs.order_by(Appointment.id))).all() if times else ():
        was = times[row.public_id]
        start = from_stamp(was["was_start"]) if "was_start" in was else row.starts_at
        end = from_stamp(was["was_end"]) if "was_end" in was else row.ends_at
        if start > now and not await _taken(session, stone, start, end):
            freed[stone] = row.public_id
    if freed:
        await lying.viewings_freed(session, freed, now=now)


async def _taken(session: AsyncSession, stone: str, start: datetime, end: datetime) -> bool:
    """Somebody has a part of this time with the stone."""
    taking = (
        select(AppointmentStone.stone)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .where(AppointmentStone.stone == stone, AppointmentStone.dropped.is_(None), Appointment.state.in_(TAKING))
        .where(Appointment.starts_at < end, Appointment.ends_at > start)
    )
    return await session.scalar(taking.limit(1)) is not None


async def _mark(session: AsyncSession, appointment: Appointment, code: str | None, now: datetime) -> None:
    """Somebody must look at it for this reason, or need not any more; who comes is told."""
    office = await session.scalar(select(Desk.office_id).where(Desk.id == appointment.desk_id))
    appointment.attention = code
    appointment.version += 1
    kind = "changed" if code is None else "attention"
    recording.happened(session, appointment, kind, office=str(office), by=BY, at=now, reason=code or "", cause="sale")


def _fate(exposed: str | None, withdrawn: datetime | None, kind: str | None, left: bool) -> StoneFate | None:
    if kind == CommitmentKind.SOLD:
        return StoneFate.SOLD
    gone = exposed is None or withdrawn is not None or (kind is None and left)
    return StoneFate.WITHDRAWN if gone else None


async def _left_their_sale(session: AsyncSession, stone_ids: Sequence[int]) -> set[int]:
    """Of these stones those whose newest lot was withdrawn from its sale."""
    rows = await session.execute(
        select(LotStone.stone_id, Lot.state)
        .join(Lot, Lot.id == LotStone.lot_id)
        .where(LotStone.stone_id.in_(stone_ids))
        .order_by(Lot.id)
    )
    newest = dict(rows.all())
    return {stone for stone, state in newest.items() if state == LotState.WITHDRAWN}


async def _wrong(session: AsyncSession, stones: Collection[str]) -> list[str]:
    """Those of which the viewings do not know what became of them."""
    found = await fates(session, stones)
    known = dict((await session.execute(select(StoneEnd.stone, StoneEnd.fate).where(StoneEnd.stone.in_(stones)))).all())
    return sorted(stone for stone, fate in found.items() if known.get(stone) != (fate and fate.value))


async def _open_for_earlier(session: AsyncSession, sale: Sale, now: datetime) -> None:
    """A viewing counts for every lot of its stones, also for one that was published after it."""
    held = (
        select(LotStone.lot_id)
        .join(Stone, Stone.id == LotStone.stone_id)
        .join(Lot, Lot.id == LotStone.lot_id)
        .where(Lot.sale_id == sale.id, Lot.state.in_(LIVE_LOT), Stone.public_id == AppointmentStone.stone)
    )
    done = select(Appointment).where(
        Appointment.state == AppointmentState.DONE,
        exists().where(AppointmentStone.appointment_id == Appointment.id, held.exists()),
    )
    for appointment in await session.scalars(done.order_by(Appointment.id)):
        await gating.open_gates(session, appointment, by=BY, now=now)
