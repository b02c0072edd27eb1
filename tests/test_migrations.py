"""The migrations and the models say the same, on both databases, down to triggers and constraints."""

import sqlalchemy as sa

from pavilion.kernel import migrating
from pavilion.kernel.db import create_engine, sqlite_url
from tests.conftest import make_schema, on_database, run_sql

SQLITE = ["select type, name, tbl_name, sql from sqlite_master where type = 'trigger'"]
SQLITE += [
    "select type, name, tbl_name, '' from sqlite_master where type <> 'trigger' and name not like 'sqlite_auto%'"
]
POSTGRES = [
    "select tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
    "select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace",
    "select indexname, indexdef from pg_indexes where schemaname = 'public'",
    "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace and prolang <> 13",
    "select table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable, character_maximum_length, "
    "collation_name) from information_schema.columns where table_schema = 'public'",
]


async def facts(url, questions):
    engine = create_engine(url)
    async with engine.connect() as connection:
        rows = [row for question in questions for row in await connection.execute(sa.text(question))]
    await engine.dispose()
    return {
        tuple(map(str, row)) for row in rows if not str(row[0]).startswith("alembic") and "alembic_version" not in row
    }


async def migrated(url):
    engine = create_engine(url)
    before = await migrating.to_head(engine)
    again = await migrating.to_head(engine)
    await engine.dispose()
    assert (before, again) == (None, migrating.head()), "a second run changes nothing"


async def test_on_sqlite_the_migrations_make_what_the_models_say(tmp_path):
    ours, theirs = sqlite_url(tmp_path / "models.db"), sqlite_url(tmp_path / "migrated.db")
    await make_schema(ours)
    await migrated(theirs)
    assert await facts(ours, SQLITE) == await facts(theirs, SQLITE)


async def test_on_postgres_the_migrations_make_what_the_models_say(postgres_server):
    urls = [on_database(postgres_server, name) for name in ("by_models", "by_migrations")]
    for name in ("by_models", "by_migrations"):
        await run_sql(postgres_server, f"create database {name}")
    try:
        await make_schema(urls[0])
        await migrated(urls[1])
        assert await facts(urls[0], POSTGRES) == await facts(urls[1], POSTGRES)
    finally:
        for name in ("by_models", "by_migrations"):
            await run_sql(postgres_server, f"drop database {name} with (force)")
