"""Stones out on memo, on the line of the stone and in the incidents: read from the memo itself, so that an event read
twice or late ends in the same rows."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import unavailable
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import cursor_of, news, unread
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.memo_rules import StoneState
from pavilion.viewings import blocks, incidents
from pavilion.viewings.desk_models import Incident
from pavilion.viewings.place_models import Office
from pavilion.viewings.states import BlockKind, IncidentKind
from pavilion.viewings.stone_models import StoneBlock

FOLLOWER = "viewings:memos"
NAMES = tuple(f"memo:{what}" for what in (
    "approved", "refused", "extended", "overdue", "still_out", "stone_returned", "stones_bought", "weight_differs",
))  # fmt: skip


async def follow(sessions: Sessions, now: datetime) -> int:
    """What became of memos since the last look stands in the viewings too."""
    if not await news(sessions, FOLLOWER, NAMES):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        again, fresh = await unread(session, cursor, NAMES)
        await put_right(session, {event.subject for event in (*again, *fresh)}, now)
        if fresh:
            cursor.last_id = fresh[-1].id
        return len(fresh)


async def put_right(session: AsyncSession, memos: Collection[str], now: datetime) -> None:
    """Each stone of these memos is blocked as long as it is promised to one, and one of another weight has its
    incident."""
    lines = select(Memo.public_id, Memo.company_id, MemoStone).join(MemoStone, MemoStone.memo_id == Memo.id)
    rows = (await session.execute(lines.where(Memo.public_id.in_(memos)).order_by(Memo.id, MemoStone.place))).all()
    live = await unavailable.on_memo(session, [line.stone for _, _, line in rows])
    made = select(StoneBlock).where(StoneBlock.by.in_(memos), StoneBlock.kind == BlockKind.MEMO)
    open_ = {(row.by, row.stone): row for row in await session.scalars(made) if row.ends_at > now}
    for memo, company_id, line in rows:
        promise, block = live.get(line.stone), open_.get((memo, line.stone))
        if promise is None or promise.ref != memo or "until" not in promise.facts:
            if block is not None:
                await blocks.end_block(session, block, by=memo, now=now)
        else:
            until = datetime.fromisoformat(promise.facts["until"])
            if block is not None:
                block.ends_at = max(until, block.starts_at)
            elif until > now:
                await blocks.memo_stands(session, line.stone, company_id=company_id, to=until, by=memo, now=now)
        if line.state == StoneState.INCIDENT:
            await _incident(session, line, now)
    await session.flush()


async def _incident(session: AsyncSession, line: MemoStone, now: datetime) -> None:
    """Opened once, at the house that weighed it; whoever weighed it does not close it."""
    known = select(Incident.id).where(Incident.stone == line.stone, Incident.opened_at >= line.in_at)
    if await session.scalar(known.limit(1)) is not None:
        return
    house = await session.scalar(select(Memo.entity).where(Memo.id == line.memo_id))
    office = await session.get(Office, (house or "").lower())
    if office is None:
        office = await session.scalar(select(Office).order_by(Office.id).limit(1))
    if office is not None:
        await incidents.open_incident(
            session, office, IncidentKind.WEIGHT, stone=line.stone, out_mct=line.out_mct, in_mct=line.in_mct,
            by=line.in_by or "", now=now,
        )  # fmt: skip
