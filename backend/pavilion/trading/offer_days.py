"""Which offers are open, and how they end: by an act, by the clock, or because their stones are no more to be had."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.trading import queueing
from pavilion.trading.offer_models import Offer, OfferStone
from pavilion.trading.turns import ThreadState

AT_ONCE = 200
GONE = (CommitmentKind.IN_SALE, CommitmentKind.SOLD)


async def end(
    session: AsyncSession, row: Offer, state: ThreadState, *, by: str | None, now: datetime, word: str = ""
) -> None:
    """The offer is over, its stones are kept for it no longer, and the other side can be told."""
    row.state, row.ended_at = state, now
    await session.flush()
    if row.locked:
        await unlock(session, row, by=by, now=now)
    tell(session, row, word or state.value, by=by, now=now)


async def lapse_locks(session: AsyncSession, stones: Collection[str], now: datetime) -> set[str]:
    """Offers that kept one of these stones and have reached their end are over; the answer names the stones they set
    free."""
    wanted = select(Offer).where(Offer.locked.is_(True), Offer.state == ThreadState.OPEN, Offer.expires_at <= now)
    mine = select(OfferStone.offer_id).where(OfferStone.stone.in_(stones))
    freed: set[str] = set()
    rows = await session.scalars(wanted.where(Offer.id.in_(mine)).order_by(Offer.id).with_for_update())
    for row in rows.all():
        freed |= set(await _stones(session, row))
        await end(session, row, ThreadState.LAPSED, by=None, now=now)
    return freed


async def lock_stands(session: AsyncSession, offer: str, now: datetime) -> bool:
    """Whether this offer still keeps its stones: at its very end it does not, whoever looks first."""
    ends = await session.scalar(select(Offer.expires_at).where(Offer.public_id == offer, Offer.locked.is_(True)))
    return ends is not None and now < ends


async def unlock(session: AsyncSession, row: Offer, *, by: str | None, now: datetime) -> None:
    for stone in await _stones(session, row):
        if await catalogue.release_stone(session, stone=stone, ref=row.public_id, by=by, now=now):
            await queueing.tell_next(session, stone, now)
    row.locked = False
    await session.flush()


def tell(session: AsyncSession, row: Offer, word: str, *, by: str | None, now: datetime) -> None:
    """No amount: the event is read by more than the two who may know it."""
    facts = {"company_id": row.company_id, "seller_company_id": row.seller_company_id}
    events.record(session, f"bargain:{word}", row.public_id, by=by, at=now, **facts)


async def refuse_gone(session: AsyncSession, row: Offer) -> None:
    """Refused where a stone of the offer is no more to be had, though no job has ended the offer yet."""
    found = (await session.execute(_gone().where(Offer.id == row.id).limit(1))).one_or_none()
    if found is not None:
        raise NotAvailable(stone=found.stone, reason=found.kind or "withdrawn")


async def gone_among(session: AsyncSession, offers: Sequence[str]) -> set[str]:
    """Those of these open offers of which a stone is sold, in a sale or withdrawn."""
    return {row.public_id for row in await session.execute(_gone().where(Offer.public_id.in_(offers)))}


async def open_for(session: AsyncSession, company_id: int, stone: str, now: datetime) -> Offer | None:
    """The company's open offer for this stone alone."""
    several = select(func.count()).where(OfferStone.offer_id == Offer.id).correlate(Offer).scalar_subquery()
    wanted = select(Offer).join(OfferStone, OfferStone.offer_id == Offer.id).where(OfferStone.stone == stone)
    wanted = wanted.where(Offer.company_id == company_id, Offer.state == ThreadState.OPEN, Offer.expires_at > now)
    return await session.scalar(wanted.where(several == 1))


async def tick(sessions: Sessions, now: datetime) -> int:
    """Offers that nobody answered in time have lapsed; those whose stones are gone are void. Answers how many."""
    over = select(Offer.public_id).where(Offer.state == ThreadState.OPEN, Offer.expires_at <= now)
    async with reading(sessions) as session:
        late = list(await session.scalars(over.order_by(Offer.id).limit(AT_ONCE)))
        gone = {row.public_id for row in await session.execute(_gone().limit(AT_ONCE))}
    done = 0
    for public_id in [*late, *sorted(gone - set(late))]:
        async with sessions.begin() as session:
            wanted = select(Offer).where(Offer.public_id == public_id, Offer.state == ThreadState.OPEN)
            row = await session.scalar(wanted.with_for_update())
            if row is None:
                continue
            if not row.standing.open_at(now):
                await end(session, row, ThreadState.LAPSED, by=None, now=now)
                done += 1
            elif await gone_among(session, [public_id]):
                await end(session, row, ThreadState.VOID, by=None, now=now)
                done += 1
    return done


def _gone() -> Select[str, str, str | None]:
    """Open offers with a stone that nobody can have any more, and why."""
    wanted = select(Offer.public_id, OfferStone.stone, StoneCommitment.kind)
    wanted = wanted.join(OfferStone, OfferStone.offer_id == Offer.id).join(Stone, Stone.public_id == OfferStone.stone)
    live = (StoneCommitment.stone_id == Stone.id) & StoneCommitment.released_at.is_(None)
    wanted = wanted.outerjoin(StoneCommitment, live).where(Offer.state == ThreadState.OPEN)
    return wanted.where(or_(Stone.withdrawn_at.is_not(None), StoneCommitment.kind.in_(GONE))).order_by(Offer.id)


async def _stones(session: AsyncSession, row: Offer) -> Sequence[str]:
    wanted = select(Stone.public_id).join(OfferStone, OfferStone.stone == Stone.public_id)
    return (await session.scalars(wanted.where(OfferStone.offer_id == row.id).order_by(Stone.id))).all()
