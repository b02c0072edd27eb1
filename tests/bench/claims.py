"""Twenty thousand tries of sixteen clients for the same desks, stones, seats, operator and quota, on each database.

Holds, bookings, waiting, moves and cancellations, each in a transaction of its own through the desk's own verbs, while
time lets holds lapse. Afterwards an independent look compares the spans of the appointments, without the claim table,
and the claim table with them. Beside it, as a floor, transactions of the same sessions that read one appointment.
"""

import asyncio
import itertools
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from pavilion.kernel import db
from pavilion.viewings.models import Appointment
from tests import need
from tests.conftest import make_schema, on_database, run_sql
from tests.luck import Random
from tests.make import NOON
from tests.viewings import contest

TRIES, CLIENTS, FLOOR_TRIES = 20_000, 16, 2_000
LEAST = 200  # answers a second
WAITING = 0.001  # of the tries join the waiting list, each of whose wishes every place given back is tried for
SLOTS = 160  # quarters of an hour in which somebody may want to begin


def main() -> list[dict[str, object]]:
    return asyncio.run(_both())


async def _both() -> list[dict[str, object]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(await _measured("SQLite", db.sqlite_url(Path(folder) / "bench.db")))
    server = need.postgres()
    await run_sql(server, "drop database if exists pavilion_bench_claims", "create database pavilion_bench_claims")
    found.append(await _measured("PostgreSQL", on_database(server, "pavilion_bench_claims")))
    await run_sql(server, "drop database pavilion_bench_claims")
    return found


async def _measured(name: str, url: str) -> dict[str, object]:
    await make_schema(url)
    engine = db.create_engine(url)
    sessions = db.sessions_of(engine)
    async with sessions.begin() as session:
        house = await contest.furnish(session, companies=40, desks=8, stones=24)
    luck, codes, numbers = Random(5), Counter[str](), iter(range(TRIES))

    async def client() -> None:
        for number in numbers:
            now = NOON + timedelta(milliseconds=50 * number)  # in which holds lapse
            codes[await contest.attempt(sessions, house, luck, f"t{number}", now, SLOTS, WAITING)] += 1

    begun, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    rate = TRIES / (time.perf_counter() - begun)
    work = 1000 * (time.process_time() - worked) / TRIES
    floor = await _floor(sessions)
    async with sessions() as session:
        people = await contest.sat(session)
        double, faults = contest.overlaps(people), await contest.faults_of_claims(session)
    await engine.dispose()
    said = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    print(f"{name}: {rate:.0f} answers a second (floor {floor:.0f}), {work:.1f} ms of work each")
    print(f"  {len(people)} sit; {said}")
    print(f"  {len(double)} double claims, {len(faults)} differences of the claim table")
    return {
        "name": f"claims, {TRIES:,} tries of {CLIENTS} clients, {name}",
        "answers_per_s": round(rate, 1),
        "floor_per_s": round(floor, 1),
        "ratio": round(rate / floor, 3),
        "work_ms": round(work, 2),  # of this process for an answer, whoever else keeps the machine busy
        "answers": {str(code): count for code, count in codes.items()},
        "double_claims": len(double),
        "claim_faults": len(faults),
        "ok": rate >= LEAST and not double and not faults,
    }


async def _floor(sessions: db.Sessions) -> float:
    numbers = itertools.islice(itertools.count(1), FLOOR_TRIES)

    async def client() -> None:
        for number in numbers:
            async with sessions.begin() as session:
                await session.scalar(select(Appointment.id).where(Appointment.id == number))

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return FLOOR_TRIES / (time.perf_counter() - begun)


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
