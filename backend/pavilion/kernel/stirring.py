"""Whether there is anything new: asked of the database once a second, so that nobody else need ask for nothing.

SQLite counts the commits of others for each connection (`pragma data_version`); PostgreSQL numbers every transaction
that writes (`pg_snapshot_xmax`). Both are told without reading a table. Whoever runs a sale writes twice a second that
they still do, so it is looked at what was written: a row more in any table that numbers its rows, or a figure that
rises. What only changed in its place is found by those who look from time to time.
"""

import asyncio
import sqlite3
from collections.abc import Sequence

from sqlalchemy import Dialect, Integer, Select, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from pavilion.kernel.db import Base

LOOK_S = 1.0

_newest: dict[str, list[str]] = {}  # by kind of database: one question for each table, put in words once


class Stirring:
    """`turn` rises whenever there is something new since the look before. `rising`: further questions of one figure
    each, asked of tables that number their rows by no whole number of their own."""

    def __init__(self, engine: AsyncEngine, rising: Sequence[Select[int]] = ()) -> None:
        self._engine, self._own = engine, None if engine.dialect.name != "sqlite" else _beside(engine)
        dialect = engine.dialect
        if dialect.name not in _newest:
            _newest[dialect.name] = [_asked(one, dialect) for one in _last_rows()]
        self._newest = f"select {', '.join([*_newest[dialect.name], *(_asked(one, dialect) for one in rising)])}"
        self._written: object = None
        self._found: object = None
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
        """The newest rows; None where the database does not answer."""
        try:
            if self._own is not None:
                written: object = self._own.execute("pragma data_version").fetchone()
                if written != self._written:
                    self._found = self._own.execute(self._newest).fetchone()
            else:
                async with self._engine.connect() as connection:
                    written = await connection.scalar(text("select pg_snapshot_xmax(pg_current_snapshot())::text"))
                    if written != self._written:
                        self._found = tuple((await connection.execute(text(self._newest))).one())
            self._written = written
        except (sqlite3.Error, SQLAlchemyError, OSError):
            return None
        return self._found


def _last_rows() -> list[Select[int]]:
    """A question for each table whose key begins with a whole number: the greatest of them."""
    keys = [next(iter(table.primary_key.columns)) for table in Base.metadata.sorted_tables]
    return [select(func.max(key)) for key in keys if isinstance(key.type, Integer)]


def _asked(question: Select[int], dialect: Dialect) -> str:
    return f"({question.compile(dialect=dialect)})"


def _beside(engine: AsyncEngine) -> sqlite3.Connection:
    """A connection that writes nothing: a connection is not told of its own commits."""
    return sqlite3.connect(engine.url.database or "", timeout=0.1, isolation_level=None)
