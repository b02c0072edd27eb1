"""Which lots hang on stones: asked before somebody takes the ground from under their origin."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone
from pavilion.auctions.rules import LotState

LIVE = (LotState.LISTED, LotState.OPEN, LotState.PAUSED, LotState.CLOSING)


async def lots_with(session: AsyncSession, stones: Select[Any]) -> int:
    """How many lots that are published or running hold one of these stones."""
    held = (
        select(func.count(func.distinct(Lot.id)))
        .join(LotStone, LotStone.lot_id == Lot.id)
        .where(LotStone.exposed_id.in_(stones), Lot.state.in_(LIVE))
    )
    return await session.scalar(held) or 0
