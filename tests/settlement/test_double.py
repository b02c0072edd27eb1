"""The double of the payment provider, driven by the provider's own SDK: it keeps its state, its keys and its word."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
import pytest
import pytest_asyncio
import stripe
from stripe._http_client import AIOHTTPClient

from pavilion.settlement.payments.double.serving import running
from pavilion.settlement.payments.double.state import State
from pavilion.settlement.payments.double.words import WORDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVOICE = "Invoice INV-ANT-2026-000001"
RUBBISH = (
    "[]", "{", '{"do": "melt"}', '{"do": "fault", "fault": "504"}', '{"do": "post", "late_ms": -1}',
    '{"do": "pay", "session": "cs_none"}', '{"do": "transfer", "customer": "x", "currency": "usd"}',
)  # fmt: skip
BACK = "http://127.0.0.1:9/back"


@asynccontextmanager
async def client_of(double):
    http = AIOHTTPClient(timeout=10)
    try:
        yield stripe.StripeClient(
            double.key, base_addresses={"api": double.url}, http_client=http, max_network_retries=0
        ).v1
    finally:
        await http.close_async()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served():
    async with running() as one, client_of(one) as client:
        yield one, client


@pytest.fixture
def double(served):
    """One server for the module; what it remembers is new for each test."""
    one = served[0]
    one.world.state = State(None)
    yield one
    one.world.state.close()
    one.world.state = State(None)


@pytest.fixture
def api(served, double):
    return served[1]


async def a_customer(api, **more):
    return (await api.customers.create_async({"name": "Lumen Trading", **more})).id


def a_page(customer, amount=123_456, currency="usd", **more):
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": INVOICE}}
    return {
        "mode": "payment", "customer": customer, "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": BACK + "?paid", "cancel_url": BACK, "allowed_payment_method_types": ["card"], **more,
    }  # fmt: skip


async def a_charge(double, api, amount=123_456, card="good"):
    page = await api.checkout.sessions.create_async(a_page(await a_customer(api), amount))
    double.do("pay", session=page.id, card=card)
    page = await api.checkout.sessions.retrieve_async(page.id, {"expand": ["payment_intent"]})
    return page.payment_intent.latest_charge


def told(double):
    """The types that would be told now, in order; each is taken."""
    calls = double.due()
    for call in calls:
        double.answered(call, 200)
    return [call.type for call in calls]


async def sums(api):
    page = await api.balance_transactions.list_async({"limit": 100})
    return sum(one.amount for one in page.data), sum(one.fee for one in page.data)


async def test_a_page_is_paid_by_card_and_the_fee_is_taken(double, api):
    page = await api.checkout.sessions.create_async(a_page(await a_customer(api), metadata={"ref": "x"}))
    assert (page.status, page.payment_status, page.payment_intent) == ("open", "unpaid", None)
    double.do("pay", session=page.id, card="good")
    whole = ["payment_intent.latest_charge.balance_transaction"]
    page = await api.checkout.sessions.retrieve_async(page.id, {"expand": whole})
    assert (page.status, page.payment_status) == ("complete", "paid")
    charge = page.payment_intent.latest_charge
    assert (charge.amount_captured, charge.balance_transaction.fee) == (123_456, 3_610)
    assert told(double)[-3:] == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


@pytest.mark.parametrize(("card", "code"), [("declined", "card_declined"), ("check", "authentication_required")])
async def test_a_page_that_was_not_paid_can_be_tried_again(double, api, card, code):
    page = await api.checkout.sessions.create_async(a_page(await a_customer(api)))
    double.do("pay", session=page.id, card=card)
    assert (await api.checkout.sessions.retrieve_async(page.id)).status == "open"
    assert double.world.state.get(page.id)["_failed"] == code
    double.do("pay", session=page.id, card="good")
    assert (await api.checkout.sessions.retrieve_async(page.id)).payment_status == "paid"


async def test_a_saved_card_pays_without_its_holder_and_says_why_not(double, api):
    customer = await a_customer(api)
    saved = a_page(customer, payment_intent_data={"setup_future_usage": "off_session"})
    page = await api.checkout.sessions.create_async(saved)
    double.do("pay", session=page.id, card="good")
    method = (await api.customers.payment_methods.list_async(customer)).data[0].id
    asked = {"customer": customer, "amount": 5_000, "currency": "usd", "confirm": True, "off_session": True}
    paid = await api.payment_intents.create_async({**asked, "payment_method": method})
    assert (paid.status, paid.amount_received) == ("succeeded", 5_000)
    page = await api.checkout.sessions.create_async(saved)
    double.do("pay", session=page.id, card="check", consented=True)
    method = (await api.customers.payment_methods.list_async(customer)).data[0].id
    with pytest.raises(stripe.CardError) as refused:
        await api.payment_intents.create_async({**asked, "payment_method": method})
    assert refused.value.code == "authentication_required"
    assert "payment_intent.payment_failed" in told(double)


async def test_a_held_card_is_captured_in_part_or_let_go(double, api):
    for act, line in (("capture", 1), ("cancel", 0)):
        held = a_page(await a_customer(api), 80_000, payment_intent_data={"capture_method": "manual"})
        page = await api.checkout.sessions.create_async(held)
        double.do("pay", session=page.id, card="good")
        page = await api.checkout.sessions.retrieve_async(page.id)
        payment = await api.payment_intents.retrieve_async(page.payment_intent)
        assert (page.payment_status, payment.status, payment.amount_capturable) == (
            "unpaid",
            "requires_capture",
            80_000,
        )
        if act == "capture":
            payment = await api.payment_intents.capture_async(payment.id, {"amount_to_capture": 30_000})
            assert (payment.status, payment.amount_received) == ("succeeded", 30_000)
        else:
            assert (await api.payment_intents.cancel_async(payment.id)).status == "canceled"
        found = await api.balance_transactions.list_async({"source": payment.latest_charge})
        assert [one.amount for one in found.data] == [30_000] * line


async def test_refunds_never_exceed_the_charge_and_may_fail_afterwards(double, api):
    charge = await a_charge(double, api, 10_000)
    first = await api.refunds.create_async({"charge": charge, "amount": 6_000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await api.refunds.create_async({"charge": charge, "amount": 4_001})
    await api.refunds.create_async({"charge": charge})
    assert (await api.charges.retrieve_async(charge)).refunded
    with pytest.raises(stripe.InvalidRequestError) as over:
        await api.refunds.create_async({"charge": charge})
    assert over.value.code == "charge_already_refunded"
    double.do("fail_refund", refund=first.id)
    assert (await api.refunds.retrieve_async(first.id)).status == "failed"
    assert (await api.charges.retrieve_async(charge)).amount_refunded == 4_000
    assert await sums(api) == (6_000, 320)


async def test_a_dispute_takes_the_money_until_it_is_won(double, api):
    charge = await a_charge(double, api, 10_000, card="disputed")
    found = (await api.disputes.list_async({"charge": charge})).data[0]
    assert (found.status, found.balance_transactions[0].fee, (await sums(api))[0]) == ("needs_response", 1_500, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.refunds.create_async({"charge": charge})
    assert refused.value.code == "charge_disputed"
    double.do("win", dispute=found.id)
    assert ((await api.disputes.retrieve_async(found.id)).status, (await sums(api))[0]) == ("won", 10_000)
    assert told(double)[-1] == "charge.dispute.closed"


async def test_transfers_lie_on_the_customers_account_until_a_payment_takes_them(double, api):
    customer = await a_customer(api, cash_balance={"settings": {"reconciliation_mode": "manual"}})
    bank = {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}}
    asked = {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer": bank}
    first, again = [await api.customers.funding_instructions.create_async(customer, asked) for _ in range(2)]
    iban = first.bank_transfer.financial_addresses[0].iban.iban
    assert iban == again.bank_transfer.financial_addresses[0].iban.iban
    assert int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
    transfer = {"amount": 5_000, "currency": "eur", "reference": "INV-ANT-2026-000001"}
    funded = await api.test_helpers.customers.fund_cash_balance_async(customer, transfer)
    assert (funded.type, funded.funded.bank_transfer.reference) == ("funded", "INV-ANT-2026-000001")
    assert await sums(api) == (0, 0)  # not ours yet
    pay = {"customer": customer, "amount": 4_000, "currency": "eur", "confirm": True}
    pay |= {"payment_method_data": {"type": "customer_balance"}, "allowed_payment_method_types": ["customer_balance"]}
    assert (await api.payment_intents.create_async(pay)).status == "succeeded"
    assert await sums(api) == (4_000, 20)
    returned = await api.refunds.create_async(
        {"origin": "customer_balance", "customer": customer, "amount": 1_000, "currency": "eur"}
    )
    assert (returned.status, returned.charge) == ("pending", None)
    double.do("settle_refund", refund=returned.id)
    assert (await api.refunds.retrieve_async(returned.id)).status == "succeeded"
    assert (await api.customers.cash_balance.retrieve_async(customer)).available.eur == 0
    kinds = (await api.customers.cash_balance_transactions.list_async(customer)).data
    assert [one.type for one in kinds] == ["return_initiated", "applied_to_payment", "funded"]


async def test_a_page_paid_by_transfer_waits_for_every_part_of_it(double, api):
    customer = await a_customer(api)
    page = await api.checkout.sessions.create_async(
        a_page(customer, 9_000, "gbp", allowed_payment_method_types=["customer_balance"])
    )
    double.do("pay", session=page.id, card="transfer")
    assert (await api.checkout.sessions.retrieve_async(page.id)).payment_status == "unpaid"
    told(double)
    double.do("transfer", customer=customer, currency="gbp", amount=4_000)
    assert told(double)[-1] == "payment_intent.partially_funded"
    double.do("transfer", customer=customer, currency="gbp", amount=6_000)
    assert told(double)[-2:] == ["payment_intent.succeeded", "checkout.session.async_payment_succeeded"]
    assert (await api.customers.cash_balance.retrieve_async(customer)).available.gbp == 1_000


async def test_a_payout_leaves_the_balance_and_comes_back_when_it_bounces(double, api):
    await a_charge(double, api, 10_000)
    with pytest.raises(stripe.InvalidRequestError):
        await api.payouts.create_async({"amount": 10_000, "currency": "usd"})
    payout = await api.payouts.create_async({"amount": 9_000, "currency": "usd"})
    double.do("arrive", payout=payout.id)
    double.do("bounce", payout=payout.id)
    assert (await api.payouts.retrieve_async(payout.id)).status == "failed"
    assert await sums(api) == (10_000, 320)
    assert told(double)[-3:] == ["payout.created", "payout.paid", "payout.failed"]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"colour": "blue"}, "colour"),
        ({"mode": "raffle"}, "mode"),
        ({"line_items": [{"quantity": 1, "price_data": {"unit_amount": 100}}]}, "line_items[0][price_data][currency]"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"allowed_payment_method_types": ["cash"]}, "allowed_payment_method_types[0]"),
        ({"line_items": []}, "line_items"),
    ],
)
async def test_requests_are_checked_against_the_types_of_the_sdk(api, wrong, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.checkout.sessions.create_async({**a_page(await a_customer(api)), **wrong})
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (-5, "usd", "parameter_invalid_integer"),
        (1_005, "kwd", "parameter_invalid_integer"),
    ],
)
async def test_amounts_have_the_bounds_of_the_provider(api, amount, currency, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.checkout.sessions.create_async(a_page(await a_customer(api), amount, currency))
    assert refused.value.code == code


async def test_the_same_key_does_it_once_and_another_body_is_refused(double, api, monkeypatch):
    once = {"idempotency_key": "intent-1"}
    first, again = [await api.customers.create_async({"name": "Lumen"}, once) for _ in range(2)]
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError):
        await api.customers.create_async({"name": "Van Dael"}, once)
    begun = asyncio.Event()
    claim = double.world.state.claim_key
    monkeypatch.setattr(double.world.state, "claim_key", lambda *said: (claim(*said), begun.set()))
    double.do("fault", fault="slow", ms=150)
    slow = asyncio.create_task(api.customers.create_async({"name": "Slow"}, {"idempotency_key": "intent-2"}))
    await begun.wait()
    with pytest.raises(stripe.StripeError) as busy:
        await api.customers.create_async({"name": "Slow"}, {"idempotency_key": "intent-2"})
    assert (busy.value.http_status, busy.value.json_body["error"]["code"]) == (409, "idempotency_key_in_use")
    await slow
    assert len(double.world.state.all("customer")) == 2


@pytest.mark.parametrize("fault", ["500", "timeout_before", "timeout_after", "429"])
async def test_after_a_fault_the_same_key_ends_in_one_effect(double, api, fault):
    double.do("fault", fault=fault, on="POST /v1/customers")
    once = {"idempotency_key": "intent-1"}
    with pytest.raises(stripe.StripeError):
        await api.customers.create_async({"name": "Lumen"}, once)
    assert len(double.world.state.all("customer")) == (fault == "timeout_after")
    await api.customers.create_async({"name": "Lumen"}, once)
    assert len(double.world.state.all("customer")) == 1


async def test_a_500_kept_under_its_key_stays_one(double, api):
    double.do("fault", fault="500_kept")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await api.customers.create_async({"name": "Lumen"}, {"idempotency_key": "intent-1"})
    assert double.world.state.all("customer") == []


async def test_a_restart_changes_nothing(tmp_path):
    async with running(tmp_path) as one, client_of(one) as api:
        charge, key, secret = await a_charge(one, api), one.key, one.secret
        one.do("post", late_ms=0, twice_bp=5_000)
        one.do("fault", fault="500", times=3)
        one.world.state.claim_key("half-done", "print")
        waiting = [call.event for call in one.due()]
    async with running(tmp_path) as two, client_of(two) as api:
        assert (two.key, two.secret) == (key, secret)
        assert (await api.charges.retrieve_async(charge)).amount == 123_456
        assert two.world.orders.posting["twice_bp"] == 5_000
        assert two.world.orders.faults[0]["times"] == 3
        assert [call.event for call in two.due()] == waiting
        assert two.world.state.key("half-done") is None


async def test_calls_are_late_twice_lost_forged_or_out_of_order_by_seed(double, api):
    def drawn(**orders):
        double.do("well")
        double.do("post", **orders)
        seen = {row["n"] for row in double.world.state.calls(newest=1000)}
        for _ in range(40):
            double.world.tell("customer.updated", customer)
        return [row for row in reversed(double.world.state.calls(newest=1000)) if row["n"] not in seen]

    customer = double.world.need("customer", await a_customer(api))
    assert len(drawn(lost_bp=10_000)) == 0
    assert len(drawn(twice_bp=10_000)) == 80
    assert sum(row["forged"] for row in drawn(forged_bp=10_000)) == 40
    assert 0 < len(drawn(lost_bp=5_000, seed=7)) < 40
    shuffled = drawn(shuffle=1)
    assert [row["n"] for row in sorted(shuffled, key=lambda row: row["due_ms"])] != [row["n"] for row in shuffled]
    assert any(row["due_ms"] - shuffled[0]["due_ms"] > 10_000 for row in drawn(late_ms=60_000))
    drawn(stopped=1)
    assert double.due() == []


async def test_a_call_is_signed_over_its_body_and_a_forged_one_is_not_ours(double, api):
    await a_customer(api)
    call = double.due()[0]
    event = stripe.Webhook.construct_event(call.body, call.signature, double.secret)
    assert (event.type, event.data.object.name) == ("customer.created", "Lumen Trading")
    double.do("forged", event=call.event)
    forged = double.due()[-1]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(forged.body, forged.signature, double.secret)


async def test_the_house_is_called_again_until_it_takes_the_news(double, api):
    heard, first, taken = [], asyncio.Event(), asyncio.Event()

    async def house(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")))
        heard.append(json.loads(await reader.readexactly(size))["type"])
        status = b"500 No" if len(heard) == 1 else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        (first if len(heard) == 1 else taken).set()

    server = await asyncio.start_server(house, "127.0.0.1", 0)
    async with server:
        double.do("webhook", url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/stripe")
        await a_customer(api)
        async with asyncio.timeout(10):
            await first.wait()
            double.do("again", event=double.world.state.calls(newest=1)[0]["event"])
            await taken.wait()
    assert heard == ["customer.created"] * 2


async def test_only_this_machine_is_told_and_only_its_own_pages_give_orders(double):
    async with httpx2.AsyncClient(base_url=double.url, verify=False) as browser:
        assert (await browser.post("/control", json={"do": "webhook", "url": "http://example.org/"})).status_code == 422
        foreign = {"Origin": "http://elsewhere.example"}
        assert (await browser.post("/control", json={"do": "well"}, headers=foreign)).status_code == 403
        assert (await browser.get("/", headers={"Host": "elsewhere.example"})).status_code == 403
        assert (await browser.post("/do", data={"do": "well"}, headers=foreign)).status_code == 403
        for rubbish in RUBBISH:
            assert (await browser.post("/control", content=rubbish)).status_code == 422
        unkeyed = await browser.post("/v1/customers", data={"name": "x"})
        assert (unkeyed.status_code, unkeyed.json()["error"]["code"]) == (401, "api_key_invalid")


async def test_every_page_says_in_both_languages_that_it_is_a_simulation(double, api):
    charge = await a_charge(double, api)
    page = await api.checkout.sessions.create_async(a_page(await a_customer(api)))
    customer = (await api.charges.retrieve_async(charge)).customer
    places = ["/", "/payments", "/bank", f"/bank/{customer}", "/payouts", "/calls", f"/pay/{page.id}", "/nowhere"]
    async with httpx2.AsyncClient(base_url=double.url, verify=False) as browser:
        for place in places:
            for lang, place_of in (("en", 0), ("zh", 1)):
                answer = await browser.get(place, params={"lang": lang})
                assert WORDS["simulated"][place_of] in answer.text
                assert answer.headers["x-simulated"] == "true"
                assert "form-action 'self'" in answer.headers["content-security-policy"]
        paid = await browser.post(f"/pay/{page.id}", data={"way": "good", "lang": "en"})
        assert (paid.status_code, paid.headers["location"]) == (303, BACK + "?paid")
        assert WORDS["over_complete"][0] in (await browser.get(f"/pay/{page.id}?lang=en")).text


async def test_a_page_whose_time_is_over_expires_and_says_so(double, api):
    page = await api.checkout.sessions.create_async(a_page(await a_customer(api)))
    told(double)
    state = double.world.state.get(page.id)
    double.world.change(state, expires_at=double.world.now())
    assert (await api.checkout.sessions.retrieve_async(page.id)).status == "expired"
    assert told(double) == ["checkout.session.expired"]
    double.do("well")
    with pytest.raises(stripe.InvalidRequestError):
        await api.checkout.sessions.expire_async(page.id)


async def test_lists_come_by_page_newest_first(double, api):
    made = [await a_customer(api) for _ in range(5)]
    first = await api.customers.list_async({"limit": 3})
    rest = await api.customers.list_async({"limit": 3, "starting_after": first.data[-1].id})
    assert [one.id for one in [*first.data, *rest.data]] == made[::-1]
    assert (first.has_more, rest.has_more) == (True, False)
    assert [one.type for one in (await api.events.list_async({"type": "customer.created", "limit": 2})).data] == [
        "customer.created"
    ] * 2


async def test_objects_have_no_member_that_the_sdk_does_not_know(double, api):
    await a_charge(double, api, card="disputed")
    await api.refunds.create_async({"charge": await a_charge(double, api), "amount": 100})
    double.do("payout", currency="usd", amount=100)
    known = {
        "customer": stripe.Customer, "checkout.session": stripe.checkout.Session, "refund": stripe.Refund,
        "payment_intent": stripe.PaymentIntent, "charge": stripe.Charge, "dispute": stripe.Dispute,
        "payout": stripe.Payout, "balance_transaction": stripe.BalanceTransaction, "event": stripe.Event,
        "payment_method": stripe.PaymentMethod,
    }  # fmt: skip
    for kind, sdk in known.items():
        things = double.world.state.all(kind)
        unknown = {name for one in things for name in one if name[0] != "_"} - set(sdk.__annotations__)
        assert (kind, bool(things), unknown) == (kind, True, set())
