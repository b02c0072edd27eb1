"""Web processes and the engine apart, over a real Redis or Valkey."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis
from sqlalchemy import make_url

from pavilion.bidding import bus_redis, hub, wire
from pavilion.bidding.deciding import BidOrder
from pavilion.bidding.planning import PlanOrder
from pavilion.bidding.wire import Sealer
from pavilion.bidding.wiring import engine_alone, rooms_over_redis
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import DATA_KEY, HOST, SALE_KEY, house
from tests.bidding.room import HandClock
from tests.make import SECOND

BUS_KEY = bytes(range(64, 96))


class Ear:
    def __init__(self, company_id=None):
        self.company_id, self.frames = company_id, []

    def hear(self, encoded):
        self.frames.append(json.loads(encoded))

    def ops(self):
        return [frame["op"] for frame in self.frames]


@pytest.fixture
async def apart(postgres_url, postgres_sessions, redis_url):
    """Two web processes and an engine, none of which shares memory with the others."""
    async with AsyncExitStack() as stack:
        inside = await stack.enter_async_context(AsyncExitStack())
        made = await inside.enter_async_context(house(postgres_url, postgres_sessions))
        await inside.aclose()  # the one-process engine gives its lease back
        keys = {"data_key": DATA_KEY, "sale_key": SALE_KEY, "bus_key": BUS_KEY, "host_name": HOST}
        engine = await stack.enter_async_context(
            engine_alone(postgres_url, redis_url, postgres_sessions, made.clock, **keys)
        )
        webs = [
            await stack.enter_async_context(
                rooms_over_redis(redis_url, postgres_sessions, made.clock, bus_key=BUS_KEY, verifier="key")
            )
            for _ in range(2)
        ]
        async with asyncio.timeout(20):
            while made.sale not in engine.writers or await webs[1].mine(made.sale, 0) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        yield made, engine, webs


async def test_a_bid_of_one_process_is_answered_and_heard_in_the_other(apart):
    made, _, (one, other) = apart
    ear = Ear()
    other.hub.join(made.sale, ear)
    order = made.order(0, 567_891)
    answer = await one.place(order)
    assert (answer.result, answer.state, answer.max) == ("accepted", "winning", 567_891)
    again = await other.place(order)
    assert again.replayed and again.n == answer.n
    async with asyncio.timeout(20):
        while not ear.frames:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    assert ear.frames[0]["events"][0]["type"] == "bid.accepted"
    company = made.buyers[0].company_id
    mine = await other.mine(made.sale, company)
    assert mine.lots[made.lots[0]].max == 567_891
    assert (await other.opening(made.sale, answer.n, company)).nonce == answer.nonce
    assert (await other.answer(made.sale, company, order.key)).n == answer.n


async def test_nothing_on_redis_can_be_read_or_made_by_others(apart, redis_url):
    made, _, (one, _) = apart
    heard = []
    redis = Redis.from_url(redis_url)
    async with redis.pubsub(ignore_subscribe_messages=True) as listening:
        await listening.psubscribe("*")
        answer = await one.place(made.order(0, 567_891))
        await one.mine(made.sale, made.buyers[0].company_id)
        await one.opening(made.sale, answer.n, made.buyers[0].company_id)
        aims, facts = ((made.lots[1], 654_321),), (1, 876_543, "USD", made.rules)
        plan = PlanOrder(made.sale, made.buyers[1].company_id, secrets.token_hex(16), aims, *facts)
        assert (await one.plan(plan)).result == "accepted"
        assert (await one.plans(made.sale, made.buyers[1].company_id))[0].budget == 876_543
        for _ in range(120):
            if message := await listening.get_message(timeout=0.03):
                heard.append(message["data"])
    heard += [await redis.dump(key) for key in await redis.keys("*")]
    together = b"".join(heard)
    assert heard and answer.nonce.encode() not in together
    assert not any(amount in together for amount in (b"567891", b"654321", b"876543"))
    channel = wire.orders(made.sale)
    forged = Sealer(bytes(32)).seal(
        {"kind": "ask", "what": "mine", "request": "x", "company_id": 1, "edge": "e"}, channel
    )
    for rubbish in (b"", b"garbage", b"{}", forged):
        await redis.publish(channel, rubbish)
    assert (await one.place(made.order(1, 900_000))).result == "accepted"
    await redis.aclose()


async def test_a_lost_order_is_asked_for_again_and_order_is_kept(apart):
    made, _, (one, _) = apart
    dropped = []
    say = one._line.say

    def lossy(channel, data):
        if not dropped:
            dropped.append(data)  # the first order never arrives
        else:
            say(channel, data)

    one._line.say = lossy
    answers = await asyncio.gather(*(one.place(made.order(n, 500_000 + 200_000 * n)) for n in range(3)))
    assert [answer.result for answer in answers] == ["accepted"] * 3
    assert [answer.seq for answer in answers] == sorted(answer.seq for answer in answers)


async def test_without_an_engine_nobody_can_say(redis_url, sqlite_sessions, monkeypatch):
    monkeypatch.setattr(bus_redis, "ANSWER_S", 0.2)
    clock = HandClock()
    async with rooms_over_redis(redis_url, sqlite_sessions, clock, bus_key=BUS_KEY, verifier="key") as rooms:
        order = BidOrder("01NOSALE", "01LOT", 1, secrets.token_hex(16), 1, "USD", "0" * 64)
        assert (await rooms.place(order)).code == "engine_away"
        assert await rooms.mine("01NOSALE", 1) is None


async def test_lots_close_once_every_edge_has_sent_what_it_stamped(apart):
    made, engine, (one, _) = apart
    await one.place(made.order(0, 500_000))
    made.clock.at = FIRST_CLOSE + SECOND
    async with asyncio.timeout(10):
        while engine.writers[made.sale].book.lots[made.lots[0]].state != "sold":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


def web(url, sessions):
    return rooms_over_redis(url, sessions, HandClock(), bus_key=BUS_KEY, verifier="key")


async def until(happened):
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_who_watches_is_counted_over_all_processes_and_one_that_ended_is_forgotten(
    redis_url, sqlite_sessions, monkeypatch
):
    """A firm that sits before two processes is one firm."""
    monkeypatch.setattr(bus_redis, "AUDIENCE_S", 0.05)
    now, sale, again = [0.0], "01SALE", Ear(2)
    async with web(redis_url, sqlite_sessions) as console:
        console.hub._monotonic = lambda: now[0]
        async with web(redis_url, sqlite_sessions) as one, web(redis_url, sqlite_sessions) as other:
            for ear in (Ear(1), again, Ear()):
                one.hub.join(sale, ear)
            for ear in (Ear(2), Ear(3)):
                other.hub.join(sale, ear)
            console.hub.join(sale, watcher := Ear())
            await until(lambda: console.hub.audience(sale) == (6, 3))
            console.hub.presence()
            assert (watcher.frames[-1]["watching"], watcher.frames[-1]["bidders"]) == (6, 3)
            one.hub.leave(sale, again)
            await until(lambda: console.hub.audience(sale) == (5, 3))
        now[0] += hub.CROWD_S
        assert console.hub.audience(sale) == (1, 0)


class Cable:
    """Leads to Redis. Pulled, it passes nothing on and tells neither end; whoever connects anew is led again."""

    def __init__(self, port):
        self.port, self.pulled, self.tasks, self.ends = port, asyncio.Event(), set(), []

    async def lead(self, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self.ends += [writer, back]
        for here, to in ((reader, back), (there, writer)):
            self.tasks.add(asyncio.create_task(self.pass_on(here, to, self.pulled)))

    async def pass_on(self, here, to, pulled):
        while data := await here.read(65_536):
            if not pulled.is_set():
                to.write(data)
        to.close()

    def pull(self):
        self.pulled.set()
        self.pulled = asyncio.Event()

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for end in self.ends:
            end.close()
        await asyncio.gather(*(end.wait_closed() for end in self.ends), return_exceptions=True)


async def test_a_line_that_went_dead_without_a_word_is_given_up_and_the_rooms_read_anew(redis_url, sqlite_sessions):
    cable, ear, redis = Cable(make_url(redis_url).port), Ear(), Redis.from_url(redis_url)
    server = await asyncio.start_server(cable.lead, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with web(f"redis://127.0.0.1:{port}/0", sqlite_sessions) as rooms:
        rooms.hub.join("01SALE", ear)
        await until(lambda: ear.ops().count("resync") == 1)
        cable.pull()
        await until(lambda: ear.ops().count("resync") == 2)
        await redis.publish(wire.news("01SALE"), b'{"op":"notice"}')
        await until(lambda: "notice" in ear.ops())
    server.close()
    await cable.close()
    await redis.aclose()
