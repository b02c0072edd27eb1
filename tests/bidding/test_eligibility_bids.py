"""The law at the bid: refused with rule and source where the lot may not go, and no bid after a lost verdict."""

import asyncio
import itertools

import pytest
from sqlalchemy import select, update

from pavilion.auctions.models import Registration
from pavilion.bidding import closed
from pavilion.bidding.closed_models import ClosedBid
from pavilion.bidding.deciding import Facts, LotFacts, Rule, closure
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.service import World
from pavilion.kernel.events import Event, record
from pavilion.kernel.instants import micros
from tests.auctions.world import OPENS
from tests.bidding import house
from tests.bidding import room as rooms
from tests.bidding.room import HandClock
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON


@pytest.fixture
async def room(database_url, sessions):
    async with house.house(database_url, sessions) as one:
        yield one


async def goes_to(room, buyer: int, destination: str):
    """The buyer's stones are delivered there from now on."""
    async with room.sessions.begin() as session:
        wanted = update(Registration).where(Registration.company_id == room.buyers[buyer].company_id)
        await session.execute(wanted.values(destination=destination))
        record(session, "registration:changed", "any", by=None, at=NOON)
    writer = room.rooms.engine.writers[room.sale]
    company = room.buyers[buyer].company_id
    await room.until(lambda: writer.facts.bidders[company].destination == destination)


async def test_the_refusal_names_rule_and_source_and_stays_refused_when_asked_again(room):
    await goes_to(room, 1, "US")
    assert (await room.bid(0, 400_000)).result == "accepted"
    order = room.order(1, 500_000)
    refused = await room.rooms.place(order)
    assert (refused.code, refused.rule) == ("not_eligible", "SN-02 US-RU-DIRECT")
    assert refused.source.startswith("CBP CSMS")
    again = await room.rooms.place(order)
    assert (again.replayed, again.rule, again.source) == (True, refused.rule, refused.source)


async def test_a_destination_that_nobody_reviewed_is_closed(room):
    await goes_to(room, 1, "BR")
    refused = await room.bid(1, 500_000)
    assert (refused.code, refused.rule, refused.source) == ("not_eligible", "SN-00", "")


async def test_a_new_day_is_asked_by_its_own_tables(room):
    """The law of the day after is known before midnight, so that no bid is decided by yesterday's."""
    clock = HandClock(OPENS)
    world = World(room.sessions, clock)
    assert [await world.changed() for _ in range(3)][-1] is False
    before = await world.facts(room.sale)
    clock.at = OPENS + 24 * HOUR
    assert [await world.changed(), await world.changed()] == [True, False]
    assert (await world.facts(room.sale)).midnight - before.midnight == 24 * 3600 * 1_000_000
    assert before.midnight == micros(OPENS.replace(hour=0, minute=0)) + 24 * 3600 * 1_000_000


def test_the_stroke_of_midnight_decides_which_law_holds():
    lot = LotFacts("L", closed={"US": Rule("SN-01 A", "")}, closed_next={"JP": Rule("SN-01 B", "")})
    facts = Facts(lots={"L": lot}, midnight=1_000)
    asked = [(cc, t) for t in (999, 1_000) for cc in ("US", "JP")]
    assert [closure(facts, lot, cc, t) is None for cc, t in asked] == [False, True, True, False]


async def test_no_bid_is_accepted_once_the_pause_stands_in_the_book(room):
    """The withdrawal comes between two bids: whoever is decided before it stands, nobody after."""
    assert (await room.bid(0, 400_000)).result == "accepted"
    async with room.sessions.begin() as session:
        await listing.revoke(session, room.world.stones[0])
    amounts = itertools.count(500_000, 50_000)
    answers = [await room.bid(1, next(amounts))]
    async with asyncio.timeout(10):
        while answers[-1].code != "lot_paused":
            await asyncio.sleep(0.005)  # bids as a room makes them, not as many as the limit bears
            answers.append(await room.bid(len(answers) % 2, next(amounts)))
    async with room.sessions() as session:
        wanted = select(BookEvent.type, BookEvent.n).where(BookEvent.lot == room.lots[0]).order_by(BookEvent.n)
        told = [(kind, n) for kind, n in await session.execute(wanted)]
    paused = next(n for kind, n in told if kind == "lot.paused")
    assert all(n < paused for kind, n in told if kind == "bid.accepted")
    assert [kind for kind, n in told if n in (paused, paused + 1)] == ["lot.paused", "lot.notice"]
    assert (await room.bid(0, 400_000, lot=1)).result == "accepted"


async def test_the_notice_says_in_both_languages_which_public_rule_it_was(room):
    async with room.sessions.begin() as session:
        await listing.revoke(session, room.world.stones[0])
        finding = {"code": "ID-06", "severity": "block", "link": None, "params": {}}
        hidden = {"code": "SN-04", "severity": "block", "link": None, "params": {"party": "x"}}
        await session.execute(
            update(listing.StoneVerdict)
            .where(listing.StoneVerdict.stone == room.world.stones[0])
            .values(findings=[finding, hidden])
        )

    async def paused():
        async with room.sessions() as session:
            return await session.scalar(select(BookLot.state).where(BookLot.lot == room.lots[0])) == "paused"

    await room.until(paused)
    async with room.sessions() as session:
        wanted = select(BookEvent.body).where(BookEvent.lot == room.lots[0], BookEvent.type == "lot.notice")
        (body,) = await session.scalars(wanted)
    assert "ID-06" in body and "SN-04" not in body and "来源确认已撤销" in body


async def test_what_is_learned_while_a_batch_is_written_holds_for_the_next(database_url):
    """The verdict is lost between decision and commit: the bid before stands, the lot stops at once."""
    async with rooms.room(database_url) as sale:
        write, lost = sale.writer.store.write, LotFacts(rooms.lot_id(1), verified=False)

        async def meanwhile(*batch):
            sale.writer.learn(Facts(sale.writer.facts.bidders, {rooms.lot_id(1): lost}))
            await write(*batch)

        sale.writer.store.write = meanwhile
        assert (await sale.bid(1, 50_000)).result == "accepted"
        sale.writer.store.write = write
        assert (await sale.bid(2, 90_000)).code == "lot_paused"


async def test_a_law_that_closes_a_destination_finds_and_tells_who_has_a_maximum_there(room):
    assert (await room.bid(0, 400_000)).result == "accepted"
    await closed.follow(room.sessions, room.clock.at)
    await goes_to(room, 0, "US")  # as good as a law that closes its destination
    assert await closed.follow(room.sessions, room.clock.at) == 1
    assert await closed.follow(room.sessions, room.clock.at) == 0
    async with room.sessions() as session:
        (found,) = await session.scalars(select(ClosedBid))
        assert await session.scalar(select(Event.subject).where(Event.name == "lot:closed_to_bidder")) == found.lot
    assert (found.company_id, found.leads, found.rule) == (room.buyers[0].company_id, True, "SN-02 US-RU-DIRECT")
    assert (await room.bid(0, 900_000)).code == "not_eligible"
