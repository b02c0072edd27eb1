"""A sale of 300 sold lots: drafted, issued and set on paper in both languages, once for 60 buyers and once for 300."""

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from pavilion.catalogue.models import Stone
from pavilion.kernel import db
from pavilion.settlement import crediting, invoicing, jobs, ledger
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import Invoice, InvoicePaper
from pavilion.settlement.sold import _detail
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests import make, need
from tests.auctions import world
from tests.conftest import make_schema, on_database, run_sql
from tests.luck import Random
from tests.make import NOON

MOST_S, LOTS = 20, 300
BANDS = ((1_250_000, 2_750), (None, 2_500))
TONGUES = load(frontend() / "locales")


async def sold_lots(sessions: db.Sessions, sale: str) -> list[SoldLot]:
    async with sessions.begin() as session:
        supplier = await make.company(session, f"Karowe Cutting {sale}", "BW")
        names = await world.stones(session, supplier, LOTS, first=1 + LOTS * (sale == "A"))
        stones = (await session.scalars(select(Stone).where(Stone.public_id.in_(names)))).all()
    luck = Random(7)
    return [
        SoldLot(
            f"{sale}{n:025d}", str(n), "Fancy Vivid Yellow", "艳彩黄", _detail([stone]),
            luck.randint(400_000, 90_000_000), False, supplier.id, NOON,
        )
        for n, stone in enumerate(stones, 1)
    ]  # fmt: skip


async def measured(name: str, sessions: db.Sessions, buyers: int) -> dict[str, object]:
    sale = "A" if buyers == LOTS else "B"
    terms = SaleTerms(sale * 26, "Spectral IV", "光谱 IV", "USD", "ANT", "Europe/Brussels", BANDS, None)
    lots = await sold_lots(sessions, sale)
    async with sessions.begin() as session:
        firms = [await make.company(session, f"Firm {sale} {n}", "HK" if n % 3 else "BE") for n in range(buyers)]
    begun = time.perf_counter()
    async with sessions.begin() as session:
        drafts = [
            await invoicing.add_lots(
                session, terms=terms, buyer=Buyer(firm.id, f"P-{n:04d}", firm.country), lots=lots[n::buyers], now=NOON
            )
            for n, firm in enumerate(firms)
        ]
    drafted = time.perf_counter()
    for draft in drafts:
        async with sessions.begin() as session:
            await invoicing.issue(session, await crediting.locked(session, draft.id), NOON)
    issued = time.perf_counter()
    while await jobs.set_papers(sessions, NOON + timedelta(minutes=1), TONGUES):
        pass
    ended = time.perf_counter()
    async with sessions() as session:
        of_sale = select(func.count()).select_from(InvoicePaper).join(Invoice, Invoice.id == InvoicePaper.invoice_id)
        papers = await session.scalar(of_sale.where(Invoice.sale == terms.sale))
        assert papers == 2 * buyers and await ledger.proves(session)
    facts: dict[str, object] = {
        "name": f"a sale of {LOTS} lots invoiced, {buyers} buyers, {name}",
        "papers": papers,
        "drafts_s": round(drafted - begun, 2),
        "issue_s": round(issued - drafted, 2),
        "papers_s": round(ended - issued, 2),
        "seconds": round(ended - begun, 2),
        "ok": ended - begun <= MOST_S,
    }
    print(f"{facts['name']}: {facts['seconds']} s, needed {MOST_S}; {papers} papers in {facts['papers_s']} s")
    return facts


async def on(name: str, url: str) -> list[dict[str, object]]:
    await make_schema(url)
    engine = db.create_engine(url)
    try:
        return [await measured(name, db.sessions_of(engine), buyers) for buyers in (LOTS, 60)]
    finally:
        await engine.dispose()


async def on_both() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        found = await on("SQLite", db.sqlite_url(Path(folder) / "invoicing.db"))
    server = need.postgres()
    await run_sql(server, "drop database if exists bench_invoicing", "create database bench_invoicing")
    found += await on("PostgreSQL", on_database(server, "bench_invoicing"))
    await run_sql(server, "drop database bench_invoicing with (force)")
    return found


def main() -> list[dict[str, object]]:
    return asyncio.run(on_both())


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
