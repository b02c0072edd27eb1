"""What the catalogue does by itself: it follows the verdicts of provenance."""

from datetime import datetime

from sqlalchemy import select

from pavilion.catalogue import service
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event, cursor_of, news

FOLLOWER = "catalogue:verdicts"
VERDICT_CHANGED = "stone:verdict_changed"
AT_ONCE = 500


async def follow_verdicts(sessions: Sessions, now: datetime) -> int:
    """Stones are listed or taken off as their verdicts changed; answers how many were looked at."""
    if not await news(sessions, FOLLOWER, [VERDICT_CHANGED]):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        fresh = (
            select(Event.id, Event.subject)
            .where(Event.name == VERDICT_CHANGED, Event.id > cursor.last_id)
            .order_by(Event.id)
            .limit(AT_ONCE)
        )
        events = (await session.execute(fresh)).all()
        if events:
            await service.verdicts_changed(session, sorted({event.subject for event in events}), now=now)
            cursor.last_id = events[-1].id
        return len(events)
