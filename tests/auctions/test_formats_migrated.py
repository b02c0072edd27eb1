"""A house that already holds sales is brought to a schema that knows more formats; nothing it holds is lost."""

from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import DBAPIError

from pavilion.kernel import migrating
from pavilion.kernel.db import create_engine, sqlite_url
from tests.conftest import on_database, run_sql

SALE = (
    "insert into sales (id, public_id, type, state, title_en, title_zh, text_en, text_zh, currency, zone, place_city, "
    "entity, stagger_s, stagger_per, breaks, increments, mode, soft_close, premium, reserve_rule, version, "
    "created_at, rules_hash) values (:id, :name, :type, :state, 'Spectral', '', '', '', 'USD', 'UTC', '', 'ANT', 60, "
    "1, '[]', '[]', 'add', '{}', '{}', 'jump', 1, :at, :hash)"
)


@asynccontextmanager
async def database(kind, request, tmp_path):
    if kind == "sqlite":
        yield sqlite_url(tmp_path / "filled.db")
        return
    server = request.getfixturevalue("postgres_server")
    await run_sql(server, "create database filled")
    try:
        yield on_database(server, "filled")
    finally:
        await run_sql(server, "drop database filled with (force)")


async def upgrade(engine, revision):
    def run(connection):
        config = migrating._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(run)


async def insert(connection, number, kind, state, hashed=None):
    at = "2026-03-01 12:00:00+00" if connection.dialect.name == "postgresql" else 1_772_366_400_000_000
    words = SALE.replace(":at", f"'{at}'" if isinstance(at, str) else str(at))
    facts = {"id": number, "name": f"S{number}", "type": kind, "state": state, "hash": hashed}
    await connection.execute(sa.text(words), facts)


async def refused(engine, *sale):
    with pytest.raises(DBAPIError, match=r"ck_sales|CHECK"):
        async with engine.begin() as connection:
            await insert(connection, *sale)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_filled_house_learns_more_formats_and_keeps_what_hangs_on_its_sales(kind, request, tmp_path):
    async with database(kind, request, tmp_path) as url:
        engine = create_engine(url)
        await upgrade(engine, "0002")
        await refused(engine, 9, "tender", "draft")
        async with engine.begin() as connection:
            await insert(connection, 1, "timed", "draft")
            await insert(connection, 2, "timed", "published", "ab" * 32)
            await connection.execute(
                sa.text(
                    "insert into lots (id, public_id, sale_id, rank, suffix, title_en, title_zh, state, version) "
                    "values (1, 'L1', 1, 'a', '', '', '', 'draft', 1)"
                )
            )
        await upgrade(engine, "head")
        async with engine.begin() as connection:
            rows = await connection.execute(sa.text("select id, type, options from sales order by id"))
            assert [tuple(row) for row in rows] == [(1, "timed", None), (2, "timed", None)]
            assert await connection.scalar(sa.text("select count(*) from lots where sale_id = 1")) == 1
            await insert(connection, 3, "tender", "draft")
            await insert(connection, 4, "collection", "published")
        await refused(engine, 5, "dance", "draft")
        await refused(engine, 6, "timed", "published")
        with pytest.raises(DBAPIError, match="a published sale does not change"):
            async with engine.begin() as connection:
                await connection.execute(sa.text("update sales set options = '{}' where id = 2"))
        await engine.dispose()
