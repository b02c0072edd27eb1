"""The book in PostgreSQL: one fenced statement per batch, on a connection of the sale's own."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from pavilion.bidding.book import Batch, BookRow, Fenced, Held, Line, LotRow, PrivateLine, Published, Stored
from pavilion.bidding.plans import PlanRow
from pavilion.bidding.tender_book import HeldRow, SealedLine, Weighed
from pavilion.kernel.instants import from_micros, micros

# FOR SHARE makes a takeover (an UPDATE of the lease) wait for a batch in flight, and a batch that
# starts after the takeover match no row. FOR KEY SHARE does not: it lets the takeover pass.
WRITE = """
with held as (
    select sale from sale_leases where sale = $1 and epoch = $2 for share
), events as (
    insert into book_events (sale, n, lot, seq, t, at, type, prev, hash, body)
    select held.sale, x.* from held, unnest(
        $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[],
        $10::text[], $11::text[]
    ) as x
    returning 1
), bids as (
    insert into book_bids (sale, paddle, key, n, lot, seq, alias, code, sealed, entered_by, mandate)
    select held.sale, x.* from held, unnest(
        $12::bigint[], $13::text[], $14::bigint[], $15::text[], $16::bigint[], $17::text[], $18::text[], $19::bytea[],
        $20::text[], $21::text[]
    ) as x
), root as (
    insert into checkpoints (sale, size, at, text) select held.sale, $22::bigint, $23::timestamptz, $24::text from held
), standing as (
    insert into book_lots (sale, lot, number, position, currency, opening, state, seq, price, ask, leader, alias,
        reserve_met, bids, "end", published_end, paused_at, hash, sealed_reserve)
    select held.sale, x.* from held, unnest(
        $25::text[], $26::text[], $27::bigint[], $28::text[], $29::bigint[], $30::text[], $31::bigint[], $32::bigint[],
        $33::bigint[], $34::bigint[], $35::text[], $36::boolean[], $37::bigint[], $38::timestamptz[],
        $39::timestamptz[], $40::timestamptz[], $41::text[], $42::bytea[]
    ) as x
    on conflict (lot) do update set number = excluded.number, position = excluded.position,
        opening = excluded.opening, currency = excluded.currency, state = excluded.state, seq = excluded.seq,
        price = excluded.price, ask = excluded.ask, leader = excluded.leader, alias = excluded.alias,
        reserve_met = excluded.reserve_met, bids = excluded.bids, "end" = excluded."end",
        published_end = excluded.published_end, paused_at = excluded.paused_at, hash = excluded.hash,
        sealed_reserve = excluded.sealed_reserve
), book as (
    update sale_books set state = $43, size = $44 from held where sale_books.sale = held.sale
)
select count(*) from events
"""
# What few batches carry beside their events, in the same transaction.
STAFF = "insert into staff_aliases (sale, person, alias) values ($1, $2, $3)"
ENVELOPES = "insert into tender_envelopes (sale, n, lot, bidder, hash, envelope) values ($1, $2, $3, $4, $5, $6)"
OPENED = "insert into tender_opened (sale, n, code, entry, value, total, shares) values ($1, $2, $3, $4, $5, $6, $7)"
HELD_ROWS = "insert into tender_held (sale, n, invited, sealed) values ($1, $2, $3, $4)"
WEIGHED = "insert into tender_weights (sale, lot, mct, benchmark_ppc) values ($1, $2, $3, $4)"
OPENINGS = "insert into book_openings (sale, n, amount, nonce, key) values ($1, $2, $3, $4, $5)"
RESERVES = "insert into reserve_openings (sale, lot, reserve, nonce) values ($1, $2, $3, $4)"
ORDERS = "update staff_orders set done_at = $2 where id = $1"
PLANS = "insert into book_plans (sale, plan, version, place, paddle, key, at, sealed) values ($1,$2,$3,$4,$5,$6,$7,$8)"
RULE_SETS = 'insert into rule_sets (sale, hash, "text") values ($1, $2, $3) on conflict do nothing'
HELD = "select 1 from sale_leases where sale = $1 and epoch = $2 for share"
RULES = "update sale_books set rules = $2, rules_hash = $3 where sale = $1"

TAKE = """
with clock as (select clock_timestamp() as now), before as (select beat_at from sale_leases where sale = $1)
insert into sale_leases (sale, holder, epoch, expires_at, beat_at)
select $1, $2, 1, now + $3 * interval '1 microsecond', now from clock
on conflict (sale) do update
    set holder = excluded.holder, epoch = sale_leases.epoch + 1, expires_at = excluded.expires_at
    where sale_leases.expires_at < clock_timestamp()
returning epoch, (select beat_at from before), clock_timestamp()
"""
RENEW = """
update sale_leases set expires_at = clock_timestamp() + $3 * interval '1 microsecond',
    beat_at = case when $4 then clock_timestamp() else beat_at end
where sale = $1 and epoch = $2 returning clock_timestamp()
"""


class PostgresBook:
    """Batches go on one connection per sale; leases and loads share another and never wait for a batch's turn."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._connections: dict[str, asyncpg.Connection] = {}
        self._side = asyncio.Lock()

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    async def clock(self) -> datetime:
        """The database's clock, now."""
        async with self._side:
            at: datetime = await (await self._connection("")).fetchval("select clock_timestamp()")
            return at

    async def take(self, sale: str, holder: str, lease_us: int) -> Held | None:
        async with self._side:
            row = await (await self._connection("")).fetchrow(TAKE, sale, holder, lease_us)
        return None if row is None else Held(row[0], row[1] and micros(row[1]), micros(row[2]))

    async def renew(self, sale: str, epoch: int, lease_us: int, *, beat: bool) -> int | None:
        async with self._side:
            now = await (await self._connection("")).fetchval(RENEW, sale, epoch, lease_us, beat)
        return None if now is None else micros(now)

    async def release(self, sale: str, epoch: int) -> None:
        freed = (
            "update sale_leases set expires_at = clock_timestamp() - interval '1 second' where sale = $1 and epoch = $2"
        )
        async with self._side:
            await (await self._connection("")).execute(freed, sale, epoch)
        if (own := self._connections.pop(sale, None)) is not None:
            await own.close()

    async def create(self, row: BookRow) -> None:
        make = (
            "insert into sale_books (sale, rules, rules_hash, wrapped_key, state, size) "
            "values ($1, $2, $3, $4, $5, $6) on conflict (sale) do nothing"
        )
        facts = (row.sale, row.rules, row.rules_hash, row.wrapped_key, row.state, row.size)
        async with self._side:
            await (await self._connection("")).execute(make, *facts)

    async def load(self, sale: str) -> Stored | None:
        async with self._side:
            db = await self._connection("")
            async with db.transaction(isolation="repeatable_read", readonly=True):
                return await self._load(db, sale)

    async def publish(self, sale: str, published: Published) -> None:
        once = f"{OPENINGS} on conflict do nothing"
        async with self._side:
            await (await self._connection("")).executemany(once, [(sale, *one) for one in published.bids])

    async def write(self, sale: str, epoch: int, batch: Batch) -> None:
        db = await self._connection(sale)
        try:
            shown = batch.published
            if not batch.lines:
                async with db.transaction():
                    if await db.fetchval(HELD, sale, epoch) is None:
                        raise Fenced(f"sale {sale}: epoch {epoch} is over")
                    await self._write_rest(db, sale, batch)
            elif (
                batch.staff or batch.rules or batch.orders or batch.plans or batch.kept or batch.rule_sets
                or shown.bids or shown.reserves
            ):  # fmt: skip
                async with db.transaction():
                    await self._write(db, sale, epoch, batch)
                    await self._write_rest(db, sale, batch)
            else:
                await self._write(db, sale, epoch, batch)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            self._connections.pop(sale, None)
            db.terminate()
            raise

    async def _connection(self, use: str) -> asyncpg.Connection:
        known = self._connections.get(use)
        if known is None or known.is_closed():
            known = self._connections[use] = await asyncpg.connect(
                self._dsn, timeout=5, command_timeout=10, server_settings={"application_name": "pavilion engine"}
            )
        return known

    @staticmethod
    async def _write(db: asyncpg.Connection, sale: str, epoch: int, batch: Batch) -> None:
        root = batch.root
        written = await db.fetchval(
            WRITE,
            sale,
            epoch,
            *_columns(9, map(_event, batch.lines)),
            *_columns(10, map(_bid, batch.private)),
            root.size,
            from_micros(root.at),
            root.text,
            *_columns(18, map(_lot, batch.lots)),
            batch.state,
            batch.size,
        )
        if written != len(batch.lines):
            raise Fenced(f"sale {sale}: epoch {epoch} is over")

    @staticmethod
    async def _write_rest(db: asyncpg.Connection, sale: str, batch: Batch) -> None:
        await db.executemany(STAFF, [(sale, *one) for one in batch.staff])
        await db.executemany(OPENINGS, [(sale, *one) for one in batch.published.bids])
        await db.executemany(RESERVES, [(sale, *one) for one in batch.published.reserves])
        carried = [(order, from_micros(batch.root.at)) for order in batch.orders]
        await db.executemany(ORDERS, carried)
        await db.executemany(ENVELOPES, [(sale, *row) for row in batch.kept.envelopes])
        await db.executemany(OPENED, [(sale, *row) for row in batch.kept.opened])
        await db.executemany(WEIGHED, [(sale, *row) for row in batch.kept.weighed])
        await db.executemany(HELD_ROWS, [(sale, *row) for row in batch.kept.held])
        await db.executemany(PLANS, [_plan(sale, one) for one in batch.plans])
        await db.executemany(RULE_SETS, [(sale, *one) for one in batch.rule_sets])
        if batch.rules is not None:
            await db.execute(RULES, sale, *batch.rules)

    @staticmethod
    async def _load(db: asyncpg.Connection, sale: str) -> Stored | None:
        book = await db.fetchrow(
            "select sale, rules, rules_hash, wrapped_key, state, size from sale_books where sale = $1", sale
        )
        if book is None:
            return None
        lines = await db.fetch(
            "select n, lot, seq, t, at, type, prev, hash, body from book_events where sale = $1 order by n", sale
        )
        private = await db.fetch(
            "select paddle, key, n, lot, seq, alias, code, sealed, entered_by, mandate from book_bids "
            "where sale = $1 order by n",
            sale,
        )
        reserves = await db.fetch(
            "select lot, sealed_reserve from book_lots where sale = $1 and sealed_reserve is not null", sale
        )
        staff = await db.fetch("select person, alias from staff_aliases where sale = $1", sale)
        envelopes = await db.fetch(
            "select n, lot, bidder, hash, envelope from tender_envelopes where sale = $1 order by n", sale
        )
        plans = await db.fetch(
            "select plan, version, place, paddle, key, at, sealed from book_plans where sale = $1 "
            "order by version, place",
            sale,
        )
        rule_sets = await db.fetch('select hash, "text" from rule_sets where sale = $1', sale)
        held = await db.fetch("select n, invited, sealed from tender_held where sale = $1 order by n", sale)
        weighed = await db.fetch("select lot, mct, benchmark_ppc from tender_weights where sale = $1", sale)
        return Stored(
            BookRow(*book),
            [Line(n, lot, seq, micros(t), micros(at), *rest) for n, lot, seq, t, at, *rest in lines],
            [PrivateLine(*row) for row in private],
            dict(reserves),
            dict(staff),
            [SealedLine(*row) for row in envelopes],
            [
                PlanRow(plan, version, place, paddle, key, micros(at), x)
                for plan, version, place, paddle, key, at, x in plans
            ],
            dict(rule_sets),
            held=[HeldRow(*row) for row in held],
            weighed=[Weighed(*row) for row in weighed],
        )


def _columns(width: int, rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _event(x: Line) -> Sequence[Any]:
    return x.n, x.lot, x.seq, from_micros(x.t), from_micros(x.at), x.type, x.prev, x.hash, x.body


def _bid(x: PrivateLine) -> Sequence[Any]:
    return x.paddle, x.key, x.n, x.lot, x.seq, x.alias, x.code, x.sealed, x.by, x.mandate


def _plan(sale: str, x: PlanRow) -> Sequence[Any]:
    return sale, x.plan, x.version, x.place, x.paddle, x.key, from_micros(x.at), x.sealed


def _lot(x: LotRow) -> Sequence[Any]:
    paused_at = None if x.paused_at is None else from_micros(x.paused_at)
    return (
        x.lot, x.number, x.position, x.currency, x.opening, x.state, x.seq, x.price, x.ask, x.leader, x.alias,
        x.reserve_met, x.bids, from_micros(x.end), from_micros(x.published_end), paused_at, x.hash, x.sealed_reserve,
    )  # fmt: skip
