"""What time alone does to a sale: outages, slowness, leaping clocks, held results, and days of offer."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.bidding.engine import POLL_S
from pavilion.bidding.guard import ClockGuard
from pavilion.bidding.models import BookOpening
from pavilion.kernel.instants import micros
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.room import FIRST_END, SALE, facts, publication, room, take
from tests.make import NOON, SECOND


async def restarted(sale, published, after):
    """The same book under a new writer, so long after the last sign of life."""
    sale.running.cancel()
    await asyncio.gather(sale.running, return_exceptions=True)
    await sale.store.renew(SALE, sale.writer.lease.epoch, 0, beat=True)
    sale.clock.at += after
    sale.writer = await take(sale.store, published, facts(len(published.lots)), sale.clock, sale, "two")
    sale.running = asyncio.create_task(sale.writer.run(published))
    await sale.bid(1, 1)  # refused, but decided after what the start brought


@pytest.mark.parametrize(("gap", "moved"), [(9, 0), (10, 600 - 300 + 10), (200, 600 - 300 + 200)])
async def test_lots_due_soon_get_back_what_an_outage_took(sqlite_database_url, gap, moved):
    published = publication()
    async with room(sqlite_database_url, published) as sale:
        sale.clock.at = FIRST_END - 300 * SECOND
        await restarted(sale, published, gap * SECOND)
        assert sale.lot().end == micros(FIRST_END + moved * SECOND)
        assert ("incident" in sale.types()) == bool(moved)


async def test_a_lot_far_from_its_end_is_not_touched_by_an_outage(sqlite_database_url):
    published = publication()
    async with room(sqlite_database_url, published) as sale:
        await restarted(sale, published, 60 * SECOND)
        assert sale.lot().end == micros(FIRST_END) and "incident" not in sale.types()


async def test_a_slow_engine_extends_once_instead_of_closing(sqlite_database_url):
    async with room(sqlite_database_url) as sale:
        await sale.bid(1, 60_000)
        sale.clock.at = FIRST_END - 10 * SECOND
        late = asyncio.create_task(sale.bid(1, 70_000))  # changes neither price nor leader: no soft close
        await asyncio.sleep(0)
        sale.clock.at = FIRST_END - 9 * SECOND  # decided a second after it came
        assert (await late).result == "accepted"
        await sale.at(FIRST_END)
        assert sale.lot().state == "open" and sale.lot().end == micros(FIRST_END + 120 * SECOND)
        await sale.at(FIRST_END + 120 * SECOND)
        assert sale.lot().state == "sold"


async def test_a_held_result_waits_for_a_word_and_not_for_ever(sqlite_database_url):
    async with room(sqlite_database_url, publication(2, hold_results=True)) as sale:
        await sale.bid(1, 60_000, lot=1)
        await sale.at(FIRST_END)
        assert sale.lot(1).state == "closing" and (await sale.bid(2, 90_000)).code == "lot_closed"
        assert await sale.act("confirm", 1) is None
        assert sale.lot(1).state == "sold"
        await sale.at(FIRST_END + 60 * SECOND)
        assert sale.lot(2).state == "closing"
        await sale.at(FIRST_END + 960 * SECOND)
        assert sale.lot(2).state == "passed"


async def test_a_closing_lot_is_reopened_by_two(sqlite_database_url):
    async with room(sqlite_database_url, publication(hold_results=True)) as sale:
        await sale.at(FIRST_END)
        later = micros(FIRST_END + 300 * SECOND)
        assert await sale.act("reopen", to=later, ok=("01P",)) == "second_approval_needed"
        assert await sale.act("reopen", to=later, ok=("01P", "01O")) is None
        assert (await sale.bid(1, 60_000)).result == "accepted"


async def test_the_hard_end_holds_against_late_bids(sqlite_database_url):
    hard = {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": "2026-03-02T13:01:00.000000Z"}
    async with room(sqlite_database_url, publication(soft_close=hard)) as sale:
        sale.clock.at = FIRST_END - SECOND
        await sale.bid(1, 60_000)
        assert sale.lot().end == micros(FIRST_END + 60 * SECOND)
        sale.clock.at = FIRST_END + 59 * SECOND
        await sale.bid(2, 90_000)
        assert sale.lot().end == micros(FIRST_END + 60 * SECOND)


async def test_a_clock_that_leaps_pauses_only_lots_about_to_end(sqlite_database_url):
    async with room(sqlite_database_url, publication(2, stagger=far_apart())) as sale:
        sale.clock.at = FIRST_END - 60 * SECOND
        sale.writer.clock_jumped()
        assert (await sale.bid(1, 50_000, lot=1)).code == "lot_paused"
        assert (await sale.bid(1, 50_000, lot=2)).result == "accepted"
        assert sale.lot(1).pause_reason == "clock"


def far_apart():
    return {"first": "2026-03-02T13:00:00.000000Z", "interval": 3600, "per": 1, "breaks": []}


class Counting:
    jumps = 0

    def clock_jumped(self):
        self.jumps += 1


@pytest.mark.parametrize(("extra_ms", "jumps"), [(0, 0), (250, 0), (251, 1), (-251, 1)])
async def test_a_jump_is_what_the_monotonic_clock_did_not_see(extra_ms, jumps):
    told, now, ticks = Counting(), [NOON], [0]
    guard = ClockGuard(lambda: now[0], lambda: [told], monotonic=lambda: ticks[0])
    await guard.look()
    now[0], ticks[0] = NOON + SECOND + timedelta(milliseconds=extra_ms), 1
    await guard.look()
    assert told.jumps == jumps


async def test_bids_on_passed_lots_are_opened_when_the_days_of_offer_are_over(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions, 1, 1, reserve=500_000) as made:
        await made.bid(0, 450_000)
        made.clock.at = FIRST_CLOSE + 200 * SECOND
        await made.until(lambda: made.sale not in made.rooms.engine.writers, 10)

        async def opened():
            async with made.sessions() as session:
                return list(await session.scalars(select(BookOpening.amount)))

        await made.rooms.engine.publish_passed()
        assert await opened() == []
        made.clock.at += timedelta(days=5)
        for _ in range(2):
            await made.rooms.engine.publish_passed()
        assert await opened() == [450_000]


async def test_a_writer_without_a_fresh_lease_decides_nothing(sqlite_database_url):
    async with room(sqlite_database_url) as sale:
        sale.clock.monotonic = lambda: 1.0
        sale.writer.lease._monotonic = lambda: 1.0
        waiting = asyncio.create_task(sale.bid(1, 60_000))
        done, _ = await asyncio.wait([waiting], timeout=4 * POLL_S)
        assert not done
        await sale.writer.lease.renew()
        assert (await asyncio.wait_for(waiting, 5)).result == "accepted"
