"""A write that bears a key is done once for a day, whoever sends it how often at the same time."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.kernel.errors import KeyReused
from pavilion.webkit import idempotent
from pavilion.webkit.idempotent import Done
from pavilion.webkit.kept_models import KeptAnswer
from tests.make import NOON

DAY = timedelta(hours=24)


class Counted:
    """An act that says how often it was done."""

    times = 0

    async def __call__(self):
        self.times += 1
        return Done(201, {"n": self.times})


async def ask(sessions, act, asked=b"POST /x?\n{}", key="nightly-0001", caller="company 1", now=NOON):
    async with sessions.begin() as session:
        return await idempotent.once(session, caller=caller, key=key, asked=asked, act=act, now=now)


async def test_the_same_request_under_the_same_key_is_done_once_and_answered_again(sessions):
    act = Counted()
    first = await ask(sessions, act)
    again = await ask(sessions, act, now=NOON + DAY - timedelta(seconds=1))
    assert (first, again, act.times) == (Done(201, {"n": 1}), Done(200, {"n": 1}), 1)
    other = await ask(sessions, act, caller="company 2")
    assert other == Done(201, {"n": 2}), "a key is its company's own"


async def test_another_request_under_a_used_key_is_refused(sqlite_sessions):
    act = Counted()
    await ask(sqlite_sessions, act)
    with pytest.raises(KeyReused):
        await ask(sqlite_sessions, act, asked=b"POST /x?\n{ }")
    assert act.times == 1


async def test_of_ten_at_once_one_is_done(sessions):
    act = Counted()
    answers = await asyncio.gather(*(ask(sessions, act) for _ in range(10)))
    assert act.times == 1 and sorted(one.status for one in answers) == [200] * 9 + [201]


async def test_a_refusal_is_looked_at_anew(sqlite_sessions):
    async def refused():
        raise KeyReused()

    with pytest.raises(KeyReused):
        await ask(sqlite_sessions, refused)
    assert (await ask(sqlite_sessions, Counted())).status == 201


async def test_after_a_day_a_key_is_new_and_its_answer_gone(sessions):
    act = Counted()
    await ask(sessions, act)
    assert await idempotent.purge(sessions, NOON + DAY - timedelta(microseconds=1)) == 0
    assert (await ask(sessions, act, now=NOON + DAY)).status == 201 and act.times == 2
    assert await idempotent.purge(sessions, NOON + 2 * DAY) == 1
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(KeptAnswer)) == 0
