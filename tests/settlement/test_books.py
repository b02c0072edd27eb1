"""The journal, statements of accounts, proofs and exports."""

import csv
import io
import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.kernel.sheet import write_csv
from pavilion.settlement import accounts_of, exporting, ledger, postings, proving
from pavilion.settlement.ledger import Move
from pavilion.settlement.models import Entry, Guarded, Posting
from pavilion.settlement.postings import Billed
from tests import books
from tests.make import NOON

DAY = timedelta(days=1)
SALE = "S" * 26


async def post(sessions, key, moves, ref="INV-1", at=NOON, currency="USD"):
    async with sessions.begin() as session:
        return await ledger.post(session, key=key, moves=moves, currency=currency, ref=ref, at=at, by=None)


def sums(moves):
    found = {}
    for move in moves:
        found[move.account] = found.get(move.account, 0) + move.amount_minor
    return {account: amount for account, amount in found.items() if amount}


LINES = [
    Billed("hammer", 1_000, consignor=7), Billed("hammer", 500), Billed("premium", 300), Billed("charge", 40),
    Billed("tax", 60, country="BE", regime="full"), Billed("credit", 100),
]  # fmt: skip


def test_an_issue_owes_the_total_and_gives_each_part_to_whom_it_belongs():
    assert sums(postings.invoice_issued(3, "INV-1", LINES)) == {
        "asset:buyer:3": 1_900, "liability:seller:7": -1_000, "income:sales": -500, "income:premium": -300,
        "income:charge": -40, "liability:tax:BE:full": -60,
    }  # fmt: skip


def test_tax_within_the_premium_leaves_the_income():
    moves = postings.invoice_issued(3, "INV-1", [Billed("premium", 300)], memo_tax={"liability:tax:BE:margin": 52})
    assert sums(moves) == {"asset:buyer:3": 300, "income:premium": -248, "liability:tax:BE:margin": -52}


def test_a_credit_note_is_the_issue_of_its_lines_the_other_way_round():
    both = [*postings.invoice_issued(3, "INV-1", LINES), *postings.credit_note(3, "INV-1", LINES)]
    assert sums(both) == {}


EVERY = [
    postings.deposit_received("asset:stripe:ANT", 3, SALE, 10), postings.provider_fee("ANT", 10),
    postings.deposit_applied(3, SALE, "INV-1", 10), postings.payment("asset:bank:ANT", 3, "INV-1", 10),
    postings.unallocated_received("asset:bank:ANT", None, 10), postings.unallocated_matched(None, 3, "INV-1", 10),
    postings.refund_decided(postings.buyer(3), 3, 10, "INV-1"), postings.refund_confirmed(3, "asset:bank:ANT", 10),
    postings.seller_charged(7, commission_minor=5, charges_minor=3, taxes={"liability:tax:BE:full": 2}),
    postings.seller_paid(7, "ANT", 10), postings.forfeited(3, SALE, 10, {7: 4, 8: 1}), postings.forfeited(3, SALE, 10),
    postings.chargeback_opened(3, "INV-1", "ANT", 10), postings.dispute_borne("ANT", 2),
    postings.payout_left({"ANT": 12, "HKG": -2}), postings.payout_arrived({"ANT": 12, "HKG": -2}),
    postings.written_off(3, "INV-1", 10),
    postings.converted_from(3, "EUR", 10), postings.converted_to(3, "USD", 10),
    postings.invoice_issued(3, "INV-1", LINES),
]  # fmt: skip


@pytest.mark.parametrize("moves", EVERY)
def test_every_row_of_the_posting_table_sums_to_zero_and_names_the_invoice_of_what_a_buyer_owes(moves):
    assert sum(move.amount_minor for move in moves) == 0
    assert all(move.ref == "INV-1" for move in moves if move.account.startswith("asset:buyer:"))


async def test_a_posting_is_taken_back_once_and_the_invoice_stays_named(sessions):
    await post(sessions, "wire:1", postings.payment("asset:bank:ANT", 3, "INV-1", 500), ref="R-1")
    for expected in (True, False):
        async with sessions.begin() as session:
            assert await ledger.reverse(session, "wire:1", by="lena", at=NOON, ref="back") is expected
            assert await ledger.reverse(session, "never", by="lena", at=NOON) is False
    async with sessions() as session:
        rows = (await session.scalars(select(Entry).order_by(Entry.id))).all()
        assert [(row.account, row.amount_minor, row.ref) for row in rows[2:]] == [
            ("asset:bank:ANT", -500, "back"), ("asset:buyer:3", 500, "INV-1"),
        ]  # fmt: skip
        assert (await session.scalars(select(Posting.reverses).order_by(Posting.id))).all() == [None, rows[0].txn_id]


async def test_a_creditor_is_never_owed_less_than_nothing_not_even_by_a_reversal(sessions):
    await post(sessions, "in", postings.deposit_received("asset:bank:ANT", 3, SALE, 500), ref="D")
    await post(sessions, "out", postings.deposit_applied(3, SALE, "INV-1", 400), ref="D")
    with pytest.raises(ledger.Overdrawn):
        await post(sessions, "more", postings.deposit_applied(3, SALE, "INV-2", 101), ref="D")
    with pytest.raises(ledger.Overdrawn):
        async with sessions.begin() as session:
            await ledger.reverse(session, "in", by=None, at=NOON)
    async with sessions() as session:
        assert await proving.faults(session) == []
        assert await ledger.balance(session, f"liability:deposit:3:{SALE}", "USD") == -100


async def test_the_database_itself_commits_no_posting_that_does_not_balance(sessions):
    async def by_hand(*amounts):
        async with sessions.begin() as session:
            session.add(Posting(key=f"k{amounts}", at=NOON, by=None))
            await session.flush()
            txn = await session.scalar(select(func.max(Posting.id)))
            for currency, amount in amounts:
                row = Entry(txn_id=txn, account="a", currency=currency, amount_minor=amount, ref="", at=NOON)
                session.add(row)
                await session.flush()

    with pytest.raises(DBAPIError):
        await by_hand(("USD", 5))
    with pytest.raises(DBAPIError):
        await by_hand(("USD", 5), ("EUR", -5))
    await by_hand(("USD", 5), ("EUR", 3), ("USD", -2), ("EUR", -3), ("USD", -3))
    async with sessions() as session:
        assert await session.scalar(select(func.count(Entry.id))) == 5
        assert await ledger.proves(session)


async def test_a_statement_says_what_stood_there_what_moved_and_what_stands_there(sqlite_sessions):
    await post(sqlite_sessions, "invoice:1", postings.invoice_issued(3, "INV-1", [Billed("premium", 900)]))
    for n, amount in enumerate((100, 200, 300), 1):
        moves = postings.payment("asset:bank:ANT", 3, "INV-1", amount)
        await post(sqlite_sessions, f"receipt:{n}", moves, ref=f"R{n}", at=NOON + n * DAY)
    async with sqlite_sessions() as session:
        found = await accounts_of.statement(
            session, "asset:buyer:3", "USD", since=date(2026, 3, 4), until=date(2026, 3, 5)
        )  # fmt: skip
        assert (found.opening_minor, found.closing_minor) == (800, 300)
        assert [(line.kind, line.ref, line.amount_minor, line.balance_minor) for line in found.lines] == [
            ("receipt", "INV-1", -200, 600), ("receipt", "INV-1", -300, 300),
        ]  # fmt: skip
        newest = await accounts_of.statement(
            session, "asset:buyer:3", "USD", since=date(2026, 1, 1), until=date(2026, 12, 31), most=1
        )  # fmt: skip
        assert (newest.opening_minor, len(newest.lines), newest.cut) == (600, 1, True)
        nothing = await accounts_of.statement(
            session, "asset:buyer:9", "USD", since=date(2026, 1, 1), until=date(2026, 12, 31)
        )  # fmt: skip
        assert (nothing.opening_minor, nothing.lines, nothing.closing_minor) == (0, (), 0)
    rows = list(csv.reader(io.StringIO(b"".join(write_csv(iter(accounts_of.table(found)))).decode("utf-8-sig"))))
    assert rows[2][5:] == ["USD", "", "2.00", "6.00"] and rows[-1][8:] == ["3.00"]
    figures = b"".join(write_csv(iter([["-12.50", "-2+3", "=1"]]), figures=True)).decode("utf-8-sig")
    assert figures == "-12.50,'-2+3,'=1\r\n"


async def test_a_company_sees_its_own_accounts_and_nobody_elses(sqlite_sessions):
    await post(sqlite_sessions, "a", postings.deposit_received("asset:bank:ANT", 3, SALE, 500))
    await post(sqlite_sessions, "b", postings.deposit_received("asset:bank:ANT", 33, SALE, 700))
    await post(sqlite_sessions, "c", postings.invoice_issued(3, "INV-1", LINES[:1]))
    async with sqlite_sessions() as session:
        assert [tuple(one) for one in await accounts_of.of_company(session, 3)] == [
            ("asset:buyer:3", "USD", 1_000), (f"liability:deposit:3:{SALE}", "USD", -500),
        ]  # fmt: skip


async def test_the_books_are_proved_once_a_night_and_a_drifted_balance_is_found(sqlite_sessions):
    await post(sqlite_sessions, "a", postings.deposit_received("asset:bank:ANT", 3, SALE, 500))
    assert await proving.prove_nightly(sqlite_sessions, NOON) == 1
    assert await proving.prove_nightly(sqlite_sessions, NOON) == 0
    async with sqlite_sessions.begin() as session:
        await session.execute(update(Guarded).values(amount_minor=-400))
    assert await proving.prove_nightly(sqlite_sessions, NOON + DAY) == 1
    async with sqlite_sessions.begin() as session:
        last = await proving.last_proof(session)
        await session.execute(update(Guarded).values(amount_minor=-500))
    assert (last.name, last.subject) == ("ledger:broken", "2026-03-03")
    assert last.facts["faults"] == [
        {
            "code": "running_balance", "subject": f"liability:deposit:3:{SALE}", "currency": "USD",
            "said_minor": -400, "found_minor": -500,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(("currency", "text_of"), [("JPY", "900"), ("USD", "9.00"), ("KWD", "0.900")])
async def test_the_exports_balance_in_every_currency(sqlite_sessions, currency, text_of):
    await post(
        sqlite_sessions, "invoice:1", postings.invoice_issued(3, "INV-1", [Billed("premium", 900)]), currency=currency
    )
    async with sqlite_sessions.begin() as session:
        await ledger.reverse(session, "invoice:1", by=None, at=NOON + DAY)
    async with sqlite_sessions() as session:
        rows = await exporting.rows(session)
        assert len(await exporting.rows(session, since=date(2026, 3, 3))) == 2
        assert await exporting.rows(session, until=date(2026, 3, 1)) == []
    journal = list(exporting.journal(rows))
    assert journal[0] == ("at", "txn", "entry", "account", "currency", "debit_minor", "credit_minor", "ref")
    assert sum(int(row[5]) for row in journal[1:]) == sum(int(row[6]) for row in journal[1:]) == 1_800
    general = list(exporting.general(rows, {"asset:buyer:3": "Lumen"}))
    assert general[1][:9] == ("2026-03-02", "1", "1", "asset:buyer:3", "Lumen", currency, text_of, "", "INV-1")
    assert [row[-1] for row in general[1:]] == ["", "", "1", "1"]
    assert f"    income:premium  {currency} -{text_of}  ; ref: INV-1" in exporting.plain_text(rows)


async def test_a_move_of_nothing_is_no_entry_and_a_posting_of_nothing_no_posting(sqlite_sessions):
    assert await post(sqlite_sessions, "k", [Move("a", 0), Move("b", 0)]) is False
    assert await post(sqlite_sessions, "k", [Move("a", 5), Move("b", -5), Move("c", 0)]) is True
    async with sqlite_sessions() as session:
        assert await session.scalar(text("select count(*) from journal")) == 2


def test_the_number_of_a_company_is_read_from_its_own_accounts_only():
    said = {name: postings.company_of(name) for name in ("asset:buyer:3", "income:premium", "asset:bank:ANT")}
    assert said == {"asset:buyer:3": 3, "income:premium": None, "asset:bank:ANT": None}
    assert postings.company_of(f"liability:deposit:12:{SALE}") == 12


def test_books_that_are_not_right_are_found_when_a_test_ends(sqlite_database_url, tmp_path):
    path, copy = tmp_path / "pavilion.db", tmp_path / "copy.db"
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        books.prove_file(copy)
        database.execute("insert into postings (key, at) values ('k', 0)")
        database.execute(
            "insert into journal (txn_id, account, currency, amount_minor, ref, at) values (1, 'a', 'USD', 5, '', 0)"
        )
        with pytest.raises(AssertionError, match="posting 1"):
            books.prove_file(copy)
        database.execute(
            "insert into journal (txn_id, account, currency, amount_minor, ref, at) "
            "values (1, 'liability:refund:3', 'USD', -5, '', 0)"
        )
        with pytest.raises(AssertionError, match="liability:refund:3"):
            books.prove_file(copy)
        database.execute("insert into guarded_balances values ('liability:refund:3', 'USD', -5)")
        books.prove_file(copy)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("reversal:receipt:1", "reversal"), ("receipt.reversed:1", "reversal"), ("conversion:1:from", "conversion"),
        ("deposit:applied:INV-1", "deposit_applied"), ("deposit:taken_out:x", "deposit"),
        ("refund.owed:x", "refund_owed"),
        ("payout.arrived:po_1", "payout"), ("seller_payout:1", "seller_paid"), ("whatever", "posting"),
    ],
)  # fmt: skip
def test_a_line_of_a_statement_says_what_the_posting_was(key, kind):
    assert accounts_of.kind_of(key) == kind
    assert kind in accounts_of.KINDS
