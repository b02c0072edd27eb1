"""Connections to PostgreSQL are asked whether they live only when they lay at home for a while."""

from sqlalchemy import text

from pavilion.kernel import db
from pavilion.kernel.db import create_engine


async def test_what_came_home_a_moment_ago_is_lent_unasked_and_what_died_at_home_is_replaced(postgres_url, monkeypatch):
    engine, other = create_engine(postgres_url), create_engine(postgres_url)
    pings = []
    ping = engine.sync_engine.dialect.do_ping
    monkeypatch.setattr(engine.sync_engine.dialect, "do_ping", lambda held: (pings.append(1), ping(held))[1])
    try:
        seen = set()
        for _ in range(5):
            async with engine.connect() as connection:
                seen.add(await connection.scalar(text("select pg_backend_pid()")))
        assert (len(seen), pings) == (1, [])
        async with other.connect() as connection:
            await connection.execute(text(f"select pg_terminate_backend({seen.pop()}, 5000)"))
        monkeypatch.setattr(db, "STILL_WARM_S", 0.0)
        async with engine.connect() as connection:
            assert await connection.scalar(text("select 1")) == 1
        assert pings == [1]
    finally:
        await engine.dispose()
        await other.dispose()


async def test_a_question_is_asked_outside_a_transaction_and_who_borrows_next_is_inside_one(sessions):
    """On the server; the embedded database reads in one."""
    server = sessions.kw["bind"].dialect.name == "postgresql"
    async with sessions.begin() as session:
        await session.execute(text("create table asked (n integer)"))
    for _ in range(2):
        async with db.asking(sessions) as session:
            assert await session.scalar(text("select count(*) from asked")) == 0
            if server:
                first = await session.scalar(text("select now()"))
                assert await session.scalar(text("select now()")) > first, "one transaction has one instant"
        async with sessions() as session:
            await session.execute(text("insert into asked values (1)"))
            await session.rollback()
    async with sessions.begin() as session:
        await session.execute(text("drop table asked"))
