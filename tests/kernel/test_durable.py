"""What the database must be before anything is acknowledged."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pavilion.kernel import events, jobs, numbering, outbox
from pavilion.kernel.db import reading
from pavilion.kernel.jobs import ATTEMPTS, FIRST_WAIT, LEASE, Job
from tests.make import NOON, SECOND


async def test_sqlite_keeps_what_it_acknowledges(sqlite_sessions):
    async with sqlite_sessions() as session:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [(await session.execute(text(f"pragma {name}"))).scalar() for name in asked]
    assert found == ["wal", 2, 1, 5000]


async def test_an_instant_comes_back_as_it_went_in(sessions):
    at = NOON + SECOND / 3
    async with sessions.begin() as session:
        events.record(session, "stone:seen", "X", by=None, at=at)
    async with sessions() as session:
        assert await session.scalar(select(events.Event.at)) == at


async def test_events_cannot_be_changed_or_dropped(sessions):
    async with sessions.begin() as session:
        events.record(session, "stone:seen", "X", by=None, at=NOON)
    for statement in ("update events set subject = 'Y'", "delete from events"):
        with pytest.raises(DBAPIError, match="append only"):
            async with sessions.begin() as session:
                await session.execute(text(statement))


async def test_a_hundred_writers_at_once_lose_nothing(sessions):
    async def one():
        async with sessions.begin() as session:
            return await numbering.next_number(session, "INV")

    assert sorted(await asyncio.gather(*(one() for _ in range(100)))) == list(range(1, 101))


async def test_a_number_of_a_failed_act_is_given_again(sessions):
    with pytest.raises(RuntimeError):
        async with sessions.begin() as session:
            await numbering.next_number(session, "INV")
            raise RuntimeError
    async with sessions.begin() as session:
        assert await numbering.next_number(session, "INV") == 1


async def test_a_reader_on_sqlite_does_not_wait_for_a_writer(sqlite_sessions):
    async with sqlite_sessions.begin() as writer:
        await numbering.next_number(writer, "INV")
        async with asyncio.timeout(1), reading(sqlite_sessions) as session:
            assert await session.scalar(select(numbering.Counter.last)) is None


async def enqueued(sessions, *keys):
    async with sessions.begin() as session:
        for key in keys:
            await jobs.enqueue(session, "film", key, {"stone": key}, due_at=NOON)


async def claimed(sessions, now=NOON):
    async with sessions.begin() as session:
        job = await jobs.claim(session, now, kinds=["film"])
        return job.key if job else None


async def test_the_same_work_is_one_job(sessions):
    await enqueued(sessions, "a", "a")
    assert [await claimed(sessions), await claimed(sessions)] == ["a", None]


async def test_ten_workers_share_ten_jobs(sessions):
    await enqueued(sessions, *"abcdefghij")
    taken = []
    while len(taken) < 10:  # a worker that met another at the same job comes back empty-handed and asks again
        taken += filter(None, await asyncio.gather(*(claimed(sessions) for _ in range(10))))
    assert sorted(taken) == list("abcdefghij")
    assert await claimed(sessions) is None


async def test_the_job_of_a_dead_worker_is_taken_over_after_its_lease(sessions):
    await enqueued(sessions, "a")
    assert await claimed(sessions) == "a"
    assert await claimed(sessions, NOON + LEASE) is None
    assert await claimed(sessions, NOON + LEASE + SECOND) == "a"


async def test_a_failing_job_waits_longer_each_time_and_then_stays_failed(sessions):
    await enqueued(sessions, "a")
    now, waits = NOON, []
    for _ in range(ATTEMPTS):
        async with sessions.begin() as session:
            job = await jobs.claim(session, now, kinds=["film"])
            await jobs.failed(session, job.id, "no", now)
            waits.append(job.due_at - now)
            now = max(now, job.due_at)
    assert all(waits[n] >= FIRST_WAIT * 2**n for n in range(ATTEMPTS - 1))
    async with sessions() as session:
        assert await session.scalar(select(Job.state)) == "failed"


async def test_a_message_is_said_once(sessions):
    for _ in range(2):
        async with sessions.begin() as session:
            await outbox.enqueue(session, "mail", "k", {}, at=NOON)
    async with sessions() as session:
        assert len((await session.scalars(select(outbox.Outbox.id))).all()) == 1
