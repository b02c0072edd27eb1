"""The adapter and the provider's double, with the real SDK between them: what we ask is understood, what is told is
believed when it is signed, and money goes the whole way there and back."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from pydantic import SecretStr

from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.events import Event
from pavilion.settings import Settings
from pavilion.settlement import agreed, consents, emptying, invoicing, reconciling, refunding, sending, webhooks
from pavilion.settlement.intent_models import PaymentIntent, ProviderCustomer
from pavilion.settlement.invoicing import Buyer
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.connecting import WrongMode, connect
from pavilion.settlement.payments.double.serving import running
from pavilion.settlement.payments.port import ForgedWebhook, ProviderRefused, ProviderUnreachable
from pavilion.settlement.payments.signing import signature
from pavilion.settlement.payments.stripe_adapter import StripePayments
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund
from tests.make import NOON
from tests.settlement.test_invoicing import TERMS, buyer, issued, sold
from tests.settlement.test_provider import URL, asked, balance, one, rows

LIVE, TEST = "sk_" + "live_1", "sk_" + "test_1"


class Clock:
    at = NOON

    def __call__(self):
        self.at += timedelta(seconds=1)
        return self.at


@pytest_asyncio.fixture
async def there():
    """The double, and our line to it."""
    async with running(clock=Clock()) as double:
        payments = StripePayments(double.key, double.secret, double.url, live=False)
        yield double, payments
        await payments.close()


async def hear(sessions, double, payments):
    """Every call that would go out now is taken; answers the effects."""
    found = []
    while calls := double.due():
        for call in calls:
            now = double.world.clock()
            told = payments.told(call.body, call.signature, now)
            found.append(await webhooks.take(sessions, payments, told, now))
            double.answered(call, 200)
    return found


async def on_page(sessions, payments, number, **how):
    intent = await asked(sessions, number, **how)
    assert await sending.send(sessions, payments, URL, intent, NOON)
    return (await one(sessions, PaymentIntent, PaymentIntent.public_id == intent)).provider_id


async def test_an_invoice_is_paid_on_the_page_refunded_disputed_and_reconciled(sqlite_sessions, there):
    double, payments = there
    invoice = await issued(sqlite_sessions)
    session_id = await on_page(sqlite_sessions, payments, invoice.number)
    page = await payments.read_checkout(session_id)
    assert (page.state, page.paid, page.url.startswith(double.url)) == ("open", False, True)
    double.do("pay", session=session_id)
    assert "paid" in await hear(sqlite_sessions, double, payments)
    assert (await one(sqlite_sessions, Invoice)).state == "paid"
    (receipt,) = await rows(sqlite_sessions, Receipt)
    dispute = double.do("dispute", charge=receipt.provider_ref)
    await hear(sqlite_sessions, double, payments)
    assert await balance(sqlite_sessions, f"asset:buyer:{invoice.company_id}") == 1_275_000
    double.do("win", dispute=dispute)
    await hear(sqlite_sessions, double, payments)
    assert await balance(sqlite_sessions, f"asset:buyer:{invoice.company_id}") == 0
    await reconciling.reconcile(sqlite_sessions, payments, NOON + timedelta(hours=5))
    there_now = (await payments._stripe().v1.balance.retrieve_async()).to_dict()
    sums = sum(part["amount"] for part in there_now["available"] + there_now["pending"] if part["currency"] == "usd")
    assert await balance(sqlite_sessions, "asset:stripe:ANT") == sums
    assert {row.kind for row in await rows(sqlite_sessions, Discrepancy)} == {"dispute"}


async def paid_in_two_houses(sessions, double, payments):
    """An invoice of each selling house, paid by card."""
    await issued(sessions)
    async with sessions.begin() as session:
        terms, who = replace(TERMS, entity="HKG"), await buyer(session)
        draft = await invoicing.add_lots(session, terms=terms, buyer=who, lots=[sold("M" * 26, 90_000)], now=NOON)
        await invoicing.issue(session, draft, NOON)
    for invoice in await rows(sessions, Invoice):
        double.do("pay", session=await on_page(sessions, payments, invoice.number))


async def test_a_payout_of_two_selling_houses_is_shared_by_what_it_is_made_of(sqlite_sessions, there):
    double, payments = there
    await paid_in_two_houses(sqlite_sessions, double, payments)
    await hear(sqlite_sessions, double, payments)
    other = await one(sqlite_sessions, Receipt, Receipt.entity == "HKG")
    double.do("dispute", charge=other.provider_ref)  # a house may owe there what another house has there
    first = double.do("payout", currency="usd")
    double.do("bounce", payout=first)
    last = double.do("payout", currency="usd")  # of nothing but what came back
    double.do("arrive", payout=last)
    effects = await hear(sqlite_sessions, double, payments)
    assert effects.count("paid_out") == 1
    await reconciling.reconcile(sqlite_sessions, payments, NOON + timedelta(hours=5))
    assert await balance(sqlite_sessions, "clearing:payout") == 0
    there_now, arrived = [], 0
    for house in ("ANT", "HKG"):
        there_now.append(await balance(sqlite_sessions, f"asset:stripe:{house}"))
        arrived += await balance(sqlite_sessions, f"asset:bank:{house}")
    assert (there_now, arrived) == ([0, 0], (await payments.read_payout(last)).amount_minor)
    assert await balance(sqlite_sessions, "asset:bank:HKG") == -3_358 - 1_500  # the fees of the charge and the dispute
    kinds = {row.kind for row in await rows(sqlite_sessions, Discrepancy)}
    assert kinds == {"dispute", "payout_failed"}


async def test_what_nobody_says_of_a_payout_is_shared_by_a_person_and_never_guessed(sqlite_sessions, there):
    double, payments = there
    await paid_in_two_houses(sqlite_sessions, double, payments)
    payout = double.do("payout", currency="usd", amount=1_200_000)  # by hand: the provider does not say of what
    double.do("arrive", payout=payout)
    await hear(sqlite_sessions, double, payments)
    for hours in (5, 6):
        await reconciling.reconcile(sqlite_sessions, payments, NOON + timedelta(hours=hours))
    found = await one(sqlite_sessions, Discrepancy)
    assert (found.kind, found.facts["rest_minor"]) == ("payout_unexplained", 1_200_000)
    assert await balance(sqlite_sessions, "asset:bank:ANT") == 0
    for parts, fault in (({"ANT": "12,000.01"}, BadInput), ({"XXX": "12000"}, BadInput)):
        with pytest.raises(fault):
            async with sqlite_sessions.begin() as session:
                await emptying.assign(session, found.public_id, parts, word="counted", by="tomas", now=NOON)
    async with sqlite_sessions.begin() as session:
        parts = {"ANT": "12,000.50", "HKG": "-0.50"}
        await emptying.assign(session, found.public_id, parts, word="counted by the charges", by="tomas", now=NOON)
    assert [await balance(sqlite_sessions, f"asset:bank:{one}") for one in parts] == [1_200_050, -50]
    with pytest.raises(ActNotAllowed):
        async with sqlite_sessions.begin() as session:
            await emptying.assign(session, found.public_id, parts, word="again", by="tomas", now=NOON)
    double.do("bounce", payout=payout)
    await hear(sqlite_sessions, double, payments)
    assert [await balance(sqlite_sessions, f"asset:bank:{one}") for one in parts] == [0, 0]


async def test_a_transfer_reaches_the_virtual_account_and_goes_back_from_it(sqlite_sessions, there):
    double, payments = there
    invoice = await issued(sqlite_sessions, sold(hammer_minor=5_000_000))
    intent = await asked(sqlite_sessions, invoice.number, by_card=False)
    await sending.send(sqlite_sessions, payments, URL, intent, NOON)
    customer = await one(sqlite_sessions, ProviderCustomer)
    assert {"account", "holder"} <= set(customer.accounts["USD"])
    more = invoice.total_minor + 700
    double.do("transfer", customer=customer.provider_id, currency="usd", amount=more, reference=invoice.number)
    assert "funded" in await hear(sqlite_sessions, double, payments)
    assert (await one(sqlite_sessions, Invoice)).state == "paid"
    async with sqlite_sessions.begin() as session:
        await refunding.owe(
            session, key="over", company_id=invoice.company_id, entity="ANT", currency="USD", amount_minor=700,
            reason="overpaid", ref="", from_account=f"liability:unallocated:{invoice.company_id}", by=None, now=NOON,
        )  # fmt: skip
    await sending.tick(sqlite_sessions, payments, URL, NOON)
    refund = await one(sqlite_sessions, Refund)
    if refund.state == "sent":
        intent = await one(sqlite_sessions, PaymentIntent, PaymentIntent.kind == "refund")
        double.do("settle_refund", refund=intent.provider_id)
        await hear(sqlite_sessions, double, payments)
    assert (await one(sqlite_sessions, Refund)).state == "succeeded"
    assert await balance(sqlite_sessions, "asset:stripe:ANT") == invoice.total_minor


@pytest.mark.parametrize(
    ("card", "code"), [("good", ""), ("declined", "card_declined"), ("check", "authentication_required")]
)
async def test_a_card_that_was_kept_pays_at_the_close_or_its_holder_does(sqlite_sessions, there, card, code):
    double, payments = there
    sessions, first = sqlite_sessions, await issued(sqlite_sessions)
    async with sessions.begin() as session:
        await agreed.set_terms(session, sale=first.sale, facts={"auto_charge": True}, by="p", now=NOON)
        await consents.give(session, company_id=first.company_id, sale=first.sale, entity="ANT", by="p", now=NOON)
    page = await on_page(sessions, payments, first.number, save=True)
    double.do("pay", session=page, card="check" if card == "check" else "good", consented=True)
    await hear(sessions, double, payments)
    method = (await one(sessions, ProviderCustomer)).method
    double.world.change(double.world.need("payment_method", method), _card=card)  # it may have been blocked meanwhile
    async with sessions.begin() as session:
        who = Buyer(first.company_id, "P-0417", "HK")
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold("M" * 26, 500_000)], now=NOON)
        number = (await invoicing.issue(session, draft, NOON)).number
    assert [await consents.charge_all(sessions, NOON) for _ in range(2)] == [1, 0]
    while await sending.tick(sessions, payments, URL, NOON):
        await hear(sessions, double, payments)
    charge = await one(sessions, PaymentIntent, PaymentIntent.kind == "charge")
    assert (charge.state, charge.last_error) == ("failed" if code else "succeeded", code)
    told = [one.name for one in await rows(sessions, Event) if one.name == "invoice:charge_refused"]
    if code:  # the holder is told once and pays as if nothing had been agreed
        assert told == ["invoice:charge_refused"]
        assert (await one(sessions, Invoice, Invoice.number == number)).state == "issued"
        page, other = await on_page(sessions, payments, number), card if card == "check" else "good"
        double.do("pay", session=page, card=other, consented=True)
        await hear(sessions, double, payments)
    assert {row.state for row in await rows(sessions, Invoice)} == {"paid"}
    assert await rows(sessions, Discrepancy) == [] and len(await rows(sessions, Receipt)) == 2


@pytest.mark.parametrize("fault", ["timeout_after", "cut_after"])
async def test_a_request_whose_answer_was_lost_is_asked_again_and_done_once(sqlite_sessions, there, fault):
    double, payments = there
    invoice = await issued(sqlite_sessions)
    intent = await asked(sqlite_sessions, invoice.number)
    double.do("fault", fault=fault, on="POST /v1/checkout/sessions")
    assert not await sending.send(sqlite_sessions, payments, URL, intent, NOON)
    assert (await one(sqlite_sessions, PaymentIntent)).state == "sent"
    await sending.tick(sqlite_sessions, payments, URL, NOON + timedelta(minutes=2))
    assert (await one(sqlite_sessions, PaymentIntent)).state == "waiting"
    listed = (await payments._stripe().v1.checkout.sessions.list_async()).to_dict()
    assert len(listed["data"]) == 1


async def test_euros_of_any_house_have_an_account_in_a_country_the_provider_opens_one_in(there):
    _, payments = there
    customer = await payments.customer(name="Lumen", about="Antwerp", ref="c", key="c1")
    for country in ("BE", "DE", "HK"):
        account = await payments.virtual_account(customer=customer, currency="EUR", country=country, key=country)
        assert {"account", "holder"} <= set(account.lines)


async def test_a_no_and_no_answer_are_two_things(there):
    double, payments = there
    with pytest.raises(ProviderRefused):
        await payments.read_payment("pi_none")
    with pytest.raises(ProviderRefused):
        await payments.virtual_account(customer="cus_1", currency="CHF", country="BE", key="k")
    away = StripePayments(double.key, double.secret, "http://127.0.0.1:9", live=False)
    with pytest.raises(ProviderUnreachable):
        await away.read_payment("pi_none")
    await away.close()


BODY = b'{"object":"event","id":"evt_1","type":"payout.paid","created":1772452800,"livemode":false,"data":{"object":'
PAYOUT = b'{"id":"po_1","amount":5,"currency":"usd","status":"paid"}}}'


@pytest.mark.parametrize(
    ("body", "late_s", "secret", "reason"),
    [
        (BODY + PAYOUT, 0, "whsec_2", "signature"),
        (BODY + PAYOUT, 301, "whsec_1", "stale"),
        (BODY + PAYOUT, -301, "whsec_1", "stale"),
        ((BODY + PAYOUT).replace(b"false", b"true"), 0, "whsec_1", "mode"),
        ((BODY + PAYOUT).replace(b'"livemode":false,', b""), 0, "whsec_1", "unreadable"),
        (b"\xff{", 0, "whsec_1", "unreadable"),
        (b"[" * 9000, 0, "whsec_1", "unreadable"),
        (b"[]", 0, "whsec_1", "unreadable"),
        ((BODY + PAYOUT).replace(b'"amount":5', b'"amount":"5", "x": NaN'), 0, "whsec_1", None),
        ((BODY + PAYOUT).replace(b"1772452800", b"1e999"), 0, "whsec_1", "unreadable"),
        (BODY + PAYOUT, 300, "whsec_1", None),
    ],
)
def test_only_what_is_signed_fresh_readable_and_of_our_mode_is_believed(body, late_s, secret, reason):
    payments = StripePayments(TEST, "whsec_1", "", live=False)
    header = signature(body, secret, int(NOON.timestamp()))
    if reason is None:
        assert payments.told(body, header, NOON + timedelta(seconds=late_s)).event == "evt_1"
        return
    with pytest.raises(ForgedWebhook) as refused:
        payments.told(body, header, NOON + timedelta(seconds=late_s))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=a", "t=x,v1=a", "t=1,v1=é", "t=99999999999999999999,v1=a", "=,=" * 99]
)
def test_a_header_that_is_none_is_a_forgery(header):
    with pytest.raises(ForgedWebhook):
        StripePayments(TEST, "whsec_1", "", live=False).told(BODY + PAYOUT, header, NOON)


def test_without_a_secret_nothing_is_believed():
    header = signature(BODY + PAYOUT, "", int(NOON.timestamp()))
    with pytest.raises(ForgedWebhook):
        StripePayments(TEST, "", "", live=False).told(BODY + PAYOUT, header, NOON)


def test_the_mode_of_the_key_fits_the_environment_or_the_house_does_not_start():
    def settings(environment, key):
        return Settings(environment=environment, stripe_key=SecretStr(key))

    assert connect(settings("production", "")) is None
    for environment, key in (("production", TEST), ("demo", LIVE), ("test", LIVE), ("production", "rk_" + "test_1")):
        with pytest.raises(WrongMode):
            connect(settings(environment, key))
    assert connect(settings("production", LIVE)) and connect(settings("demo", TEST))


async def test_a_hold_is_authorised_then_captured_in_part_or_let_go(there):
    double, payments = there
    customer = await payments.customer(name="Lumen", about="Antwerp", ref="c", key="c1")
    ends = NOON + timedelta(hours=20)

    async def held(key):
        page = await payments.checkout(
            customer=customer, amount_minor=50_000, currency="USD", title="Deposit", ref=key, methods=("card",),
            success_url=URL, cancel_url=URL, expires_at=ends, save_method=False, hold=True, lang="zh", key=key,
        )  # fmt: skip
        double.do("pay", session=page.id)
        payment = (await payments.read_checkout(page.id)).payment
        assert (await payments.read_payment(payment)).state == "authorised"
        return payment

    taken = await payments.capture(await held("one"), amount_minor=20_000, key="cap")
    assert (taken.state, taken.received_minor, taken.ref) == ("succeeded", 20_000, "one")
    assert (await payments.release_hold(await held("two"), key="rel")).state == "cancelled"
