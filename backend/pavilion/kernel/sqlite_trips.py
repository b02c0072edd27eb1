"""The embedded database is asked in one trip, and where it can answer at once in none.

The driver sends cursor, statement, rows and closing to a thread of its own one by one, and the way to another thread
and back costs more than most statements do: they go together. A statement that has always been short, and that nobody
else's lock can hold up, is asked in place.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Self

import aiosqlite
from aiosqlite.core import set_exception, set_result
from sqlalchemy import Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from pavilion.kernel.clock import worked_s

SHORT_S = 0.001  # of work, a trip's cost several times over: for as long the others of the house may wait
FORGETS = 0.98  # a statement that took 10 ms once goes to the thread some hundred times more
_KNOWN_MOST = 4000

_longest: dict[str, float] = {}  # by statement, in seconds; what lies back counts less


def in_one_trip(engine: AsyncEngine) -> None:
    """Whatever this engine connects to from now on is asked so."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(dialect: Dialect, _record: ConnectionPoolEntry, words: list[Any], options: dict[str, Any]) -> Any:
        dbapi: Any = dialect.loaded_dbapi
        return _Connection(dbapi, dbapi.connect(*words, **options, async_creator_fn=_driver)._connection)


def _driver(path: str, **options: Any) -> "_Driver":
    options["check_same_thread"] = False  # two threads ask it, one after the other
    driver = _Driver(partial(sqlite3.connect, path, **options), 64)
    driver._thread.daemon = True
    return driver


class _Errand:
    """What the thread is sent to do."""

    def __init__(self, does: Callable[[], Any]) -> None:
        self._does = does
        self.over = False

    def __call__(self) -> Any:
        try:
            return self._does()
        finally:
            self.over = True


class _Sending:
    """The way to the thread. What comes of an errand whose loop has ended meanwhile is told to nobody: the driver would
    fail in its thread over the answer to work that was given up."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        self._queue = queue

    def put_nowait(self, errand: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        self._queue.put_nowait((None, partial(_told, *errand)))


def _told(asked: asyncio.Future[Any] | None, does: Callable[[], Any]) -> Any:
    found = None
    tell: Callable[[Any, Any], None] = set_result
    try:
        came = found = does()
    except BaseException as fault:  # noqa: BLE001 - it is the asker's, whatever it is
        tell, came = set_exception, fault
    if asked is not None:
        with suppress(RuntimeError):
            asked.get_loop().call_soon_threadsafe(tell, asked, came)
    return found  # by which the thread knows its end


class _Driver(aiosqlite.Connection):
    """The driver's connection, which knows whether its thread is at rest and what its transaction is for."""

    only_reads = False
    _sent: _Errand | None = None

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._tx = _Sending(self._tx)  # type: ignore[assignment]

    async def _execute(self, fn: Any, *args: Any, **more: Any) -> Any:
        self._sent = _Errand(partial(fn, *args, **more))
        return await super()._execute(self._sent)  # type: ignore[no-untyped-call]

    def at_rest(self) -> bool:
        return self._connection is not None and (self._sent is None or self._sent.over)

    def waits_for_nobody(self, statement: str) -> bool:
        """To begin reading, to read, and to write behind `begin immediate` hang on no lock. To begin writing may, and a
        commit waits for the disk."""
        if not self.at_rest():
            return False
        if statement == "begin":
            return True
        if not self._conn.in_transaction or _longest.get(statement, SHORT_S) >= SHORT_S:
            return False
        return not self.only_reads or statement[:6].upper() == "SELECT"

    async def commit(self) -> None:
        await (self._let_go() if self._wrote_nothing() else super().commit())

    async def rollback(self) -> None:
        await (self._let_go() if self._wrote_nothing() else super().rollback())

    def _wrote_nothing(self) -> bool:
        return self.at_rest() and (self.only_reads or not self._conn.in_transaction)

    async def _let_go(self) -> None:
        self._conn.rollback()


class _Trip:
    """A cursor that is closed when its statement has run, and keeps what came of it."""

    def __init__(self, connection: _Driver) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        if self._connection.waits_for_nobody(statement):
            self._run(sqlite3.Cursor.execute, statement, parameters)
            await asyncio.sleep(0)  # the others have their turn, as they had while it was away
        else:
            await self._connection._execute(self._run, sqlite3.Cursor.execute, statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Any) -> Self:
        await self._connection._execute(self._run, sqlite3.Cursor.executemany, statement, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """It is closed already."""

    def _run(self, verb: Any, statement: str, parameters: Any) -> None:
        began = worked_s()
        cursor = self._connection._conn.cursor()
        try:
            verb(cursor, statement, parameters)
            self.description = cursor.description
            if cursor.description:
                self._rows = cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()
        if statement.startswith("begin"):
            self._connection.only_reads = statement == "begin"
        _took(statement, worked_s() - began)


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()

    def _make_new_cursor(self, connection: Any) -> Any:
        return _Trip(connection)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


def _took(statement: str, seconds: float) -> None:
    if len(_longest) >= _KNOWN_MOST and statement not in _longest:
        _longest.clear()
    _longest[statement] = max(seconds, _longest.get(statement, 0.0) * FORGETS)
