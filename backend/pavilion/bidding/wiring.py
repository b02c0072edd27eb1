"""How a process gets its rooms: the adapters put together, for `main` to choose from."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime

import structlog
from sqlalchemy import make_url

from pavilion.bidding import guard, jobs
from pavilion.bidding.book_postgres import PostgresBook
from pavilion.bidding.book_sqlite import SqliteBook
from pavilion.bidding.bus import LocalRooms
from pavilion.bidding.bus_engine import EngineBus
from pavilion.bidding.bus_redis import RedisRooms
from pavilion.bidding.door import LOOK_S, Door
from pavilion.bidding.doorbell import redis_of
from pavilion.bidding.hub import Hub
from pavilion.bidding.running import Engine
from pavilion.bidding.service import World
from pavilion.bidding.vault import Vault
from pavilion.bidding.wire import Sealer
from pavilion.kernel.clock import Clock, utc_now
from pavilion.kernel.db import Sessions, writers_of
from pavilion.kernel.signing import SigningKey
from pavilion.kernel.tasks import being_cancelled, whole

PRESENCE_S = 5
MIRROR_S = 0.25
RECONNECT_S = 0.2

log = structlog.get_logger()


def open_store(database_url: str, clock: Clock, sessions: Sessions | None = None) -> SqliteBook | PostgresBook:
    """The book's own connection. Beside the sessions of an embedded database a bid is the next to write."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        assert url.database, "the book needs a file"
        writers = writers_of(sessions) if sessions is not None else None
        return SqliteBook(url.database, clock, writers.urgent if writers is not None else nullcontext)
    return PostgresBook(url.set(drivername="postgresql").render_as_string(hide_password=False))


def steady_memory() -> None:
    """Books live as long as the process and hold no rings; looking through them for rubbish was a sixth of a bid."""
    gc.set_threshold(50_000, 20, 100)


@asynccontextmanager
async def one_process(
    database_url: str, sessions: Sessions, clock: Clock, *, data_key: bytes, sale_key: bytes, host_name: str
) -> AsyncIterator[LocalRooms]:
    """The engine at work beside the pages, and the rooms that lead to it; both end with the block."""
    steady_memory()
    store, hub, door = open_store(database_url, clock, sessions), Hub(), Door(sessions, clock)
    engine = Engine(store, World(sessions, clock), Vault(data_key), SigningKey(host_name, sale_key), clock, hub)
    tasks = [
        asyncio.create_task(engine.run(), name="engine"),
        asyncio.create_task(every(guard.LOOK_S, _guard(engine, store, clock)), name="clock"),
        asyncio.create_task(every(PRESENCE_S, _presence(hub)), name="presence"),
        asyncio.create_task(every(LOOK_S, lambda: whole(door.look())), name="door"),
        asyncio.create_task(every(MIRROR_S, _mirror(sessions, clock)), name="mirror"),
    ]
    try:
        yield LocalRooms(engine, hub, door)
    finally:
        door.say_goodbye()
        await _ended(tasks)
        await store.close()


@asynccontextmanager
async def engine_alone(
    database_url: str,
    redis_url: str,
    sessions: Sessions,
    clock: Clock,
    *,
    data_key: bytes,
    sale_key: bytes,
    bus_key: bytes,
    host_name: str,
) -> AsyncIterator[Engine]:
    """The engine of a production house, told and asked over Redis; a second one stands by for its leases."""
    steady_memory()
    store, redis = open_store(database_url, clock), redis_of(redis_url)
    bus = EngineBus(redis, Sealer(bus_key), clock)
    signer, world = SigningKey(host_name, sale_key), World(sessions, clock)
    bus.engine = engine = Engine(store, world, Vault(data_key), signer, clock, bus, bus.watermarks)
    tasks = [
        asyncio.create_task(every(RECONNECT_S, bus.run), name="bus"),
        asyncio.create_task(engine.run(), name="engine"),
        asyncio.create_task(every(guard.LOOK_S, _guard(engine, store, clock)), name="clock"),
        asyncio.create_task(every(MIRROR_S, _mirror(sessions, clock)), name="mirror"),
    ]
    try:
        yield engine
    finally:
        await _ended(tasks)
        await redis.aclose()
        await store.close()


@asynccontextmanager
async def rooms_over_redis(
    redis_url: str, sessions: Sessions, clock: Clock, *, bus_key: bytes, verifier: str
) -> AsyncIterator[RedisRooms]:
    """The rooms of a web or edge process, whose engine is another process."""
    redis, hub, door = redis_of(redis_url), Hub(), Door(sessions, clock)
    rooms = RedisRooms(redis, Sealer(bus_key), hub, door, clock, verifier)
    tasks = [
        asyncio.create_task(every(RECONNECT_S, rooms.run), name="bus"),
        asyncio.create_task(every(PRESENCE_S, _presence(hub)), name="presence"),
        asyncio.create_task(every(LOOK_S, lambda: whole(door.look())), name="door"),
    ]
    try:
        yield rooms
    finally:
        door.say_goodbye()
        await _ended(tasks)
        await redis.aclose()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """The work again and again until cancelled; a failure is logged and tried again."""
    while True:
        try:
            await work()
        except Exception as fault:
            log.error("tick", error=type(fault).__name__, exc_info=fault)
            if being_cancelled():
                raise asyncio.CancelledError from fault
        await asyncio.sleep(seconds)


def _guard(engine: Engine, store: SqliteBook | PostgresBook, clock: Clock) -> Callable[[], Awaitable[object]]:
    """Only the real clock is watched: one in the hand of a test or a replay may stand or leap."""
    if clock is not utc_now:
        return _nothing
    database = store.clock if isinstance(store, PostgresBook) else None
    return guard.ClockGuard(clock, lambda: list(engine.writers.values()), database).look


async def _nothing() -> None:
    pass


def _presence(hub: Hub) -> Callable[[], Awaitable[object]]:
    async def work() -> None:
        hub.presence()

    return work


def _mirror(sessions: Sessions, clock: Callable[[], datetime]) -> Callable[[], Awaitable[object]]:
    async def work() -> int:
        return await whole(jobs.tick(sessions, clock()))

    return work
