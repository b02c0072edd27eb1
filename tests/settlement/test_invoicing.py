"""From sold lots to an issued invoice, on both databases."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import BadInput
from pavilion.settlement import invoicing, ledger, queries, service, wiring
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.ledger import Move
from pavilion.settlement.models import Invoice, Posting
from tests import make
from tests.make import NOON

TERMS = SaleTerms(
    sale="S" * 26, title_en="Spectral IV", title_zh="光谱 IV", currency="USD", entity="ANT", zone="Europe/Brussels",
    bands=((1_250_000, 2_750), (None, 2_500)), early_bands=None,
)  # fmt: skip


def sold(lot="L" * 26, hammer_minor=1_000_000, consignor=7, **detail):
    facts = {"weight_mct": 1510, "species": "diamond", "report": "GIA 0001"} | detail
    return SoldLot(lot, "14", "Fancy Vivid Yellow", "艳彩黄", facts, hammer_minor, False, consignor, NOON)


async def buyer(session, country="HK", tax_no=""):
    firm = await make.company(session, country=country, tax_no=tax_no)
    return Buyer(firm.id, "P-0417", country)


async def loaded(sessions):
    async with sessions() as session:
        return (await session.scalars(select(Invoice).options(selectinload(Invoice.lines)))).all()


async def issued(sessions, *lots, country="HK", tax_no=""):
    async with sessions.begin() as session:
        who = await buyer(session, country, tax_no)
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=lots or [sold()], now=NOON)
        await invoicing.issue(session, draft, NOON)
    return (await loaded(sessions))[0]


async def test_a_sold_lot_is_billed_once_however_often_it_is_told(sessions):
    async with sessions.begin() as session:
        who = await buyer(session)
    for _ in range(3):
        async with sessions.begin() as session:
            await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold()], now=NOON)
    (draft,) = await loaded(sessions)
    assert [(line.kind, line.amount_minor) for line in draft.lines] == [
        ("hammer", 1_000_000), ("premium", 275_000), ("tax", 0),
    ]  # fmt: skip
    assert draft.total_minor == 1_275_000


async def test_a_second_lot_joins_the_same_draft(sessions):
    async with sessions.begin() as session:
        who = await buyer(session)
        await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold()], now=NOON)
    async with sessions.begin() as session:
        await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold(), sold("M" * 26, 2_000_000)], now=NOON)
    (draft,) = await loaded(sessions)
    assert draft.total_minor == 1_275_000 + 2_000_000 + 531_250
    assert sum(line.amount_minor for line in draft.lines) == draft.total_minor


async def test_a_lot_cannot_stand_on_two_invoices(sessions):
    await issued(sessions)
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            other = await buyer(session)
            await invoicing.add_lots(session, terms=TERMS, buyer=other, lots=[sold()], now=NOON)


async def test_the_tax_follows_the_buyer(sessions):
    belgian = await issued(sessions, country="BE")
    assert (belgian.regime, belgian.total_minor) == ("full", 1_275_000 + 267_750)
    assert [line.amount_minor for line in belgian.lines if line.kind == "tax"] == [267_750]


async def test_a_buyer_in_the_union_without_a_number_waits_for_a_person(sessions):
    with pytest.raises(invoicing.TaxUndecided):
        await issued(sessions, country="FR")
    assert (await issued(sessions, country="FR", tax_no="FR12345678901")).regime == "reverse"


async def test_an_issued_invoice_has_number_days_and_the_warranty(sessions):
    invoice = await issued(sessions)
    assert (invoice.number, invoice.issued_on, invoice.due_on) == ("INV-ANT-2026-000001", "2026-03-02", "2026-03-05")
    assert invoice.warranty_id == "sow-2021-polished-v1"
    assert "conflict free" in invoice.facts["warranty"]["text_en"]


async def test_coloured_stones_carry_no_diamond_warranty(sessions):
    assert (await issued(sessions, sold(species="sapphire"))).warranty_id is None


async def test_the_ledger_balances_and_knows_each_consignor(sessions):
    invoice = await issued(sessions, sold(consignor=7), sold("M" * 26, 2_000_000, consignor=8), country="BE")
    async with sessions() as session:
        assert await ledger.proves(session)
        assert await ledger.balance(session, f"asset:buyer:{invoice.company_id}", "USD") == invoice.total_minor
        assert await ledger.balance(session, "liability:seller:7", "USD") == -1_000_000
        assert await ledger.balance(session, "liability:seller:8", "USD") == -2_000_000
        assert await ledger.balance(session, "income:premium", "USD") == -(275_000 + 531_250)


async def test_thirty_two_issuers_leave_no_gap_in_the_numbers(sessions):
    ids = []
    async with sessions.begin() as session:
        for number in range(32):
            who = await buyer(session)
            draft = await invoicing.add_lots(
                session, terms=TERMS, buyer=who, lots=[sold(f"{number:026d}")], now=NOON
            )  # fmt: skip
            ids.append(draft.id)

    async def one(invoice_id):
        async with sessions.begin() as session:
            wanted = select(Invoice).where(Invoice.id == invoice_id).options(selectinload(Invoice.lines))
            await invoicing.issue(session, (await session.scalars(wanted)).one(), NOON)

    await asyncio.gather(*map(one, ids))
    numbers = sorted(invoice.number for invoice in await loaded(sessions))
    assert numbers == [f"INV-ANT-2026-{number:06d}" for number in range(1, 33)]


async def test_an_unbalanced_posting_is_refused_by_the_application_and_by_postgres(sessions):
    with pytest.raises(ledger.Unbalanced):
        async with sessions.begin() as session:
            await ledger.post(
                session, key="k", moves=[Move("asset:bank:ANT", 5)], currency="USD", ref="", at=NOON, by=None
            )
    async with sessions() as session:
        if session.get_bind().dialect.name != "postgresql":
            return
    with pytest.raises(DBAPIError, match="does not balance"):
        async with sessions.begin() as session:
            session.add(Posting(key="k", at=NOON, by=None))
            await session.flush()
            await session.execute(
                text(
                    "insert into journal (txn_id, account, currency, amount_minor, ref, at) "
                    "values ((select id from postings), 'asset:bank:ANT', 'USD', 5, '', now())"
                )
            )


async def test_what_is_posted_cannot_be_changed(sessions):
    await issued(sessions)
    for statement in ("update journal set amount_minor = 1", "delete from postings"):
        with pytest.raises(DBAPIError, match="append only"):
            async with sessions.begin() as session:
                await session.execute(text(statement))


async def entered(sessions, invoice, amount_minor, reference="B-1"):
    async with sessions.begin() as session:
        tomas = await make.actor(session, f"tomas-{uuid4().hex[:8]}@pavilion.example", (Role.CASHIER,))
        return await service.enter_wire(
            session, number=invoice.number, amount_minor=amount_minor, currency="USD", value_date=date(2026, 3, 3),
            bank_reference=reference, actor=tomas, now=NOON,
        )  # fmt: skip


async def confirmed(sessions, proposal, email):
    async with sessions.begin() as session:
        lead = await make.actor(session, email, (Role.LEAD,))
        await accounts.decide(
            session, proposal_id=proposal.public_id, approve=True, actor=lead,
            handlers=service.PROPOSAL_HANDLERS, now=NOON + timedelta(minutes=1),
        )  # fmt: skip


async def test_a_transfer_counts_when_a_second_person_confirmed_it(sessions):
    invoice = await issued(sessions)
    proposal = await entered(sessions, invoice, 1_000_000)
    assert (await loaded(sessions))[0].state == "issued"
    await confirmed(sessions, proposal, "lena@pavilion.example")
    async with sessions() as session:
        assert await queries.open_minor(session, invoice) == 275_000
    await confirmed(sessions, await entered(sessions, invoice, 275_000, "B-2"), "lou@pavilion.example")
    assert (await loaded(sessions))[0].state == "paid"
    async with sessions() as session:
        assert await ledger.balance(session, f"asset:buyer:{invoice.company_id}", "USD") == 0
        assert await ledger.proves(session)


async def test_nothing_and_a_known_reference_are_refused(sessions):
    invoice = await issued(sessions)
    with pytest.raises(BadInput):
        await entered(sessions, invoice, 0)
    await confirmed(sessions, await entered(sessions, invoice, 100), "lena@pavilion.example")
    with pytest.raises(wiring.DuplicateReference):
        await entered(sessions, invoice, 100)


async def test_a_repeated_posting_posts_nothing(sessions):
    moves = [Move("asset:bank:ANT", 5), Move("clearing:fx", -5)]
    for expected in (True, False):
        async with sessions.begin() as session:
            done = await ledger.post(session, key="k", moves=moves, currency="USD", ref="", at=NOON, by=None)
        assert done is expected
    async with sessions() as session:
        assert await session.scalar(select(func.count(Posting.id))) == 1
