"""Whether anything was written: asked of the database once a second, so that nobody else need ask for nothing.

SQLite counts the commits of others for each connection (`pragma data_version`); PostgreSQL numbers every transaction
that writes (`pg_snapshot_xmax`). Both are told without reading a table.
"""

import asyncio
import sqlite3

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

LOOK_S = 1.0


class Stirring:
    """`turn` rises whenever something may have been written since the look before."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._own = engine, None if engine.dialect.name != "sqlite" else _beside(engine)
        self._last: object = None
        self._news = asyncio.Event()
        self.turn = 0

    async def follow(self, stopping: asyncio.Event) -> None:
        """Looks until told to stop; a database that does not answer counts as written to."""
        try:
            while not stopping.is_set():
                seen = await self._look()
                if seen is None or seen != self._last:
                    self._last = seen
                    self.turn += 1
                    self._news.set()
                    self._news = asyncio.Event()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await stopping.wait()
                except TimeoutError:
                    continue
        finally:
            self._news.set()  # who waits sees that it is time to stop
            if self._own is not None:
                self._own.close()

    async def since(self, turn: int, *, most_s: float) -> None:
        """Waits until something was written after this turn, but no longer."""
        if self.turn == turn:
            try:
                async with asyncio.timeout(most_s):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _look(self) -> object:
        try:
            if self._own is not None:
                return self._own.execute("pragma data_version").fetchone()
            async with self._engine.connect() as connection:
                return await connection.scalar(text("select pg_snapshot_xmax(pg_current_snapshot())::text"))
        except (sqlite3.Error, SQLAlchemyError, OSError):
            return None


def _beside(engine: AsyncEngine) -> sqlite3.Connection:
    """A connection that writes nothing: a connection is not told of its own commits."""
    return sqlite3.connect(engine.url.database or "", timeout=0.1, isolation_level=None)
