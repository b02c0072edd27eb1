"""A statement for the embedded database goes to its thread once, and brings back all there is to know."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from pavilion.kernel import db


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
