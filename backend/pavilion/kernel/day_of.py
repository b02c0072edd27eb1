"""The calendar day of an instant, in SQL."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_DAY_US = 86_400_000_000


class day_of(FunctionElement[int]):
    """Days from 1970 on, by UTC; nothing where there is no instant."""

    type = BigInteger()
    inherit_cache = True


@compiles(day_of, "sqlite")
def _on_sqlite(element: day_of, compiler: Any, **more: Any) -> str:
    return f"({compiler.process(element.clauses, **more)} / {_DAY_US})"


@compiles(day_of, "postgresql")
def _on_postgresql(element: day_of, compiler: Any, **more: Any) -> str:
    return f"cast(floor(extract(epoch from {compiler.process(element.clauses, **more)}) / 86400) as bigint)"
