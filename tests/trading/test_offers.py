"""Offers for stones: turn by turn, told to the two sides alone, over by themselves, bought once at the last price."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotFound, StaleVersion
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import money_notices
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.trading import jobs, offer_queries, offering, queries, queueing, showing, turns
from pavilion.trading.conditions import NotEligible, OverTradeLimit, OwnStone
from pavilion.trading.models import Order, OrderLine
from pavilion.trading.offer_models import Offer, OfferRound
from pavilion.trading.offering import BuyerUnfit
from pavilion.trading.rules import shares
from pavilion.trading.turns import AFTER, Act, AnsweredAlready, OfferExists, RoundChanged, Side, Standing, ThreadState
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.trading.market import PRICE, Market

DAY = 24 * HOUR
INSTANT = timedelta(microseconds=1)
LOW = PRICE - 63_000
B, S = Side.BUYER, Side.SELLER


@pytest.fixture
async def market(sessions):
    return await Market(sessions).open()


@pytest.fixture
async def quick(sqlite_sessions):
    return await Market(sqlite_sessions).open()


async def latest(market, stones):
    return max([await market.seq(stone) for stone in stones])


async def offer(market, price=LOW, who=None, stones=None, days=3, key=None, now=NOON, destination="HK", seen=None):
    stones = stones or market.stones[:1]
    seen = await latest(market, stones) if seen is None else seen
    async with market.sessions.begin() as session:
        return await offering.make(
            session, stones=stones, seen=seen, price_minor=price, days=days, terms="", destination=destination,
            key=key or uuid4().hex, actor=who or market.wen, now=now,
        )  # fmt: skip


async def test_who_held_waited_and_offered_reads_of_a_stone_shown_no_more_what_it_was_then(quick):
    other = await quick.buyer("ilse@vandael.example")
    await offer(quick, who=other)
    await quick.hold()
    async with quick.sessions.begin() as session:
        found = await session.get_one(Stone, 1)
        await queueing.wait(session, stone=found, company_id=other.company_id, actor=other, now=NOON)
        await listing.revoke(session, quick.stones[0])
        changed = [{"stock_no": found.stock_no, "weight_mct": 9_990, "price_total_minor": 1}]
        await catalogue.store_stones(session, changed, supplier_company_id=quick.seller, now=NOON + HOUR)
    async with quick.sessions() as session:
        held = (await queries.holds_of(session, quick.wen.company_id))[0].stone
        waited = (await queries.waits_of(session, other.company_id))[0][1]
        (thread,) = await offer_queries.of_company(session, other.company_id, NOON)
        (owners,) = await offer_queries.of_owner(session, quick.seller, NOON)
    for stone in (held, waited, thread.stones[0]):
        assert (stone.listed, stone.weight_mct, stone.price_total_minor) == (False, 1020, PRICE)
    assert (owners.stones[0].weight_mct, owners.seen) == (9_990, thread.seen)


async def act(market, row, side, what, price=0, now=NOON, who=None, round_=None, seen=None, key=None):
    async with market.sessions() as session:
        stones = [stone.public_id for stone in await offering.stones_of(session, row)]
    who = who or (market.wen if side is B else market.sam)
    seen = await latest(market, stones) if seen is None else seen
    said = {"round_": round_ or row.round, "seen": seen, "price_minor": price, "days": 3, "key": key}
    async with market.sessions.begin() as session:
        return await offering.answer(session, offer=row.public_id, side=side, act=what, **said, actor=who, now=now)


async def rounds(market):
    async with market.sessions() as session:
        return (await session.scalars(select(OfferRound))).all()


async def locked(market, row, on=True, now=NOON):
    async with market.sessions.begin() as session:
        return await offering.lock(session, offer=row.public_id, on=on, actor=market.sam, now=now)


def test_who_may_do_what_in_which_state_is_the_table_of_the_spec():
    for state in ThreadState:
        for turn in Side:
            for side in Side:
                for round_ in (1, 9, 10):
                    standing = Standing(state, turn, round_, NOON + HOUR)
                    may = {one for one in Act if standing.may(one, side, NOON)}
                    own = {Act.ACCEPT, Act.DECLINE} | ({Act.COUNTER} if round_ < 10 else set())
                    open_ = own if turn == side else {Act.WITHDRAW}
                    assert may == (open_ if state == ThreadState.OPEN else set())
                    assert not any(standing.may(one, side, NOON + HOUR) for one in Act)  # at the very instant
    assert set(AFTER) == set(Act)


@given(st.integers(20, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_a_price_of_several_stones_is_shared_exactly(total, weights):
    parts = shares(total, weights)
    assert sum(parts) == total and min(parts) >= 1 and len(parts) == len(weights)


def test_a_price_that_a_slip_of_noughts_makes_is_asked_about_once():
    for price, asked, stands, confirm in (
        (PRICE, PRICE, None, None), (PRICE // 10, PRICE, None, None), (PRICE * 1000, PRICE, None, PRICE * 1000),
        (1, None, None, None), (PRICE * 10, None, PRICE, None), (PRICE, PRICE, 1, None),
    ):  # fmt: skip
        turns.refuse_unlikely(price, asked, stands, confirm)
    for price, asked, stands, confirm in (
        (PRICE + 1, PRICE, None, None), (PRICE // 10 - 1, PRICE, None, None), (PRICE * 1000, PRICE, None, PRICE),
        (PRICE * 10 + 1, None, PRICE, None), (PRICE // 10 - 1, None, PRICE, None),
    ):  # fmt: skip
        with pytest.raises(turns.PriceUnlikely) as refused:
            turns.refuse_unlikely(price, asked, stands, confirm)
        assert refused.value.fields == {"confirm": "price_unlikely"} and refused.value.facts["asked"] == PRICE


async def test_who_answers_what_the_own_side_answered_already_is_told_so(market):
    row = await offer(market)
    await act(market, row, S, Act.COUNTER, PRICE - 5)
    assert (await act(market, row, S, Act.COUNTER, PRICE - 5)).round == 2, "said twice"
    with pytest.raises(AnsweredAlready):
        await act(market, row, S, Act.COUNTER, PRICE - 6, round_=1)
    with pytest.raises(RoundChanged):
        await act(market, row, B, Act.ACCEPT, round_=1)


async def test_offered_countered_and_taken_it_is_an_order_at_exactly_the_last_price(market):
    row = await offer(market, key="k")
    assert (await offer(market, key="k", seen=await market.seq())).id == row.id
    assert await market.promised() is None  # it blocks nobody
    with pytest.raises(OfferExists):
        await offer(market, LOW + 1)
    with pytest.raises(ActNotAllowed):
        await act(market, row, B, Act.ACCEPT)
    countered = await act(market, row, S, Act.COUNTER, PRICE - 1)
    assert (countered.round, countered.turn, countered.price_minor) == (2, "buyer", PRICE - 1)
    with pytest.raises(RoundChanged):
        await act(market, row, B, Act.ACCEPT, round_=1)
    done = await asyncio.gather(*(act(market, countered, B, Act.ACCEPT) for _ in range(4)), return_exceptions=True)
    (order,) = await market.all(Order)
    assert (order.total_minor, order.state, order.source, order.source_ref) == (
        PRICE - 1, "confirmed", "offer", row.public_id,
    )  # fmt: skip
    assert {one.order for one in done if isinstance(one, Offer)} == {order.public_id}
    assert all(isinstance(one, Offer | StaleVersion | NotAvailable) for one in done)
    assert await market.promised() == ("sold", order.public_id)
    (after,) = await market.all(Offer)
    assert (after.state, after.order) == ("accepted", order.public_id)


async def test_of_acceptances_for_two_buyers_one_is_an_order_and_the_other_offer_is_void(market):
    other = await market.buyer("ilse@vandael.example")
    rows = [await offer(market), await offer(market, LOW + 5, other)]
    seen = await market.seq()
    tries = [act(market, row, S, Act.ACCEPT, seen=seen) for row in rows]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["NotAvailable", "Offer"]
    (order,) = await market.all(Order)
    left = next(row for row in rows if row.public_id != order.source_ref)
    async with market.sessions() as session:
        assert (await offer_queries.of_company(session, left.company_id, NOON))[0].state == "void"  # by read
    assert await jobs.tick(market.sessions, NOON) == 1
    assert {one.state for one in await market.all(Offer)} == {"accepted", "void"}
    with pytest.raises(ActNotAllowed):
        await act(market, left, S, Act.ACCEPT)


async def test_an_acceptance_against_a_withdrawal_is_one_of_both(market):
    row = await offer(market)
    tries = (act(market, row, S, Act.ACCEPT), act(market, row, B, Act.WITHDRAW))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["ActNotAllowed", "Offer"]
    (after,) = await market.all(Offer)
    assert (after.state == "accepted") == (len(await market.all(Order)) == 1)
    assert after.state in ("accepted", "withdrawn")


async def test_an_acceptance_against_a_purchase_at_the_asking_price_is_one_order(market):
    row, other = await offer(market), await market.buyer("ilse@vandael.example")
    seen = await market.seq()
    tries = (act(market, row, S, Act.ACCEPT, seen=seen), market.buy(other, seen=seen))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one).__name__ for one in done].count("NotAvailable") == 1
    assert len(await market.all(Order)) == 1


async def test_it_lapses_at_its_instant_by_read_and_by_the_job(quick):
    row = await offer(quick, days=7)
    end = NOON + 7 * DAY
    assert await jobs.tick(quick.sessions, end - INSTANT) == 0
    with pytest.raises(ActNotAllowed) as refused:
        await act(quick, row, S, Act.ACCEPT, now=end)
    assert refused.value.facts["state"] == "lapsed"
    again = await offer(quick, now=end)  # the company may offer anew though no job has run
    assert [one.state for one in await quick.all(Offer)] == ["lapsed", "open"]
    assert await jobs.tick(quick.sessions, end + 3 * DAY) == 1
    assert (await quick.loaded(again)).state == "lapsed"
    for days in (0, 8):
        with pytest.raises(BadInput):
            await offer(quick, days=days, now=end + 4 * DAY)


async def test_after_ten_prices_there_is_only_yes_or_no(quick):
    row = await offer(quick)
    for number in range(2, 11):
        side = S if number % 2 == 0 else B
        row = await act(quick, row, side, Act.COUNTER, LOW + number)
        assert (await act(quick, row, side, Act.COUNTER, LOW + number, round_=number - 1)).round == number  # said twice
    with pytest.raises(ActNotAllowed) as refused:
        await act(quick, row, B, Act.COUNTER, LOW + 11)
    assert (row.round, refused.value.facts["state"], len(await rounds(quick))) == (10, "last_round", 10)
    assert (await act(quick, row, B, Act.DECLINE)).state == (await act(quick, row, B, Act.DECLINE)).state == "declined"


async def test_withdrawn_in_a_sale_or_gone_from_the_list_it_is_void(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=2)
    first, second = await offer(market), await offer(market, stones=market.stones[1:])
    async with market.sessions.begin() as session:
        await catalogue.commit_stone(
            session, stone=market.stones[0], kind=CommitmentKind.IN_SALE, ref="lot", facts={}, by=None, now=NOON
        )
        numbers = [(await session.get_one(offering.Stone, 2)).stock_no]
        await catalogue.withdraw_stones(
            session, supplier_company_id=market.seller, stock_nos=numbers, by=None, now=NOON
        )
    with pytest.raises(NotAvailable):
        await act(market, first, S, Act.COUNTER, PRICE)
    assert await jobs.tick(market.sessions, NOON) == 2
    assert [(await market.loaded(one)).state for one in (first, second)] == ["void", "void"]


async def test_locked_by_the_owner_the_stone_is_kept_until_the_offer_ends(market):
    row, other = await offer(market), await market.buyer("ilse@vandael.example")
    await locked(market, row)
    assert await market.promised() == ("offered_lock", row.public_id)
    with pytest.raises(NotAvailable):
        await market.buy(other)
    await locked(market, row, on=False)
    assert await market.promised() is None
    row = await locked(market, row)
    sold = await act(market, row, S, Act.ACCEPT)
    assert await market.promised() == ("sold", sold.order)


async def test_a_lock_ends_with_its_offer(quick):
    row = await offer(quick)
    await locked(quick, row)
    await act(quick, row, B, Act.WITHDRAW)
    assert await quick.promised() is None
    with pytest.raises(ActNotAllowed):
        await locked(quick, row)


async def test_below_the_floor_it_is_declined_at_once_and_without_one_never(quick):
    assert (await offer(quick, PRICE // 10)).state == "open"
    async with quick.sessions.begin() as session:
        await offering.set_floor(session, share_bp=9_000, actor=quick.sam, now=NOON)
    other = await quick.buyer("ilse@vandael.example")
    low = await offer(quick, PRICE * 9 // 10 - 1, other)
    high = await offer(quick, PRICE * 9 // 10, other)
    assert ((await quick.loaded(low)).state, high.state) == ("declined", "open")
    async with quick.sessions.begin() as session:
        await offering.set_floor(session, share_bp=None, actor=quick.sam, now=NOON)
        assert await offering.floor_of(session, quick.seller) is None


async def test_what_bars_a_purchase_bars_the_offer_and_its_acceptance(quick):
    with pytest.raises(NotEligible):
        await offer(quick, destination="XX")
    with pytest.raises(OwnStone):
        await offer(quick, who=quick.sam)
    await quick.change(quick.wen.company_id, trade_limit_minor=LOW - 1)
    with pytest.raises(OverTradeLimit):
        await offer(quick)
    await quick.change(quick.wen.company_id, trade_limit_minor=LOW)
    row = await offer(quick)
    await quick.change(quick.wen.company_id, trade_limit_minor=LOW - 1)
    with pytest.raises(BuyerUnfit):  # the owner learns no reason
        await act(quick, row, S, Act.ACCEPT)
    assert await quick.all(Order) == [] and (await quick.loaded(row)).state == "open"


async def test_what_changed_since_it_was_seen_is_not_bought_unseen(quick):
    with pytest.raises(StaleVersion):
        await offer(quick, seen=await quick.seq() - 1)
    row = await offer(quick)
    with pytest.raises(StaleVersion):
        await act(quick, row, S, Act.ACCEPT, seen=await quick.seq() - 1)
    hold = await quick.hold()
    sold = await act(quick, row, S, Act.ACCEPT)  # the buyer's own hold passes on
    assert ((await quick.loaded(hold)).state, await quick.promised()) == ("converted", ("sold", sold.order))


async def test_no_key_of_the_buyers_own_stands_in_the_way_of_an_acceptance(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=2)
    row = await offer(market)
    await market.buy(stone=market.stones[1], key=f"offer:{row.public_id}")
    assert (await act(market, row, S, Act.ACCEPT)).state == "accepted"


async def test_several_stones_are_offered_for_together_once_in_whatever_order(sqlite_sessions):
    market = await Market(sqlite_sessions).open(stones=3)
    row = await offer(market, 2 * LOW + 1, stones=market.stones[:2])
    with pytest.raises(OfferExists):
        await offer(market, stones=market.stones[1::-1])
    await offer(market, stones=market.stones[:1])  # another set
    sold = await act(market, row, S, Act.ACCEPT)
    lines = await market.all(OrderLine)
    assert (len(lines), sum(line.price_minor for line in lines)) == (2, 2 * LOW + 1)
    assert {await market.promised(one) for one in market.stones[:2]} == {("sold", sold.order)}


async def test_nobody_else_finds_it_and_one_key_says_one_thing(quick):
    row, other = await offer(quick, key="k"), await quick.buyer("ilse@vandael.example")
    for side in Side:
        with pytest.raises(NotFound):
            await act(quick, row, side, Act.DECLINE, who=other)
    with pytest.raises(KeyReused):
        await offer(quick, LOW + 1, key="k")
    first = await act(quick, row, S, Act.COUNTER, PRICE, key="answer-1", seen=0)
    assert (await act(quick, row, S, Act.COUNTER, PRICE, key="answer-1", seen=0)).round == first.round == 2
    with pytest.raises(KeyReused):
        await act(quick, row, S, Act.COUNTER, PRICE + 1, key="answer-1", seen=0)


async def test_each_act_is_told_to_the_other_side_alone_without_a_name(quick):
    author = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
    listener = money_notices.hearing(quick.sessions)
    row = await offer(quick)
    for side, what, price, word, who in (
        (None, None, 0, "A buyer offers for", quick.sam),
        (S, Act.COUNTER, PRICE, "another price", quick.wen),
        (B, Act.COUNTER, LOW + 1, "names another price", quick.sam),
        (S, Act.ACCEPT, 0, "you have bought", quick.wen),
    ):
        if side is not None:
            row = await act(quick, row, side, what, price)
        await listener.tick(NOON)
        async with quick.sessions() as session:
            (newest,) = await session.scalars(select(Outbox).order_by(Outbox.id.desc()).limit(1))
            assert newest.payload["person"] == who.person_id
            mail = await author.worded(session, newest.payload, Channel.MAIL)
        assert word in repr(mail) and "Scheldt" not in repr(mail)
        assert who is quick.wen or "lumen" not in repr(mail)


async def test_a_stone_kept_for_an_offer_is_free_at_the_offers_end_whoever_looks_first(quick):
    row = await offer(quick)
    await locked(quick, row)
    other = await quick.buyer("ilse@vandael.example")
    async with quick.sessions() as session:
        stone = (await offering.stones_of(session, row))[0]
        for at, free in ((row.expires_at - INSTANT, False), (row.expires_at, True)):
            trade = await showing.of_stone(session, stone, other, at)
            assert (trade.may_buy, trade.may_hold) == (free, free)
    with pytest.raises(NotAvailable):
        await quick.hold(other, now=row.expires_at - INSTANT)
    assert (await quick.hold(other, now=row.expires_at)).state == "active"
    assert (await quick.loaded(row)).state == "lapsed"
