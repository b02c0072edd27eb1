"""What the calendar does to memos: nobody fetched it, it is late, it is late still (settlement spec 11.5)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.catalogue import unavailable
from pavilion.kernel.db import Sessions, reading
from pavilion.trading import memoing
from pavilion.trading.memo_models import Memo
from pavilion.trading.memo_rules import MemoState, end_of

AT_ONCE = 100
NOT_FETCHED = "memo_not_fetched"
GONE_DAYS = timedelta(days=1)  # a stone that should be back is looked for again tomorrow


async def tick(sessions: Sessions, now: datetime) -> int:
    """What nobody fetched is called off at its due day; what is out after it is overdue, and said so on every day.
    Answers how many."""
    due = select(Memo.public_id).where(Memo.due_at <= now)
    fresh = due.where(Memo.state.in_((MemoState.APPROVED, MemoState.OUT)))
    late = due.where(Memo.state == MemoState.OVERDUE).where(or_(*_not_told_today(now)))
    async with reading(sessions) as session:
        found = [*await session.scalars(fresh.order_by(Memo.id).limit(AT_ONCE))]
        found += [*await session.scalars(late.order_by(Memo.id).limit(AT_ONCE))]
    done = 0
    for public_id in found:
        async with sessions.begin() as session:
            done += await _one(session, await memoing.locked(session, public_id), now)
    return done


async def _one(session: AsyncSession, row: Memo, now: datetime) -> int:
    house = entities()[row.entity]
    today = now.astimezone(ZoneInfo(house.zone)).date()
    if row.due_at is None or now < row.due_at:
        return 0
    if row.state == MemoState.APPROVED:
        await memoing.call_off(session, row, NOT_FETCHED, None, now)
        return 1
    if row.state not in (MemoState.OUT, MemoState.OVERDUE) or row.reminded_on == today.isoformat():
        return 0
    first = row.state == MemoState.OUT
    row.reminded_on = today.isoformat()
    if first:
        await memoing.move(session, row, MemoState.OVERDUE, None, now)
    else:
        memoing.told(session, row, "still_out", None, now)
    until = end_of(today + GONE_DAYS, house.zone)
    await unavailable.say_of(session, row.public_id, {"date": row.due_on, "until": until.isoformat()})
    return 1


def _not_told_today(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Each house has its own day."""
    days = {code: now.astimezone(ZoneInfo(house.zone)).date().isoformat() for code, house in entities().items()}
    return [(Memo.entity == code) & (Memo.reminded_on != day) for code, day in days.items()]
