"""Money at the cashier's: transfers of four eyes, what fits no invoice, conversion, what goes back."""

import asyncio
from datetime import date, timedelta
from itertools import count

import pytest
from sqlalchemy import func, select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused
from pavilion.settlement import (
    cash_queries,
    chargebacks,
    converting,
    crediting,
    discrepancies,
    invoicing,
    ledger,
    matching,
    postings,
    queries,
    receiving,
    refunding,
    reversing,
    service,
    trail,
    wiring,
)
from pavilion.settlement.intent_models import PaymentIntent
from pavilion.settlement.matching import Loose, Owed
from pavilion.settlement.payments.port import Disputed
from pavilion.settlement.receipt_models import Allocation, Discrepancy, Receipt, Refund, Source
from pavilion.settlement.wiring import DuplicateReference, Seen
from tests import make
from tests.make import NOON
from tests.settlement.test_invoicing import TERMS, buyer, sold

DAY = timedelta(days=1)
TOTAL = 1_275_000  # of one lot of 10,000.00 with its premium
_numbers = count(1)


class Desk:
    """Two cashiers and a lead at one database."""

    def __init__(self, sessions):
        self.sessions, self.now = sessions, NOON

    async def open(self):
        async with self.sessions.begin() as session:
            self.tomas = await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
            self.cas = await make.actor(session, "cas@pavilion.example", (Role.CASHIER,))
            self.lena = await make.actor(session, "lena@pavilion.example", (Role.LEAD,))
        return self

    async def invoice(self, hammer=1_000_000):
        async with self.sessions.begin() as session:
            who = await buyer(session)
            lot = sold(f"{next(_numbers):026d}", hammer)
            draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[lot], now=NOON)
            return await invoicing.issue(session, draft, NOON)

    async def act(self, verb, *args, **said):
        async with self.sessions.begin() as session:
            return await verb(session, *args, **{"actor": self.tomas, "now": self.now, **said})

    async def agree(self, proposal, actor=None):
        async with self.sessions.begin() as session:
            return await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=actor or self.lena,
                handlers=service.PROPOSAL_HANDLERS, now=self.now,
            )  # fmt: skip

    async def wire(self, amount, reference=None, **said):
        reference = reference or f"B-{next(_numbers)}"
        seen = Seen("ANT", amount, said.pop("currency", "USD"), date(2026, 3, 2), reference, **said)
        await self.agree(await self.act(wiring.enter, seen))
        async with self.sessions() as session:
            return (await session.scalars(select(Receipt).where(Receipt.reference == reference))).one()

    async def left(self, receipt):
        async with self.sessions() as session:
            return await receiving.left_of(session, receipt)

    async def open_of(self, invoice):
        async with self.sessions() as session:
            found = await queries.invoice_by_number(session, invoice.number)
            return found.state, await queries.open_minor(session, found)

    async def balance(self, account, currency="USD"):
        async with self.sessions() as session:
            assert await ledger.proves(session)
            return await ledger.balance(session, account, currency)

    async def refunds(self):
        async with self.sessions() as session:
            return (await session.scalars(select(Refund).order_by(Refund.id))).all()


@pytest.fixture
async def desk(sessions):
    return await Desk(sessions).open()


async def paid_by_card(desk, amounts, invoice=None, source=Source.CARD):
    """Charges of the provider, one an hour."""
    made = []
    async with desk.sessions.begin() as session:
        found = await queries.invoice_by_number(session, invoice.number) if invoice else None
        for hour, amount in enumerate(amounts):
            receipt = Receipt(
                public_id=f"{next(_numbers):026d}", source=source, entity="ANT",
                company_id=found.company_id if found else None, currency="USD", amount_minor=amount,
                value_date="2026-03-02", reference="", provider_ref=f"ch_{next(_numbers)}", purpose="",
                at=NOON + timedelta(hours=hour),
            )  # fmt: skip
            made.append(await receiving.book(session, receipt, found, by=None))
    return made


async def test_what_is_paid_too_much_waits_and_then_pays_the_next_invoice_or_goes_back(desk):
    first = await desk.invoice()
    receipt = await desk.wire(TOTAL + 300_000, invoice=first.number)
    assert await desk.open_of(first) == ("paid", 0)
    assert await desk.left(receipt) == 300_000 == -await desk.balance(postings.unallocated(first.company_id))

    second = await desk.invoice()
    with pytest.raises(BadInput, match="other_company"):  # of another company
        await desk.act(matching.match, receipt.public_id, number=second.number, amount_minor=None)
    refunds = await desk.act(matching.give_back, receipt.public_id)
    assert [(one.amount_minor, one.by_wire, one.state) for one in refunds] == [(300_000, True, "decided")]
    with pytest.raises(ActNotAllowed):  # pressed twice
        await desk.act(matching.give_back, receipt.public_id)
    proposal = await desk.act(refunding.propose, [refunds[0].public_id])
    with pytest.raises(accounts.SameApprover):
        await desk.agree(proposal, desk.tomas)
    await desk.agree(proposal, desk.cas)
    for _ in range(2):
        with_ref = {"bank_reference": "OUT-1"}
        if (await desk.refunds())[0].state == "sent":
            await desk.act(refunding.carried_out, refunds[0].public_id, **with_ref)
        else:
            with pytest.raises(ActNotAllowed):
                await desk.act(refunding.carried_out, refunds[0].public_id, **with_ref)
    assert await desk.balance("asset:bank:ANT") == TOTAL
    assert await desk.balance(postings.refund(first.company_id)) == 0 == await desk.left(receipt)


async def test_money_of_a_stranger_is_offered_and_matched_in_parts(desk):
    invoice = await desk.invoice()
    receipt = await desk.wire(2_000_000)
    for amount in (0, TOTAL + 1):
        with pytest.raises(BadInput):
            await desk.act(matching.match, receipt.public_id, number=invoice.number, amount_minor=amount)
    with pytest.raises(BadInput, match="third_party_reason"):
        await desk.act(matching.match, receipt.public_id, number=invoice.number, amount_minor=1)
    why = {"reason": "its parent company, by its letter of today"}
    assert await desk.act(matching.match, receipt.public_id, number=invoice.number, amount_minor=1, **why) == 1
    assert await desk.open_of(invoice) == ("issued", TOTAL - 1)
    rest = await desk.act(matching.match, receipt.public_id, number=invoice.number, amount_minor=None, **why)
    assert rest == TOTAL - 1
    async with desk.sessions() as session:
        steps = await trail.steps(session, await trail.about_receipt(session, receipt))
    assert [one.facts["reason"] for one in steps if one.name == "payment:third_party"] == [why["reason"]] * 2
    with pytest.raises(BadInput, match="payee_account"):  # nobody knows where it came from
        await desk.act(matching.give_back, receipt.public_id)
    (back,) = await desk.act(matching.give_back, receipt.public_id, payee="Hanley Trust", payee_account="BE68 5390")
    assert (back.payee, back.payee_account) == ("Hanley Trust", "BE68 5390")
    assert await desk.open_of(invoice) == ("paid", 0)
    assert await desk.left(receipt) == 0 == -await desk.balance(postings.unallocated(None))


async def test_two_cashiers_on_one_wire_book_it_once(desk):
    invoice = await desk.invoice()
    seen = Seen("ANT", TOTAL, "USD", date(2026, 3, 2), "BNP 77/1", invoice=invoice.number)
    first = await desk.act(wiring.enter, seen)
    assert (await desk.act(wiring.enter, seen, actor=desk.cas)).public_id == first.public_id
    other = Seen("ANT", TOTAL - 1, "USD", date(2026, 3, 2), "bnp  77/1", invoice=invoice.number)
    with pytest.raises(DuplicateReference):  # the same line, read otherwise
        await desk.act(wiring.enter, other, actor=desk.cas)
    async with desk.sessions.begin() as session:  # as if both had entered it in one instant
        facts = {**first.facts}
        twin = await accounts.propose(
            session, kind=wiring.WIRE, subject="ANT  BNP 77/1", facts=facts, actor=desk.cas, now=desk.now
        )
        twin.subject = first.subject
    done = await asyncio.gather(desk.agree(first), desk.agree(twin), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DuplicateReference", "Proposal"]
    assert await desk.balance("asset:bank:ANT") == TOTAL
    with pytest.raises(DuplicateReference):
        await desk.act(wiring.enter, other)
    desk.now = NOON + 91 * DAY
    assert await desk.act(wiring.enter, Seen("ANT", 5, "USD", desk.now.date(), "BNP 77/1"))


async def test_what_cannot_be_a_transfer_is_refused_field_by_field(desk):
    invoice = await desk.invoice()
    line = Seen("ANT", 5, "USD", date(2026, 3, 2), "R")
    for changes, field in [
        ({"amount_minor": 0}, "amount"), ({"amount_minor": -1}, "amount"), ({"amount_minor": 10**15}, "amount"),
        ({"entity": "XXX"}, "entity"), ({"value_date": date(2026, 3, 4)}, "value_date"),
        ({"value_date": date(2024, 3, 4)}, "value_date"), ({"invoice": "I", "deposit": "D"}, "invoice"),
        ({"invoice": invoice.number, "payer": invoice.company_id + 1}, "payer"),
    ]:  # fmt: skip
        with pytest.raises(BadInput) as refused:
            await desk.act(wiring.enter, Seen(**{**{f: getattr(line, f) for f in line.__slots__}, **changes}))
        assert list(refused.value.fields) == [field]
    with pytest.raises(wiring.WrongCurrency):
        await desk.act(wiring.enter, Seen("ANT", 5, "XAU", date(2026, 3, 2), "R"))


async def test_money_for_a_cancelled_invoice_is_kept_and_said(desk):
    invoice = await desk.invoice()
    async with desk.sessions.begin() as session:
        await crediting.credit(session, invoice, reason="sale rescinded", by=None, now=NOON)
    receipt = await desk.wire(TOTAL, invoice=invoice.number)
    assert await desk.left(receipt) == TOTAL
    async with desk.sessions.begin() as session:
        row = (await session.scalars(select(Discrepancy))).one()
        assert (row.kind, row.invoice, row.subject) == ("invoice_closed", invoice.number, receipt.public_id)
        again = {"key": row.key, "kind": row.kind, "subject": row.subject, "facts": {}, "now": NOON}
        assert not await discrepancies.found(session, **again)
        assert await discrepancies.open_on(session, [invoice.number, "other"]) == {invoice.number}
        await discrepancies.close(session, row.public_id, word="goes back", by="x", now=NOON)
    async with desk.sessions.begin() as session:
        assert await discrepancies.open_on(session, [invoice.number]) == set()
        with pytest.raises(ActNotAllowed):
            await discrepancies.close(session, row.public_id, word="again", by="x", now=NOON)


async def test_another_currency_is_converted_by_a_rate_two_persons_recorded(desk):
    invoice = await desk.invoice()
    receipt = await desk.wire(2_000_000, currency="JPY", invoice=invoice.number)
    assert await desk.open_of(invoice) == ("issued", TOTAL)
    rate = {"to": "USD", "rate": "0.00655", "rate_source": "ECB", "rate_on": NOON.date(), "invoice": invoice.number}
    for wrong in ({"rate": "0"}, {"rate": "-1"}, {"rate": "1e3"}, {"to": "JPY"}, {"rate_on": NOON.date() + DAY},
                  {"amount_minor": 2_000_001}, {"rate_source": ""}):  # fmt: skip
        with pytest.raises(BadInput):
            await desk.act(converting.propose, receipt.public_id, **{**rate, **wrong})
    proposal = await desk.act(converting.propose, receipt.public_id, **rate)
    await desk.agree(proposal)
    assert await desk.open_of(invoice) == ("paid", 0)  # 2,000,000 yen are 13,100.00
    assert await desk.balance("clearing:fx:JPY", "JPY") == -2_000_000
    assert await desk.balance("clearing:fx:USD") == 1_310_000
    assert await desk.balance(postings.unallocated(invoice.company_id), "JPY") == 0 == await desk.left(receipt)
    assert -await desk.balance(postings.unallocated(invoice.company_id)) == 35_000
    with pytest.raises(ActNotAllowed):
        await desk.act(reversing.propose, receipt.public_id, reason="never came, says the bank")


async def test_a_booked_transfer_is_taken_back_from_all_it_paid_and_may_be_entered_anew(desk):
    invoice = await desk.invoice()
    receipt = await desk.wire(TOTAL + 5, "B-9", invoice=invoice.number)
    assert await desk.open_of(invoice) == ("paid", 0)
    proposal = await desk.act(reversing.propose, receipt.public_id, reason="never came, says the bank")
    await desk.agree(proposal)
    assert await desk.open_of(invoice) == ("issued", TOTAL)
    assert await desk.balance("asset:bank:ANT") == 0 == await desk.left(receipt)
    assert await desk.balance(postings.unallocated(invoice.company_id)) == 0
    with pytest.raises(ActNotAllowed):
        await desk.act(reversing.propose, receipt.public_id, reason="never came, says the bank")
    again = Seen("ANT", TOTAL, "USD", date(2026, 3, 2), "B-9", invoice=invoice.number)
    await desk.agree(await desk.act(wiring.enter, again))
    assert await desk.open_of(invoice) == ("paid", 0)


async def owed(desk, invoice, amount, key="k", **said):
    async with desk.sessions.begin() as session:
        return await refunding.owe(
            session, key=key, company_id=invoice.company_id, entity="ANT", currency="USD", amount_minor=amount,
            reason="credit_note", ref=said.pop("ref", invoice.number), by=None, now=NOON,
            from_account=said.pop("from_account", postings.buyer(invoice.company_id)), **said,
        )  # fmt: skip


async def credited(desk, invoice):
    """As if a note had taken all of it back and left the money on the invoice."""
    async with desk.sessions.begin() as session:
        moves = [ledger.Move(postings.buyer(invoice.company_id), -TOTAL, invoice.number)]
        moves += [ledger.Move("income:premium", TOTAL)]
        await ledger.post(session, key="credited", moves=moves, currency="USD", ref="", at=NOON, by=None)


async def test_a_refund_goes_to_the_newest_charge_first_and_never_beyond_what_was_paid(desk):
    invoice = await desk.invoice()
    old, new = await paid_by_card(desk, [TOTAL - 400_000, 400_000], invoice)
    await credited(desk, invoice)
    with pytest.raises(refunding.RefundTooLarge):
        await owed(desk, invoice, TOTAL + 1)
    assert await desk.refunds() == [] and await desk.balance(postings.refund(invoice.company_id)) == 0
    assert await owed(desk, invoice, 0, "nothing") == []
    for _ in range(2):  # said twice, owed once; up to 10,000.00 the provider is asked at once
        made = await owed(desk, invoice, 900_000)
        assert [(one.receipt_id, one.amount_minor, one.state) for one in made] == [
            (new.id, 400_000, "sent"), (old.id, 500_000, "sent"),
        ]  # fmt: skip
    with pytest.raises(KeyReused):
        await owed(desk, invoice, 899_999)
    with pytest.raises(refunding.RefundTooLarge):
        await owed(desk, invoice, TOTAL - 900_000 + 1, "more")
    async with desk.sessions.begin() as session:
        asked = (await session.scalars(select(PaymentIntent).order_by(PaymentIntent.id))).all()
        assert [(one.kind, one.key, one.amount_minor) for one in asked] == [
            ("refund", made[0].public_id, 400_000), ("refund", made[1].public_id, 500_000),
        ]  # fmt: skip
        for _ in range(3):
            refund = await session.get_one(Refund, made[0].id)
            await refunding.confirmed(session, refund, provider_ref="re_1", by=None, now=NOON)
        assert await session.scalar(select(func.sum(Allocation.amount_minor))) == TOTAL - 900_000
    assert await desk.balance("asset:stripe:ANT") == TOTAL - 400_000
    assert await desk.balance(postings.refund(invoice.company_id)) == -500_000
    assert await desk.left(new) == 0 == await desk.left(old)


async def test_a_refund_that_fails_stays_owed_and_goes_by_wire(desk):
    invoice = await desk.invoice()
    await paid_by_card(desk, [TOTAL], invoice)
    await credited(desk, invoice)
    (refund,) = await owed(desk, invoice, TOTAL)
    assert refund.state == "decided"  # above 10,000.00: two persons
    await desk.agree(await desk.act(refunding.propose, [refund.public_id]))
    async with desk.sessions.begin() as session:
        row = await session.get_one(Refund, refund.id)
        await refunding.confirmed(session, row, provider_ref="re_1", by=None, now=NOON)
        await refunding.failed(session, row, reason="card_closed", now=NOON)
        await refunding.failed(session, row, reason="card_closed", now=NOON)
        await refunding.confirmed(session, row, provider_ref="re_1", by=None, now=NOON)  # old news
    assert await desk.balance(postings.refund(invoice.company_id)) == -TOTAL
    wire = await desk.act(refunding.replace, refund.public_id)
    with pytest.raises(ActNotAllowed):
        await desk.act(refunding.replace, refund.public_id)
    with pytest.raises(ActNotAllowed):  # nobody agreed yet
        await desk.act(refunding.carried_out, wire.public_id, bank_reference="OUT")
    await desk.agree(await desk.act(refunding.propose, [wire.public_id]))
    both = [desk.act(refunding.carried_out, wire.public_id, bank_reference="OUT") for _ in range(2)]
    done = await asyncio.gather(*both, return_exceptions=True)  # two cashiers at once
    assert sorted(type(one).__name__ for one in done) == ["ActNotAllowed", "Refund"]
    assert await desk.balance(postings.refund(invoice.company_id)) == 0
    assert [one.state for one in await desk.refunds()] == ["replaced", "succeeded"]
    async with desk.sessions() as session:
        kinds = set(await session.scalars(select(Discrepancy.kind)))
    assert kinds == {"refund_failed", "contradiction"}


async def test_of_two_who_spend_one_receipt_the_second_finds_what_is_left(desk):
    invoice = await desk.invoice()
    receipt = await desk.wire(TOTAL)
    why, to = {"reason": "its parent company"}, {"payee": "Hanley Trust", "payee_account": "BE68 5390"}
    matched = desk.act(matching.match, receipt.public_id, number=invoice.number, amount_minor=None, **why)
    back = desk.act(matching.give_back, receipt.public_id, actor=desk.cas, **to)
    done = await asyncio.gather(matched, back, return_exceptions=True)
    assert sum(isinstance(one, ActNotAllowed) for one in done) == 1, done
    assert await desk.left(receipt) == 0 == await desk.balance(postings.unallocated(None))


async def test_what_is_disputed_can_neither_pay_nor_go_back(desk):
    invoice = await desk.invoice()
    (receipt,) = await paid_by_card(desk, [5_000])

    async def told(state):
        async with desk.sessions.begin() as session:
            row = await session.get_one(Receipt, receipt.id)
            await chargebacks.follow(session, row, Disputed("dp_1", "ch", 5_000, 0, "USD", state), NOON)

    await told("open")
    async with desk.sessions() as session:
        assert await cash_queries.unplaced(session) == []
    assert await desk.left(receipt) == 0 == await desk.balance(postings.unallocated(None))
    for verb, said in ((matching.match, {"number": invoice.number, "amount_minor": None}), (matching.give_back, {})):
        with pytest.raises(ActNotAllowed):
            await desk.act(verb, receipt.public_id, **said)
    await told("won")
    assert await desk.left(receipt) == 5_000 == -await desk.balance(postings.unallocated(None))


def test_the_likeliest_invoice_is_offered_first():
    def owed_one(number, company=7, open_minor=100, due="2026-03-05", currency="USD", entity="ANT"):
        return Owed(number, company, currency, entity, open_minor, due)

    rows = [
        owed_one("INV-ANT-2026-000001", open_minor=500, due="2026-03-01"), owed_one("INV-ANT-2026-000002"),
        owed_one("INV-ANT-2026-000003", open_minor=900, due="2026-03-09"),
        owed_one("INV-GVA-2026-000001", entity="GVA"), owed_one("INV-ANT-2026-000006", open_minor=0),
        owed_one("INV-ANT-2026-000004", company=8), owed_one("INV-ANT-2026-000005", currency="EUR"),
    ]  # fmt: skip
    known = Loose(7, "USD", "ANT", 100, "payment inv ant 2026 000003 thanks")
    assert [one.number[-1] for one in matching.suggest(known, rows)] == ["3", "2", "1"]
    stranger = Loose(None, "USD", "ANT", 100, "thanks")
    assert [one.number[-1] for one in matching.suggest(stranger, rows)] == ["2", "4"]


@pytest.mark.parametrize(
    ("amount", "currency", "to", "rate", "expected"),
    [
        (100, "EUR", "USD", "1.005", 101), (100, "EUR", "USD", "1.004999", 100), (1, "JPY", "USD", "0.005", 1),
        (1, "JPY", "USD", "0.00499", 0), (1_000, "KWD", "USD", "3.25", 325), (325, "USD", "KWD", "0.307692307", 1_000),
        (10**15 - 1, "USD", "KWD", "0.3", 3 * 10**15 - 3), (5, "USD", "EUR", "0", None), (5, "USD", "EUR", "1.", None),
        (5, "USD", "EUR", "NaN", None), (5, "USD", "EUR", "1,2", None),
    ],
)  # fmt: skip
def test_a_conversion_is_exact_and_rounded_once(amount, currency, to, rate, expected):
    assert converting.converted(amount, currency, to, rate) == expected
