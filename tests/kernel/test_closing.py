"""A house that closes while work is under way leaves no connection behind, wherever the work was cut."""

import asyncio
import gc
import sys
import threading

import pytest
from sqlalchemy import func, select, text

from pavilion.kernel import events
from pavilion.kernel.db import create_engine, reading, sessions_of
from pavilion.kernel.tasks import whole
from tests.make import NOON

STEPS = range(0, 60, 3)  # turns of the loop after which the work is cut


@pytest.fixture
def left_behind():
    """What Python complains of when the last of it is collected."""
    complaints = []
    before, sys.unraisablehook = sys.unraisablehook, lambda found: complaints.append(repr(found.exc_value))
    yield complaints
    sys.unraisablehook = before


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def writes(sessions):
    async with sessions.begin() as session:
        events.record(session, "stone:seen", "X", by=None, at=NOON)
        await session.execute(text("select 1"))


async def reads(sessions):
    async with reading(sessions) as session:
        await session.scalar(select(func.count()).select_from(events.Event))
        await session.scalar(select(func.max(events.Event.id)))


def at_work(sessions):
    return [asyncio.create_task(work(sessions)) for work in (writes, reads, reads)]


async def test_what_is_given_back_after_the_end_is_closed(database_url, left_behind):
    engine = create_engine(database_url)
    async with sessions_of(engine)() as session:
        await session.execute(text("select 1"))
        await engine.dispose()
    async with sessions_of(engine)() as late:  # who asks even then is served, and leaves nothing either
        assert await late.scalar(text("select 1")) == 1
    del session, late, engine
    gc.collect()
    assert left_behind == []


async def test_work_that_outlives_its_engine_leaves_nothing(database_url, left_behind):
    """As a request does whose answer nobody waits for any more."""
    for step in STEPS:
        engine = create_engine(database_url)
        tasks = at_work(sessions_of(engine))
        await turns(step)
        await engine.dispose()
        assert await asyncio.gather(*tasks) == [None] * len(tasks)
        del engine, tasks
    gc.collect()
    assert left_behind == []


@pytest.mark.parametrize("closed_first", [True, False], ids=["cut after the end", "cut before the end"])
async def test_work_cut_anywhere_leaves_nothing(database_url, left_behind, closed_first):
    for step in STEPS:
        engine = create_engine(database_url)
        tasks = at_work(sessions_of(engine))
        await turns(step)
        if closed_first:
            await engine.dispose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.dispose()
        del engine, tasks
    gc.collect()
    assert left_behind == []


# A driver's thread that was still opening its file finds the loop gone, says so to nobody, and ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_whose_work_was_told_to_end_leaves_nothing(database_url, left_behind):
    """A loop that ends cuts all its tasks at once, also the one that gives a connection back: so work is told first."""

    async def house(step):
        engine = create_engine(database_url)
        under_way = at_work(sessions_of(engine))
        await turns(step)
        await engine.dispose()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    for step in STEPS:
        asyncio.run(house(step))
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            thread.join(10)
            assert not thread.is_alive()
    gc.collect()
    assert left_behind == []


async def test_whole_work_is_over_when_its_waiter_is(sqlite_sessions, monkeypatch):
    """Work that does not end in time is cut, and even then it has let go before its waiter goes on."""
    monkeypatch.setattr("pavilion.kernel.tasks.PATIENCE_S", 0.01)
    let_go = []

    async def stubborn():
        try:
            await asyncio.sleep(3600)
        finally:
            await turns(5)
            let_go.append(True)

    waiter = asyncio.create_task(whole(stubborn()))
    await turns(3)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert let_go == [True]
