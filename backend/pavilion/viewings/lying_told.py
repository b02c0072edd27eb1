"""Tells the catalogue at which office every stone lies, so that it can be asked for: a tick compares the stays with
what was told, and hands in what differs. What an act missed, and a stay that begins by the clock, are found alike."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import lying
from pavilion.kernel.db import Sessions, reading
from pavilion.viewings.place_models import Office
from pavilion.viewings.stone_models import Stay

EVERY = timedelta(seconds=5)


class LyingTold:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._looked: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """How many stones lie elsewhere than was told."""
        if self._looked is not None and now - self._looked < EVERY:
            return 0
        self._looked = now
        return await tell(self._sessions, now)


async def tell(sessions: Sessions, now: datetime) -> int:
    """What is told is as it is now."""
    async with reading(sessions) as session:
        names = {one.id: (one.name_en, one.name_zh) for one in await session.scalars(select(Office))}
        unnamed = names != await lying.called(session)
        moved = await _moved(session, now)
    if not moved and not unnamed:
        return 0
    async with sessions.begin() as session:
        await lying.call(session, names)
        return await lying.lie(session, moved, now=now)


async def _moved(session: AsyncSession, now: datetime) -> dict[str, str | None]:
    here = select(Stay.stone, Stay.office_id).where(
        or_(Stay.arrive.is_(None), Stay.arrive <= now), or_(Stay.depart.is_(None), Stay.depart > now)
    )
    lie = dict((await session.execute(here.order_by(Stay.id))).all())
    told = await lying.lying(session)
    gone: dict[str, str | None] = dict.fromkeys(told.keys() - lie.keys())
    return gone | {stone: office for stone, office in lie.items() if told.get(stone) != office}
