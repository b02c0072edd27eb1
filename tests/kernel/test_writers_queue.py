"""Writers of one process go in the order they came; the database's own patience decides only between processes."""

import asyncio
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from pavilion.kernel import db
from pavilion.kernel.writers import WritersQueue


async def test_nobody_waits_while_others_write_again_and_again(sqlite_sessions):
    order = []

    async def write(who):
        for _ in range(20):
            async with sqlite_sessions.begin() as session:
                await session.execute(text("select 1"))
                order.append(who)

    await asyncio.gather(*(write(who) for who in range(5)))
    turns = [[n for n, one in enumerate(order) if one == who] for who in range(5)]
    assert max(later - sooner for mine in turns for sooner, later in pairwise(mine[1:])) <= 8


async def test_who_fails_or_is_called_off_makes_room(sqlite_sessions):
    async def fail():
        async with sqlite_sessions.begin() as session:
            await session.execute(text("select nothing"))

    async def stay(begun):
        async with sqlite_sessions.begin() as session:
            await session.execute(text("select 1"))
            begun.set()
            await asyncio.Event().wait()

    with pytest.raises(OperationalError):
        await fail()
    begun = asyncio.Event()
    first, second = asyncio.create_task(stay(begun)), asyncio.create_task(stay(asyncio.Event()))
    await begun.wait()
    for task in (second, first):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    async with asyncio.timeout(2), sqlite_sessions.begin() as session:
        assert await session.scalar(text("select 1")) == 1


async def test_readers_wait_for_no_writer(sqlite_sessions):
    async with sqlite_sessions.begin() as writer:
        await writer.execute(text("select 1"))
        async with asyncio.timeout(2), db.reading(sqlite_sessions) as session:
            assert await session.scalar(text("select 1")) == 1


async def test_a_transaction_after_another_on_one_connection_queues_anew(sqlite_sessions):
    engine = sqlite_sessions.kw["bind"]
    async with engine.connect() as connection:
        for _ in range(2):
            async with connection.begin():
                await connection.execute(text("select 1"))
        async with asyncio.timeout(2), sqlite_sessions.begin() as session:
            assert await session.scalar(text("select 1")) == 1


async def test_who_is_urgent_goes_next_and_lets_one_pass_between():
    queue, order = WritersQueue(), []

    async def page(who):
        await queue.enter(who)
        order.append(who)
        await asyncio.sleep(0)
        queue.leave(who)

    async def bids():
        for n in range(3):
            async with queue.urgent():
                order.append(f"bid {n}")

    await queue.enter("first")
    waiting = [asyncio.create_task(page(f"page {n}")) for n in range(4)]
    await asyncio.sleep(0)
    hurry = asyncio.create_task(bids())
    await asyncio.sleep(0)
    queue.leave("first")
    await asyncio.gather(hurry, *waiting)
    assert order == ["bid 0", "page 0", "bid 1", "page 1", "bid 2", "page 2", "page 3"]


async def test_the_turn_ends_with_the_commit_and_not_before(sqlite_sessions):
    """Told earlier, the next writer would find the file still locked."""
    queue = db.writers_of(sqlite_sessions)
    async with sqlite_sessions.begin() as session:
        await session.execute(text("create table papers (id integer)"))
        locked = asyncio.create_task(queue.enter("next"))
        await asyncio.sleep(0)
        assert not locked.done()
    await locked
    async with db.reading(sqlite_sessions) as session:
        assert await session.scalar(text("select count(*) from papers")) == 0
    queue.leave("next")
