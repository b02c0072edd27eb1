"""The archive of results over 100,000 ended lots: server time of whole pages, asked as people narrow down."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from httpx2 import ASGITransport, AsyncClient

from pavilion import main as house
from pavilion.insight.results import Sums
from pavilion.kernel import db
from pavilion.kernel.clock import utc_now
from pavilion.settings import Settings
from tests import need
from tests.conftest import make_schema, on_database, run_sql
from tests.insight import archived
from tests.luck import Random

LOTS, SALES, ROUNDS = 100_000, 250, 5
MOST_MS = 100
HOME = "http://pavilion.test"
QUESTIONS = (
    "", "?sort=hammer-", "?sort=ppc%2B", "?sort=against-", "?state=sold&shape=oval", "?color=D&clarity=IF",
    "?ct_from=4.9&ct_to=5&sort=hammer-", "?lab=HRD&color=pink&clarity=VS2&shape=pear", "?price_from=29000&cur=USD",
    "?ct_from=4.999&sort=ended%2B", "?from=2020-01-01&to=2030-01-01&sort=ct-",
)  # fmt: skip


def main() -> list[dict[str, object]]:
    return asyncio.run(_all())


async def _all() -> list[dict[str, object]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(await _measured("SQLite", db.sqlite_url(Path(folder) / "bench.db")))
    server = need.postgres()
    await run_sql(server, "drop database if exists pavilion_bench_results", "create database pavilion_bench_results")
    found.append(await _measured("PostgreSQL", on_database(server, "pavilion_bench_results")))
    await run_sql(server, "drop database pavilion_bench_results")
    return found


async def _measured(name: str, url: str) -> dict[str, object]:
    await make_schema(url)
    engine = db.create_engine(url)
    app = house.build_house(Settings(environment="test", public_url=HOME), engine, utc_now)
    luck = Random(7)
    sales = [archived.closed_sale(n) for n in range(SALES)]
    rows = [archived.result(sale, place, luck) for sale in sales for place in range(1, LOTS // SALES + 1)]
    async with app.state.sessions.begin() as session:
        await archived.keep(session, sales, rows)
    if name == "PostgreSQL":
        await run_sql(url, "vacuum analyze result_lots")
    asked = [*QUESTIONS, f"?sale={sales[3].public_id}"]
    slowest: dict[str, float] = {}
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME) as browser:
        for question in asked:
            times = []
            for _ in range(ROUNDS):
                app.state.result_sums = Sums()  # nothing is remembered from the round before
                began = time.perf_counter()
                answer = await browser.get(f"/results{question}")
                times.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200
            slowest[question] = statistics.median(times)
    await engine.dispose()
    worst = max(slowest, key=lambda one: slowest[one])
    for question, ms in slowest.items():
        print(f"  {name} {ms:6.1f} ms  /results{question}")
    print(f"{name}: slowest of {len(asked)} questions over {LOTS:,} lots: {slowest[worst]:.1f} ms ({worst or 'all'})")
    return {"name": f"results page, {name}", "ms": round(slowest[worst], 1), "ok": slowest[worst] <= MOST_MS}


if __name__ == "__main__":
    main()
