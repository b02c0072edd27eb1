"""What trading does by itself, by the clock: holds, offers and memos end, first rights pass on, silence
answers."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.trading import holding, memo_days, offer_days, placing, queueing
from pavilion.trading.models import Hold, HoldWait, Order
from pavilion.trading.rules import HoldState, OrderState

AT_ONCE = 100


async def tick(sessions: Sessions, now: datetime) -> int:
    """How much ended, passed on or was answered."""
    async with reading(sessions) as session:
        ended = await _ended(session, now)
        asked = await _unanswered_holds(session, now)
        turned = await _unused(session, now)
        silent = await _silent(session, now)
        free = await queueing.overlooked(session, AT_ONCE)
    done = 0
    for stone in ended:
        async with sessions.begin() as session:
            done += len(await holding.lapse(session, [stone], now))
    if asked:
        async with sessions.begin() as session:
            done += await holding.refuse_unanswered(session, now)
    if turned:
        async with sessions.begin() as session:
            done += await queueing.turn(session, now)
    for stone in free:
        async with sessions.begin() as session:
            done += await queueing.tell_next(session, stone, now) is not None
    for order in silent:
        async with sessions.begin() as session:
            done += await placing.answer_for_the_silent(session, order, now=now)
    return done + await offer_days.tick(sessions, now) + await memo_days.tick(sessions, now)


async def _ended(session: AsyncSession, now: datetime) -> list[str]:
    wanted = select(Hold.stone).where(Hold.state == HoldState.ACTIVE, Hold.expires_at <= now)
    return list(await session.scalars(wanted.order_by(Hold.id).limit(AT_ONCE)))


async def _unanswered_holds(session: AsyncSession, now: datetime) -> bool:
    wanted = select(Hold.id).where(Hold.state == HoldState.ASKED, Hold.answer_by <= now)
    return await session.scalar(wanted.limit(1)) is not None


async def _unused(session: AsyncSession, now: datetime) -> bool:
    wanted = select(HoldWait.id).where(HoldWait.first_right_until <= now, HoldWait.ended_at.is_(None))
    return await session.scalar(wanted.limit(1)) is not None


async def _silent(session: AsyncSession, now: datetime) -> list[str]:
    wanted = select(Order.public_id).where(Order.state == OrderState.PLACED, Order.confirm_by <= now)
    return list(await session.scalars(wanted.order_by(Order.id).limit(AT_ONCE)))
