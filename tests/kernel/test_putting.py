"""Rows put by the thousand arrive as they are, however many a step takes."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pavilion.kernel.events import Event
from pavilion.kernel.putting import ROWS, put

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 7])
async def test_all_rows_arrive_in_their_order(sessions, count):
    rows = [{"name": "put", "subject": f"{n}", "by": None, "at": NOW, "facts": {"n": n}} for n in range(count)]
    async with sessions.begin() as session:
        await put(session, Event, rows)
    async with sessions() as session:
        kept = (await session.scalars(select(Event).order_by(Event.id))).all()
    assert [(row.name, row.subject, row.by, row.at, row.facts) for row in kept] == [tuple(row.values()) for row in rows]
