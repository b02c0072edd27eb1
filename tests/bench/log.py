"""The origin log: leaves per second in memory and stored, beside a plain executemany of the same rows; a proof's check.

Stored means: committed in batches of a thousand, with salts, the tree above them, and a signed checkpoint per batch, as
an import does it. The floor beside it writes the same finished rows and computes nothing.
"""

import asyncio
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select, text

from pavilion.kernel import db
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import Sessions
from pavilion.kernel.tiles import grow
from pavilion.kernel.tlog import (
    CompactTree,
    leaf_hash,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
    verify_inclusion,
)
from pavilion.provenance import log, log_queries
from pavilion.provenance.log import Leaf, LogSigner
from pavilion.provenance.log_models import LogEntry, LogSalt
from tests import need
from tests.conftest import make_schema, on_database, run_sql

BATCH, BATCHES, ROUNDS, PROOFS = 1_000, 30, 3, 2_000
NEED_MEMORY, NEED_STORED, MOST_CHECK_MS = 100_000, 20_000, 0.2
SIGNER = LogSigner.of("bench.example", bytes(32))
OBJECT = b'{"at":"2026-01-05T08:00:00Z","by":"kgale","cc":"BW","obj":"01KJ8Q3V5W9X7Y2Z4A6B8C0D1E","t":"MINED"}' * 4
ISSUER = "did:web:bench.example:did:kgale"
ROWS = {
    "log_entries": ("place, kind, subject, entry, leaf", 5),
    "log_salts": ("place, salt", 2),
}


def leaves(first: int) -> list[Leaf]:
    return [
        Leaf("event", f"STONE{n:020}/0", OBJECT, "did:web:bench.example:did:kgale") for n in range(first, first + BATCH)
    ]


def in_memory() -> float:
    """Leaves per second from a document to the tree: commitment, entry, hash, nodes."""
    now, tree, given = utc_now(), CompactTree(), [leaves(n * BATCH) for n in range(BATCHES)]
    begun = time.perf_counter()
    for batch in given:
        entries = log.entries_of(batch, secrets.token_bytes(16 * BATCH), now)
        grow(tree, [leaf_hash(entry) for entry in entries])
    return tree.size / (time.perf_counter() - begun)


async def stored(sessions: Sessions) -> float:
    given = [leaves(n * BATCH) for n in range(BATCHES)]
    begun = time.perf_counter()
    for batch in given:
        async with sessions.begin() as session:
            now = utc_now()
            await log.append(session, batch, now)
            assert await SIGNER.cover_now(session, now)
    return BATCH * BATCHES / (time.perf_counter() - begun)


async def plain(sessions: Sessions, rows: dict[str, list[tuple[object, ...]]]) -> float:
    """The same rows by executemany, into a house that has none."""
    begun = time.perf_counter()
    for first in range(0, BATCH * BATCHES, BATCH):
        async with sessions.begin() as session:
            connection = await session.connection()
            for table, (names, count) in ROWS.items():
                marks = [f"${n + 1}" if connection.dialect.name == "postgresql" else "?" for n in range(count)]
                statement = f"insert into {table} ({names}) values ({', '.join(marks)})"
                await connection.exec_driver_sql(statement, rows[table][first : first + BATCH])
    return BATCH * BATCHES / (time.perf_counter() - begun)


async def written(sessions: Sessions) -> dict[str, list[tuple[object, ...]]]:
    """What `stored` left behind."""
    async with db.reading(sessions) as session:
        entries = select(LogEntry.place, LogEntry.kind, LogEntry.subject, LogEntry.entry, LogEntry.leaf)
        return {
            "log_entries": [tuple(row) for row in await session.execute(entries.order_by(LogEntry.place))],
            "log_salts": [tuple(row) for row in await session.execute(select(LogSalt.place, LogSalt.salt))],
        }


async def check_ms(sessions: Sessions) -> float:
    """Milliseconds to check that an entry is in the log, once the checkpoint is believed."""
    async with db.reading(sessions) as session:
        size = await log.covered(session)
        wanted = list(range(0, size, max(1, size // 200)))
        texts = await log_queries.proofs(session, wanted)
        entries = [(await log_queries.entry(session, index) or (b"", None))[0] for index in wanted]
    proofs = [parse_tlog_proof(texts[index]) for index in wanted]
    root = parse_checkpoint(parse_note(proofs[0].checkpoint).text).root
    begun = time.perf_counter()
    for n in range(PROOFS):
        one = n % len(wanted)
        proof = proofs[one]
        assert verify_inclusion(leaf_hash(entries[one]), proof.index, size, proof.hashes, root)
    return (time.perf_counter() - begun) * 1000 / PROOFS


async def one_round(ours: str, theirs: str) -> tuple[float, float, float]:
    for url in (ours, theirs):
        await make_schema(url)
    engines = [db.create_engine(url) for url in (ours, theirs)]
    first, second = map(db.sessions_of, engines)
    try:
        async with second.begin() as session:
            await session.execute(text("select 1"))
        rate = await stored(first)
        return rate, await plain(second, await written(first)), await check_ms(first)
    finally:
        for engine in engines:
            await engine.dispose()


async def on_sqlite(folder: Path) -> list[tuple[float, float, float]]:
    return [
        await one_round(*(db.sqlite_url(folder / f"{name}-{number}.db") for name in ("ours", "plain")))
        for number in range(ROUNDS)
    ]


async def on_postgres(server: str) -> list[tuple[float, float, float]]:
    rounds = []
    for _ in range(ROUNDS):
        names = [f"bench_{uuid4().hex[:8]}" for _ in range(2)]
        for name in names:
            await run_sql(server, f"create database {name}")
        rounds.append(await one_round(*(on_database(server, name) for name in names)))
        for name in names:
            await run_sql(server, f"drop database {name} with (force)")
    return rounds


def report(name: str, rounds: list[tuple[float, float, float]]) -> dict[str, object]:
    ours, beside, checks = (statistics.median(column) for column in zip(*rounds, strict=True))
    facts = {
        "name": f"log, {name}: leaves stored per second",
        "ours_per_s": [round(one[0]) for one in rounds],
        "plain_executemany_per_s": [round(one[1]) for one in rounds],
        "ratio": round(ours / beside, 2),
        "proof_check_ms": round(checks, 4),
        "needed": {"per_s": NEED_STORED, "proof_check_ms": MOST_CHECK_MS},
        "ok": ours >= NEED_STORED and checks < MOST_CHECK_MS,
    }
    print(f"{facts['name']}: {ours:,.0f}, needed {NEED_STORED:,}; plain executemany {beside:,.0f}")
    print(f"  a proof is checked in {checks:.4f} ms, needed {MOST_CHECK_MS}")
    return facts


def main() -> list[dict[str, object]]:
    rates = [in_memory() for _ in range(ROUNDS)]
    rate = statistics.median(rates)
    print(f"log, in memory: {rate:,.0f} leaves per second from document to tree, needed {NEED_MEMORY:,}")
    facts: list[dict[str, object]] = [
        {
            "name": "log, in memory: leaves per second from document to tree",
            "ours_per_s": [round(one) for one in rates],
            "needed": NEED_MEMORY,
            "ok": rate >= NEED_MEMORY,
        }
    ]
    with tempfile.TemporaryDirectory() as folder:
        facts.append(report("SQLite", asyncio.run(on_sqlite(Path(folder)))))
    facts.append(report("PostgreSQL", asyncio.run(on_postgres(need.postgres()))))
    return facts


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
