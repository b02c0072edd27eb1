"""The way of a notice through the lot's book: it holds once the book has told it, and only then."""

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import noticing
from pavilion.auctions.models import Sale
from pavilion.auctions.version_models import LotNotice
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.bus import Rooms
from pavilion.bidding.models import BookEvent
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import NotDone

LOOK_BACK = timedelta(days=1)  # what the room refused is not asked for longer


async def carry(sessions: Sessions, rooms: Rooms, notice: LotNotice, now: datetime) -> None:
    """The book tells it, unless it did already; a collection has no book. NotDone with the book's own reason."""
    async with reading(sessions) as session:
        booked = await session.scalar(select(Sale.rules_hash).where(Sale.public_id == notice.sale)) is not None
        seq = await told(session, notice)
    if booked and seq is None:
        act = StaffAct(
            notice.sale,
            "notice",
            notice.lot,
            reason="staff",
            by=notice.by,
            text_en=notice.text_en,
            text_zh=notice.text_zh,
        )
        answer = await rooms.command(act)
        if answer.code is not None:
            raise NotDone(answer.code)
        async with reading(sessions) as session:
            seq = await told(session, notice)
        if seq is None:
            raise NotDone("engine_away")
    await _give(sessions, notice, seq, now)


async def tick(sessions: Sessions, now: datetime) -> int:
    """What the book told while the giver was interrupted holds too; how many there were."""
    given = 0
    async with reading(sessions) as session:
        left = [(one, await told(session, one)) for one in await noticing.ungiven(session, now - LOOK_BACK)]
    for notice, seq in left:
        if seq is not None:
            await _give(sessions, notice, seq, now)
            given += 1
    return given


async def complete(session: AsyncSession, sale: str, now: datetime) -> None:
    """What the book of this sale told holds, also where its giver was interrupted: for whoever keeps for good what the
    sale said."""
    for notice in await noticing.ungiven(session, sale=sale):
        if (seq := await told(session, notice)) is not None:
            await noticing.give(session, notice, seq, now)


async def told(session: AsyncSession, notice: LotNotice) -> int | None:
    """The place of the notice in the lot's book."""
    events = select(BookEvent).where(BookEvent.lot == notice.lot, BookEvent.type == "lot.notice")
    for event in await session.scalars(events.order_by(BookEvent.seq.desc())):
        data = json.loads(event.body)["data"]
        if (data["text_en"], data["text_zh"]) == (notice.text_en, notice.text_zh) and event.at >= notice.at:
            return event.seq
    return None


async def _give(sessions: Sessions, notice: LotNotice, seq: int | None, now: datetime) -> None:
    async with sessions.begin() as session:
        await noticing.give(session, await session.get_one(LotNotice, notice.id), seq, now)
