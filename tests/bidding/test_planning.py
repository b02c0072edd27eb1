"""Plans in a sale at work: kept sealed, loaded again, and served before the next bid from outside."""

import asyncio

import pytest
from sqlalchemy import text

from pavilion.bidding import folding
from pavilion.bidding.book import Batch, Fenced, SignedRoot
from pavilion.bidding.planning import PlanOrder
from tests.bidding import room as rooms
from tests.bidding.room import SALE, VAULT, key, lot_id, publication
from tests.make import HOUR, NOON, SECOND


def asked(sale, company=1, lots=((1, 100_000), (2, 200_000)), k=1, budget=10**6, **more):
    aims = tuple((lot_id(number), most) for number, most in lots)
    return PlanOrder(SALE, company, key(), aims, k, budget, "USD", sale.rules_hash, **more)


async def come(happened):
    for _ in range(2000):
        if happened():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("what had to come did not")


async def reloaded(sale):
    stored = await sale.store.load(SALE)
    return stored, folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))


async def test_a_plan_is_answered_when_it_is_kept_and_comes_back_with_the_book(database_url, sessions):
    async with rooms.room(database_url, publication(3)) as sale:
        order = asked(sale, lots=((2, 123_456), (1, 99_000)))
        answer = await sale.writer.place(order)
        assert (answer.result, answer.seq, answer.replayed) == ("accepted", 1, False)
        cut = PlanOrder(SALE, 1, key(), budget=400_000, plan=answer.plan)
        assert (await sale.writer.place(cut)).seq == 2
        stored, book = await reloaded(sale)
        assert book.plans == sale.writer.book.plans
        plan = book.plans.plans[answer.plan]
        assert (plan.budget, plan.lots, plan.version) == (400_000, [lot_id(2), lot_id(1)], 2)
        assert len({len(row.sealed) for row in stored.plans}) == 1
        async with sessions() as session:
            rows = str((await session.execute(text("select * from book_plans"))).all())
        assert "123456" not in rows and "400000" not in rows
        assert (await sale.writer.place(order)).replayed


async def test_a_plan_that_cannot_bid_yet_is_kept_without_an_event(database_url):
    async with rooms.room(database_url, publication(2)) as sale:
        await sale.act("pause", 1)
        before = sale.writer.book.n
        assert (await sale.writer.place(asked(sale, lots=((1, 100_000),)))).result == "accepted"
        assert sale.writer.book.n == before
        await sale.act("resume", 1)
        assert sale.lot(1).leader() == 101


async def test_a_writer_whose_lease_is_over_keeps_no_plan(database_url):
    async with rooms.room(database_url, publication(2)) as sale:
        with pytest.raises(Fenced):
            await sale.store.write(SALE, 99, Batch("open", 1, [], [], [], [], SignedRoot(1, 1, "")))


async def test_the_next_bid_from_outside_finds_the_plan_served(database_url):
    """Both bids come in one batch: between them the plan answers the first."""
    async with rooms.room(database_url, publication(2)) as sale:
        assert (await sale.writer.place(asked(sale))).result == "accepted"
        first, second = await asyncio.gather(sale.bid(3, 150_000, 1), sale.bid(4, 100_000, 2))
        assert (first.state, second.state) == ("winning", "outbid")
        assert sale.lot(2).leader() == 101 and sale.lot(2).stands.price == 110_000
        bodies = [line.body for news in sale.told for line in news.lines if line.lot == lot_id(2)]
        assert '"via":"plan"' in bodies[-2] and '"via":"online"' in bodies[-1]


async def test_two_plans_race_and_every_run_ends_alike(database_url):
    async with rooms.room(database_url, publication(3)) as sale:
        lots = ((1, 200_000), (2, 200_000), (3, 200_000))
        await asyncio.gather(
            sale.writer.place(asked(sale, 1, lots, 2)), sale.writer.place(asked(sale, 2, lots, 2)),
            sale.bid(3, 250_000, 1),
        )  # fmt: skip
        assert [sale.lot(n).leader() for n in (1, 2, 3)] == [103, 101, 102]
        stored, book = await reloaded(sale)
        assert [book.lots[lot_id(n)].row() for n in (1, 2, 3)] == [sale.lot(n).row() for n in (1, 2, 3)]
        assert book.plans == sale.writer.book.plans and len(stored.plans) == 2


async def test_a_plan_in_the_last_seconds_extends_the_lot(database_url):
    async with rooms.room(database_url, publication(2)) as sale:
        await sale.writer.place(asked(sale, lots=((2, 100_000), (1, 100_000))))
        end = sale.lot(1).end
        await sale.at(rooms.FIRST_END - SECOND)
        await sale.bid(3, 150_000, 2)
        assert sale.lot(1).leader() == 101 and sale.lot(1).end > end


async def test_a_plan_made_before_the_opening_bids_when_the_sale_opens(database_url):
    stagger = {"first": rooms.stamp(NOON + 2 * HOUR), "interval": 60, "per": 1, "breaks": []}
    published = publication(2, opens_at=rooms.stamp(NOON + HOUR), stagger=stagger)
    clock = rooms.HandClock()
    store = rooms.open_store(database_url, clock)

    class Nobody:
        def announce(self, news):
            pass

    writer = await rooms.take(store, published, rooms.facts(2), clock, Nobody())
    running = asyncio.create_task(writer.run(published))
    order = PlanOrder(SALE, 1, key(), ((lot_id(2), 100_000),), 1, 10**6, "USD", published.rules_hash)
    await come(lambda: writer.book.lots)
    assert (await writer.place(order)).result == "accepted" and writer.book.state == "published"
    clock.at = NOON + HOUR
    writer.ring()
    await come(lambda: writer.book.lots[lot_id(2)].leader())
    assert writer.book.lots[lot_id(2)].leader() == 101
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


async def test_a_suspended_company_s_plan_rests_and_its_bids_stay(database_url):
    known = rooms.facts(2)
    async with rooms.room(database_url, publication(2), known) as sale:
        await sale.writer.place(asked(sale))
        suspended = {**known.bidders, 1: rooms.bidder(1, state="suspended")}
        sale.writer.learn(rooms.Facts(suspended, known.lots))
        await sale.bid(3, 150_000, 1)
        assert sale.lot(2).leader() is None and 101 in sale.lot(1).paddles.values()
        assert (await sale.writer.place(asked(sale))).code == "banned"
        sale.writer.learn(known)  # lifted: what became free meanwhile is served
        await come(lambda: sale.lot(2).leader())
        assert sale.lot(2).leader() == 101


async def test_a_commit_that_fails_keeps_the_plan_waiting_and_makes_it_once(database_url):
    class Breaking:
        def __init__(self, real):
            self.real, self.broken = real, 1

        def __getattr__(self, name):
            return getattr(self.real, name)

        async def write(self, sale, epoch, batch):
            await self.real.write(sale, epoch, batch)
            if batch.plans and self.broken:
                self.broken -= 1
                raise OSError("the line was cut after the commit")

    async with rooms.room(database_url, publication(2), wrap=Breaking) as sale:
        answer = await sale.writer.place(asked(sale))
        assert answer.result == "accepted" and answer.replayed
        assert list(sale.writer.book.plans.plans) == [answer.plan] and sale.lot(1).bids == 1
