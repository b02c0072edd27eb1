"""A hold keeps the stone for its company's viewings, from its beginning to its end, however often it is told."""

import pytest
from sqlalchemy import select, update

from pavilion.kernel.events import Cursor
from pavilion.trading import holding
from pavilion.viewings import blocks, holds_followed
from pavilion.viewings.stone_models import StoneBlock
from tests.make import HOUR, NOON
from tests.trading.market import Market

DAY = 24 * HOUR


@pytest.fixture
async def market(sqlite_sessions):
    return await Market(sqlite_sessions).open()


async def told(market, now, again=False):
    if again:
        async with market.sessions.begin() as session:
            await session.execute(update(Cursor).where(Cursor.follower == holds_followed.FOLLOWER).values(last_id=0))
    while await holds_followed.follow(market.sessions, now):
        pass


async def kept(market):
    async with market.sessions() as session:
        rows = await session.scalars(select(StoneBlock).order_by(StoneBlock.id))
        return [(row.company_id, row.starts_at, row.ends_at) for row in rows]


async def test_a_held_stone_is_the_holders_alone_until_the_hold_ends(market):
    hold = await market.hold()
    await told(market, NOON)
    await told(market, NOON + HOUR, again=True)
    assert await kept(market) == [(market.wen.company_id, NOON, NOON + DAY)]
    await market.act(holding.renew, hold, now=NOON + HOUR)
    await told(market, NOON + HOUR)
    assert await kept(market) == [(market.wen.company_id, NOON, NOON + 2 * DAY)]
    await market.act(holding.release, hold, now=NOON + 2 * HOUR)
    await told(market, NOON + 3 * HOUR)
    assert await kept(market) == [(market.wen.company_id, NOON, NOON + 3 * HOUR)]


async def test_what_the_desk_blocked_itself_stays(market):
    async with market.sessions.begin() as session:
        await blocks.stone_hold(
            session, market.stones[0], company_id=market.wen.company_id, frm=NOON + HOUR, to=NOON + 5 * DAY, by="vic",
            now=NOON,
        )  # fmt: skip
    hold = await market.hold()
    await told(market, NOON)
    await market.act(holding.release, hold, now=NOON + HOUR)
    await told(market, NOON + 2 * HOUR)
    ends = {end for _, _, end in await kept(market)}
    assert ends == {NOON + 5 * DAY, NOON + 2 * HOUR}
