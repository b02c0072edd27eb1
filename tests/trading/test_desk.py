"""A selling house may agree to other holds and memos than the usual ones; nonsense is refused."""

from dataclasses import replace

import pytest

from pavilion.auctions import entities
from pavilion.kernel.errors import ActNotAllowed
from pavilion.trading import conditions, desk, holding, memoing
from pavilion.trading.holding import TooManyHolds
from tests.make import HOUR, NOON
from tests.trading.market import Market


@pytest.mark.parametrize(
    "trade",
    [{"hold_hours": 0}, {"most_holds": "10"}, {"memo_days": 31}, {"memo_extensions": 13}, {"memo_bill_days": True},
     {"hold_renewals": 11}, {"first_right_minutes": 4}, {"holds": "never"}],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(trade):
    (house, *_) = entities.entities().values()
    with pytest.raises(ValueError, match=next(iter(trade))):
        desk.desk_of(replace(house, trade=trade))


def test_every_house_that_is_shipped_can_be_read_and_none_differs():
    assert {desk.desk_of(house) for house in entities.entities().values()} == {desk.Desk()}
    assert desk.Desk("granted", 24, 1, 30, 10, 7, 2, 5) == desk.USUAL


async def test_a_house_has_its_own_holds_and_memos(sqlite_sessions, monkeypatch):
    def agree(**trade):
        usual = {code: replace(house, trade=trade) for code, house in entities.entities().items()}
        for module in (conditions, memoing):
            monkeypatch.setattr(module, "entities", lambda: usual)

    market = await Market(sqlite_sessions).open(stones=3)
    agree(hold_hours=2, hold_renewals=2, most_holds=1, memo_days=3, memo_bill_days=1, memo_extensions=3)
    hold = await market.hold()
    assert hold.expires_at == NOON + 2 * HOUR
    with pytest.raises(TooManyHolds) as refused:
        await market.hold(stone=market.stones[1])
    assert refused.value.facts["most"] == 1
    assert (await market.act(holding.renew, hold)).expires_at == NOON + 4 * HOUR
    assert (await market.act(holding.renew, hold)).expires_at == NOON + 6 * HOUR
    with pytest.raises(ActNotAllowed):
        await market.act(holding.renew, hold)
    await market.act(holding.release, hold)
    await market.change(market.wen.company_id, trade_limit_minor=10**9, trade_currency="USD")
    async with market.sessions.begin() as session:
        memo = await memoing.ask(
            session, stones=market.stones[1:2], seen=await market.seq(market.stones[1]), days=None, destination="HK",
            key="memo-0001", actor=market.wen, now=NOON,
        )  # fmt: skip
    assert memo.days == 3
    agree(holds="asked", hold_hours=5)
    asked = await market.hold(stone=market.stones[2])
    assert asked.state == "asked"
    granted = await market.act(holding.answer, asked, market.sam, yes=True, now=NOON + HOUR)
    assert granted.expires_at == NOON + 6 * HOUR
