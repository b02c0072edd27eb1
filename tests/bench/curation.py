"""Five hundred lots of one draft: one moved, all put into another order, all numbered anew; and two curators who move
lots at random at the same time, a thousand times in all.

Server time is the command with its transaction and its commit. Beside it, as a floor, what nobody can leave out: a
transaction by the bare driver that takes the sale's lock, reads the order, writes the same keys or numbers row by row
with the history and the events told of them, and commits.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
from sqlalchemy import make_url, select

from pavilion.auctions import arranging, curation, ranks
from pavilion.auctions.models import LotMove
from pavilion.kernel import db
from tests import need
from tests.auctions import world
from tests.conftest import SEAL, make_schema, on_database, run_sql
from tests.luck import Random
from tests.make import NOON

LOTS, TRIES, MOVES = 500, 15, 1_000
MOST_MS = {"one moved": 20, "all reordered": 100, "all numbered": 100}
Written = list[tuple[str, str]]  # lot, its new key or number
Bare = Callable[[str, str, Written], Awaitable[float]]


async def measured(name: str, url: str, bare: Bare) -> list[dict[str, object]]:
    await make_schema(url)
    engine = db.create_engine(url)
    sessions = db.sessions_of(engine, SEAL)
    try:
        house = await world.build(sessions, 2 * LOTS)
        sale = await world.draft(sessions, house, LOTS)
        beside = await world.draft(sessions, replace(house, stones=house.stones[LOTS:]))
        found = [await one_kind(name, kind, sessions, house, (sale, beside), url, bare) for kind in MOST_MS]
        return [*found, await two_curators(name, sessions, house, sale)]
    finally:
        await engine.dispose()


async def one_kind(
    name: str, kind: str, sessions: db.Sessions, house: world.World, sales: tuple[str, str], url: str, bare: Bare
) -> dict[str, object]:
    """The median of the tries, and the floor's of a like draft, taken in turns so that both meet the same machine."""
    luck, took, floor = Random(3), [], []
    other = await world.order(sessions, sales[1])
    for turn in range(TRIES):
        order = await world.order(sessions, sales[0])
        begun = time.perf_counter()
        async with sessions.begin() as session:
            said: dict[str, Any] = {"session": session, "sale": sales[0], "actor": house.curator, "now": NOON}
            if kind == "one moved":
                await curation.move_lots(lots=[luck.choice(order)], position=luck.randint(0, LOTS - 1), **said)
            elif kind == "all reordered":
                await arranging.arrange_lots(order=order[::-1], kind="arrange", **said)
            else:
                await curation.number_lots(start=turn + 1, step=2, **said)
        took.append(1000 * (time.perf_counter() - begun))
        written = other[:1] if kind == "one moved" else other[::-1]
        floor.append(await bare(url, sales[1], list(zip(written, _fresh(kind, turn, len(written)), strict=True))))
    ms, least = statistics.median(took), statistics.median(floor)
    most = MOST_MS[kind]
    facts: dict[str, object] = {
        "name": f"{LOTS} lots of a draft, {kind}, {name}",
        "ms": round(ms, 1),
        "slowest_ms": round(max(took), 1),
        "floor_ms": round(least, 1),
        "of_floor": round(ms / least, 2),
        "ok": ms <= most,
    }
    print(f"{facts['name']}: {ms:.1f} ms, needed {most}; the bare statements {least:.1f} ms, {ms / least:.1f} times")
    return facts


def _fresh(kind: str, turn: int, count: int) -> list[str]:
    """Keys or numbers that no lot has had, so that the floor need not clear the old ones first."""
    if kind == "all numbered":
        return [str((turn + 2) * 10 * LOTS + n) for n in range(count)]
    return [f"{key}{ranks.ALPHABET[turn + 1]}z" for key in ranks.spread(None, None, count)]


async def two_curators(name: str, sessions: db.Sessions, house: world.World, sale: str) -> dict[str, object]:
    """No lot lost or doubled, and the history, told again one move after the other, is the order."""
    start = await world.order(sessions, sale)

    async def curate(actor: Any, luck: Random) -> None:
        for _ in range(MOVES // 2):
            chosen = luck.sample(start, luck.randint(1, 3))
            async with sessions.begin() as session:
                await curation.move_lots(
                    session, sale=sale, lots=chosen, position=luck.randint(0, LOTS - 1), actor=actor, now=NOON
                )

    begun = time.perf_counter()
    await asyncio.gather(curate(house.curator, Random(1)), curate(house.lead, Random(2)))
    seconds = time.perf_counter() - begun
    after = await world.order(sessions, sale)
    keys: dict[str, str] = {}
    async with sessions() as session:
        for move in await session.scalars(select(LotMove).where(LotMove.lot.in_(start)).order_by(LotMove.id)):
            keys[move.lot] = move.to_key or ""
    same = sorted(after) == sorted(start) and sorted(keys, key=keys.__getitem__) == after
    facts: dict[str, object] = {
        "name": f"two curators, {MOVES:,} random moves at once, {name}",
        "moves_per_s": round(MOVES / seconds),
        "replayed": same,
        "ok": same,
    }
    print(f"{facts['name']}: {facts['moves_per_s']} a second, the history told again is the order: {same}")
    return facts


LOCKED = "select id from sales where public_id = {sale}"
READ = (
    "select id, public_id, rank from lots where sale_id = (select id from sales where public_id = {sale}) order by rank"
)
LAPSED = "select id from proposals where subject = {sale} and state = 'open'"
COMMAND = (
    "insert into curation_commands (sale_id, kind, \"by\", at, changes) values ({id}, 'move', {by}, {at}, {changes})"
)


def _facts(written: Written) -> tuple[str, list[str], list[str]]:
    """The column that changes, what the events tell, and what the command remembers."""
    column = "number" if written[0][1].isdecimal() else "rank"
    told = [json.dumps({"from_key": "a", "to_key": value}) for _, value in written]
    kept = [{"lot": lot, "before": {column: "a"}, "after": {column: value}} for lot, value in written]
    return column, told, [json.dumps(kept)]


async def by_sqlite(url: str, sale: str, written: Written) -> float:
    column, told, (kept,) = _facts(written)
    async with aiosqlite.connect(make_url(url).database or "", isolation_level=None) as connection:
        await connection.execute("pragma synchronous = full")
        begun = time.perf_counter()
        await connection.execute("begin immediate")
        await connection.execute_fetchall(LAPSED.format(sale="?"), (sale,))
        ((id,),) = await connection.execute_fetchall(LOCKED.format(sale="?"), (sale,))
        await connection.execute_fetchall(READ.format(sale="?"), (sale,))
        values = [(int(value) if column == "number" else value, lot) for lot, value in written]
        await connection.executemany(f"update lots set {column} = ?, version = version + 1 where public_id = ?", values)
        moves = [(id, lot, "a", value, 0) for lot, value in written]
        await connection.executemany(
            "insert into lot_moves (sale_id, lot, from_key, to_key, at) values (?, ?, ?, ?, ?)", moves
        )
        events = [("lot:moved", lot, 0, one) for (lot, _), one in zip(written, told, strict=True)]
        await connection.executemany("insert into events (name, subject, at, facts) values (?, ?, ?, ?)", events)
        await connection.execute(COMMAND.format(id="?", by="1", at="0", changes="?"), (id, kept))
        await connection.execute("commit")
        return 1000 * (time.perf_counter() - begun)


async def by_asyncpg(url: str, sale: str, written: Written) -> float:
    column, told, (kept,) = _facts(written)
    at = make_url(url)
    host = at.host or at.query.get("host")
    connection = await asyncpg.connect(
        host=host, port=at.port, user=at.username, password=at.password, database=at.database
    )
    try:
        begun = time.perf_counter()
        async with connection.transaction():
            await connection.fetch(LAPSED.format(sale="$1"), sale)
            id = await connection.fetchval(LOCKED.format(sale="$1") + " for update", sale)
            await connection.fetch(READ.format(sale="$1"), sale)
            values = [(int(value) if column == "number" else value, lot) for lot, value in written]
            await connection.executemany(
                f"update lots set {column} = $1, version = version + 1 where public_id = $2", values
            )
            moves = [(id, lot, "a", value, NOON) for lot, value in written]
            await connection.executemany(
                "insert into lot_moves (sale_id, lot, from_key, to_key, at) values ($1, $2, $3, $4, $5)", moves
            )
            events = [("lot:moved", lot, NOON, one) for (lot, _), one in zip(written, told, strict=True)]
            await connection.executemany(
                "insert into events (name, subject, at, facts) values ($1, $2, $3, $4)", events
            )
            by = await connection.fetchval("select min(id) from people")
            await connection.execute(COMMAND.format(id="$1", by="$2", at="$3", changes="$4"), id, by, NOON, kept)
        return 1000 * (time.perf_counter() - begun)
    finally:
        await connection.close()


async def on_both() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        found = await measured("SQLite", db.sqlite_url(Path(folder) / "curation.db"), by_sqlite)
    server = need.postgres()
    await run_sql(server, "drop database if exists bench_curation", "create database bench_curation")
    found += await measured("PostgreSQL", on_database(server, "bench_curation"), by_asyncpg)
    await run_sql(server, "drop database bench_curation with (force)")
    return found


def main() -> list[dict[str, object]]:
    return asyncio.run(on_both())


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
