"""What time alone brings: holds and offers that lapse, and appointments nobody came to."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession


async def due(session: AsyncSession, now: datetime) -> int:
    """Everything due by `now` has happened, in its order; the answer counts it."""
    raise NotImplementedError
