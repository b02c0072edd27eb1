"""The engine among the other domains: it finds its sales, hears of changes, survives restarts, tells results."""

from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select

from pavilion.auctions import registering
from pavilion.auctions.models import Lot
from pavilion.bidding import queries
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import at_work, house
from tests.make import SECOND


@pytest.fixture
async def made(database_url, sessions):
    async with house(database_url, sessions) as one:
        yield one


async def test_a_published_sale_has_its_book_and_opens_by_itself(made):
    async with made.sessions() as session:
        events = await queries.events_of(session, made.sale)
        snapshot = await queries.snapshot(session, made.sale, made.clock())
    assert [event.type for event in events][:2] == ["sale.published", "lot.listed"]
    assert [lot.state for lot in snapshot.lots] == ["open", "open"] and snapshot.rules == made.rules
    await made.until(lambda: is_(made.sale_state(), "open"))


async def is_(coming, wanted):
    return await coming == wanted


async def test_a_bid_is_read_by_sql_as_the_room_saw_it(made):
    answer = await made.bid(0, 500_000)
    assert answer.state == "winning"
    async with made.sessions() as session:
        lot = (await queries.board(session, made.sale))[0]
        assert (lot.price, lot.ask, lot.alias, lot.bids) == (400_000, 425_000, "A", 1)
        assert [event["type"] for event in await queries.book_of(session, lot.lot)][-1] == "bid.accepted"
    mine = await made.rooms.mine(made.sale, made.buyers[0].company_id)
    assert mine.lots[made.lots[0]].max == 500_000 and mine.lots[made.lots[0]].state == "winning"
    assert mine.headroom == mine.limit - 625_000 - tax_of(made)


def tax_of(made):
    from pavilion.bidding.deciding import allin
    from pavilion.bidding.folding import Draft

    writer = made.rooms.engine.writers[made.sale]
    bidder = writer.facts.bidders[made.buyers[0].company_id]
    return allin(Draft(writer.book, 0), bidder, 500_000) - 625_000


async def test_a_suspended_company_is_barred_within_a_moment(made):
    assert (await made.bid(0)).result == "accepted"
    async with made.sessions.begin() as session:
        await registering.suspend(
            session, registration=made.registrations[1], why="papers", actor=made.world.registrar, now=made.clock()
        )
    await made.until(lambda: is_(code_of(made.bid(1, 700_000)), "banned"))


async def code_of(coming):
    return (await coming).code


async def test_a_lower_limit_holds_from_the_next_bid(made):
    async with made.sessions.begin() as session:
        await registering.set_limit(
            session, registration=made.registrations[0], limit_minor=1_000, actor=made.world.registrar, now=made.clock()
        )
    writer, company = made.rooms.engine.writers[made.sale], made.buyers[0].company_id
    await made.until(lambda: writer.facts.bidders[company].limit == 1_000)
    assert (await made.bid(0)).code == "over_limit"


async def test_the_engine_resumes_exactly_where_it_was(database_url, sessions):
    async with house(database_url, sessions) as made:
        order = made.order(0, 500_000)
        first = await made.rooms.place(order)
        await made.bid(1, 600_000)
    async with at_work(database_url, sessions, made.clock) as rooms:
        made.rooms = rooms
        await made.until(lambda: made.sale in rooms.engine.writers, seconds=10)
        again = await rooms.place(order)
        assert again.replayed and (again.n, again.nonce, again.state) == (first.n, first.nonce, first.state)
        assert (await made.bid(2, 700_000)).result == "accepted"


async def test_the_sale_closes_and_its_results_reach_the_rows(made):
    await made.bid(0, 500_000)
    await made.bid(1, 600_000)
    made.clock.at = FIRST_CLOSE + 120 * SECOND
    await made.until(lambda: is_(made.sale_state(), "closed"), seconds=10)
    async with made.sessions() as session:
        states = list(await session.scalars(select(Lot.state).order_by(Lot.rank)))
        assert states == ["sold", "passed"]
        [sold] = await queries.results(session, made.sale)
        assert (sold.company_id, sold.price_minor, sold.number) == (made.buyers[1].company_id, 550_000, "11")
        events = await queries.events_of(session, made.sale)
        assert sold.winning_seq == [event.seq for event in events if event.type == "bid.accepted"][-1]
        bids, reserves = await queries.openings_of(session, made.sale)
        assert [amount for _, amount, _, _ in bids] == [500_000] and reserves == []  # the winner's reach stays a secret
    assert (await made.bid(2, 900_000)).code == "lot_closed"


async def test_a_second_engine_stands_by_until_the_first_is_gone(database_url, sessions):
    async with AsyncExitStack() as first:
        made = await first.enter_async_context(house(database_url, sessions))
        async with at_work(database_url, sessions, made.clock) as other:
            await other.engine.sweep()
            assert made.sale not in other.engine.writers
            assert (await other.place(made.order(0))).code == "engine_away"
            await first.aclose()
            made.rooms = other
            await made.until(lambda: made.sale in other.engine.writers, seconds=10)
            assert (await other.place(made.order(0))).result == "accepted"
