"""Whatever races is raced: many at once at one price, at one key, at the hammer; and two writers at one book."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from pavilion.bidding.book import Fenced
from tests.bidding import room as rooms
from tests.bidding.room import FIRST_END, SALE, facts, publication, room
from tests.make import SECOND

CLIENTS = 20


@pytest.fixture
async def sale(database_url):
    async with room(database_url, publication(), facts(bidders=CLIENTS)) as made:
        yield made


async def events(sale, kind=None):
    found = [json.loads(line.body) for line in (await sale.store.load(SALE)).lines]
    return [event for event in found if kind is None or event["type"] == kind]


async def test_twenty_at_one_price_are_one_bid_and_nineteen_refusals(sale):
    answers = await asyncio.gather(*(sale.bid(n, 50_000) for n in range(1, CLIENTS + 1)))
    assert Counter(answer.code for answer in answers) == {None: 1, "below_ask": CLIENTS - 1}
    assert len(await events(sale, "bid.accepted")) == 1
    assert len(await events(sale, "bid.refused")) == CLIENTS - 1


async def test_one_bid_sent_twenty_times_at_once_is_one_bid_with_one_answer(sale):
    order = sale.order(1, 70_000)
    answers = await asyncio.gather(*(sale.writer.place(order) for _ in range(CLIENTS)))
    assert len({(answer.result, answer.n, answer.nonce, answer.seq) for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(await events(sale, "bid.accepted")) == 1


async def test_one_key_for_twenty_amounts_takes_the_first_and_refuses_the_rest(sale):
    order = sale.order(1, 70_000)
    orders = [replace(order, max=70_000 + 5_000 * n, confirm=70_000 + 5_000 * n) for n in range(CLIENTS)]
    answers = await asyncio.gather(*map(sale.writer.place, orders))
    assert Counter(answer.code for answer in answers) == {None: 1, "key_reused": CLIENTS - 1}
    assert len(await events(sale, "bid.accepted")) == 1


async def test_bids_that_race_the_hammer_are_in_time_or_too_late_and_never_both(database_url):
    rules = publication(soft_close={"window": 0, "extension": 1, "mode": "reset", "scope": "lot", "hard_end": None})
    async with room(database_url, rules, facts(bidders=CLIENTS)) as sale:
        await sale.bid(1, 50_000)

        async def late(number):
            sale.clock.at = max(sale.clock.at, FIRST_END - 10 * SECOND / CLIENTS + number * SECOND / CLIENTS)
            return await sale.bid(number, 60_000 + 10_000 * number)

        answers = await asyncio.gather(*(late(number) for number in range(2, CLIENTS + 1)))
        await sale.at(FIRST_END + 60 * SECOND)
        told = await events(sale)
        types = [event["type"] for event in told]
        hammer = types.index("lot.sold")
        taken = {event["data"]["bidder"] for event in told if event["type"] == "bid.accepted"}
        assert "bid.accepted" not in types[hammer:], "nothing is accepted after the hammer"
        assert told[hammer]["data"]["bidder"] in taken
        accepted = [answer for answer in answers if answer.result == "accepted"]
        refused = Counter(answer.code for answer in answers if answer.result != "accepted")
        assert len(accepted) + 1 == types.count("bid.accepted")
        assert refused.keys() <= {"too_late", "lot_closed", "below_ask"}
        assert all(event["t"] < "2026-03-02T13:00:00" for event in told if event["type"] == "bid.accepted")


async def test_two_writers_of_one_sale_are_one_writer(database_url):
    async with room(database_url) as sale:
        await sale.bid(1, 50_000)
        async with rooms_of_a_rival(database_url, sale) as rival:
            answers = await asyncio.gather(
                sale.bid(2, 60_000), rival.place(sale.order(3, 65_000)), return_exceptions=True
            )
        assert [getattr(answer, "result", None) for answer in answers].count("accepted") == 1
        seqs = [event["seq"] for event in await events(sale) if event["lot"] and event["seq"]]
        assert seqs == sorted(set(seqs))
        with pytest.raises(Fenced):
            await asyncio.wait_for(sale.running, 5)


class rooms_of_a_rival:
    """A second writer that took the lease over, as after an expiry."""

    def __init__(self, url, sale):
        self.url, self.sale = url, sale

    async def __aenter__(self):
        self.clock = rooms.HandClock(self.sale.clock.at + 5 * SECOND)
        self.store = rooms.open_store(self.url, self.clock)
        await self.store.release(SALE, self.sale.writer.lease.epoch)
        told = type("Nobody", (), {"announce": lambda self, news: None})()
        writer = await rooms.take(self.store, publication(), facts(), self.clock, told, holder="two")
        self.running = asyncio.create_task(writer.run())
        return writer

    async def __aexit__(self, *_):
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.store.close()
