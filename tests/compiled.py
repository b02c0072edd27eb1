"""What the engine of one test compiled, that of the next need not: all databases of a kind speak one dialect.

A house has one engine as long as it lives; a run of the tests opens some ten thousand, each with a cold cache.
"""

from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

_KEPT: dict[type[Dialect], Any] = {kind: LRUCache(4000) for kind in (PGDialect_asyncpg, SQLiteDialect_aiosqlite)}


def keep() -> None:
    """From here on a statement is compiled once for each kind of database, whichever engine asks."""
    for kind in _KEPT:
        kind.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
        kind.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    made = Engine.__init__

    def with_what_is_known(self: Engine, *told: Any, **more: Any) -> None:
        made(self, *told, **more)
        self._compiled_cache = _KEPT.get(type(self.dialect), self._compiled_cache)

    Engine.__init__ = with_what_is_known  # type: ignore[method-assign]
