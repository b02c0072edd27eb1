"""The embedded database is asked in one trip: cursor, statement, rows and closing go to its thread together.

The driver sends each of the four by itself, and the way to another thread and back costs more than most statements do.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry


def in_one_trip(engine: AsyncEngine) -> None:
    """Whatever this engine connects to from now on is asked so."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(dialect: Dialect, _record: ConnectionPoolEntry, words: list[Any], options: dict[str, Any]) -> Any:
        dbapi: Any = dialect.loaded_dbapi
        return _Connection(dbapi, dbapi.connect(*words, **options)._connection)


class _Trip:
    """A cursor that is closed when its statement has run, and keeps what came of it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        await self._go(sqlite3.Cursor.execute, statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Any) -> Self:
        await self._go(sqlite3.Cursor.executemany, statement, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """It is closed already."""

    async def _go(self, verb: Any, statement: str, parameters: Any) -> None:
        await self._connection._execute(self._run, verb, statement, parameters)  # the driver's own way to its thread

    def _run(self, verb: Any, statement: str, parameters: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            verb(cursor, statement, parameters)
            self.description = cursor.description
            if cursor.description:
                self._rows = cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()

    def _make_new_cursor(self, connection: Any) -> Any:
        return _Trip(connection)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor
