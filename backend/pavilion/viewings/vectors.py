"""The public vectors of claims, played through the desk's own verbs on a database that nobody keeps.

What is proven is the product itself: the vectors' names become rows, their operations the verbs that pages call, and
between two of them time brings what it brings.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from sqlalchemy import MetaData, Table, create_mock_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from pavilion.kernel.db import Base, create_engine, sessions_of
from pavilion.provenance import models as _stones_are_exposed  # noqa: F401 - a table that stones refer to
from pavilion.viewings.vector_house import House


def check(line: dict[str, Any]) -> str | None:
    """Nothing, or the first operation whose answer differs, and how."""
    return compare(asyncio.run(_alone(line["input"])), line["expect"])


def compare(said: list[dict[str, Any]], expect: list[dict[str, Any]]) -> str | None:
    """Each key that is expected is there and equal; offers that are not expected were not made."""
    if len(said) != len(expect):
        return f"expected {len(expect)} answers got {len(said)}"
    for number, (ours, theirs) in enumerate(zip(said, expect, strict=True), start=1):
        for key, value in theirs.items():
            if ours.get(key) != value:
                return f"op {number}: expected {key} {value} got {ours.get(key)} ({ours['code']})"
        if "offers" not in theirs and ours.get("offers"):
            return f"op {number}: expected no offers got {ours['offers']}"
    return None


async def play(session: AsyncSession, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of one vector; what it wrote stands in the caller's transaction."""
    house = House(session)
    await house.furnish(given["setup"])
    return [await house.act(op) for op in given["ops"]]


async def _alone(given: dict[str, Any]) -> list[dict[str, Any]]:
    async with in_memory() as session:
        return await play(session, given)


@asynccontextmanager
async def in_memory() -> AsyncIterator[AsyncSession]:
    """A session on an empty database of its own, with the tables that the verbs need."""
    engine = _engine()
    try:
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            await raw.driver_connection.executescript(_schema())
            async with sessions_of(engine)(bind=connection) as session:
                yield session
    finally:
        await engine.dispose()


@cache
def _engine() -> AsyncEngine:
    """One for all vectors, though each has a connection and so a database of its own: it remembers how to say what."""
    return create_engine("sqlite+aiosqlite:///:memory:")


@cache
def _schema() -> str:
    said: list[str] = []
    dialect = _engine().dialect
    engine = create_mock_engine("sqlite://", lambda sql, *_, **__: said.append(str(sql.compile(dialect=dialect))))
    Base.metadata.create_all(engine, tables=_needed(Base.metadata), checkfirst=False)
    return ";".join(said)


def _needed(everything: MetaData) -> list[Table]:
    """The tables that the verbs write and read, and those they refer to."""
    found: set[Table] = set()
    open_ends = [table for table in everything.tables.values() if table.name in _WRITTEN]
    while open_ends:
        table = open_ends.pop()
        if table not in found:
            found.add(table)
            open_ends += [key.column.table for key in table.foreign_keys]
    return [table for table in everything.sorted_tables if table in found]


_WRITTEN = frozenset(
    {
        "events", "appointments", "appointment_stones", "appointment_visitors", "appointment_events", "viewing_claims",
        "viewing_waitlist", "viewing_windows", "viewing_regimes", "sale_viewings", "viewing_quotas", "office_staff",
        "stone_stays", "stone_blocks", "stone_ends", "private_viewers", "stones", "stone_commitments", "awaited_stones",
        "custody_entries", "viewing_trays", "lots", "lot_stones", "viewing_gate",
    }
)  # fmt: skip
