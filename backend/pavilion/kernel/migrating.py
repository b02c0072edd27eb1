"""The schema's way to head, and whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
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


def head() -> str:
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
