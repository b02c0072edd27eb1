"""Whether something was written is known without asking any table, on both databases; idle work waits for it."""

import asyncio

from sqlalchemy import text

from pavilion import worker
from pavilion.kernel import stirring
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import reading
from pavilion.kernel.events import record
from pavilion.kernel.numbering import next_number
from pavilion.kernel.stirring import Stirring
from pavilion.worker import Tick


async def until(met):
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(0.01)


async def test_a_new_row_is_seen_and_a_read_or_what_changes_in_its_place_is_not(sessions, monkeypatch):
    monkeypatch.setattr(stirring, "LOOK_S", 0.02)
    stirred, stopping = Stirring(sessions.kw["bind"]), asyncio.Event()
    following = asyncio.create_task(stirred.follow(stopping))
    await until(lambda: stirred.turn == 1)
    async with reading(sessions) as session:
        await session.execute(text("select 1 from stones"))
    looks = []
    look = stirred._look

    async def counted():
        looks.append(1)
        return await look()

    stirred._look = counted
    await until(lambda: len(looks) > 3)
    assert stirred.turn == 1
    async with sessions.begin() as session:
        await next_number(session, "a series")  # as a sale's lease, which is renewed twice a second
    looks.clear()
    await until(lambda: len(looks) > 3)
    assert stirred.turn == 1
    async with sessions.begin() as session:
        record(session, "something:happened", "it", by=None, at=utc_now())
    await until(lambda: stirred.turn > 1)
    stopping.set()
    await following


async def test_idle_work_is_asked_after_a_commit_and_ends_at_once_when_told_to(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(stirring, "LOOK_S", 0.02)
    asked, stopping = {"idle": 0, "timely": 0}, asyncio.Event()

    async def tick(name, _now):
        asked[name] += 1
        return 0

    ticks = [Tick("idle", lambda now: tick("idle", now)), Tick("timely", lambda now: tick("timely", now), timely=True)]
    monkeypatch.setattr(worker, "SWEEP_S", 0.02)
    monkeypatch.setattr(worker, "QUIET_S", 60.0)
    working = asyncio.create_task(worker.work(ticks, utc_now, stopping, Stirring(sqlite_sessions.kw["bind"])))
    await until(lambda: asked["timely"] > 10)
    assert asked["idle"] <= 2
    before = asked["idle"]
    async with sqlite_sessions.begin() as session:
        record(session, "something:happened", "it", by=None, at=utc_now())
    await until(lambda: asked["idle"] > before)
    stopping.set()
    async with asyncio.timeout(5):
        await working


async def test_a_database_that_does_not_answer_counts_as_written_to(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(stirring, "LOOK_S", 0.01)
    stirred, stopping = Stirring(sqlite_sessions.kw["bind"]), asyncio.Event()
    stirred._own.close()
    following = asyncio.create_task(stirred.follow(stopping))
    await until(lambda: stirred.turn > 3)
    stopping.set()
    await following
