"""1,000 tries of 100 companies on one stone at the same moment are one order, on either database (spec 14)."""

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from pavilion.catalogue.models import StoneCommitment
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel import db
from pavilion.trading.models import Order
from tests import need
from tests.conftest import make_schema, on_database, run_sql
from tests.trading.market import Market

TRIES, FIRMS, MOST_S = 1_000, 100, 60


async def measured(name: str, sessions: db.Sessions) -> dict[str, object]:
    market = await Market(sessions).open()
    crowd = [await market.buyer(f"b@b{n}.example") for n in range(FIRMS)]
    seen = await market.seq()

    async def attempt(n: int) -> str:
        try:
            await market.buy(crowd[n % FIRMS], seen=seen)
        except NotAvailable:
            return "not_available"
        return "order"

    begun = time.perf_counter()
    answers = Counter(await asyncio.gather(*map(attempt, range(TRIES))))
    took = time.perf_counter() - begun
    async with sessions() as session:
        orders = await session.scalar(select(func.count()).select_from(Order))
        live = select(func.count()).select_from(StoneCommitment).where(StoneCommitment.released_at.is_(None))
        promises = await session.scalar(live)
    one = answers == {"order": 1, "not_available": TRIES - 1} and (orders, promises) == (1, 1)
    told = f"{dict(answers)}, {orders} order, {took:.1f} s, {1000 * took / TRIES:.1f} ms a try"
    print(f"{name}: {told}")
    return {"name": f"1,000 tries on one stone, {name}", "figure": told, "ok": one and took <= MOST_S}


async def on_each() -> list[dict[str, object]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        urls = {"sqlite": db.sqlite_url(Path(folder) / "trading.db")}
        server = need.postgres()
        await run_sql(server, "create database trading_bench")
        urls["postgres"] = on_database(server, "trading_bench")
        try:
            for name, url in urls.items():
                await make_schema(url)
                engine = db.create_engine(url)
                found.append(await measured(name, db.sessions_of(engine)))
                await engine.dispose()
        finally:
            await run_sql(server, "drop database trading_bench with (force)")
    return found


def main() -> list[dict[str, object]]:
    return asyncio.run(on_each())


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
