"""A statement for the embedded database goes to its thread once, and brings back all there is to know; one that is
short and waits for nobody does not go there."""

import asyncio
import threading
import time

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from pavilion.kernel import db, sqlite_trips


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(sqlite_trips, "_longest", {})


@pytest_asyncio.fixture
async def engine(tmp_path):
    engine = db.create_engine(db.sqlite_url(tmp_path / "one.db"))
    async with engine.begin() as connection:
        await connection.execute(text("create table t (id integer primary key, v text unique)"))
    yield engine
    await engine.dispose()


async def sent_by(connection):
    """The driver's connection, and the statements that it sent to its thread since."""
    driver = (await connection.get_raw_connection()).driver_connection
    go, sent = driver._execute, []

    async def counted(verb, *words):
        sent.append(words[1] if len(words) > 1 else verb.__name__)
        return await go(verb, *words)

    driver._execute = counted
    return driver, sent


SHORT = "select count(*) from t"


async def read(engine, question=SHORT):
    """What of this was sent to the thread."""
    async with engine.connect() as connection:
        _, sent = await sent_by(connection)
        await connection.execution_options(reading=True)
        assert await connection.scalar(text(question)) is not None
        await connection.rollback()
    return sent


async def test_what_was_short_is_asked_in_place(engine):
    assert await read(engine) == [SHORT]
    assert await read(engine) == []


async def test_what_was_long_goes_to_the_thread_until_that_is_forgotten(engine, monkeypatch):
    monkeypatch.setattr(sqlite_trips, "FORGETS", 0.5)
    long = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 200000) select count(*) from c"
    long = f"select ({long})"
    for _ in range(3):
        assert await read(engine, question=long) == [long]
    while sqlite_trips._longest[long] >= sqlite_trips.SHORT_S:
        sqlite_trips._took(long, 0.0)
    assert await read(engine, question=long) == []
    assert await read(engine, question=long) == [long], "it was long once more"


async def test_to_begin_writing_and_to_commit_are_left_to_the_thread_and_what_lies_between_is_not(engine):
    async def write(value):
        async with engine.connect() as connection:
            _, sent = await sent_by(connection)
            await connection.execute(text("insert into t (v) values (:v)"), {"v": value})
            await connection.commit()
        return sent

    assert len(await write("a")) == 3
    assert await write("b") == ["begin immediate", "commit"]


async def test_one_who_reads_goes_to_the_thread_to_write(engine):
    """Only there may it wait for the writer ahead."""
    change = "update t set v = v || '?' where id = -1"
    for _ in range(2):
        async with engine.connect() as connection:
            _, sent = await sent_by(connection)
            await connection.execution_options(reading=True)
            await connection.execute(text(change))
            await connection.rollback()
        assert sent == [change]


async def test_behind_work_that_was_given_up_nothing_is_asked_in_place(engine):
    """The thread is still at it; what follows waits for its turn there, and the loop for nobody."""
    forever = "select count(*) from (with recursive c(n) as (select 1 union all select n + 1 from c) select * from c)"
    await read(engine)
    async with engine.connect() as connection:
        driver, _ = await sent_by(connection)
        await connection.execution_options(reading=True)
        await connection.execute(text("select 1"))
        errand = asyncio.ensure_future(driver._execute(driver._conn.execute, forever))
        await asyncio.sleep(0.05)
        errand.cancel()
        assert not driver.waits_for_nobody(SHORT)
        driver._conn.interrupt()
        async with asyncio.timeout(10):
            while not driver.at_rest():  # noqa: ASYNC110 - a thread
                await asyncio.sleep(0.01)
        assert driver.waits_for_nobody(SHORT)


def test_what_is_still_at_work_when_its_loop_ends_is_told_to_nobody(tmp_path, monkeypatch):
    """The thread goes on, ends with its connection, and does not fail over whom to answer."""
    failed, held = [], []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    async def give_up():
        driver = sqlite_trips._driver(str(tmp_path / "two.db"))
        held.append(await driver)
        errand = asyncio.ensure_future(driver._execute(time.sleep, 0.2))
        await asyncio.sleep(0.05)
        errand.cancel()
        driver.stop()

    asyncio.run(give_up())
    (driver,) = held
    driver._thread.join(10)
    assert not driver._thread.is_alive() and failed == [] and driver._connection is None


async def test_others_have_their_turn_while_one_asks_in_place(engine):
    await read(engine)
    turns, over = 0, asyncio.Event()

    async def other():
        nonlocal turns
        while not over.is_set():
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    for _ in range(20):
        await read(engine)
    over.set()
    await beside
    assert turns >= 20


async def test_a_statement_is_one_trip_to_the_thread_of_its_connection(tmp_path):
    engine = db.create_engine(db.sqlite_url(tmp_path / "one.db"))
    trips = []
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        go = driver._execute

        async def counted(verb, *words):
            trips.append(verb)
            return await go(verb, *words)

        driver._execute = counted
        await connection.execute(text("create table t (id integer primary key, v text unique)"))
        one = await connection.execute(text("insert into t (v) values (:v)"), {"v": "a"})
        assert (one.rowcount, one.lastrowid) == (1, 1)
        some = await connection.execute(text("insert into t (v) values (:v)"), [{"v": "b"}, {"v": "c"}])
        assert some.rowcount == 2
        rows = await connection.execute(text("select id, v from t order by id"))
        assert (list(rows.keys()), rows.all()) == (["id", "v"], [(1, "a"), (2, "b"), (3, "c")])
        back = await connection.execute(text("update t set v = v || '!' where id > 1 returning v"))
        assert sorted(back.scalars()) == ["b!", "c!"]
        with pytest.raises(IntegrityError):
            await connection.execute(text("insert into t (v) values ('a')"))
        assert len(trips) == 1 + 6  # it begins with `begin immediate`
        streamed = await connection.stream(text("select v from t order by id"))
        assert [row.v async for row in streamed] == ["a", "b!", "c!"]
        await connection.commit()
    await engine.dispose()
