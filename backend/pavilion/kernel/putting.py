"""Rows by the thousand, handed to the driver as they are."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Base

ROWS = 200  # of one step on SQLite; of the widest table these are fewer values than a statement may have


async def put(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]], more: str = "") -> None:
    """All rows have the columns of the first. The way through the toolkit would cost three times the insert itself."""
    if not rows:
        return
    table, dialect = model.metadata.tables[model.__tablename__], session.get_bind().dialect
    statement = insert(table).values({name: bindparam(name) for name in rows[0]}).compile(dialect=dialect)
    names = statement.positiontup
    assert names is not None
    columns = [[row[name] for row in rows] for name in names]
    for place, name in enumerate(names):
        made = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if made is not None:
            columns[place] = [made(value) for value in columns[place]]
    values = list(zip(*columns, strict=True))
    if dialect.name == "sqlite":
        await put_values(session, statement.string.rpartition(" VALUES ")[0], values, more)
    else:
        connection = await session.connection()
        await connection.exec_driver_sql(statement.string + more, values)


async def put_values(session: AsyncSession, into: str, rows: Sequence[tuple[Any, ...]], more: str = "") -> None:
    """For SQLite: `into` names a table and its columns. With each step the driver lets go of the interpreter, and
    whoever lets go waits five milliseconds until a busy neighbour gives it back; so a step takes many rows."""
    connection = await session.connection()
    whole = len(rows) // ROWS * ROWS
    for part, size in ((rows[:whole], ROWS), (rows[whole:], len(rows) - whole)):
        if part:
            each = f"({', '.join('?' * len(part[0]))})"
            steps = [tuple(chain.from_iterable(part[at : at + size])) for at in range(0, len(part), size)]
            await connection.exec_driver_sql(f"{into} values {', '.join([each] * size)}{more}", steps)
