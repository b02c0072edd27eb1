"""How often a program may ask, and how it is told."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from pavilion.webkit import rates
from pavilion.webkit.rates import PER_DAY, PER_SECOND, InMemory, drawn, left, over_redis
from tests.make import NOON

TENTH = 100_000  # microseconds


def test_ten_are_taken_at_once_and_then_one_each_tenth_of_a_second():
    full, had = 0, True
    for n in range(PER_SECOND):
        full, had = drawn(full, 10**9)
        assert had and left(full, 10**9) == PER_SECOND - n - 1
    assert drawn(full, 10**9) == (full, False)
    assert drawn(full, 10**9 + TENTH - 1) == (full, False)
    full, had = drawn(full, 10**9 + TENTH)
    assert had and left(full, 10**9 + TENTH) == 0
    assert left(full, 10**9 + 10**7) == PER_SECOND


def test_who_asks_steadily_at_the_rate_is_never_refused():
    full = 0
    for n in range(1000):
        full, had = drawn(full, 10**9 + n * TENTH)
        assert had


@pytest.fixture(params=["memory", "redis"])
async def counting(request):
    made = InMemory() if request.param == "memory" else over_redis(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


async def test_each_caller_has_a_bucket_of_its_own(counting):
    told = [await counting.take("one", NOON) for _ in range(PER_SECOND + 5)]
    assert all(one.taken for one in told[:PER_SECOND]) and not all(one.taken for one in told)
    assert [one.day_left for one in told[:3]] == [PER_DAY - 1, PER_DAY - 2, PER_DAY - 3]
    assert (await counting.take("other", NOON)).taken


async def test_after_ten_thousand_the_day_is_over_and_the_next_begins_anew(monkeypatch):
    seconds = iter(range(1, 10**9))
    monkeypatch.setattr(rates, "monotonic_s", lambda: next(seconds))
    counting = InMemory()
    for _ in range(PER_DAY):
        assert (await counting.take("one", NOON)).taken
    over = await counting.take("one", NOON)
    assert (over.taken, over.day_left, over.wait_s) == (False, 0, 12 * 3600)
    assert (await counting.take("one", NOON + timedelta(hours=12))).taken


async def test_a_crowd_of_callers_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(rates, "MOST_CALLERS", 100)
    counting = InMemory()
    for n in range(1000):
        await counting.take("often", NOON)
        await counting.take(str(n), NOON)
    assert len(counting._callers) <= 101 and "often" in counting._callers


async def test_while_redis_is_away_each_process_counts_by_itself():
    counting = over_redis("redis://127.0.0.1:1/0")
    told = [await counting.take("one", NOON) for _ in range(PER_SECOND + 5)]
    await counting.close()
    assert told[0].taken and not told[-1].taken


@asynccontextmanager
async def alive(_app):
    yield


async def test_every_answer_to_a_program_says_what_is_left_and_a_page_does_not(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", public_url="http://pavilion.test", data_dir=tmp_path)
    app = main.build_web(settings, engine, lambda: NOON, alive)
    app.state.rates = InMemory()
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pavilion.test") as client:
        answers = [await client.get("/api/v1/time") for _ in range(PER_SECOND * 3)]
        pages = [await client.get("/glossary") for _ in range(3)]
    first, last = answers[0], next(one for one in answers if one.status_code == 429)
    assert first.headers["ratelimit-policy"] == '"second";q=10;w=1, "day";q=10000;w=86400'
    assert first.headers["ratelimit"] == '"second";r=9;t=1, "day";r=9999;t=43200'
    assert last.json()["code"] == "slow_down" and last.headers["retry-after"] == "1"
    assert last.headers["ratelimit"].startswith('"second";r=0;t=1')
    assert all(one.status_code == 200 and "ratelimit" not in one.headers for one in pages)
    await engine.dispose()
