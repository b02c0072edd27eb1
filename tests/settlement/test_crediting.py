"""What was invoiced is taken back by credit notes, to the last cent, on both databases."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from pavilion.auctions import fees
from pavilion.auctions.fees import Regime, Tax
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.settlement import credit_parts, crediting, invoicing, ledger, queries, receiving
from pavilion.settlement.credit_parts import Billed
from pavilion.settlement.models import BilledLot, Invoice
from tests import make
from tests.luck import Random
from tests.make import NOON
from tests.settlement.test_invoicing import TERMS, buyer, issued, sold

ONE, TWO = "L" * 26, "M" * 26


async def paid(session, invoice, amount_minor, reference="B-1"):
    row = await queries.invoice_by_number(session, invoice.number, lock=True)
    ann, ben = [await make.person(session, f"{who}-{reference}@x.example".lower()) for who in ("ann", "ben")]
    receipt = receiving.wire(
        entity="ANT", company_id=row.company_id, currency="USD", amount_minor=amount_minor,
        value_date=date(2026, 3, 3), reference=reference, purpose=row.number, persons=(ann.id, ben.id), now=NOON,
    )  # fmt: skip
    return await receiving.book(session, receipt, row, by=None)


async def credited(sessions, invoice, **what):
    async with sessions.begin() as session:
        row = await session.get_one(Invoice, invoice.id)
        return await crediting.credit(session, row, reason="default", by=None, now=NOON + timedelta(days=9), **what)


async def balances(sessions):
    async with sessions() as session:
        assert await ledger.proves(session)
        return {account: amount for account, _, amount in await ledger.balances(session) if amount}


async def test_one_lot_goes_with_its_premium_and_its_part_of_the_tax(sessions):
    invoice = await issued(sessions, sold(consignor=7), sold(TWO, 2_000_001, consignor=8), country="BE")
    note = await credited(sessions, invoice, lots=[TWO])
    assert (note.number, note.issued_on) == ("CN-ANT-2026-000001", "2026-03-11")
    assert note.total_minor == 2_000_001 + 531_250 + 531_563
    left = await balances(sessions)
    assert left == {
        f"asset:buyer:{invoice.company_id}": 1_542_750, "liability:seller:7": -1_000_000,
        "income:premium": -275_000, "liability:tax:BE:full": -267_750,
    }  # fmt: skip
    async with sessions() as session:
        assert list(await session.scalars(select(BilledLot.lot))) == [ONE]
        row = await session.get_one(Invoice, invoice.id)
        assert (row.state, row.total_minor) == ("issued", invoice.total_minor)  # what is issued is never edited
        assert await queries.open_minor(session, row) == 1_542_750


async def test_with_the_last_lot_the_invoice_is_cancelled_and_nothing_is_owed(sqlite_sessions):
    invoice = await issued(sqlite_sessions, sold(), sold(TWO, 2_000_001), country="BE")
    for number, lot in enumerate((ONE, TWO), 1):
        assert (await credited(sqlite_sessions, invoice, lots=[lot])).number == f"CN-ANT-2026-{number:06d}"
    assert await balances(sqlite_sessions) == {}
    async with sqlite_sessions() as session:
        assert (await session.get_one(Invoice, invoice.id)).state == "cancelled"
    with pytest.raises(ActNotAllowed):
        await credited(sqlite_sessions, invoice)


async def test_what_was_paid_for_it_lies_unallocated_and_can_be_refunded(sessions):
    invoice = await issued(sessions, sold(), sold(TWO, 2_000_000))
    async with sessions.begin() as session:
        first = await paid(session, invoice, 2_000_000)
        second = await paid(session, invoice, invoice.total_minor - 2_000_000, "B-2")
    await credited(sessions, invoice, lots=[TWO])
    async with sessions() as session:
        row = await session.get_one(Invoice, invoice.id)
        assert (row.state, await queries.open_minor(session, row)) == ("paid", 0)
        assert await receiving.left_of(session, second) == second.amount_minor  # the latest payment first
        assert await receiving.left_of(session, first) == 2_531_250 - second.amount_minor
    assert (await balances(sessions))[f"liability:unallocated:{invoice.company_id}"] == -2_531_250


async def test_a_part_of_one_line_is_credited_with_its_tax_and_never_more_than_is_left(sqlite_sessions):
    invoice = await issued(sqlite_sessions, country="BE")
    hammer = next(line for line in invoice.lines if line.kind == "hammer")
    tax = next(line for line in invoice.lines if line.kind == "tax")
    note = await credited(sqlite_sessions, invoice, lines={hammer.id: 400_000})
    assert note.total_minor == 400_000 + 84_000
    for wrong in ({hammer.id: 600_001}, {hammer.id: 0}, {tax.id: 1}, {999: 1}, {}):
        with pytest.raises(BadInput):
            await credited(sqlite_sessions, invoice, lines=wrong)
    with pytest.raises(BadInput):
        await credited(sqlite_sessions, invoice, lots=["X" * 26])
    async with sqlite_sessions() as session:
        assert await session.scalar(select(BilledLot.lot)) == ONE  # it is still sold


async def test_two_who_take_back_the_same_lot_at_once_take_it_back_once(sessions):
    invoice = await issued(sessions, sold(), sold(TWO, 2_000_000))
    tries = (credited(sessions, invoice, lots=[TWO]) for _ in range(4))
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["ActNotAllowed"] * 3 + ["CreditNote"]
    assert (await balances(sessions))[f"asset:buyer:{invoice.company_id}"] == 1_275_000


async def test_a_number_never_bears_an_earlier_day_than_the_one_before_and_a_refusal_burns_none(sessions):
    midnight = datetime(2026, 3, 2, 23, tzinfo=UTC)  # in Antwerp

    async def number(lot, now, country="HK"):
        async with sessions.begin() as session:
            who = await buyer(session, country)
            draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold(lot)], now=NOON)
            issued = await invoicing.issue(session, draft, now)
            return issued.number[-1], issued.issued_on, issued.due_on

    assert await number(ONE, midnight) == ("1", "2026-03-03", "2026-03-05")
    assert await number(TWO, midnight - timedelta(seconds=1)) == ("2", "2026-03-03", "2026-03-05")
    with pytest.raises(invoicing.TaxUndecided):
        await number("N" * 26, midnight, "FR")
    late = midnight + timedelta(days=14)  # after its days had passed they count from the issue
    assert await number("O" * 26, late) == ("3", "2026-03-17", "2026-03-20")


def test_many_notes_together_take_back_exactly_the_invoice():
    """Lines in any order, whole or in parts, under every regime: nothing is left, and nothing went twice."""
    draw = Random(7)
    for _ in range(400):
        tax = Tax(draw.choice(list(Regime)), draw.choice((0, 1, 550, 2_100, 2_550)))
        lots = [(draw.randint(1, 10**9), draw.randint(0, 10**8)) for _ in range(draw.randint(1, 4))]
        lines = [
            Billed(2 * n + part, kind, f"lot{n}", amount)
            for n, lot in enumerate(lots)
            for part, (kind, amount) in enumerate(zip(("hammer", "premium"), lot, strict=True))
        ]
        lines += [Billed(100 + n, "charge", None, draw.randint(1, 10**6), 0, draw.random() < 0.5) for n in range(2)]
        premiums = sum(line.amount_minor for line in lines if line.kind == "premium")
        charges = sum(line.amount_minor for line in lines if line.kind == "charge" and line.taxed)
        base = fees.tax_base(tax, sum(hammer for hammer, _ in lots), premiums, charges)
        lines.append(Billed(200, "tax", None, fees.tax_on(tax, base)))
        memo, memo_gone, whole = fees.memo_tax(tax, premiums), 0, False
        while not whole:
            left = [line for line in lines if line.left and line.kind != "tax"]
            taken = {line.id: draw.choice((line.left, draw.randint(1, line.left))) for line in left[:2]}
            found = credit_parts.parts(lines, taken, tax, memo_tax_minor=memo, memo_credited_minor=memo_gone)
            gone = dict(found.lines)
            assert all(0 < gone[line.id] <= line.left for line in lines if line.id in gone)
            lines = [line._replace(credited_minor=line.credited_minor + gone.get(line.id, 0)) for line in lines]
            memo_gone, whole = memo_gone + found.memo_tax_minor, found.whole
        assert all(line.left == 0 for line in lines) and memo_gone == memo
