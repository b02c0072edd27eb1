"""A stone that a buyer holds is for that company's viewings alone, from the hold to its end: read from the hold itself,
so that an event read twice or late ends in the same blocks."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions
from pavilion.kernel.events import cursor_of, news, unread
from pavilion.trading.models import Hold
from pavilion.trading.rules import hold_stands
from pavilion.viewings import blocks
from pavilion.viewings.stone_models import StoneBlock

FOLLOWER = "viewings:holds"
NAMES = ("hold:active", "hold:ended")


async def follow(sessions: Sessions, now: datetime) -> int:
    """What became of holds since the last look stands in the viewings too."""
    if not await news(sessions, FOLLOWER, NAMES):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        again, fresh = await unread(session, cursor, NAMES)
        await put_right(session, {event.subject for event in (*again, *fresh)}, now)
        if fresh:
            cursor.last_id = fresh[-1].id
        return len(fresh)


async def put_right(session: AsyncSession, holds: Collection[str], now: datetime) -> None:
    """Each stone is kept for whoever holds it, as long as the hold says, and for nobody else. What people of the desk
    have blocked besides stays as they left it."""
    rows = (await session.scalars(select(Hold).where(Hold.public_id.in_(holds)).order_by(Hold.id))).all()
    made = {block.by: block for block in await session.scalars(select(StoneBlock).where(StoneBlock.by.in_(holds)))}
    open_ = {by: block for by, block in made.items() if block.ends_at > now}
    standing = [row for row in rows if hold_stands(row.state, row.expires_at, now)]
    for row in rows:  # ends before beginnings: a stone may have gone from one holder to the next
        block = open_.get(row.public_id)
        if block is not None and row not in standing:
            await blocks.end_block(session, block, by=row.public_id, now=now)
    for row in standing:
        assert row.expires_at is not None
        if (block := open_.get(row.public_id)) is not None:
            block.ends_at = row.expires_at
            continue
        await blocks.stone_hold(
            session, row.stone, company_id=row.company_id, frm=now, to=row.expires_at, by=row.public_id, now=now
        )
    await session.flush()
