"""Durable accepted bids per second on one hot lot with 64 bidders, ours beside the usual ways, round by round.

Ours is the product's own path: every check, sealed maxima, the hash chain, the tree, a signed checkpoint per batch and
the projection that pages read. Beside it, on PostgreSQL, the same rules in a transaction per bid with SELECT .. FOR
UPDATE on a connection per bidder, spared the encryption, tree and signatures; on SQLite, the same writer with the same
evidence that stores each bid in a transaction of its own.
"""

import asyncio
import hashlib
import itertools
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import asyncpg

from pavilion.bidding import rules
from pavilion.bidding.engine import BATCH
from pavilion.bidding.texts import canonical_text
from pavilion.bidding.wiring import steady_memory
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import sqlite_url
from pavilion.kernel.instants import micros, stamp
from tests import need
from tests.bidding import room
from tests.conftest import make_schema, on_database, run_sql

BIDDERS, ROUNDS, SECONDS = 64, 5, 2.0
STEP = 100
NEED_POSTGRES, NEED_SQLITE = 10, 10
INCREMENTS = rules.Increments(((0, STEP),))
TERMS = rules.LotTerms(STEP, None, "jump", INCREMENTS)

Place = Callable[[int, int], Awaitable[bool]]  # bidder, amount -> accepted


async def accepted_per_second(place: Place, amounts: "itertools.count[int]") -> float:
    """64 bidders, each bidding again as soon as the last answer came; every amount outbids those before it."""
    done, until = 0, time.perf_counter() + SECONDS

    async def bidder(number: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            accepted = await place(number, next(amounts))
            done += accepted

    started = time.perf_counter()
    await asyncio.gather(*(bidder(number) for number in range(1, BIDDERS + 1)))
    return done / (time.perf_counter() - started)


class Ours:
    """The writer on this database."""

    def __init__(self, url: str, batch: int = BATCH) -> None:
        self.url, self.batch = url, batch

    async def __aenter__(self) -> Place:
        now = utc_now()
        published = room.publication(
            opening=STEP,
            increments=[[0, STEP]],
            opens_at=stamp(now - room.MINUTE),
            stagger={"first": stamp(now + 60 * room.MINUTE), "interval": 60, "per": 1, "breaks": []},
        )
        clock = RealClock()
        self.store = room.open_store(self.url, clock)
        people = {n: room.bidder(n, limit=10**15) for n in range(1, BIDDERS + 1)}
        known = room.Facts(people, room.facts().lots)
        writer = await room.take(self.store, published, known, clock, Nobody(), batch=self.batch)
        self.task = asyncio.create_task(writer.run(published))
        self.keeping = asyncio.create_task(writer.lease.keep())
        while writer.book.state != "open":  # noqa: ASYNC110 - once per round
            await asyncio.sleep(0.01)
        lot, named = room.lot_id(1), published.rules_hash

        async def place(bidder: int, amount: int) -> bool:
            bid = room.BidOrder(room.SALE, lot, bidder, f"{amount:032x}", amount, "USD", named, amount)
            return (await writer.place(bid)).result == "accepted"

        return place

    async def __aexit__(self, *_: object) -> None:
        for task in (self.task, self.keeping):
            task.cancel()
        await asyncio.gather(self.task, self.keeping, return_exceptions=True)
        await self.store.close()


class RealClock:
    def __call__(self):
        return utc_now()

    def monotonic(self) -> float:
        return time.monotonic()


class Nobody:
    def announce(self, news) -> None:
        pass


TABLES = (
    "create table plain_lots (lot bigint primary key, seq bigint not null, hash text not null, first text, "
    "first_max bigint, first_seq bigint, second text, second_max bigint, second_seq bigint)",
    "create table plain_bids (lot bigint not null, seq bigint not null, bidder text not null, key text not null, "
    "amount bigint not null, hash text not null, body text not null, primary key (lot, seq), unique (bidder, key))",
    f"insert into plain_lots values (1, 0, '{'0' * 64}', null, null, null, null, null, null)",
)
LOCK = "select seq, hash, first, first_max, first_seq, second, second_max, second_seq from plain_lots where lot = 1"


def decide(row, bidder: str, amount: int):
    """The same rules: what becomes of the lot's row and the line of its book, or None for a refusal."""
    seq, prev, first, first_max, first_seq, second, second_max, second_seq = row
    best = {}
    if first is not None:
        best[first] = (first_max, first_seq)
    if second is not None:
        best[second] = (second_max, second_seq)
    before = rules.standing(TERMS, best)
    if rules.judge_amount(TERMS, best, before, bidder, amount) is not None:
        return None
    best[bidder] = (amount, seq + 1)
    after = rules.standing(TERMS, best)
    data = {"bidder": bidder, "leader": after.leader, "price": after.price, "ask": after.ask}
    body = canonical_text({"v": 1, "seq": seq + 1, "prev": prev, "at": micros(utc_now()), "data": data})
    digest = hashlib.sha256(b"\x00" + body.encode()).hexdigest()
    two = sorted(best.items(), key=lambda one: (-one[1][0], one[1][1]))[:2]
    ranked = [(who, *held) for who, held in two] + [(None, None, None)]
    return (seq + 1, digest, *ranked[0], *ranked[1]), (seq + 1, bidder, uuid4().hex, amount, digest, body)


class ForUpdate:
    """A transaction per bid under a row lock, a connection per bidder."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Place:
        await run_sql(self.url, "drop table if exists plain_bids", "drop table if exists plain_lots", *TABLES)
        self.connections = [await asyncpg.connect(self.url) for _ in range(BIDDERS)]

        async def place(bidder: int, amount: int) -> bool:
            db = self.connections[bidder - 1]
            async with db.transaction():
                made = decide(await db.fetchrow(LOCK + " for update"), str(bidder), amount)
                if made is None:
                    return False
                lot, bid = made
                await db.execute("insert into plain_bids values (1, $1, $2, $3, $4, $5, $6)", *bid)
                await db.execute(
                    "update plain_lots set seq = $1, hash = $2, first = $3, first_max = $4, first_seq = $5, "
                    "second = $6, second_max = $7, second_seq = $8 where lot = 1",
                    *lot,
                )
            return True

        return place

    async def __aexit__(self, *_: object) -> None:
        for connection in self.connections:
            await connection.close()


async def on_postgres(server: str) -> list[tuple[float, float]]:
    rounds = []
    for _ in range(ROUNDS):
        name = f"bench_{uuid4().hex[:8]}"
        await run_sql(server, f"create database {name}")
        url = on_database(server, name)
        await make_schema(url)
        async with Ours(url) as place:
            ours = await accepted_per_second(place, amounts())
        async with ForUpdate(url) as place:
            theirs = await accepted_per_second(place, amounts())
        await run_sql(server, f"drop database {name} with (force)")
        rounds.append((ours, theirs))
    return rounds


async def on_sqlite(folder: Path) -> list[tuple[float, float]]:
    rounds = []
    for number in range(ROUNDS):
        grouped, single = (sqlite_url(folder / f"{name}-{number}.db") for name in ("grouped", "single"))
        await make_schema(grouped)
        await make_schema(single)
        async with Ours(grouped) as place:
            ours = await accepted_per_second(place, amounts())
        async with Ours(single, batch=1) as place:
            theirs = await accepted_per_second(place, amounts())
        rounds.append((ours, theirs))
    return rounds


def amounts() -> "itertools.count[int]":
    return itertools.count(10 * STEP, 2 * STEP)


def report(name: str, rounds: list[tuple[float, float]], needed: int) -> dict[str, object]:
    ratios = [ours / theirs for ours, theirs in rounds]
    ratio = statistics.median(ratios)
    facts = {
        "name": name,
        "ours_per_s": [round(ours) for ours, _ in rounds],
        "beside_per_s": [round(theirs) for _, theirs in rounds],
        "ratio": round(ratio, 1),
        "range": [round(min(ratios), 1), round(max(ratios), 1)],
        "needed": needed,
        "ok": ratio >= needed,
    }
    print(f"{name}: {facts['ratio']} times [{facts['range'][0]}-{facts['range'][1]}], needed {needed}")
    print(f"  ours {facts['ours_per_s']} accepted/s, beside {facts['beside_per_s']}")
    return facts


def main() -> list[dict[str, object]]:
    steady_memory()
    postgres = asyncio.run(on_postgres(need.postgres()))
    facts = [report("hot lot, 64 bidders, PostgreSQL: group commit / SELECT FOR UPDATE", postgres, NEED_POSTGRES)]
    with tempfile.TemporaryDirectory() as folder:
        sqlite = asyncio.run(on_sqlite(Path(folder)))
    facts.append(report("hot lot, 64 bidders, SQLite: group commit / transaction per bid", sqlite, NEED_SQLITE))
    return facts


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
