"""What was compiled once need not be again.

All databases of a kind speak one dialect: a house has one engine as long as it lives, a run of the tests opens some ten
thousand, each with a cold cache. And all processes of a run have the same templates, which take seconds to compile.
"""

from pathlib import Path
from typing import Any

from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Dialect, Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

from pavilion.webkit import static
from pavilion.webkit.html import Pages

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


def keep_templates(folder: Path) -> None:
    """From here on each of the house's own templates is compiled once for each language, whose words are part of what
    is compiled, and the other processes of the run find it here."""
    folder.mkdir(exist_ok=True)
    made, own = Pages._environment, static.frontend() / "templates"

    def with_what_is_known(self: Pages, templates: Path, lang: Any) -> Any:
        environment = made(self, templates, lang)
        if templates == own:
            knows = "all" if self.term else "no"  # the trade's terms
            environment.bytecode_cache = FileSystemBytecodeCache(str(folder), f"%s.{lang}.{knows}-terms")
        return environment

    Pages._environment = with_what_is_known  # type: ignore[method-assign]
