"""A sale that goes back to a draft before it opens goes on in the same book when it is published again."""

import asyncio

from pavilion.bidding import folding
from pavilion.bidding.acts import StaffAct
from tests.bidding.room import OPENS, SALE, VAULT, HandClock, Room, facts, lot_id, open_store, publication, take
from tests.make import SECOND


async def at_work(made, store, published, holder):
    made.writer = await take(store, published, facts(2), made.clock, made, holder)
    made.running = asyncio.create_task(made.writer.run(published))
    async with asyncio.timeout(10):
        while made.writer.book.state == "unpublished":  # noqa: ASYNC110 - until its first batch
            await asyncio.sleep(0.001)


async def test_publishing_again_goes_on_in_the_same_book(database_url):
    made = Room.__new__(Room)
    made.told, made.clock = [], HandClock(OPENS - SECOND)
    store = open_store(database_url, made.clock)
    first, second = publication(1), publication(2, reserve=90_000, hold_results=True)
    await at_work(made, store, first, "one")
    answer = await made.writer.place(StaffAct(SALE, "unpublish", ok=("01P", "01O"), reason="staff"))
    assert answer.result == "done"
    await made.running
    await made.writer.lease.release()
    await at_work(made, store, second, "two")
    assert made.writer.book.rules_hash == second.rules_hash and made.writer.book.rules.hold_results
    assert [lot.seq for lot in made.writer.book.lots.values()] == [2, 1]
    made.rules_hash = second.rules_hash
    await made.at(OPENS)
    assert (await made.bid(1, 60_000, lot=2)).result == "accepted"
    stored = await store.load(SALE)
    types = [line.type for line in stored.lines if line.lot is None]
    assert types == ["sale.published", "sale.unpublished", "sale.published", "sale.opened"]
    again = folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))
    assert again.lots[lot_id(2)] == made.lot(2) and again.tree.root() == made.writer.book.tree.root()
    made.running.cancel()
    await asyncio.gather(made.running, return_exceptions=True)
    await store.close()


async def test_a_sale_that_opened_does_not_go_back(sqlite_database_url):
    made = Room.__new__(Room)
    made.told, made.clock = [], HandClock(OPENS - SECOND)
    store = open_store(sqlite_database_url, made.clock)
    await at_work(made, store, publication(1), "one")
    await made.at(OPENS)
    assert await made.act("unpublish", None, ok=("01P", "01O")) == "act_not_allowed"
    assert await made.act("cancel", None, ok=("01P", "01O")) == "act_not_allowed"
    made.running.cancel()
    await asyncio.gather(made.running, return_exceptions=True)
    await store.close()
