"""What we ask of the payment provider and what its news does, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts.rules import VISITOR, Permission
from pavilion.kernel.errors import ActNotAllowed
from pavilion.kernel.events import Event
from pavilion.notifications import money_notices
from pavilion.settlement import (
    agreed,
    cash_queries,
    checkouts,
    consents,
    intents,
    ledger,
    queries,
    reconciling,
    refunding,
    sending,
    webhooks,
)
from pavilion.settlement.intent_models import (
    ChargeConsent,
    Dispute,
    IntentKind,
    PaymentIntent,
    ProviderCustomer,
    ProviderEvent,
)
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import Charged, ProviderUnreachable
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund
from tests.make import HOUR, NOON, SECOND
from tests.settlement.provider import Provider
from tests.settlement.test_invoicing import issued, sold

READER = replace(VISITOR, permissions=frozenset({Permission.LEDGER_SEE}))
URL = "https://house.example"


async def asked(sessions, number, **how):
    """The buyer presses pay; answers the public id of the request."""
    async with sessions.begin() as session:
        invoice = await queries.invoice_by_number(session, number, lock=True)
        said = {"by_card": True, "save": False, "lang": "en", "now": NOON} | how
        return (await checkouts.pay_invoice(session, invoice, **said)).public_id


async def on_page(sessions, provider, number, **how):
    """As far as the provider's page; answers its id there."""
    intent = await asked(sessions, number, **how)
    assert await sending.send(sessions, provider, URL, intent, how.get("now", NOON))
    return (await one(sessions, PaymentIntent, PaymentIntent.public_id == intent)).provider_id


async def one(sessions, model, *where):
    async with sessions() as session:
        return (await session.scalars(select(model).where(*where))).one()


async def rows(sessions, model):
    async with sessions() as session:
        return (await session.scalars(select(model))).all()


async def balance(sessions, account, currency="USD"):
    async with sessions() as session:
        return await ledger.balance(session, account, currency)


async def hear(sessions, provider, events=None, now=NOON):
    return [await webhooks.take(sessions, provider, event, now) for event in events or list(provider.events)]


async def ways(sessions, number):
    async with sessions() as session:
        return await checkouts.ways_of(session, await queries.invoice_by_number(session, number))


async def with_account(sessions, provider, number):
    intent = await asked(sessions, number, by_card=False)
    await sending.send(sessions, provider, URL, intent, NOON)
    return (await one(sessions, ProviderCustomer)).provider_id


async def test_a_card_payment_is_booked_once_however_it_is_told(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.pay(await on_page(sessions, provider, invoice.number))
    told = list(provider.events)
    assert await hear(sessions, provider, [told[1], told[0], *told, *told]) == [
        "paid", "nothing", "repeated", "repeated", "repeated", "repeated",
    ]  # fmt: skip
    (receipt,) = await rows(sessions, Receipt)
    assert (receipt.source, receipt.amount_minor, receipt.company_id) == ("card", 1_275_000, invoice.company_id)
    paid = await one(sessions, Invoice)
    assert (paid.state, paid.outcome) == ("paid", "")
    assert await balance(sessions, "asset:stripe:ANT") == 1_275_000
    assert (await one(sessions, PaymentIntent)).state == "succeeded"


async def test_one_page_per_balance_and_a_new_one_when_it_has_ended(sessions):
    invoice, provider = await issued(sessions), Provider()
    first = await on_page(sessions, provider, invoice.number)
    assert await asked(sessions, invoice.number) == await asked(sessions, invoice.number)
    provider.lapse(first)
    assert await hear(sessions, provider) == ["expired"]
    assert await on_page(sessions, provider, invoice.number) != first


async def test_a_silent_provider_is_asked_again_with_the_same_key_and_after_a_day_a_person_looks(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.silent = {("checkout", "after")}
    intent = await asked(sessions, invoice.number)
    assert not await sending.send(sessions, provider, URL, intent, NOON)
    assert await sending.tick(sessions, provider, URL, NOON + SECOND) == 0  # not yet
    assert await sending.tick(sessions, provider, URL, NOON + 10 * SECOND) == 1
    assert {key for name, key in provider.asked if name == "checkout"} == {intent} and len(provider.pages) == 1
    await sending.tick(sessions, provider, URL, NOON + 25 * HOUR)
    assert (await one(sessions, PaymentIntent)).state == "unknown"
    assert (await one(sessions, Discrepancy)).kind == "intent_unknown"
    provider.pay(next(iter(provider.pages)))  # it had come through all the same
    assert (await hear(sessions, provider))[0] == "paid"
    assert (await one(sessions, PaymentIntent)).state == "succeeded"


async def test_above_the_ceiling_there_is_no_page_but_an_account(sessions):
    invoice, provider = await issued(sessions, sold(hammer_minor=5_000_000)), Provider()
    with pytest.raises(ActNotAllowed):
        await asked(sessions, invoice.number)
    customer = await with_account(sessions, provider, invoice.number)
    assert (await one(sessions, ProviderCustomer)).accounts["USD"]["account"] == "DE00 1234"
    provider.transfer(customer, 1_000_000, f"inv {invoice.number.replace('-', ' ').lower()}")
    provider.transfer(customer, 9_000_000, "")
    assert await hear(sessions, provider) == ["funded", "funded"]
    assert (await one(sessions, Invoice)).state == "paid"
    over = 10_000_000 - invoice.total_minor
    assert await balance(sessions, f"liability:unallocated:{invoice.company_id}") == -over


async def test_money_that_does_not_fit_is_booked_and_put_to_a_person(sessions):
    invoice, provider = await issued(sessions), Provider()
    page = await on_page(sessions, provider, invoice.number)
    provider.pay(page, amount_minor=1_275_001)
    await hear(sessions, provider)
    found = await one(sessions, Discrepancy)
    assert (found.kind, found.invoice) == ("amount_differs", invoice.number)
    assert await balance(sessions, f"liability:unallocated:{invoice.company_id}") == -1_275_001
    assert (await one(sessions, Invoice)).state == "issued"


async def test_money_for_a_cancelled_invoice_or_of_another_currency_waits_unallocated(sessions):
    invoice, provider = await issued(sessions), Provider()
    first = await on_page(sessions, provider, invoice.number)
    provider.pay(first, currency="EUR")
    await hear(sessions, provider)
    assert await balance(sessions, f"liability:unallocated:{invoice.company_id}", "EUR") == -1_275_000
    provider.events.clear()
    second = await on_page(sessions, provider, invoice.number)
    async with sessions.begin() as session:
        (await session.scalars(select(Invoice))).one().state = "cancelled"
    provider.pay(second)
    await hear(sessions, provider)
    assert {row.kind for row in await rows(sessions, Discrepancy)} == {"currency_differs", "invoice_closed"}
    assert await balance(sessions, f"liability:unallocated:{invoice.company_id}") == -1_275_000


async def test_money_for_an_open_invoice_of_another_selling_house_says_so(sqlite_sessions):
    invoice, provider = await issued(sqlite_sessions), Provider()
    await with_account(sqlite_sessions, provider, invoice.number)
    async with sqlite_sessions.begin() as session:
        (await session.scalars(select(ProviderCustomer))).one().entity = "HKG"
    customer = (await one(sqlite_sessions, ProviderCustomer)).provider_id
    provider.transfer(customer, 1_275_000, invoice.number)
    await hear(sqlite_sessions, provider)
    found = await one(sqlite_sessions, Discrepancy)
    assert (found.kind, found.invoice) == ("other_account", invoice.number)
    async with sqlite_sessions() as session:
        receipt = (await session.scalars(select(Receipt))).one().public_id
        assert await cash_queries.receipts_behind(session, [found]) == {found.subject: receipt}
    assert (await one(sqlite_sessions, Invoice)).state == "issued"


async def test_a_page_is_asked_anew_in_another_language(sqlite_sessions):
    invoice, provider = await issued(sqlite_sessions), Provider()
    first = await on_page(sqlite_sessions, provider, invoice.number)
    assert len(await rows(sqlite_sessions, PaymentIntent)) == 1
    await asked(sqlite_sessions, invoice.number)
    assert len(await rows(sqlite_sessions, PaymentIntent)) == 1
    assert await on_page(sqlite_sessions, provider, invoice.number, lang="zh") != first


async def test_pages_of_a_paid_invoice_are_closed(sessions):
    invoice, provider = await issued(sessions), Provider()
    page = await on_page(sessions, provider, invoice.number)
    customer = await with_account(sessions, provider, invoice.number)
    provider.transfer(customer, 1_275_000, invoice.number)
    await hear(sessions, provider)
    assert await checkouts.close_all(sessions, NOON) == 1
    assert await checkouts.close_all(sessions, NOON) == 0
    await sending.tick(sessions, provider, URL, NOON)
    assert provider.pages[page]["state"] == "expired"


async def refunds(sessions, provider, amount_minor):
    """A paid invoice of which this much is owed back by card; answers the refund there."""
    invoice = await issued(sessions)
    provider.pay(await on_page(sessions, provider, invoice.number), amount_minor=1_275_000 + amount_minor)
    await hear(sessions, provider)
    provider.events.clear()
    async with sessions.begin() as session:
        await refunding.owe(
            session, key="over", company_id=invoice.company_id, entity="ANT", currency="USD",
            amount_minor=amount_minor, reason="overpaid", ref="",
            from_account=f"liability:unallocated:{invoice.company_id}", by=None, now=NOON,
        )  # fmt: skip
    await sending.tick(sessions, provider, URL, NOON)
    return next(iter(provider.refunds))


async def test_a_refund_is_paid_when_the_provider_says_so_and_owed_again_when_it_fails(sessions):
    provider = Provider()
    refund = await refunds(sessions, provider, 500)
    provider.refund_ends(refund, "succeeded")
    await hear(sessions, provider)
    assert (await one(sessions, Refund)).state == "succeeded"
    assert await balance(sessions, "asset:stripe:ANT") == 1_275_000
    provider.refund_ends(refund, "failed")
    await hear(sessions, provider)
    refunded = await one(sessions, Refund)
    assert refunded.state == "failed"
    assert await balance(sessions, f"liability:refund:{refunded.company_id}") == -500


async def disputed(sessions):
    async with sessions() as session:
        return [(row.disputed, row.open_minor) for row in await queries.invoices(session, READER)]


async def test_a_disputed_payment_is_owed_again_until_it_is_won(sessions):
    invoice, provider = await issued(sessions), Provider()
    paid = provider.pay(await on_page(sessions, provider, invoice.number))
    dispute = provider.dispute(paid.charge)
    await hear(sessions, provider)
    assert (await one(sessions, Dispute)).state == "open"
    assert await balance(sessions, f"asset:buyer:{invoice.company_id}") == 1_275_000
    assert await balance(sessions, "asset:stripe:ANT") == -1_500
    assert await disputed(sessions) == [(True, 1_275_000)]
    provider.judge(dispute, "won")
    await hear(sessions, provider)
    assert (await one(sessions, Dispute)).state == "won"
    assert await balance(sessions, f"asset:buyer:{invoice.company_id}") == 0
    assert await balance(sessions, "expense:dispute") == 1_500
    assert await disputed(sessions) == [(False, 0)]


async def test_a_lost_dispute_leaves_the_buyer_owing(sessions):
    invoice, provider = await issued(sessions), Provider()
    paid = provider.pay(await on_page(sessions, provider, invoice.number))
    provider.judge(provider.dispute(paid.charge), "lost")
    await hear(sessions, provider, list(reversed(provider.events)))
    async with sessions() as session:
        kept = (await session.scalars(select(Invoice))).one()
        assert (kept.state, await queries.open_minor(session, kept)) == ("issued", 1_275_000)
        receipt = (await session.scalars(select(Receipt))).one()
        assert await queries.refunded_minor(session, receipt) == 1_275_000


async def test_a_payout_reaches_the_bank_or_comes_back(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.pay(await on_page(sessions, provider, invoice.number))
    payout = provider.pay_out(10_000)
    await hear(sessions, provider)
    assert await balance(sessions, "asset:bank:ANT") == 0  # the provider does not say of whose money it is made
    await reconciling.reconcile(sessions, provider, NOON + timedelta(hours=14))
    assert (await balance(sessions, "asset:bank:ANT"), await balance(sessions, "clearing:payout")) == (10_000, 0)
    provider.payout_fails(payout)
    await hear(sessions, provider)
    assert [await balance(sessions, name) for name in ("asset:bank:ANT", "asset:stripe:ANT", "clearing:payout")] == [
        0, 1_274_970, 0,
    ]  # fmt: skip


async def test_an_unknown_type_is_kept_and_changes_nothing(sessions):
    provider = Provider()
    provider.tell("invoice.finalized", None, object="in_1")
    assert await hear(sessions, provider) == ["unknown_type"]
    assert (await one(sessions, ProviderEvent)).type == "invoice.finalized"


async def test_what_cannot_be_read_leaves_no_trace_and_is_told_again(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.pay(await on_page(sessions, provider, invoice.number))
    provider.silent = {"read"}
    with pytest.raises(ProviderUnreachable):
        await hear(sessions, provider, provider.events[1:])
    assert await rows(sessions, ProviderEvent) == []
    provider.silent = set()
    assert await hear(sessions, provider, provider.events[1:]) == ["paid"]


async def test_the_nightly_pass_finds_what_no_webhook_told(sessions):
    invoice, provider = await issued(sessions), Provider()
    customer = await with_account(sessions, provider, invoice.number)
    page = await on_page(sessions, provider, invoice.number)
    provider.transfer(customer, 700, "for nobody")
    provider.pay(page)
    provider.pay_out(5_000)
    night = NOON + timedelta(hours=14)
    assert await reconciling.reconcile(sessions, provider, night) == 3
    assert (await one(sessions, Invoice)).state == "paid"
    assert await balance(sessions, "expense:fee") == 30
    assert all(event.found for event in await rows(sessions, ProviderEvent))
    assert await reconciling.reconcile(sessions, provider, night + HOUR) == 0
    assert set(await hear(sessions, provider)) <= {"nothing"}  # and the webhooks come after all
    assert len(await rows(sessions, Receipt)) == 2


async def test_the_nightly_pass_finds_what_the_provider_does_not_know_or_knows_otherwise(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.pay(await on_page(sessions, provider, invoice.number))
    await hear(sessions, provider)
    kept, provider.lines = provider.lines, []
    night = NOON + timedelta(hours=14)
    await reconciling.reconcile(sessions, provider, night)
    assert (await one(sessions, Discrepancy)).kind == "missing_there"
    provider.lines = [replace(kept[0], amount_minor=5)]
    await reconciling.reconcile(sessions, provider, night)
    assert {row.kind for row in await rows(sessions, Discrepancy)} == {"missing_there", "amount_differs"}


async def test_the_night_is_passed_once_and_again_when_nobody_answered(sessions):
    provider, clock = Provider(), NOON
    nightly = reconciling.Nightly(sessions, provider)
    assert [await nightly.tick(clock), await nightly.tick(clock + HOUR)] == [1, 0]
    assert await reconciling.Nightly(sessions, provider).tick(clock + HOUR) == 0
    provider.lines_silent = True
    later = clock + timedelta(days=1)
    assert [await nightly.tick(later), await nightly.tick(later + HOUR)] == [0, 0]
    provider.lines_silent = False
    assert await nightly.tick(later + 2 * HOUR) == 1
    assert await reconciling.Nightly(sessions, None).tick(clock) == 0


async def test_a_company_that_agreed_is_charged_once_at_the_close_and_never_after_it_withdrew(sessions):
    first, provider = await issued(sessions), Provider()
    with pytest.raises(ActNotAllowed):  # the terms of the sale do not allow it
        async with sessions.begin() as session:
            await consents.give(session, company_id=first.company_id, sale=first.sale, entity="ANT", by="p", now=NOON)
    async with sessions.begin() as session:
        await agreed.set_terms(session, sale=first.sale, facts={"auto_charge": True}, by="p", now=NOON)
        await consents.give(session, company_id=first.company_id, sale=first.sale, entity="ANT", by="p", now=NOON)
    assert await consents.charge_all(sessions, NOON) == 0  # no card is kept yet
    provider.decline(await on_page(sessions, provider, first.number, save=True))
    async with sessions.begin() as session:
        customer = await session.get_one(ProviderCustomer, (first.company_id, "ANT"))
        customer.method = "pm_1"
    assert [await consents.charge_all(sessions, NOON) for _ in range(2)] == [1, 0]
    while await sending.tick(sessions, provider, URL, NOON):
        pass
    await hear(sessions, provider)
    assert (await one(sessions, Invoice)).state == "paid"
    assert [name for name, _ in provider.asked].count("charge") == 1
    async with sessions.begin() as session:
        await consents.withdraw(session, company_id=first.company_id, sale=first.sale, by="p", now=NOON)
    async with sessions() as session:
        assert (await session.get(ChargeConsent, (first.company_id, first.sale))).withdrawn_at == NOON


async def with_consent(sessions, provider):
    """An invoice whose buyer let a card be kept and charged; answers its number."""
    invoice = await issued(sessions)
    async with sessions.begin() as session:
        await agreed.set_terms(session, sale=invoice.sale, facts={"auto_charge": True}, by="p", now=NOON)
        await consents.give(session, company_id=invoice.company_id, sale=invoice.sale, entity="ANT", by="p", now=NOON)
    await on_page(sessions, provider, invoice.number, save=True)
    async with sessions.begin() as session:
        (await session.get_one(ProviderCustomer, (invoice.company_id, "ANT"))).method = "pm_1"
    assert await consents.charge_all(sessions, NOON) == 1
    return invoice


async def test_a_card_that_is_refused_at_the_close_is_told_to_its_company_once(sqlite_sessions):
    provider = Provider()
    invoice = await with_consent(sqlite_sessions, provider)
    provider.refusing = {"charge": "card_declined"}
    await sending.tick(sqlite_sessions, provider, URL, NOON)
    intent = await one(sqlite_sessions, PaymentIntent, PaymentIntent.kind == "charge")
    failed = Charged(
        id="pi_c", charge=None, state="failed", amount_minor=1_275_000, received_minor=0, refunded_minor=0,
        currency="USD", ref=intent.public_id, method=None, fee_minor=None, disputed=False, created=NOON,
    )  # fmt: skip
    provider.tell("payment_intent.payment_failed", failed)
    assert await hear(sqlite_sessions, provider) == ["failed"]
    assert (intent.state, intent.last_error) == ("failed", "card_declined")
    told = await one(sqlite_sessions, Event, Event.name == "invoice:charge_refused")
    assert (told.subject, told.facts["company_id"]) == (invoice.public_id, invoice.company_id)
    assert told.name in money_notices.NAMES
    assert (await one(sqlite_sessions, Invoice)).state == "issued" and await rows(sqlite_sessions, Discrepancy) == []


async def test_a_transfer_that_cannot_be_taken_from_the_cash_balance_is_put_to_a_person(sqlite_sessions):
    invoice, provider = await issued(sqlite_sessions), Provider()
    provider.transfer(await with_account(sqlite_sessions, provider, invoice.number), 1_275_000, invoice.number)
    await hear(sqlite_sessions, provider)
    provider.refusing = {"charge": "insufficient_funds"}
    await sending.tick(sqlite_sessions, provider, URL, NOON)
    found = await one(sqlite_sessions, Discrepancy)
    receipt = await one(sqlite_sessions, Receipt)
    assert (found.kind, found.subject, found.invoice) == ("transfer_not_taken", receipt.public_id, invoice.number)
    assert found.facts == {"amount_minor": 1_275_000, "currency": "USD", "code": "insufficient_funds"}


async def test_a_rest_below_what_the_provider_takes_is_offered_no_card(sqlite_sessions):
    invoice, provider = await issued(sqlite_sessions), Provider()
    customer = await with_account(sqlite_sessions, provider, invoice.number)
    provider.transfer(customer, 1_275_000 - 50, invoice.number)
    await hear(sqlite_sessions, provider)
    assert (await ways(sqlite_sessions, invoice.number)).card
    provider.transfer(customer, 1, invoice.number)
    await hear(sqlite_sessions, provider)
    left = await ways(sqlite_sessions, invoice.number)
    assert (left.amount_minor, left.card, left.transfer) == (49, False, True)
    with pytest.raises(ActNotAllowed) as refused:
        await asked(sqlite_sessions, invoice.number)
    assert refused.value.facts == {"state": "too_little"}


async def test_two_pages_of_one_invoice_that_are_both_paid_pay_it_once(sqlite_sessions):
    invoice, provider = await issued(sqlite_sessions), Provider()
    pages = [await on_page(sqlite_sessions, provider, invoice.number, save=save) for save in (False, True)]
    assert len(set(pages)) == 2
    for page in pages:
        provider.pay(page)
    await hear(sqlite_sessions, provider)
    assert await balance(sqlite_sessions, f"asset:buyer:{invoice.company_id}") == 0
    assert await balance(sqlite_sessions, f"liability:unallocated:{invoice.company_id}") == -1_275_000
    assert (await one(sqlite_sessions, Discrepancy)).kind == "invoice_closed"
    await sending.tick(sqlite_sessions, provider, URL, NOON)  # the first page is asked to close, too late
    await hear(sqlite_sessions, provider)
    assert len(await rows(sqlite_sessions, Receipt)) == 2


async def test_a_transfer_is_taken_from_the_cash_balance_and_goes_back_by_that_charge(sessions):
    invoice, provider = await issued(sessions), Provider()
    customer = await with_account(sessions, provider, invoice.number)
    provider.transfer(customer, 1_275_700, invoice.number)
    await hear(sessions, provider)
    await sending.tick(sessions, provider, URL, NOON)
    await hear(sessions, provider)
    (receipt,) = await rows(sessions, Receipt)  # the charge is no second receipt
    taken = await one(sessions, PaymentIntent, PaymentIntent.kind == "charge")
    assert (receipt.source, taken.state, taken.amount_minor) == ("transfer", "succeeded", 1_275_700)
    async with sessions.begin() as session:
        await refunding.owe(
            session, key="over", company_id=invoice.company_id, entity="ANT", currency="USD", amount_minor=700,
            reason="overpaid", ref="", from_account=f"liability:unallocated:{invoice.company_id}", by=None, now=NOON,
        )  # fmt: skip
    await sending.tick(sessions, provider, URL, NOON)
    (refund,) = provider.refunds.values()
    assert refund.charge == taken.facts["charge"]


async def test_told_five_times_at_one_moment_it_has_one_effect(sessions):
    invoice, provider = await issued(sessions), Provider()
    provider.pay(await on_page(sessions, provider, invoice.number))
    calls = [webhooks.take(sessions, provider, event, NOON) for event in provider.events for _ in range(5)]
    effects = await asyncio.gather(*calls)
    assert (effects.count("paid"), effects.count("repeated")) == (1, 8)
    assert len(await rows(sessions, Receipt)) == 1 and len(await rows(sessions, ProviderEvent)) == 2
    assert await balance(sessions, "asset:stripe:ANT") == 1_275_000


async def test_a_request_is_one_row_however_often_it_is_asked(sessions):
    async def ask(**changes):
        said = {"company_id": None, "entity": "ANT", "currency": "USD", "amount_minor": 5, "facts": {}, "now": NOON}
        async with sessions.begin() as session:
            return await intents.ask(session, kind=IntentKind.CHARGE, key="k", ref="r", **said | changes)

    first, second = await ask(), await ask(amount_minor=6)
    assert (first.public_id, second.amount_minor) == (second.public_id, 5)
    assert len(await rows(sessions, PaymentIntent)) == 1
