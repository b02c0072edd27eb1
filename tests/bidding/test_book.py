"""Both stores keep the same promises; every test here runs on each."""

import asyncio
import hashlib
import json
import os

import pytest
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError

from pavilion.bidding import texts
from pavilion.bidding.book import Fenced
from pavilion.bidding.book_postgres import PostgresBook
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.vault import Opening
from pavilion.kernel import events
from pavilion.kernel.canon import canonical
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.kernel.instants import from_micros
from pavilion.kernel.tlog import leaf_hash
from tests.bidding.room import SALE, VAULT, facts, open_store, room
from tests.make import NOON


@pytest.fixture
async def sale(database_url):
    async with room(database_url) as made:
        await made.bid(1, 60_000)
        await made.bid(2, 51_000)
        yield made


async def test_every_event_is_in_canonical_form_and_hashed_as_a_leaf(sale):
    for line in (await sale.store.load(SALE)).lines:
        assert canonical(json.loads(line.body)) == line.body.encode()
        assert leaf_hash(line.body.encode()).hex() == line.hash


async def test_commitments_are_those_of_the_worked_example():
    nonce = bytes(range(32)).hex()
    opening = Opening(300_000, "USD", "ab" * 32, nonce, None, None)
    key = "7f9c1e0a5b3d4c2e8f6a7b8c9d0e1f20"
    commit = "62478fe2a419f0a11ad8196d88e7cd0fa997aa5b7cab0fd369e4b605475b256d"
    assert texts.bid_commitment("S-DEMO", "L-0001", "A", key, opening) == commit
    reserve = "f425ea00610547b873bb6f096acf0072ba8c12d310a55b88a7260656ff1fad75"
    assert texts.reserve_commitment("S-DEMO", "L-0001", "USD", 250_000, nonce) == reserve


async def test_a_line_read_by_sql_is_the_line_that_was_written(sale, database_url):
    engine = create_engine(database_url)
    async with sessions_of(engine)() as session:
        stored = (await sale.store.load(SALE)).lines
        rows = (await session.scalars(select(BookEvent).order_by(BookEvent.n))).all()
        assert [(row.n, row.lot, row.seq, row.at, row.body) for row in rows] == [
            (line.n, line.lot, line.seq, from_micros(line.at), line.body) for line in stored
        ]
        lot = await session.scalar(select(BookLot))
        assert (lot.leader, lot.alias, lot.price, lot.bids, lot.reserve_met) == (101, "A", 50_000, 1, None)
    await engine.dispose()


async def test_an_old_epoch_writes_nothing(sale):
    before = (await sale.store.load(SALE)).lines
    batch = sale.writer._batch(folded(sale))
    with pytest.raises(Fenced):
        await sale.store.write(SALE, sale.writer.lease.epoch - 1, batch)
    assert (await sale.store.load(SALE)).lines == before


def folded(sale):
    from pavilion.bidding.deciding import decide_bid
    from pavilion.bidding.folding import Draft

    draft = Draft(sale.writer.book, sale.writer.book.at + 1)
    decide_bid(draft, sale.writer.facts, sale.order(3, 90_000), sale.writer.book.at + 1)
    return draft


async def test_a_repeated_place_is_refused_and_takes_its_batch_with_it(sale):
    batch = sale.writer._batch(folded(sale))
    await sale.store.write(SALE, sale.writer.lease.epoch, batch)
    before = (await sale.store.load(SALE)).lines
    with pytest.raises(Exception, match=r"(?i)unique"):
        await sale.store.write(SALE, sale.writer.lease.epoch, batch)
    assert (await sale.store.load(SALE)).lines == before


@pytest.mark.parametrize("table", ["book_events", "checkpoints", "book_bids"])
@pytest.mark.parametrize("act", ["update {} set sale = 'x'", "delete from {}"])
async def test_the_database_itself_keeps_the_book(sale, database_url, table, act):
    engine = create_engine(database_url)
    with pytest.raises(DBAPIError):
        async with engine.begin() as connection:
            await connection.execute(text(act.format(table)))
    await engine.dispose()


async def test_a_lease_is_taken_once_and_again_when_it_is_given_back(database_url):
    store = open_store(database_url, lambda: NOON)
    first = await store.take(SALE, "one", 1_500_000)
    assert first.epoch == 1 and await store.take(SALE, "two", 1_500_000) is None
    assert await store.renew(SALE, 1, 1_500_000, beat=True) is not None
    await store.release(SALE, 1)
    second = await store.take(SALE, "two", 1_500_000)
    assert second.epoch == 2 and second.beat_at is not None
    assert await store.renew(SALE, 1, 1_500_000, beat=True) is None
    await store.close()


async def test_a_takeover_waits_for_the_batch_in_flight(postgres_url):
    """FOR SHARE, not FOR KEY SHARE: the second would let the new owner start too soon."""
    async with room(postgres_url) as sale:
        theirs = PostgresBook(postgres_url)
        db = await sale.store._connection(SALE)
        other = await theirs._connection("")
        async with db.transaction():
            await PostgresBook._write(db, SALE, sale.writer.lease.epoch, sale.writer._batch(folded(sale)))
            takeover = asyncio.create_task(other.execute("update sale_leases set epoch = epoch + 1"))
            blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            watcher = await theirs._connection("watcher")
            async with asyncio.timeout(5):
                while not await watcher.fetchval(blocked):  # noqa: ASYNC110 - the database rings no bell
                    await asyncio.sleep(0.005)
            assert not takeover.done()
        await takeover
        with pytest.raises(Fenced):
            await sale.store.write(SALE, sale.writer.lease.epoch, sale.writer._batch(folded(sale)))
        await theirs.close()


async def test_two_bidders_racing_for_one_price_are_decided_once_each(sale):
    answers = await asyncio.gather(*(sale.bid(n, 65_000) for n in range(3, 9)))
    assert [answer.result for answer in answers].count("accepted") == 1
    assert sorted({answer.code for answer in answers} - {None}) == ["below_ask"]


async def test_a_sealed_bid_opens_only_in_its_own_place(sale):
    vault = VAULT.of_sale(SALE, (await sale.store.load(SALE)).book.wrapped_key)
    one = (await sale.store.load(SALE)).private[0]
    assert vault.open_bid(one.sealed, one.lot, one.paddle, one.key).amount == 60_000
    for place in ((one.lot, one.paddle + 1, one.key), (one.lot, one.paddle, "0" * 32), ("x", one.paddle, one.key)):
        with pytest.raises(Exception, match=r"^$"):
            vault.open_bid(one.sealed, *place)


def test_templates_write_the_canonical_form():
    data = {"bidder": "A", "commit": "c" * 64, "via": "online", "leader": "HOUSE", "price": 1, "ask": 2}
    for met in (None, True, False):
        for extended in (None, "2026-03-02T10:00:00.000000Z"):
            full = data | {"reserve_met": met, "end": "2026-03-02T10:00:00.000000Z", "extended": extended}
            assert texts.accepted_text(full).encode() == canonical(full)
    refused = {"bidder": "A", "commit": "c" * 64, "code": "below_ask", "after": 3}
    assert texts.refused_text(refused).encode() == canonical(refused)
    assert hashlib.sha256(b"\x00x").hexdigest() == texts.event_hash("x")


def size_of(path: str) -> int:
    return os.path.getsize(path)


async def test_the_houses_other_commits_copy_the_books_log_into_the_file(sqlite_database_url):
    """So that no bid waits for it: the book's own connection copies only as a last resort."""
    path = make_url(sqlite_database_url).database
    async with room(sqlite_database_url, known=facts(bidders=2)) as sale:
        for n in range(150):  # some ten pages of log each
            assert (await sale.bid(1 + n % 2, 100_000 + 300_000 * n)).result == "accepted"
        before = size_of(path)
        engine = create_engine(sqlite_database_url)
        async with sessions_of(engine).begin() as session:
            events.record(session, "stone:seen", "X", by=None, at=NOON)
        after = size_of(path)
        await engine.dispose()
    assert after > before
