"""Which company owns or keeps a stone, by the house's own records."""

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import queries
from pavilion.settlement.ownership import owners_of


async def holder_of(session: AsyncSession, stone: str) -> int | None:
    """The company it passed to last; before any sale here the supplier. Whoever sold it holds nothing of it."""
    owner = (await owners_of(session, [stone])).get(stone)
    return owner if owner is not None else await queries.supplied_by(session, stone)
