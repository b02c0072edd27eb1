"""The schema's way to head, and whether it is there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine


def scripts() -> Path:
    """The folder `alembic`: inside the installed package when shipped, else beside the checkout."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_shipped" / "alembic"
    return shipped if shipped.is_dir() else package.parents[1] / "alembic"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts()))
    return config


@cache
def head() -> str:
    """The newest shipped migration. Finding it reads them all, and whoever balances load asks every second."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "no migration is shipped"
    return revision


async def current(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def to_head(engine: AsyncEngine) -> str | None:
    """The schema is at head; the answer is where it stood before. Asked twice, nothing changes."""
    before = await current(engine)

    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    return before


def widen_check(bind: Connection, table: str, name: str, old: str, new: str) -> None:
    """The check `name` of `table` allows more from here on; rows, and what points at them, stay as they are. For
    migrations: a check that allows less would have to look at the rows."""
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(f"alter table {table} drop constraint {name}")
        bind.exec_driver_sql(f"alter table {table} add constraint {name} check ({new})")
        return
    # SQLite changes no constraint of a table, and a table made anew would take the rows that point at it along. A wider
    # check touches nothing on disk but the table's own words (https://sqlite.org/lang_altertable.html, 7).
    version = bind.exec_driver_sql("pragma schema_version").scalar_one()
    bind.exec_driver_sql("pragma writable_schema = on")
    changed = bind.execute(
        text(
            "update sqlite_master set sql = replace(sql, :old, :new) "
            "where type = 'table' and name = :table and instr(sql, :old) > 0"
        ),
        {"old": old, "new": new, "table": table},
    )
    if changed.rowcount != 1:
        words = text("select instr(sql, :new) from sqlite_master where type = 'table' and name = :table")
        assert bind.execute(words, {"new": new, "table": table}).scalar_one(), old  # it allows as much already
    bind.exec_driver_sql(f"pragma schema_version = {version + 1}")
    bind.exec_driver_sql("pragma writable_schema = reset")
    assert bind.exec_driver_sql("pragma integrity_check").scalar_one() == "ok"
