"""Which companies wanted which stone: held it, waited for it, offered for it or asked for it on memo."""

from datetime import datetime

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.models import Hold, HoldWait
from pavilion.trading.offer_models import Offer, OfferStone


async def wanted(session: AsyncSession, since: datetime) -> list[tuple[int, int]]:
    """Every stone and company that wanted it since then, whatever became of it."""
    said = union(
        select(Hold.stone.label("stone"), Hold.company_id.label("company")).where(Hold.asked_at >= since),
        select(HoldWait.stone, HoldWait.company_id).where(HoldWait.at >= since),
        select(OfferStone.stone, Offer.company_id)
        .join(Offer, Offer.id == OfferStone.offer_id)
        .where(Offer.made_at >= since),
        select(MemoStone.stone, Memo.company_id)
        .join(Memo, Memo.id == MemoStone.memo_id)
        .where(Memo.requested_at >= since),
    ).subquery("said")
    rows = await session.execute(select(Stone.id, said.c.company).join(said, said.c.stone == Stone.public_id))
    return [(stone, company) for stone, company in rows]
