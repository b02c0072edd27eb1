"""Rows by the thousand, in one statement each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Base
from pavilion.provenance.models import VerdictInput


async def put(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]], more: str = "") -> None:
    """All rows in one statement, handed to the driver as they are: a stone has some twenty, and the way through the
    toolkit costs three times the insert itself."""
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
    connection = await session.connection()
    await connection.exec_driver_sql(statement.string + more, values)


async def put_inputs(session: AsyncSession, documents: Mapping[str, str]) -> None:
    """The documents are kept; one that was kept before stays as it is."""
    rows = [{"sha256": sha256, "document": text} for sha256, text in documents.items()]
    await put(session, VerdictInput, rows, " on conflict do nothing")
