"""Money at its edges: one reference written in two ways, disputes that end late, losses that grow, twins of acts."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import select

from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.settlement import (
    chargebacks,
    charging,
    correcting,
    crediting,
    effects,
    invoicing,
    matching,
    postings,
    queries,
    refunding,
    reversing,
    wiring,
)
from pavilion.settlement.invoicing import TaxUndecided
from pavilion.settlement.payments.port import Disputed
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund
from pavilion.settlement.wiring import DuplicateReference, Seen
from tests.make import NOON
from tests.settlement.test_cash import TOTAL, Desk, paid_by_card
from tests.settlement.test_cash_holds import holds
from tests.settlement.test_invoicing import TERMS, buyer, sold

WHY = "never came, says the bank"


@pytest.fixture
async def desk(sqlite_sessions):
    desk = await Desk(sqlite_sessions).open()
    yield desk
    async with sqlite_sessions() as session:
        await holds(session)


async def dispute(desk, receipt, state, name="dp_1"):
    async with desk.sessions.begin() as session:
        row = await session.get_one(Receipt, receipt.id)
        found = Disputed(name, row.provider_ref, row.amount_minor, 0, row.currency, state)
        await chargebacks.follow(session, row, found, NOON)


async def test_a_reference_is_the_same_however_its_signs_are_written(desk):
    said = {"entity": "ANT", "amount_minor": 100, "currency": "USD", "value_date": date(2026, 3, 2)}
    for first, again in (("AB  1２", "ab 12"), ("Überw é", "Überw é"), ("C\u200b7", "C7")):
        await desk.agree(await desk.act(wiring.enter, Seen(**said, bank_reference=first)))
        with pytest.raises(DuplicateReference):
            await desk.act(wiring.enter, Seen(**said, bank_reference=again))
    for nothing in ("\u200b", "\u3000", "㍿" * 60):
        with pytest.raises(BadInput, match="bank_reference"):
            await desk.act(wiring.enter, Seen(**said, bank_reference=nothing))
    for nobody in (99_999, 2**53):
        with pytest.raises(BadInput, match="payer"):
            await desk.act(wiring.enter, Seen(**said, bank_reference="D", payer=nobody))


async def test_money_won_back_for_an_invoice_that_needs_none_waits_unallocated(desk):
    credited, replaced = await desk.invoice(), await desk.invoice()
    (first,) = await paid_by_card(desk, [TOTAL], credited)
    await dispute(desk, first, "open")
    async with desk.sessions.begin() as session:
        invoice = await queries.invoice_by_number(session, credited.number)
        await crediting.credit(session, invoice, reason="r", by=None, now=NOON)
    await dispute(desk, first, "won")
    assert await desk.open_of(credited) == ("cancelled", 0)
    assert await desk.left(first) == TOTAL

    second, third = await paid_by_card(desk, [1_000_000, TOTAL - 1_000_000], replaced)
    await dispute(desk, second, "open", "dp_2")
    await dispute(desk, third, "lost", "dp_3")
    assert await desk.open_of(replaced) == ("issued", TOTAL)
    await desk.wire(TOTAL - 400_000, invoice=replaced.number)
    await dispute(desk, second, "won", "dp_2")
    assert await desk.open_of(replaced) == ("paid", 0)
    assert await desk.left(second) == 600_000


async def test_what_the_payers_bank_takes_back_is_not_sent_back_too(sqlite_sessions):
    desk = await Desk(sqlite_sessions).open()
    (receipt,) = await paid_by_card(desk, [TOTAL])
    (refund,) = await desk.act(matching.give_back, receipt.public_id)
    proposal = await desk.act(refunding.propose, [refund.public_id])
    for state, code in (("open", "disputed"), ("lost", "replaced")):
        await dispute(desk, receipt, state)
        with pytest.raises(ActNotAllowed, match=code):
            await desk.agree(proposal)
        with pytest.raises(ActNotAllowed, match=code):
            await desk.act(refunding.propose, [refund.public_id])
    assert await desk.balance("expense:dispute") == 0  # the payer has it: nothing is owed, and the house lost nothing
    assert await desk.balance(postings.refund(receipt.company_id)) == 0

    (won,) = await paid_by_card(desk, [TOTAL])
    (refund,) = await desk.act(matching.give_back, won.public_id)
    for state in ("open", "won"):
        await dispute(desk, won, state, "dp_5")
    await desk.agree(await desk.act(refunding.propose, [refund.public_id]))
    assert [one.shown for one in await desk.refunds()] == ["charged_back", "sent"]


async def test_of_a_dispute_over_a_part_no_more_than_that_is_not_owed(desk):
    (receipt,) = await paid_by_card(desk, [TOTAL])
    await desk.act(matching.give_back, receipt.public_id)
    for state in ("open", "lost", "lost"):
        async with desk.sessions.begin() as session:
            found = Disputed("dp_1", receipt.provider_ref, TOTAL - 300, 0, receipt.currency, state)
            await chargebacks.follow(session, await session.get_one(Receipt, receipt.id), found, NOON)
    ended, left = await desk.refunds()
    assert (ended.shown, ended.amount_minor, left.state, left.amount_minor) == (
        "charged_back",
        TOTAL - 300,
        "decided",
        300,
    )
    assert await desk.balance(postings.refund(receipt.company_id)) == -300
    await desk.agree(await desk.act(refunding.propose, [left.public_id]))


async def test_a_refund_that_fails_after_the_dispute_was_lost_is_owed_no_more(desk):
    (receipt,) = await paid_by_card(desk, [TOTAL])
    (refund,) = await desk.act(matching.give_back, receipt.public_id)
    await desk.agree(await desk.act(refunding.propose, [refund.public_id]))
    for state in ("open", "lost"):
        await dispute(desk, receipt, state)
    assert [one.shown for one in await desk.refunds()] == ["sent"]  # the provider has not said what became of it
    for _ in range(2):
        async with desk.sessions.begin() as session:
            await refunding.failed(
                session, await session.get_one(Refund, refund.id), reason="charge_disputed", now=NOON
            )
    assert [one.shown for one in await desk.refunds()] == ["charged_back"]
    assert await desk.balance(postings.refund(receipt.company_id)) == 0


async def test_a_dispute_in_another_currency_moves_nothing_and_is_put_to_a_person(desk):
    invoice = await desk.invoice()
    (receipt,) = await paid_by_card(desk, [TOTAL], invoice)
    async with desk.sessions.begin() as session:
        said = Disputed("dp_4", receipt.provider_ref, TOTAL, 0, "EUR", "open")
        assert await effects.disputed(session, said, NOON) == effects.DISCREPANCY
        assert [one.kind for one in await session.scalars(select(Discrepancy))] == ["currency_differs"]
    assert await desk.open_of(invoice) == ("paid", 0)


async def test_two_receipts_never_give_back_more_than_both(desk):
    invoice = await desk.invoice()
    await paid_by_card(desk, [1_000_000, 475_000], invoice)
    async with desk.sessions.begin() as session:
        found = await queries.invoice_by_number(session, invoice.number)
        await crediting.credit(session, found, reason="r", by=None, now=NOON)

    async def owe(key, amount):
        async with desk.sessions.begin() as session:
            return await refunding.owe(
                session, key=key, company_id=invoice.company_id, entity="ANT", currency="USD", amount_minor=amount,
                reason="credit_note", ref=invoice.number, from_account=postings.unallocated(invoice.company_id),
                by=None, now=NOON,
            )  # fmt: skip

    with pytest.raises(refunding.RefundTooLarge):
        await owe("all", 1_475_001)
    assert [one.amount_minor for one in await owe("part", 1_474_000)] == [475_000, 999_000]
    for amount in (1_001, 10**15 - 1):
        with pytest.raises(refunding.RefundTooLarge):
            await owe("more", amount)
    assert [one.amount_minor for one in await owe("rest", 1_000)] == [1_000]


async def test_what_is_taken_back_of_a_written_off_invoice_is_written_off_too(desk):
    invoice = await desk.invoice()
    receipts = [await desk.wire(amount, invoice=invoice.number) for amount in (200_000, 75_000)]
    async with desk.sessions.begin() as session:
        (await queries.invoice_by_number(session, invoice.number)).state = "defaulted"
    reason = "nothing is left of the company"
    await desk.agree(await desk.act(correcting.propose_write_off, number=invoice.number, reason=reason))
    for receipt in receipts:
        await desk.agree(await desk.act(reversing.propose, receipt.public_id, reason=WHY))
        assert await desk.open_of(invoice) == ("written_off", 0)
    assert await desk.balance("expense:writeoff") == TOTAL
    late = await desk.wire(TOTAL, invoice=invoice.number)
    assert await desk.left(late) == TOTAL


async def test_another_choice_of_lots_is_another_proposal_and_no_other_word_is_approved(sessions):
    desk = await Desk(sessions).open()
    lots = [f"{number:026d}" for number in range(900, 908)]
    async with sessions.begin() as session:
        lines = [sold(lot, 100_000) for lot in lots]
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=await buyer(session), lots=lines, now=NOON)
        invoice = await invoicing.issue(session, draft, NOON)
    said = {"number": invoice.number, "again": False, "reason": WHY}
    made = [await desk.act(correcting.propose_cancel, lots=lots[:most], **said) for most in (6, 7, 7, 1)]
    assert [len(one.facts["lots"]) for one in made] == [6, 7, 7, 1]
    assert made[1].public_id == made[2].public_id
    with pytest.raises(ActNotAllowed, match="waiting"):
        await desk.act(correcting.propose_cancel, lots=lots[:6], **said | {"again": True})
    await desk.agree(made[1])
    with pytest.raises(ActNotAllowed, match="changed"):
        await desk.agree(made[0])


async def test_a_charge_and_a_lot_that_join_a_draft_at_once_are_both_in_its_total(sessions):
    async with sessions.begin() as session:
        who = await buyer(session)
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold(f"{70:026d}")], now=NOON)

    async def charge(place):
        async with sessions.begin() as session:
            found = await charging.draft(session, draft.public_id)
            said = {"kind": "shipping", "amount_minor": 1_000, "taxed": True, "text_en": "", "text_zh": ""}
            await charging.add(session, found, **said, key=f"{place:032x}", by=None, now=NOON)

    async def join(place):
        async with sessions.begin() as session:
            await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold(f"{place:026d}")], now=NOON)

    await asyncio.gather(*(act(place) for place in (71, 72) for act in (charge, join)))
    async with sessions.begin() as session:
        found = await crediting.locked(session, draft.id)
    kinds = [line.kind for line in found.lines]
    assert [kinds.count(kind) for kind in ("hammer", "charge", "tax")] == [3, 2, 1]
    assert found.total_minor == sum(line.amount_minor for line in found.lines) == invoicing.totals_of(found).total


async def test_a_reverse_charge_is_not_issued_once_the_buyers_number_is_gone(desk):
    async with desk.sessions.begin() as session:
        who = await buyer(session, country="BE")
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold()], now=NOON)
        draft.regime, draft.facts = "reverse", {**draft.facts, "tax_decided": {"reason": WHY}}
        draft.facts["buyer"]["tax_no"] = ""
        with pytest.raises(TaxUndecided):
            await invoicing.issue(session, draft, NOON)
        assert draft.state == "draft"
