"""A stone is promised to a memo or shown to somebody, never both, however close the two come."""

import asyncio

from pavilion.kernel.errors import Refusal
from pavilion.trading.memoing import StoneAwaited
from pavilion.viewings import service
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.wishes import Code, Wish
from tests.make import HOUR, NOON
from tests.trading.lent import Lent
from tests.trading.market import PRICE
from tests.viewings import contest

STONES = 6


async def test_a_memo_and_a_booking_at_one_moment_are_not_both_true(sessions):
    market = await Lent(sessions).open(stones=STONES)
    await market.change(market.wen.company_id, trade_limit_minor=STONES * PRICE)
    async with sessions.begin() as session:
        house = await contest.furnish(session)
        session.add_all(Stay(stone=stone, office_id="ant", at=NOON) for stone in market.stones)
    memos = [await market.ask(stones=[stone], days=30) for stone in market.stones]

    async def lend(memo):
        try:
            return (await market.approve(memo)).state
        except Refusal as refused:
            return refused.code

    async def book(n):
        at = contest.FIRST + 6 * n * HOUR
        wish = Wish(house.companies[n], "D0", at, at + HOUR, stones=(market.stones[n],))
        async with sessions.begin() as session:
            _, answer = await service.book(session, wish, key="k", by="client", now=NOON)
        return answer.code

    answers = await asyncio.gather(*(act for n in range(STONES) for act in (lend(memos[n]), book(n))))
    for memo, booked in zip(answers[::2], answers[1::2], strict=True):
        assert (memo, booked) in (("approved", Code.ON_MEMO), (StoneAwaited.code, Code.OK))
