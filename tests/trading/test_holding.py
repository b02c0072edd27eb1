"""Holds: granted at once, renewed once, over at the very instant, and told in order to who waits."""

import asyncio
from datetime import timedelta

import pytest

from pavilion.accounts import strikes
from pavilion.accounts.strikes import Banned
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind
from pavilion.catalogue.service import NotAvailable, PriceChanged
from pavilion.kernel.errors import ActNotAllowed, KeyReused, NotFound, StaleVersion
from pavilion.trading import holding, jobs, offering, queueing
from pavilion.trading.conditions import OwnStone
from pavilion.trading.holding import HoldExpired, TooManyHolds
from pavilion.trading.models import Hold, HoldWait
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.trading.market import PRICE, Market

DAY = 24 * HOUR
INSTANT = timedelta(microseconds=1)


@pytest.fixture
async def market(sessions):
    return await Market(sessions).open()


@pytest.fixture
async def quick(sqlite_sessions):
    return await Market(sqlite_sessions).open()


async def wait(market, who, now=NOON):
    async with market.sessions.begin() as session:
        found = await session.get_one(holding.Stone, 1)
        return await queueing.wait(session, stone=found, company_id=who.company_id, actor=who, now=now)


async def test_a_company_in_good_standing_holds_at_once_for_a_day(market):
    hold = await market.hold()
    assert (hold.state, hold.expires_at) == ("active", NOON + DAY)
    assert await market.promised() == ("held", hold.public_id)
    assert [event.name for event in await market.events("hold:active")] == ["hold:active"]


async def test_said_twice_it_is_held_once(market):
    first = await market.hold(key="k")
    assert (await market.hold(key="k")).id == first.id == (await market.hold(key="other")).id
    assert len(await market.all(Hold)) == 1


async def test_one_key_names_one_stone(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=2)
    await market.hold(key="k")
    with pytest.raises(KeyReused):
        await market.hold(stone=market.stones[1], key="k")


async def test_of_many_who_ask_at_once_one_holds_it(market):
    crowd = [await market.buyer(f"b@b{n}.example") for n in range(8)]
    seen = await market.seq()
    answers = await asyncio.gather(*(market.hold(who, seen=seen) for who in crowd), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["Hold"] + ["NotAvailable"] * 7
    assert [hold.state for hold in await market.all(Hold)] == ["active"]


async def test_it_is_free_at_its_very_end_whoever_looks_first(market):
    hold, other = await market.hold(), await market.buyer("ilse@vandael.example")
    with pytest.raises(NotAvailable):
        await market.hold(other, now=NOON + DAY - INSTANT)
    seen = await market.seq()
    taken = await market.hold(other, seen=seen, now=NOON + DAY)  # no job has run
    assert (await market.loaded(hold)).state == "lapsed"
    assert await market.promised() == ("held", taken.public_id)


async def test_it_is_free_at_its_very_end_by_the_job_too(market):
    hold = await market.hold()
    assert await jobs.tick(market.sessions, NOON + DAY - INSTANT) == 0
    assert await jobs.tick(market.sessions, NOON + DAY) == 1
    assert ((await market.loaded(hold)).state, await market.promised()) == ("lapsed", None)
    assert [event.facts["state"] for event in await market.events("hold:ended")] == ["lapsed"]


async def test_who_buys_what_the_hold_no_longer_keeps_is_told_so(quick):
    hold = await quick.hold()
    seen = await quick.seq()
    with pytest.raises(HoldExpired):
        await quick.buy(held=hold, seen=seen, now=NOON + DAY)
    await jobs.tick(quick.sessions, NOON + DAY)
    with pytest.raises(HoldExpired):
        await quick.buy(held=hold, seen=await quick.seq(), now=NOON + DAY)
    assert await quick.promised() is None


async def test_it_is_renewed_once_before_its_end(quick):
    hold = await quick.hold()
    assert (await quick.act(holding.renew, hold, now=NOON + HOUR)).expires_at == NOON + 2 * DAY
    with pytest.raises(ActNotAllowed):
        await quick.act(holding.renew, hold, now=NOON + 2 * HOUR)
    with pytest.raises(HoldExpired):
        await quick.act(holding.renew, hold, now=NOON + 2 * DAY)


async def test_given_back_it_is_free_and_nobody_elses_to_give(quick):
    hold, other = await quick.hold(), await quick.buyer("ilse@vandael.example")
    with pytest.raises(NotFound):
        await quick.act(holding.release, hold, other)
    await quick.act(holding.release, hold)
    await quick.act(holding.release, hold)
    assert await quick.promised() is None


async def test_a_company_with_a_default_behind_it_asks_the_owner(quick):
    async with quick.sessions.begin() as session:
        await strikes.strike(session, company_id=quick.wen.company_id, invoice="INV-1", now=NOON)
    hold = await quick.hold()
    assert (hold.state, await quick.promised()) == ("asked", None)
    with pytest.raises(NotFound):
        await quick.act(holding.answer, hold, yes=True)
    granted = await quick.act(holding.answer, hold, quick.sam, now=NOON + HOUR, yes=True)
    assert (granted.state, granted.expires_at) == ("active", NOON + HOUR + DAY)
    assert await quick.promised() == ("held", hold.public_id)


async def test_an_owner_who_says_nothing_has_said_no(quick):
    async with quick.sessions.begin() as session:
        await strikes.strike(session, company_id=quick.wen.company_id, invoice="INV-1", now=NOON)
    hold = await quick.hold()
    with pytest.raises(ActNotAllowed):
        await quick.act(holding.answer, hold, quick.sam, now=NOON + DAY, yes=True)
    await jobs.tick(quick.sessions, NOON + DAY)
    assert (await quick.loaded(hold)).state == "refused"


async def test_a_barred_company_holds_nothing(quick):
    async with quick.sessions.begin() as session:
        for number in ("INV-1", "INV-2"):
            await strikes.strike(session, company_id=quick.wen.company_id, invoice=number, now=NOON)
    with pytest.raises(Banned):
        await quick.hold()


async def test_nobody_holds_the_own_stone_nor_one_of_the_same_owner(quick):
    with pytest.raises(OwnStone):
        await quick.hold(quick.sam)
    await quick.change(quick.seller, owners=["An Peeters"])
    cousin = await quick.buyer("c@cousin.example", owners=["an  PEETERS"])
    with pytest.raises(OwnStone):
        await quick.hold(cousin)


async def test_ten_holds_are_the_most(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=11)
    for stone in market.stones[:10]:
        await market.hold(stone=stone)
    with pytest.raises(TooManyHolds):
        await market.hold(stone=market.stones[10])
    await market.hold(stone=market.stones[10], now=NOON + DAY)  # at their end they are none any more


async def test_what_changed_since_it_was_seen_is_said(quick):
    seen = await quick.seq()
    with pytest.raises(PriceChanged):
        await quick.buy(price=PRICE - 1, seen=seen)
    with pytest.raises(StaleVersion):
        await quick.hold(seen=seen - 1)
    async with quick.sessions.begin() as session:
        dearer = [listing.row(1, price_per_carat_minor=700_000, price_total_minor=None)]
        await catalogue.store_stones(session, dearer, supplier_company_id=quick.seller, now=NOON)
    for act in (quick.hold, quick.buy):
        with pytest.raises(PriceChanged) as refused:
            await act(seen=seen)
        assert refused.value.facts["price"] == 714_000
    with pytest.raises(StaleVersion):  # seen at the new price; nothing else of it is a matter of price
        await quick.hold(seen=await quick.seq() + 1)


async def test_who_waits_has_the_first_right_in_order_for_half_an_hour_each(market):
    hold = await market.hold()
    first, second = await market.buyer("a@first.example"), await market.buyer("b@second.example")
    await wait(market, first)
    await wait(market, second)
    await wait(market, first)  # said twice, once
    await market.act(holding.release, hold, now=NOON + HOUR)
    with pytest.raises(NotAvailable):
        await market.hold(second, now=NOON + HOUR)
    with pytest.raises(NotAvailable):
        await market.buy(now=NOON + HOUR)
    await jobs.tick(market.sessions, NOON + HOUR + HOUR / 2)
    taken = await market.hold(second, now=NOON + HOUR + HOUR / 2)
    assert await market.promised() == ("held", taken.public_id)
    told = [(event.facts["company_id"], event.name) for event in await market.events("hold:first_right")]
    assert told == [(first.company_id, "hold:first_right"), (second.company_id, "hold:first_right")]
    assert all(row.ended_at for row in await market.all(HoldWait))


async def test_there_is_no_queue_for_a_free_stone(quick):
    with pytest.raises(ActNotAllowed):
        await wait(quick, quick.wen)


async def test_a_first_right_is_the_companys_until_its_end_whatever_it_asks_and_the_owner_says(quick):
    """A company that has to ask the owner keeps its turn meanwhile; the owner grants and locks for nobody else."""
    first, second = await quick.buyer("a@first.example"), await quick.buyer("b@second.example")
    seen = await quick.seq()
    async with quick.sessions.begin() as session:
        await strikes.strike(session, company_id=first.company_id, invoice="INV-1", now=NOON)
        asked = await offering.make(
            session, stones=quick.stones, seen=seen, price_minor=PRICE, days=3, terms="", destination="HK",
            key="offered-1", actor=quick.wen, now=NOON,
        )  # fmt: skip
    hold = await quick.hold()
    for who in (first, second):
        await wait(quick, who)
    await quick.act(holding.release, hold)
    turn = await quick.hold(first)
    assert turn.state == "asked"
    with pytest.raises(NotAvailable):
        await quick.hold(second)
    with pytest.raises(NotAvailable) as refused:
        async with quick.sessions.begin() as session:
            await offering.lock(session, offer=asked.public_id, on=True, actor=quick.sam, now=NOON)
    assert refused.value.facts["reason"] == "first_right"
    await jobs.tick(quick.sessions, NOON + HOUR / 2)  # from now on it is the second's turn
    with pytest.raises(NotAvailable):
        await quick.act(holding.answer, turn, quick.sam, yes=True, now=NOON + HOUR / 2)
    await jobs.tick(quick.sessions, NOON + HOUR)
    granted = await quick.act(holding.answer, turn, quick.sam, yes=True, now=NOON + HOUR)
    assert (granted.state, await quick.promised()) == ("active", ("held", granted.public_id))


async def test_who_waits_is_told_too_when_a_sale_kept_the_stone_last(quick):
    hold, other = await quick.hold(), await quick.buyer("a@first.example")
    await wait(quick, other)
    (stone,), said = quick.stones, {"by": None, "now": NOON}
    async with quick.sessions.begin() as session:
        lot = {"kind": CommitmentKind.IN_SALE, "new_ref": "lot", "facts": {}}
        await catalogue.turn_stone(session, stone=stone, ref=hold.public_id, **lot, **said)
    await jobs.tick(quick.sessions, NOON)
    assert await quick.events("hold:first_right") == []
    async with quick.sessions.begin() as session:
        await catalogue.release_stone(session, stone=stone, ref="lot", **said)
    for _ in range(2):
        await jobs.tick(quick.sessions, NOON)
    (told,) = await quick.events("hold:first_right")
    assert told.facts["company_id"] == other.company_id
