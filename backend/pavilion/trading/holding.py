"""A company's word for a stone: asked, granted, renewed once, given back, ended by the clock (settlement spec 11.2)."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import ActNotAllowed, KeyReused, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.trading import conditions, offer_days, queueing
from pavilion.trading.desk import GRANTED, Desk, desk_of
from pavilion.trading.models import Hold
from pavilion.trading.rules import (
    HOLD_ANSWER,
    HoldState,
    hold_may,
    hold_stands,
    unanswered,
)

OPEN = (HoldState.ASKED, HoldState.ACTIVE)


class HoldExpired(Refusal):
    """At its very end a hold keeps nothing any more, even if nobody took the stone."""

    status, code = 409, "hold_expired"


class TooManyHolds(Refusal):
    status, code = 409, "too_many_holds"


async def ask(
    session: AsyncSession, *, stone: str, seen: int, company_id: int, key: str, actor: Actor, now: datetime
) -> Hold:
    """The stone is held for the company, or its owner is asked. Said twice, or while one stands, it is that one."""
    await one_at_a_time(session, f"trade:{company_id}")
    if (known := await _known(session, company_id, key, stone, now)) is not None:
        return known
    found = await free(session, stone, seen, company_id, now)
    house = conditions.house_of([found])
    desk = desk_of(house)
    await conditions.refuse_buyer(session, company_id, [found], threshold=house.strikes, now=now)
    if await open_count(session, company_id, now) >= desk.most_holds:
        raise TooManyHolds(most=desk.most_holds)
    hold = Hold(public_id=ulid(now), stone=stone, company_id=company_id, seller_company_id=found.supplier_company_id)
    hold.key, hold.asked_by, hold.asked_at = key, actor.public_id, now
    granted = desk.holds == GRANTED and await conditions.good_standing(session, company_id)
    hold.state = HoldState.ACTIVE if granted else HoldState.ASKED
    hold.granted_at, hold.expires_at = (now, now + desk.hold_for) if granted else (None, None)
    hold.answer_by = None if granted else now + HOLD_ANSWER
    session.add(hold)
    await session.flush()
    if granted:
        await _keep(session, hold, actor.public_id, now)
        await queueing.served(session, stone, company_id, now)
    _told(session, hold, "active" if granted else "asked", actor.public_id, now)
    return hold


async def answer(session: AsyncSession, *, hold: str, yes: bool, company_id: int, actor: Actor, now: datetime) -> Hold:
    """The owner has said yes, and it is held from now on, or no. After its day nobody says anything any more."""
    row = await _locked(session, hold)
    if row.seller_company_id != company_id:
        raise NotFound()
    if row.state == (HoldState.ACTIVE if yes else HoldState.REFUSED):
        return row
    if not hold_may(row.state, HoldState.ACTIVE) or unanswered(row.answer_by, now):
        raise ActNotAllowed(state=row.state)
    if not yes:
        return await _end(session, row, HoldState.REFUSED, actor.public_id, now)
    await lapse(session, [row.stone], now)
    await queueing.refuse_after_others(session, row.stone, row.company_id, now)
    ends = now + (await _desk(session, row)).hold_for
    row.state, row.granted_at, row.expires_at, row.answer_by = HoldState.ACTIVE, now, ends, None
    row.version += 1
    await session.flush()
    await _keep(session, row, actor.public_id, now)
    await queueing.served(session, row.stone, row.company_id, now)
    _told(session, row, "active", actor.public_id, now)
    return row


async def renew(session: AsyncSession, *, hold: str, company_id: int, actor: Actor, now: datetime) -> Hold:
    """Held as long again, as often as the selling house agrees to."""
    row = await _own(session, hold, company_id)
    if row.state == HoldState.ACTIVE and not hold_stands(row.state, row.expires_at, now):
        raise HoldExpired()
    if row.state != HoldState.ACTIVE or row.renewed >= (await _desk(session, row)).hold_renewals:
        raise ActNotAllowed(state=row.state)
    assert row.expires_at is not None and row.granted_at is not None
    row.renewed, row.version = row.renewed + 1, row.version + 1
    row.expires_at += (row.expires_at - row.granted_at) // row.renewed
    await session.flush()
    _told(session, row, "active", actor.public_id, now)
    return row


async def _desk(session: AsyncSession, row: Hold) -> Desk:
    """What the selling house of the held stone agrees to."""
    stone = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == row.stone))).one()
    return desk_of(conditions.house_of([stone]))


async def release(session: AsyncSession, *, hold: str, company_id: int, actor: Actor, now: datetime) -> Hold:
    """Given back, or no longer asked for."""
    row = await _own(session, hold, company_id)
    if row.state == HoldState.RELEASED:
        return row
    if not hold_may(row.state, HoldState.RELEASED):
        raise ActNotAllowed(state=row.state)
    return await _end(session, row, HoldState.RELEASED, actor.public_id, now)


async def converted(session: AsyncSession, *, ref: str, by: str | None, now: datetime) -> None:
    """The hold became an order, or a memo. Its promise has passed on already; at its end it was none any more."""
    row = await _locked(session, ref)
    if not hold_stands(row.state, row.expires_at, now):
        raise HoldExpired()
    await _end(session, row, HoldState.CONVERTED, by, now)


async def lapse(session: AsyncSession, stones: Collection[str], now: datetime) -> set[str]:
    """Holds of these stones, and offers that kept them, are over once they have reached their end; the answer names
    the stones they set free."""
    wanted = select(Hold).where(Hold.stone.in_(stones), Hold.state == HoldState.ACTIVE, Hold.expires_at <= now)
    freed = await offer_days.lapse_locks(session, stones, now)
    for row in (await session.scalars(wanted.order_by(Hold.id).with_for_update())).all():
        await _end(session, row, HoldState.LAPSED, None, now)
        freed.add(row.stone)
    return freed


def as_seen(stones: Sequence[Stone], seen: int) -> dict[str, int]:
    """By stone the change at which it was seen, where `seen` is the latest of any of them, as read. A change that none
    of them has reached yet was read nowhere."""
    read = seen <= max(stone.seq for stone in stones)
    return {stone.public_id: min(stone.seq, seen) if read else -1 for stone in stones}


async def free(
    session: AsyncSession,
    stone: str,
    seen: int,
    company_id: int,
    now: datetime,
    *,
    price_minor: int | None = None,
    held_ref: str | None = None,
) -> Stone:
    """The stone, locked, when the company can have it now: as it was seen, and held for nobody else. What a hold's end
    changes of it is no change that anybody must have seen."""
    before = await session.scalar(visible_to(HOUSE).with_only_columns(Stone.seq).where(Stone.public_id == stone))
    if await lapse(session, [stone], now):
        after = await session.scalar(visible_to(HOUSE).with_only_columns(Stone.seq).where(Stone.public_id == stone))
        seen = after if seen == before and after is not None else seen
    found = await catalogue.refuse_changed(session, stone=stone, seen=seen, price_minor=price_minor, held_ref=held_ref)
    await queueing.refuse_after_others(session, stone, company_id, now)
    return found


async def standing(session: AsyncSession, stone: str, company_id: int, now: datetime) -> Hold | None:
    """The company's own hold of the stone, if it keeps it now."""
    wanted = select(Hold).where(Hold.stone == stone, Hold.company_id == company_id, Hold.state == HoldState.ACTIVE)
    return await session.scalar(wanted.where(Hold.expires_at > now))


async def open_count(session: AsyncSession, company_id: int, now: datetime) -> int:
    """How many holds the company has or has asked for."""
    wanted = select(func.count()).select_from(Hold).where(Hold.company_id == company_id, Hold.state.in_(OPEN))
    ended = (Hold.expires_at <= now) | (Hold.answer_by <= now)
    return int(await session.scalar(wanted.where(func.coalesce(ended, False).is_(False))) or 0)


async def refuse_unanswered(session: AsyncSession, now: datetime) -> int:
    """An owner who said nothing in time has said no."""
    wanted = select(Hold).where(Hold.state == HoldState.ASKED, Hold.answer_by <= now).order_by(Hold.id)
    rows = (await session.scalars(wanted.with_for_update(skip_locked=True))).all()
    for row in rows:
        await _end(session, row, HoldState.REFUSED, None, now)
    return len(rows)


async def _known(session: AsyncSession, company_id: int, key: str, stone: str, now: datetime) -> Hold | None:
    said = await session.scalar(select(Hold).where(Hold.company_id == company_id, Hold.key == key))
    if said is not None and said.stone != stone:
        raise KeyReused()
    if said is not None:
        return said
    open_ = select(Hold).where(Hold.company_id == company_id, Hold.stone == stone, Hold.state.in_(OPEN))
    row = await session.scalar(open_)
    if row is None or (row.state == HoldState.ACTIVE and not hold_stands(row.state, row.expires_at, now)):
        return None
    if row.state == HoldState.ASKED and unanswered(row.answer_by, now):
        await _end(session, row, HoldState.REFUSED, None, now)
        return None
    return row


async def _keep(session: AsyncSession, hold: Hold, by: str | None, now: datetime) -> None:
    """The database takes one promise of a stone at a time; nothing public is told of who holds it."""
    kept = {"kind": CommitmentKind.HELD, "ref": hold.public_id, "facts": {}}
    await catalogue.commit_stone(session, stone=hold.stone, by=by, now=now, **kept)  # type: ignore[arg-type]


async def _end(session: AsyncSession, hold: Hold, state: HoldState, by: str | None, now: datetime) -> Hold:
    held = hold.state == HoldState.ACTIVE
    hold.state, hold.ended_at, hold.version = state, now, hold.version + 1
    await session.flush()
    if held and state != HoldState.CONVERTED:
        await catalogue.release_stone(session, stone=hold.stone, ref=hold.public_id, by=by, now=now)
    _told(session, hold, "refused" if state == HoldState.REFUSED else "ended", by, now)
    if held and state != HoldState.CONVERTED:
        await queueing.tell_next(session, hold.stone, now)
    return hold


async def _own(session: AsyncSession, public_id: str, company_id: int) -> Hold:
    row = await _locked(session, public_id)
    if row.company_id != company_id:
        raise NotFound()
    return row


async def is_hold(session: AsyncSession, ref: str) -> bool:
    return await session.scalar(select(Hold.id).where(Hold.public_id == ref)) is not None


async def keep_on(session: AsyncSession, refs: Collection[str], company_id: int, now: datetime) -> None:
    """The holds among these are the company's and still keep their stones; nobody else acts on them until the
    transaction ends. A hold is always locked before its stone."""
    wanted = select(Hold).where(Hold.public_id.in_(refs)).order_by(Hold.id).with_for_update()
    for row in await session.scalars(wanted.execution_options(populate_existing=True)):
        if row.company_id != company_id:
            raise NotFound()
        if row.state not in (HoldState.ACTIVE, HoldState.LAPSED):
            raise ActNotAllowed(state=row.state)
        if not hold_stands(row.state, row.expires_at, now):
            raise HoldExpired()


async def _locked(session: AsyncSession, public_id: str) -> Hold:
    wanted = select(Hold).where(Hold.public_id == public_id).with_for_update()
    row = await session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise NotFound()
    return row


def _told(session: AsyncSession, hold: Hold, what: str, by: str | None, now: datetime) -> None:
    """Who holds what is for the two companies; no name stands in it."""
    facts = {"stone": hold.stone, "company_id": hold.company_id, "seller_company_id": hold.seller_company_id}
    ends = hold.expires_at.isoformat() if hold.expires_at else None
    told = facts | {"state": str(hold.state), "expires_at": ends, "renewed": hold.renewed}
    events.record(session, f"hold:{what}", hold.public_id, by=by, at=now, **told)
