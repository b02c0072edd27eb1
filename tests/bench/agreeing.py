"""Thousands of random questions to the column index and to SQL: every answer is the same, while stones come and go.

Half of them are asked of SQLite, half of PostgreSQL, each on a stock of its own of 240 stones with every filter in use.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from pavilion.catalogue import keeping, service
from pavilion.catalogue.models import Stone
from pavilion.kernel import db
from tests import need
from tests.catalogue import stones
from tests.catalogue.test_search_index import a_stock, agree
from tests.conftest import make_schema, on_database, run_sql
from tests.luck import Random
from tests.make import NOON

QUESTIONS = int(os.environ.get("PAVILION_BENCH_QUESTIONS", "6000"))
ROUND = 250  # questions between one change of the stock and the next


def main() -> list[dict[str, object]]:
    return asyncio.run(_measured())


async def _measured() -> list[dict[str, object]]:
    begun = time.perf_counter()
    server = need.postgres()
    await run_sql(server, "drop database if exists bench_agreeing with (force)", "create database bench_agreeing")
    with tempfile.TemporaryDirectory() as folder:
        asked = await _agreed(f"sqlite+aiosqlite:///{Path(folder) / 'stones.db'}", range(18), QUESTIONS // 2)
        asked += await _agreed(on_database(server, "bench_agreeing"), range(18, 30), QUESTIONS - QUESTIONS // 2)
    await run_sql(server, "drop database bench_agreeing with (force)")
    fact: dict[str, object] = {
        "name": "random questions to the index and to SQL, answers equal",
        "questions": asked,
        "seconds": round(time.perf_counter() - begun),
        "ok": asked >= QUESTIONS,
    }
    print(fact)
    return [fact]


async def _agreed(url: str, frames: range, questions: int) -> int:
    """How many were asked and answered alike; the first that was not ends the run with the question."""
    await make_schema(url)
    engine = db.create_engine(url)
    sessions, luck, asked = db.sessions_of(engine), Random(frames.start + 2026), 0
    try:
        stored = await a_stock(sessions, luck)
        kept = keeping.Index(sessions)
        await kept.build()
        while asked < questions:
            await agree(kept, sessions, luck, min(ROUND, questions - asked), frames)
            asked += min(ROUND, questions - asked)
            stored += await a_stock(sessions, luck, count=12, start=1000 + asked)
            await _turned(sessions, luck.sample([stone.public_id for stone in stored[4:]], 3))
            kept.forget_look()
    finally:
        await engine.dispose()
    return asked


async def _turned(sessions: db.Sessions, chosen: list[str]) -> None:
    """Of three stones one loses its origin, and one goes off the list where nothing promises it."""
    async with sessions.begin() as session:
        await stones.revoke(session, chosen[0])
        row = await session.scalar(select(Stone).where(Stone.public_id == chosen[1]))
        assert row is not None
        await service.withdraw_stones(
            session, supplier_company_id=row.supplier_company_id, stock_nos=[row.stock_no], by=None, now=NOON
        )


if __name__ == "__main__":
    main()
