"""The book in SQLite: one thread, one connection, one immediate transaction per batch."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

from pavilion.bidding.book import Batch, BookRow, Fenced, Held, Line, LotRow, PrivateLine, Published, Stored
from pavilion.bidding.plans import PlanRow
from pavilion.bidding.tender_book import HeldRow, SealedLine, Weighed
from pavilion.kernel.clock import Clock
from pavilion.kernel.instants import micros

T = TypeVar("T")
BUSY_TIMEOUT_S = 5
# 256 MB of log. The house's other connections copy the log into the file with their own commits, several times a second
# while a room is busy; a bid waits for that only if they have all stopped.
CHECKPOINT_PAGES = 65_536
CACHE_KB = 65_536  # the pages of the key index that a hot lot keeps touching stay in memory

RULE_SETS = 'insert into rule_sets (sale, hash, "text") values (?, ?, ?) on conflict do nothing'
HELD = "select 1 from sale_leases where sale = ? and epoch = ?"
EVENTS = """
insert into book_events (sale, n, lot, seq, t, at, type, prev, hash, body) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BIDS = """
insert into book_bids (sale, paddle, key, n, lot, seq, alias, code, sealed, entered_by, mandate)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
LOTS = """
insert into book_lots (sale, lot, number, position, currency, opening, state, seq, price, ask, leader, alias,
    reserve_met, bids, "end", published_end, paused_at, hash, sealed_reserve)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (lot) do update set number = excluded.number, position = excluded.position, opening = excluded.opening,
    currency = excluded.currency, state = excluded.state, seq = excluded.seq, price = excluded.price,
    ask = excluded.ask, leader = excluded.leader, alias = excluded.alias, reserve_met = excluded.reserve_met,
    bids = excluded.bids,
    "end" = excluded."end", published_end = excluded.published_end, paused_at = excluded.paused_at,
    hash = excluded.hash, sealed_reserve = excluded.sealed_reserve
"""
ENVELOPES = "insert into tender_envelopes (sale, n, lot, bidder, hash, envelope) values (?, ?, ?, ?, ?, ?)"
OPENED = "insert into tender_opened (sale, n, code, entry, value, total, shares) values (?, ?, ?, ?, ?, ?, ?)"
HELD_ROWS = "insert into tender_held (sale, n, invited, sealed) values (?, ?, ?, ?)"
WEIGHED = "insert into tender_weights (sale, lot, mct, benchmark_ppc) values (?, ?, ?, ?)"
PLANS = "insert into book_plans (sale, plan, version, place, paddle, key, at, sealed) values (?, ?, ?, ?, ?, ?, ?, ?)"
OPENINGS = "insert into book_openings (sale, n, amount, nonce, key) values (?, ?, ?, ?, ?)"
TAKE = """
insert into sale_leases (sale, holder, epoch, expires_at, beat_at) values (?, ?, 1, ?, ?)
on conflict (sale) do update set holder = excluded.holder, epoch = epoch + 1, expires_at = excluded.expires_at
where expires_at < ?
returning epoch
"""


Turn = Callable[[], AbstractAsyncContextManager[None]]


class SqliteBook:
    """The process that holds the file is its own clock. `turn`: where the writers of the process wait for one another;
    a bid that only asked the file would come after every page that queues."""

    def __init__(self, path: str, clock: Clock, turn: Turn = nullcontext) -> None:
        self._clock, self._turn = clock, turn
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="book")
        self._db = self._hand.submit(self._open, path).result()

    @staticmethod
    def _open(path: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")  # with NORMAL, power loss undoes acknowledged bids
        db.execute("pragma foreign_keys = on")
        db.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"pragma cache_size = -{CACHE_KB}")
        facts = [db.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
        assert facts == ["wal", 2, 1], f"SQLite will not be durable: {facts}"
        return db

    async def close(self) -> None:
        await self._run(self._db.close)
        self._hand.shutdown()

    async def take(self, sale: str, holder: str, lease_us: int) -> Held | None:
        return await self._alone(lambda: self._take(sale, holder, lease_us))

    async def renew(self, sale: str, epoch: int, lease_us: int, *, beat: bool) -> int | None:
        return await self._alone(lambda: self._renew(sale, epoch, lease_us, beat))

    async def release(self, sale: str, epoch: int) -> None:
        freed = "update sale_leases set expires_at = 0 where sale = ? and epoch = ?"
        await self._alone(lambda: self._db.execute(freed, (sale, epoch)))

    async def create(self, row: BookRow) -> None:
        facts = (row.sale, row.rules, row.rules_hash, row.wrapped_key, row.state, row.size)
        make = (
            "insert into sale_books (sale, rules, rules_hash, wrapped_key, state, size) values (?, ?, ?, ?, ?, ?) "
            "on conflict (sale) do nothing"
        )
        await self._alone(lambda: self._db.execute(make, facts))

    async def load(self, sale: str) -> Stored | None:
        return await self._run(lambda: self._whole(lambda: self._load(sale), "begin"))

    async def publish(self, sale: str, published: Published) -> None:
        rows = [(sale, *one) for one in published.bids]
        once = f"{OPENINGS} on conflict do nothing"
        await self._alone(lambda: self._db.executemany(once, rows))

    async def write(self, sale: str, epoch: int, batch: Batch) -> None:
        await self._alone(lambda: self._write(sale, epoch, batch))

    async def _alone(self, work: Callable[[], T]) -> T:
        async with self._turn():
            return await self._run(lambda: self._whole(work))

    # -- in the thread ------------------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._hand, work)

    def _whole(self, work: Callable[[], T], begin: str = "begin immediate") -> T:
        """All of the work or none; IMMEDIATE takes the write lock now, not at the first insert."""
        self._db.execute(begin)
        try:
            result = work()
            self._db.execute("commit")
        finally:
            if self._db.in_transaction:
                self._db.execute("rollback")
        return result

    def _take(self, sale: str, holder: str, lease_us: int) -> Held | None:
        now = micros(self._clock())
        before = self._db.execute("select beat_at from sale_leases where sale = ?", (sale,)).fetchone()
        row = self._db.execute(TAKE, (sale, holder, now + lease_us, now, now)).fetchone()
        return None if row is None else Held(row[0], before and before[0], now)

    def _renew(self, sale: str, epoch: int, lease_us: int, beat: bool) -> int | None:
        now = micros(self._clock())
        kept = self._db.execute(
            "update sale_leases set expires_at = ?, beat_at = case when ? then ? else beat_at end "
            "where sale = ? and epoch = ?",
            (now + lease_us, beat, now, sale, epoch),
        )
        return now if kept.rowcount == 1 else None

    def _write(self, sale: str, epoch: int, batch: Batch) -> None:
        db = self._db
        if db.execute(HELD, (sale, epoch)).fetchone() is None:
            raise Fenced(f"sale {sale}: epoch {epoch} is over")
        db.executemany(PLANS, [(sale, *one) for one in batch.plans])
        if not batch.lines:
            return
        db.executemany(EVENTS, _events(sale, batch.lines))
        db.executemany(BIDS, _bids(sale, batch.private))
        db.executemany(LOTS, [_lot(sale, lot) for lot in batch.lots])
        db.executemany(
            "insert into staff_aliases (sale, person, alias) values (?, ?, ?)", [(sale, *one) for one in batch.staff]
        )
        root = batch.root
        db.execute(
            'insert into checkpoints (sale, size, at, "text") values (?, ?, ?, ?)',
            (sale, root.size, root.at, root.text),
        )
        db.executemany(OPENINGS, [(sale, *one) for one in batch.published.bids])
        db.executemany(
            "insert into reserve_openings (sale, lot, reserve, nonce) values (?, ?, ?, ?)",
            [(sale, *one) for one in batch.published.reserves],
        )
        carried = [(root.at, order) for order in batch.orders]
        db.executemany("update staff_orders set done_at = ? where id = ?", carried)
        for statement, rows in (
            (ENVELOPES, batch.kept.envelopes),
            (OPENED, batch.kept.opened),
            (WEIGHED, batch.kept.weighed),
            (HELD_ROWS, batch.kept.held),
        ):
            db.executemany(statement, [(sale, *row) for row in rows])
        db.executemany(RULE_SETS, [(sale, *one) for one in batch.rule_sets])
        if batch.rules is not None:
            db.execute("update sale_books set rules = ?, rules_hash = ? where sale = ?", (*batch.rules, sale))
        db.execute("update sale_books set state = ?, size = ? where sale = ?", (batch.state, batch.size, sale))

    def _load(self, sale: str) -> Stored | None:
        db = self._db
        book = db.execute(
            "select sale, rules, rules_hash, wrapped_key, state, size from sale_books where sale = ?", (sale,)
        ).fetchone()
        if book is None:
            return None
        lines = db.execute(
            "select n, lot, seq, t, at, type, prev, hash, body from book_events where sale = ? order by n", (sale,)
        )
        private = db.execute(
            "select paddle, key, n, lot, seq, alias, code, sealed, entered_by, mandate from book_bids "
            "where sale = ? order by n",
            (sale,),
        )
        reserves = db.execute(
            "select lot, sealed_reserve from book_lots where sale = ? and sealed_reserve is not null", (sale,)
        )
        staff = db.execute("select person, alias from staff_aliases where sale = ?", (sale,))
        envelopes = db.execute(
            "select n, lot, bidder, hash, envelope from tender_envelopes where sale = ? order by n", (sale,)
        )
        plans = db.execute(
            "select plan, version, place, paddle, key, at, sealed from book_plans where sale = ? "
            "order by version, place",
            (sale,),
        )
        rule_sets = db.execute('select hash, "text" from rule_sets where sale = ?', (sale,))
        held = db.execute("select n, invited, sealed from tender_held where sale = ? order by n", (sale,))
        weighed = db.execute("select lot, mct, benchmark_ppc from tender_weights where sale = ?", (sale,))
        return Stored(
            BookRow(*book),
            [Line(*row) for row in lines],
            [PrivateLine(*row) for row in private],
            dict(reserves.fetchall()),
            dict(staff.fetchall()),
            [SealedLine(*row) for row in envelopes],
            [PlanRow(*row) for row in plans],
            dict(rule_sets.fetchall()),
            held=[HeldRow(n, bool(invited), sealed) for n, invited, sealed in held],
            weighed=[Weighed(*row) for row in weighed],
        )


def _events(sale: str, lines: Sequence[Line]) -> list[tuple[object, ...]]:
    return [(sale, *line) for line in lines]


def _bids(sale: str, private: Sequence[PrivateLine]) -> list[tuple[object, ...]]:
    return [(sale, *one) for one in private]


def _lot(sale: str, x: LotRow) -> tuple[object, ...]:
    return (
        sale, x.lot, x.number, x.position, x.currency, x.opening, x.state, x.seq, x.price, x.ask, x.leader, x.alias,
        x.reserve_met, x.bids, x.end, x.published_end, x.paused_at, x.hash, x.sealed_reserve,
    )  # fmt: skip
