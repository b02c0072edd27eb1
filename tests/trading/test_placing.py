"""Orders at a fixed price: one of many, once however often it is said, answered by the owner or by silence."""

import asyncio

import pytest

from pavilion.catalogue.service import NotAvailable
from pavilion.kernel.errors import ActNotAllowed, KeyReused, NotFound
from pavilion.trading import conditions, jobs
from pavilion.trading.conditions import NotEligible, OverTradeLimit, OwnStone
from pavilion.trading.models import Order, OrderLine
from tests.make import HOUR, NOON
from tests.trading.market import PRICE, Market

DAY = 24 * HOUR


@pytest.fixture
async def market(sessions):
    return await Market(sessions).open()


@pytest.fixture
async def quick(sqlite_sessions):
    return await Market(sqlite_sessions).open()


async def test_of_forty_tries_on_one_stone_one_is_an_order(market):
    crowd = [await market.buyer(f"b@b{n}.example") for n in range(5)]
    seen = await market.seq()
    tries = [market.buy(who, seen=seen) for who in crowd for _ in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one).__name__ for one in answers].count("NotAvailable") == 39
    (order,) = await market.all(Order)
    assert (order.state, order.total_minor, await market.promised()) == ("placed", PRICE, ("sold", order.public_id))
    assert len(await market.all(OrderLine)) == 1


async def test_one_key_places_one_order_also_when_it_is_said_at_once(market):
    seen = await market.seq()
    answers = await asyncio.gather(*(market.buy(key="k", seen=seen) for _ in range(4)))
    assert len({order.id for order in answers}) == 1
    with pytest.raises(KeyReused):
        await market.buy(key="k", seen=seen, destination="BE")


async def test_the_owner_confirms_and_silence_does_too(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=2)
    first, second = await market.buy(), await market.buy(stone=market.stones[1])
    with pytest.raises(NotFound):
        await market.answer(first, yes=True, who=market.wen)
    assert (await market.answer(first, yes=True)).state == "confirmed"
    assert await jobs.tick(market.sessions, NOON + DAY) == 1
    assert (await market.loaded(second)).state == "confirmed"


async def test_an_owner_who_refuses_has_the_stone_again(quick):
    order = await quick.buy()
    refused = await quick.answer(order, yes=False)
    assert (refused.state, await quick.promised()) == ("refused", None)
    with pytest.raises(ActNotAllowed):
        await quick.answer(order, yes=True)
    again = await quick.buy(now=NOON + HOUR)
    with pytest.raises(ActNotAllowed):
        await quick.answer(again, yes=False, now=NOON + HOUR + DAY)


async def test_of_an_owner_who_has_it_so_silence_refuses(quick):
    await quick.change(quick.seller, silence_refuses=True)
    order = await quick.buy()
    await jobs.tick(quick.sessions, NOON + DAY)
    assert ((await quick.loaded(order)).state, await quick.promised()) == ("refused", None)


async def test_a_guaranteed_stone_needs_nobodys_word(sqlite_sessions):
    market = await Market(sqlite_sessions).open(availability="guaranteed")
    order = await market.buy()
    assert (order.state, order.confirm_by) == ("confirmed", None)
    names = [event.name for event in await market.events("order:placed", "order:confirmed", "stone:sold")]
    assert sorted(names) == ["order:confirmed", "order:placed", "stone:sold"]


async def test_a_hold_becomes_the_order_in_one_step(market):
    hold = await market.hold()
    with pytest.raises(NotAvailable):
        await market.buy(await market.buyer("ilse@vandael.example"))
    order = await market.buy(held=hold, now=NOON + HOUR)
    assert await market.promised() == ("sold", order.public_id)
    assert (await market.loaded(hold)).state == "converted"


async def test_another_companys_hold_is_no_way_in(quick):
    hold, other = await quick.hold(), await quick.buyer("ilse@vandael.example")
    with pytest.raises(NotFound):
        await quick.buy(other, held=hold)
    assert await quick.promised() == ("held", hold.public_id)


async def test_a_closed_destination_and_an_own_stone_are_refused(quick):
    with pytest.raises(NotEligible):
        await quick.buy(destination="XX")
    with pytest.raises(OwnStone):
        await quick.buy(quick.sam)
    assert await quick.all(Order) == [] and await quick.promised() is None


async def test_what_leaves_unpaid_stays_within_the_trade_limit(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=2)
    await market.buy()
    async with market.sessions() as session:
        stone = await session.get_one(conditions.Stone, 2)
        asked = {"company_id": market.wen.company_id, "stones": [stone], "destination": "HK", "now": NOON}
        with pytest.raises(OverTradeLimit):
            await conditions.refuse_unfit(session, **asked, total_minor=1, on_credit=True)
        assert await conditions.used_minor(session, market.wen.company_id, "USD") == PRICE
    await market.change(market.wen.company_id, trade_limit_minor=2 * PRICE)
    async with market.sessions() as session:
        await conditions.refuse_unfit(session, **asked, total_minor=PRICE, on_credit=True)
        with pytest.raises(OverTradeLimit):
            await conditions.refuse_unfit(session, **asked, total_minor=PRICE + 1, on_credit=True)
