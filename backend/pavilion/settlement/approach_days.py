"""When offers end by themselves: their time is over, or their lot is no more to be had."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel.db import Sessions, reading
from pavilion.settlement import accepting, offering
from pavilion.settlement.accepting import end_approach
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, OfferState
from pavilion.trading.turns import ThreadState

AT_ONCE = 200


async def tick(sessions: Sessions, now: datetime) -> int:
    """What the worker does for the offers that buyers make."""
    return await lapse(sessions, now) + await void(sessions, now)


async def lapse(sessions: Sessions, now: datetime) -> int:
    """Offers that nobody answered in time have lapsed; answers how many."""
    over = select(Approach.id).where(Approach.state == ThreadState.OPEN, Approach.expires_at <= now)
    async with reading(sessions) as session:
        found = (await session.scalars(over.order_by(Approach.id).limit(AT_ONCE))).all()
    done = 0
    for id_ in found:
        async with sessions.begin() as session:
            row = await session.get_one(Approach, id_, with_for_update=True)
            if row.state == ThreadState.OPEN and now >= row.expires_at:
                end_approach(session, row, ThreadState.LAPSED, by=None, now=now)
                done += 1
    return done


async def void(sessions: Sessions, now: datetime) -> int:
    """Where a stone of the lot stands in another sale by now, or is promised elsewhere, every open offer of the lot is
    over, the house's own too; answers of how many lots."""
    async with reading(sessions) as session:
        lots = await _gone(session)
    for lot in lots:
        async with sessions.begin() as session:
            await accepting.lock_offers(session, lot)
            if lot not in await _gone(session):
                continue
            for row in await session.scalars(select(Approach).where(Approach.lot == lot).order_by(Approach.id)):
                if row.state == ThreadState.OPEN:
                    end_approach(session, row, ThreadState.VOID, by=None, now=now)
            for offer in await offering.offers_of(session, lot):
                if offer.state == OfferState.OPEN:
                    offering.end(session, offer, OfferState.LAPSED, by=None, now=now)
    return len(lots)


async def _gone(session: AsyncSession) -> Sequence[str]:
    """The lots with an open offer of which a stone is promised to something else."""
    approached = select(Approach.lot).where(Approach.state == ThreadState.OPEN)
    offered = select(LotOffer.lot).where(LotOffer.state == OfferState.OPEN)
    wanted = select(Lot.public_id).join(LotStone, LotStone.lot_id == Lot.id)
    wanted = wanted.join(StoneCommitment, StoneCommitment.stone_id == LotStone.stone_id)
    wanted = wanted.where(StoneCommitment.released_at.is_(None), StoneCommitment.ref != Lot.public_id)
    wanted = wanted.where(Lot.public_id.in_(approached.union(offered)))
    return (await session.scalars(wanted.distinct().order_by(Lot.public_id).limit(AT_ONCE))).all()
