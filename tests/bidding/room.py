"""A sale at work without its surroundings: a writer on a real store, a clock in the hand, everything it announced."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import make_url

from pavilion.bidding import folding
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.book import BookRow, BookStore
from pavilion.bidding.book_postgres import PostgresBook
from pavilion.bidding.book_sqlite import SqliteBook
from pavilion.bidding.deciding import Answer, Bidder, BidOrder, Facts, LotFacts
from pavilion.bidding.engine import BATCH, SaleWriter
from pavilion.bidding.lease import Lease
from pavilion.bidding.news import News
from pavilion.bidding.publication import LotPublication, Publication
from pavilion.bidding.texts import canonical_text
from pavilion.bidding.vault import Vault
from pavilion.kernel.instants import stamp
from pavilion.kernel.signing import SigningKey
from tests.make import HOUR, NOON

SALE = "01SALE00000000000000000000"
TERMS = "cd" * 32
VAULT = Vault(bytes(range(32)))
SIGNER = SigningKey("auctions.example", bytes(range(32)))
OPENS = NOON - HOUR
FIRST_END = NOON + HOUR


def rules_doc(**changes):
    return {
        "v": 1,
        "format": "timed",
        "currency": "USD",
        "zone": "Europe/Brussels",
        "opens_at": stamp(OPENS),
        "increments": [[0, 5000], [100000, 10000], [200000, 25000], [500000, 50000], [1000000, 100000]],
        "mode": "add",
        "reserve_rule": "jump",
        "reserve_publish": "at_record",
        "soft_close": {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": None},
        "stagger": {"first": stamp(FIRST_END), "interval": 60, "per": 1, "breaks": []},
        "hold_results": False,
        "edge_delay_ms": 2000,
        "close_wait_extend_ms": 500,
        "outage": {"min": 10, "span": 600, "grant": 600},
        "premium": {"bands": [[None, 2500]], "early_bands": None, "early_before_hours": 48},
        "limits": {"required": True, "include_fees": True},
        "viewing_gate": None,
        "retraction": {"slip_factor": 10, "within_minutes": 15, "before_end_hours": 12},
        "jump_confirm": {"factor": 3, "steps": 10},
        "openings": "losing",
        "passed_offer_days": 5,
        "terms": TERMS,
    } | changes


def lot_id(number: int) -> str:
    return f"01LOT{number:021d}"


def publication(lots=1, opening=50_000, reserve=None, **rules):
    text = canonical_text(rules_doc(**rules))
    listed = [
        LotPublication(lot_id(k), str(k), "USD", opening, reserve, hashlib.sha256(b"%d" % k).hexdigest())
        for k in range(1, lots + 1)
    ]
    return Publication(text, hashlib.sha256(text.encode()).hexdigest(), listed)


def bidder(company: int, **changes) -> Bidder:
    return replace(Bidder(company, 100 + company, "approved", 10**12, "HK", TERMS), **changes)


def facts(lots=1, bidders=8, **changes) -> Facts:
    people = {n: bidder(n) for n in range(1, bidders + 1)}
    told = {"bidders": people, "lots": {lot_id(k): LotFacts(lot_id(k)) for k in range(1, lots + 1)}}
    return Facts(**told | changes)


class HandClock:
    """A wall clock and a monotonic one that move only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def open_store(url: str, clock) -> SqliteBook | PostgresBook:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteBook(str(parsed.database), clock)
    return PostgresBook(url)


def key() -> str:
    return secrets.token_hex(16)


@dataclass
class Room:
    writer: SaleWriter
    store: BookStore
    clock: HandClock
    rules_hash: str
    told: list[News]
    running: "asyncio.Task[None]" = field(init=False)

    def announce(self, news: News) -> None:
        self.told.append(news)

    def order(self, company=1, amount=50_000, lot=1, **changes) -> BidOrder:
        made = BidOrder(SALE, lot_id(lot), company, key(), amount, "USD", self.rules_hash, confirm=amount)
        return replace(made, **changes)

    async def bid(self, company=1, amount=50_000, lot=1, **changes) -> Answer:
        return await self.writer.place(self.order(company, amount, lot, **changes))

    async def act(self, act: str, lot: int | None = 1, **facts) -> str | None:
        named = lot_id(lot) if lot is not None else None
        return (await self.writer.place(StaffAct(SALE, act, named, **facts))).code

    def lot(self, number=1):
        return self.writer.book.lots[lot_id(number)]

    async def at(self, at: datetime) -> None:
        """It is this time now, and everything due has happened."""
        self.clock.at = at
        self.writer.ring()
        for _ in range(400):
            await asyncio.sleep(0.002)
            due = folding_due(self.writer)
            if self.running.done() or due is None or due > at:
                return
        raise AssertionError("what was due did not happen")

    def types(self) -> list[str]:
        return [line.type for news in self.told for line in news.lines]


def folding_due(writer: SaleWriter) -> datetime | None:
    from pavilion.bidding.due import next_due
    from pavilion.kernel.instants import from_micros

    due = next_due(writer.book)
    return None if due is None else from_micros(due)


async def take(store: BookStore, published: Publication, known: Facts, clock, audience, holder="one", batch=BATCH):
    """The lease and the book, created on first sight."""
    lease = await Lease.take(store, SALE, holder, clock.monotonic)
    assert lease is not None, "another holds the lease"
    stored = await store.load(SALE)
    if stored is None:
        _, wrapped = VAULT.new_sale(SALE)
        await store.create(BookRow(SALE, published.rules, published.rules_hash, wrapped, "unpublished", 0))
        stored = await store.load(SALE)
    book = folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))
    return SaleWriter(lease, store, book, known, SIGNER, clock, audience, batch=batch)


@asynccontextmanager
async def room(
    url: str, published: Publication | None = None, known: Facts | None = None, wrap=None
) -> AsyncIterator[Room]:
    """An open sale. `wrap` may put a failing store around the real one."""
    published = published or publication()
    clock = HandClock()
    real = open_store(url, clock)
    store = wrap(real) if wrap else real
    made = Room.__new__(Room)
    made.told, made.clock, made.store, made.rules_hash = [], clock, store, published.rules_hash
    made.writer = await take(store, published, known or facts(len(published.lots)), clock, made)
    made.running = asyncio.create_task(made.writer.run(published))
    async with asyncio.timeout(10):
        while not made.writer.book.lots or made.writer.book.state == "published":
            await asyncio.sleep(0.001)
            if made.running.done():
                made.running.result()
    try:
        yield made
    finally:
        made.running.cancel()
        await asyncio.gather(made.running, return_exceptions=True)
        await real.close()


MINUTE = timedelta(minutes=1)
