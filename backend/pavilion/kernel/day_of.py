"""Instants as whole numbers in SQL: their calendar day, their microsecond."""

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


class micros_of(FunctionElement[int]):
    """Microseconds since 1970, exact, as `kernel.instants.micros` says them; nothing where there is no instant."""

    type = BigInteger()
    inherit_cache = True


@compiles(micros_of, "sqlite")
def _micros_on_sqlite(element: micros_of, compiler: Any, **more: Any) -> str:
    return f"({compiler.process(element.clauses, **more)})"


@compiles(micros_of, "postgresql")
def _micros_on_postgresql(element: micros_of, compiler: Any, **more: Any) -> str:
    return f"cast(extract(epoch from {compiler.process(element.clauses, **more)}) * 1000000 as bigint)"
