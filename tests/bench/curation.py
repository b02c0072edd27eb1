"""Five hundred lots of one draft: one moved, all put into another order, all numbered anew; and two curators who move
lots at random at the same time, a thousand times in all; two hundred commands taken back; and a sale of 250 lots built
from a workbook, beside openpyxl, which only reads that workbook.

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
from sqlalchemy import func, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import arranging, changes, curation, ranks, sheet_applying, sheet_comparing, sheets
from pavilion.auctions.models import Command, Lot, LotMove, LotStone, Sale
from pavilion.kernel import db
from tests import need
from tests.auctions import world
from tests.conftest import SEAL, make_schema, on_database, run_sql
from tests.luck import Random
from tests.make import NOON

LOTS, TRIES, MOVES, COMMANDS = 500, 15, 1_000, 200
SHEET, SHEET_S = 250, 2
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
        return [
            *found,
            await two_curators(name, sessions, house, sale),
            await taken_back(name, sessions, house, beside),
            await from_workbook(name, sessions, house),
        ]
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


async def taken_back(name: str, sessions: db.Sessions, house: world.World, sale: str) -> dict[str, object]:
    """Two hundred commands of every kind, then all of them taken back, the last first: byte by byte what was before."""
    luck, last = Random(7), 0
    async with sessions.begin() as session:
        said: dict[str, Any] = {"sale": sale, "actor": house.curator, "now": NOON}
        heading = await arranging.name_group(session, names=("Whites", "白钻"), **said)
        last = await session.scalar(select(func.max(Command.id))) or 0
    before = await document(sessions, sale)
    for _ in range(COMMANDS):
        async with sessions.begin() as session:
            await one_command(session, luck, said, str(heading.id))
    after = await document(sessions, sale)
    async with sessions() as session:
        wanted = select(Command.id).where(Command.id > last).order_by(Command.id.desc())
        commands = (await session.scalars(wanted)).all()
    begun = time.perf_counter()
    for command in commands:
        async with sessions.begin() as session:
            await changes.undo(session, command=command, **said)
    seconds = time.perf_counter() - begun
    same = len(commands) == COMMANDS and after != before == await document(sessions, sale)
    facts: dict[str, object] = {
        "name": f"{COMMANDS} commands taken back, {name}",
        "undo_ms": round(1000 * seconds / COMMANDS, 1),
        "byte_equal": same,
        "ok": same,
    }
    print(f"{facts['name']}: {facts['undo_ms']} ms each, byte by byte what was before: {same}")
    return facts


async def one_command(session: AsyncSession, luck: Random, said: dict[str, Any], heading: str) -> None:
    """One of every kind, which always changes something."""
    lots = (await session.scalars(select(Lot).where(Lot.sale.has(public_id=said["sale"])).order_by(Lot.rank))).all()
    order = [lot.public_id for lot in lots]
    some = luck.sample(list(lots), 3)
    names = [lot.public_id for lot in some]
    kind = luck.randint(0, 6)
    if kind == 0:
        step = 1_000_000 + luck.randint(0, 10**9)
        edits = {lot.public_id: (lot.version, {"low_minor": step, "tags": [str(step)]}) for lot in some}
        await curation.edit_lots(session, edits=edits, **said)
    elif kind == 1:
        await curation.number_lots(session, start=luck.randint(1, 90_000), **said)
    elif kind == 2:
        await curation.remove_lots(session, lots=names[:1], **said)
    elif kind == 3:
        to = heading if any(lot.group_id is None for lot in some) else "none"
        await arranging.send_lots(session, lots=names, to=to, **said)
    elif kind == 4:
        await arranging.arrange_lots(session, order=luck.sample(order, len(order)), kind="arrange", **said)
    elif kind == 5:
        await arranging.arrange_lots(session, order=[*order[1:], order[0]], kind="arrange", **said)
    else:
        await curation.move_lots(session, lots=[order[-1]], position=luck.randint(0, len(order) // 2), **said)


async def document(sessions: db.Sessions, sale: str) -> bytes:
    """Everything that the lots of the sale say."""
    async with sessions() as session:
        rows = (await session.scalars(select(Lot).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))).all()
        held = await session.execute(select(LotStone.lot_id, LotStone.place, LotStone.stone_id))
        stones = sorted(tuple(row) for row in held)
    ids = {lot.id: lot.public_id for lot in rows}
    said = [{"lot": lot.public_id} | changes.facts_of(lot) for lot in rows]
    return json.dumps([said, sorted((ids[lot], *rest) for lot, *rest in stones if lot in ids)]).encode()


async def from_workbook(name: str, sessions: db.Sessions, house: world.World) -> dict[str, object]:
    """A draft without lots, and its list from a file: read, looked at, applied."""
    import openpyxl  # slow to come in

    async with sessions.begin() as session:
        stones = await world.stones(session, house.supplier, SHEET, first=2 * LOTS + 1)
        await world.expose(session, stones)
    sale = await world.draft(sessions, house, 0)
    book = openpyxl.Workbook()
    book.active.append(["stones", "number", "title_en", "estimate_low USD", "estimate_high USD", "opening USD"])
    for at, stone in enumerate(stones, 1):
        book.active.append([stone, at, f"Brilliant {at}", 5000, 7000, 4000])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lots.xlsx"
        book.save(path)
        begun = time.perf_counter()
        sum(1 for _ in openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True))
        peer = time.perf_counter() - begun
        begun = time.perf_counter()
        read = sheets.read_file(path, "USD")
    async with sessions.begin() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        assert row is not None
        await sheet_comparing.compare(session, row, read, house.curator)
    async with sessions.begin() as session:
        await sheet_applying.apply_sheet(session, sale=sale, read=read, actor=house.curator, now=NOON)
    seconds = time.perf_counter() - begun
    made = len(await world.order(sessions, sale))
    facts: dict[str, object] = {
        "name": f"{SHEET} lots from a workbook, {name}",
        "s": round(seconds, 2),
        "of_openpyxl_reading": round(seconds / peer, 1),
        "ok": made == SHEET and seconds <= SHEET_S,
    }
    print(f"{facts['name']}: {seconds:.2f} s, needed {SHEET_S}; openpyxl reads the file in {peer:.2f} s")
    return facts


LOCKED = "select id from sales where public_id = {sale}"
READ = (
    "select id, public_id, rank from lots where sale_id = (select id from sales where public_id = {sale}) order by rank"
)
LAPSED = "select id from proposals where subject = {sale} and state = 'open'"
COMMAND = (
    'insert into curation_commands (sale_id, kind, "by", at, changes, reason) '
    "values ({id}, 'move', {by}, {at}, {changes}, '')"
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
