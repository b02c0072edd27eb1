"""A lot that comes after publication: one person lists it, the book has it, bidders are told and bid on it, and the
record proves it."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.auctions import curation
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.bidding.exporting import record_of
from pavilion.bidding.models import BookEvent, BookLot, SaleBook
from pavilion.bidding.verifying import verify
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel.errors import ActNotAllowed
from pavilion.kernel.instants import from_micros
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from tests.auctions import world
from tests.bidding.house import House, at_work, registered
from tests.bidding.room import HandClock
from tests.bidding.served import served
from tests.make import HOUR, NOON, SECOND

OPENS, FIRST_CLOSE = NOON + 3 * HOUR, NOON + 6 * HOUR
FIGURES = {"low_minor": 500_000, "high_minor": 700_000, "opening_minor": 400_000}
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def live(database_url, sessions):
    """A published sale of two lots, three hours before it opens; a third stone stands in the stock."""
    made = await world.build(sessions, 3)
    sale = await world.draft(sessions, made, 2, opens_at=OPENS, first_close_at=FIRST_CLOSE)
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    people = [await registered(sessions, made, sale, n) for n in (1, 2)]
    clock = HandClock(NOON + SECOND)
    async with sessions() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    async with at_work(database_url, sessions, clock) as rooms:
        house = House(
            database_url, sessions, rooms, clock, made, sale, row.rules_hash, await world.order(sessions, sale),
            [buyer for buyer, _ in people], [registration for _, registration in people],
        )  # fmt: skip
        await house.until(lambda: sale in rooms.engine.writers and rooms.engine.writers[sale].book.lots)
        async with served(house) as one:
            yield one


async def post(live, actor, path, **form):
    async with live.browser(actor) as client:
        return await client.post(
            f"/staff/sales/{live.house.sale}/{path}",
            data=form,
            headers={"accept": "application/json", "origin": live.origin},
        )


async def added(live, reserve=None, number=13):
    """The third stone as a draft of the published sale, complete."""
    house = live.house
    answer = await post(live, house.world.curator, "stones", stone=[house.world.stones[2]])
    assert answer.status_code == 303, answer.text
    async with house.sessions() as session:
        lot = await session.scalar(select(Lot).where(Lot.sale.has(public_id=house.sale), Lot.state == "draft"))
    said = {"version": lot.version, "number": number, "title_en": lot.title_en, "title_zh": lot.title_zh}
    said |= {"low": "5,000", "high": "7,000", "opening": "4,000"} | ({"reserve": reserve} if reserve else {})
    saved = await post(live, house.world.keeper, f"lots/{lot.public_id}", **said)
    assert saved.status_code == 303, saved.text
    return lot.public_id


async def listed(live, lot):
    assert (await post(live, live.house.world.curator, f"lots/{lot}/listing")).status_code == 303
    writer = live.house.rooms.engine.writers[live.house.sale]
    await live.house.until(lambda: lot in writer.book.lots)
    return writer.book.lots[lot]


async def state_of(live, lot):
    async with live.house.sessions() as session:
        return await session.scalar(select(Lot.state).where(Lot.public_id == lot))


async def test_a_late_lot_is_listed_by_one_person_bid_on_sold_and_proved(live):
    house = live.house
    lot = await added(live, reserve="4,500.00")
    async with live.browser(house.buyers[0]) as buyer:
        assert lot not in (await buyer.get(f"/sales/{house.sale}")).text
    book = await listed(live, lot)
    assert from_micros(book.end) == FIRST_CLOSE + 2 * MINUTE, "one interval after the last"
    assert (book.number, book.place, book.terms.reserve) == ("13", 2, 450_000)

    async def mirrored():
        return await state_of(live, lot) == "listed"

    await house.until(mirrored)
    async with live.browser(house.buyers[0]) as buyer:
        assert lot in (await buyer.get(f"/sales/{house.sale}")).text
        assert (await buyer.get(f"/lots/{lot}")).status_code == 200
    async with live.browser(house.world.curator) as curator:
        assert lot in (await curator.get(f"/staff/sales/{house.sale}/console")).text
        assert "Lot added after publication" in (await curator.get(f"/staff/sales/{house.sale}/report")).text
    await watching.follow(house.sessions, house.clock())
    async with house.sessions() as session:
        rows = (await session.scalars(select(Outbox))).all()
        assert [row.payload["notice"] for row in rows] == ["lot_added"] * 2
        assert {row.payload["lot"] for row in rows} == {lot}
        events = await session.scalars(select(BookEvent.type).where(BookEvent.sale == house.sale).order_by(BookEvent.n))
        assert list(events) == ["sale.published", "lot.listed", "lot.listed", "lot.listed"]
    house.clock.at = OPENS + SECOND
    await house.until(lambda: book_of(live, lot).state == "open")
    house.lots.append(lot)
    assert (await house.bid(0, 470_000, lot=2)).result == "accepted"
    assert (await house.bid(1, 500_000, lot=2)).result == "accepted"
    house.clock.at = FIRST_CLOSE + HOUR

    async def closed():
        return await house.sale_state() == "closed"

    await house.until(closed)
    assert await state_of(live, lot) == "sold"
    async with house.sessions() as session:
        lines = list(await record_of(session, house.sale, house.rooms.verifier, house.clock() + timedelta(days=9)))
    verdict = verify(lambda: iter(lines))
    assert verdict.lots == 3 and verdict.hidden == 0


def book_of(live, lot):
    return live.house.rooms.engine.writers[live.house.sale].book.lots[lot]


async def test_a_late_lot_is_edited_and_taken_out_until_it_is_listed(live):
    house = live.house
    lot = await added(live)
    assert (await post(live, house.world.curator, "removals", lot=lot)).status_code == 303
    assert await state_of(live, lot) is None
    lot = await added(live)
    await listed(live, lot)

    async def told():  # until the list of lots knows what the book has, a second press changes nothing
        return await state_of(live, lot) == "listed"

    await house.until(told)
    refused = await post(live, house.world.curator, "removals", lot=lot)
    assert refused.json()["code"] == "act_not_allowed"
    again = await post(live, house.world.curator, f"lots/{lot}/listing")
    assert again.json()["code"] == "act_not_allowed"
    async with house.sessions() as session:
        assert len((await session.scalars(select(BookLot.lot).where(BookLot.lot == lot))).all()) == 1
    published = await post(live, house.world.curator, "removals", lot=house.lots[0])
    assert published.json()["code"] == "act_not_allowed"


async def test_what_is_not_ready_and_who_may_not_list_it(live):
    house = live.house
    answer = await post(live, house.world.curator, "stones", stone=[house.world.stones[2]])
    assert answer.status_code == 303
    async with house.sessions() as session:
        lot = await session.scalar(select(Lot.public_id).where(Lot.state == "draft"))
    bare = await post(live, house.world.curator, f"lots/{lot}/listing")
    assert (bare.status_code, bare.json()["code"]) == (409, "not_ready")
    assert {"estimate_missing", "number_missing"} <= set(bare.json()["facts"]["codes"])
    staff = await live.employ(ada=Role.AUCTIONEER)
    assert (await post(live, staff["ada"], f"lots/{lot}/listing")).status_code == 403
    assert (await post(live, house.buyers[0], f"lots/{lot}/listing")).status_code == 403
    assert (await post(live, house.world.curator, "lots/01NOSUCHLOT/listing")).status_code == 404
    taken = await post(live, house.world.curator, "stones", stone=[house.world.stones[0]])
    assert taken.status_code >= 400
    async with live.browser(house.world.curator) as curator:
        board = (await curator.get(f"/staff/sales/{house.sale}")).text
        assert f"lots/{lot}/listing" not in board and f"lots/{lot}" in board


async def test_in_the_last_hour_nothing_is_added_or_listed(live):
    house = live.house
    lot = await added(live)
    house.clock.at = OPENS - HOUR + SECOND
    assert (await post(live, house.world.curator, f"lots/{lot}/listing")).json()["code"] == "act_not_allowed"
    async with house.sessions.begin() as session:
        with pytest.raises(ActNotAllowed):
            await curation.add_stones(
                session, sale=house.sale, stones=[house.world.stones[2]], actor=house.world.curator, now=house.clock()
            )
    house.clock.at = OPENS + SECOND

    async def gone():
        return await state_of(live, lot) is None

    await house.until(gone)
    async with house.sessions() as session:
        assert (await session.scalars(select(LotStone).where(LotStone.lot_id.not_in(select(Lot.id))))).first() is None


async def test_what_was_listed_while_no_engine_ran_is_in_the_book_once_or_free_again(live):
    """Listed in the database a breath before the last hour, found by the engine after it: not in the book, and free."""
    house = live.house
    lot = await added(live)
    writer = house.rooms.engine.writers[house.sale]
    house.clock.at = OPENS - HOUR
    held, writer.facts = writer.facts, writer.facts
    house.rooms.engine.world.changed = never(house.rooms.engine.world)
    assert (await post(live, house.world.curator, f"lots/{lot}/listing")).status_code == 303
    house.clock.at = OPENS - HOUR + SECOND
    del house.rooms.engine.world.changed
    await asyncio.sleep(0.05)
    writer.learn(await house.rooms.engine.world.facts(house.sale))
    await asyncio.sleep(0.1)
    assert lot not in writer.book.lots and held is not None
    house.clock.at = OPENS + SECOND

    async def free():
        if await state_of(live, lot) is not None:
            return False
        held = select(StoneCommitment.id).where(StoneCommitment.ref == lot, StoneCommitment.released_at.is_(None))
        async with house.sessions() as session:
            return await session.scalar(held) is None

    await house.until(free)


def never(world):
    async def changed():
        return False

    return changed


async def test_a_sale_that_goes_back_to_a_draft_keeps_its_late_lot_in_the_book_it_goes_on_with(live):
    house = live.house
    lot = await added(live)
    await listed(live, lot)
    staff = await live.employ(lena=Role.LEAD)
    proposal = (await post(live, house.world.curator, "unpublication", reason="typo")).headers["location"]
    assert proposal.endswith("/staff/proposals")
    from pavilion.accounts.models import Proposal

    async with house.sessions() as session:
        waiting = await session.scalar(select(Proposal.public_id).where(Proposal.kind == "sale.unpublish"))
    async with live.browser(staff["lena"]) as lead:
        await lead.post(f"/staff/proposals/{waiting}/approval", headers={"origin": live.origin})

    async def unpublished():
        async with house.sessions() as session:
            return await session.scalar(select(SaleBook.state).where(SaleBook.sale == house.sale)) == "unpublished"

    await house.until(unpublished)
    proposed = await world.proposed(house.sessions, house.world, house.sale, known=["description_missing"])
    await world.decide(house.sessions, proposed, house.world.lead)

    async def again():
        async with house.sessions() as session:
            return await session.scalar(select(SaleBook.state).where(SaleBook.sale == house.sale)) == "published"

    await house.until(again)
    await house.until(lambda: house.sale in house.rooms.engine.writers)
    async with house.sessions() as session:
        bodies = await session.scalars(select(BookEvent.body).where(BookEvent.type == "sale.published"))
        assert [len(json.loads(body)["data"]["lots"]) for body in bodies] == [2, 3]
    assert await make_sure(live, lot) == 2


async def make_sure(live, lot):
    return live.house.rooms.engine.writers[live.house.sale].book.lots[lot].seq
