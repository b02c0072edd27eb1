"""To the provider's page and back, and the provider's own calls, as a browser and the provider meet them."""

import re
from dataclasses import replace

import pytest
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.main import build_web, sessions_of
from pavilion.notifications import money_words
from pavilion.settings import Settings
from pavilion.settlement import chargebacks, invoicing, queries, receiving, webhooks
from pavilion.settlement.intent_models import PaymentIntent, ProviderEvent
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.double.serving import running
from pavilion.settlement.payments.port import Disputed
from pavilion.settlement.payments.signing import signature
from pavilion.settlement.receipt_models import Receipt
from tests import make
from tests.make import NOON
from tests.settlement.test_invoicing import TERMS, Buyer, sold
from tests.settlement.test_stripe_adapter import Clock

ORIGIN = {"sec-fetch-site": "same-origin"}
HOME = "http://pavilion.test"
SECOND = int(NOON.timestamp())


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    """A house beside the double, with an invoice of Wen's company and one above the ceiling."""
    engine = create_engine(sqlite_database_url)
    async with running(clock=Clock()) as double:
        keys = {"stripe_key": SecretStr(double.key), "stripe_webhook_secret": SecretStr(double.secret)}
        settings = Settings(
            environment="test", data_dir=tmp_path, data_key="22" * 32, public_url=HOME, stripe_url=double.url, **keys
        )
        app = build_web(settings, engine, lambda: NOON, None)
        sessions = sessions_of(settings, engine)
        async with sessions.begin() as session:
            firm = await make.company(session)
            await make.person(session, firm=firm)
            await make.person(session, "ada@elsewhere.example", firm=await make.company(session, "Elsewhere"))
            await make.person(session, "vera@lumen.example", (Role.VIEWER,), firm=firm)
            for place, hammer in enumerate((1_000_000, 9_000_000)):
                terms = replace(TERMS, sale=f"{place:026d}")
                draft = await invoicing.add_lots(
                    session, terms=terms, buyer=Buyer(firm.id, "P-1", "HK"), now=NOON,
                    lots=[sold(f"{place:026d}", hammer)],
                )  # fmt: skip
                await invoicing.issue(session, draft, NOON)
        yield app, sessions, double
        await app.state.payments.close()
    await engine.dispose()


async def browser(house, email="wen@lumen.example"):
    app, sessions, _ = house
    async with sessions.begin() as session:
        token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
    return AsyncClient(
        transport=ASGITransport(app), base_url=HOME, cookies={COOKIE: token}, headers=ORIGIN
    )  # fmt: skip


def provider(house):
    return AsyncClient(transport=ASGITransport(house[0]), base_url=HOME)


async def test_from_the_invoice_to_the_page_and_back_to_a_paid_invoice(house):
    double = house[2]
    async with await browser(house) as wen, provider(house) as there:
        page = (await wen.get("/desk/invoices/INV-ANT-2026-000001")).text
        assert "12,750.00" in page and 'action="/desk/invoices/INV-ANT-2026-000001/checkout"' in page
        sent = await wen.post("/desk/invoices/INV-ANT-2026-000001/checkout", data={"way": "card"})
        assert sent.status_code == 303
        onwards = (await wen.get(sent.headers["location"])).text
        address = re.search(r'http-equiv="refresh" content="2;url=([^"]+)"', onwards).group(1)
        assert address.startswith(double.url) and "never see the number of your card" in onwards
        double.do("pay", session=address.rstrip("/").rpartition("/")[2])
        waiting = (await wen.get(sent.headers["location"] + "?back=paid")).text
        assert "is being confirmed" in waiting and "Payment received" not in waiting
        for call in double.due():
            headers = {"stripe-signature": call.signature, "content-type": "application/json"}
            for _ in range(2):
                assert (await there.post("/webhooks/stripe", content=call.body, headers=headers)).status_code == 200
        assert "Payment received" in (await wen.get(sent.headers["location"] + "?back=paid")).text
        again = await wen.post("/desk/invoices/INV-ANT-2026-000001/checkout", data={"way": "card"})
        assert again.status_code == 409
    async with house[1]() as session:
        states = await session.scalars(select(Invoice.state).order_by(Invoice.id))
        assert states.all() == ["paid", "issued"]


async def test_a_contested_payment_is_said_on_every_page_of_its_buyer(house):
    app, sessions, _ = house
    async with sessions.begin() as session:
        invoice = await queries.invoice_by_number(session, "INV-ANT-2026-000001", lock=True)
        receipt = Receipt(
            public_id="0" * 26, source="card", entity=invoice.entity, company_id=invoice.company_id,
            currency=invoice.currency, amount_minor=invoice.total_minor, value_date="2026-11-22", reference="pi_1",
            provider_ref="ch_1", purpose=invoice.number, at=NOON,
        )  # fmt: skip
        await receiving.book(session, receipt, invoice, by=None)
        found = Disputed("dp_1", "ch_1", invoice.total_minor, 1_500, invoice.currency, "open")
        await chargebacks.follow(session, receipt, found, NOON)
    async with await browser(house) as wen:
        for path in ("", "/INV-ANT-2026-000001", "/INV-ANT-2026-000001/release"):
            page = (await wen.get(f"/desk/invoices{path}")).text
            assert ("Disputed" in page or "contested; the stones stay here" in page) and "Paid in full" not in page
        assert "Disputed" in (await wen.get("/desk")).text
    async with sessions() as session:
        wen = (await session.scalars(select(Person).where(Person.email == "wen@lumen.example"))).one()
        said = {"notice": "dispute_opened", "about": "0" * 26}
        mail = await money_words.told(session, said, app.state.pages.tongues["en"], wen, amounts=True)
        assert mail.path == "/desk/invoices/INV-ANT-2026-000001" and "being contested" in mail.subject


async def test_above_the_ceiling_the_page_shows_the_account_of_the_company(house):
    async with await browser(house) as wen:
        page = (await wen.get("/desk/invoices/INV-ANT-2026-000002")).text
        assert "Cards are taken up to" in page
        refused = await wen.post("/desk/invoices/INV-ANT-2026-000002/checkout", data={"way": "card"})
        assert refused.status_code == 409
        sent = await wen.post("/desk/invoices/INV-ANT-2026-000002/checkout", data={"way": "transfer"})
        assert sent.headers["location"] == "/desk/invoices/INV-ANT-2026-000002?way=transfer#pay"
        shown = (await wen.get(sent.headers["location"])).text
        assert "your own account with" in shown and "Account number" in shown


async def test_what_another_company_owes_or_pays_does_not_exist_and_a_viewer_may_not_pay(house):
    async with await browser(house) as wen, await browser(house, "ada@elsewhere.example") as ada:
        sent = await wen.post("/desk/invoices/INV-ANT-2026-000001/checkout", data={"way": "card"})
        for number in ("INV-ANT-2026-000001", "INV-ANT-2026-999999", "nothing"):
            assert (await ada.post(f"/desk/invoices/{number}/checkout", data={})).status_code == 404
        assert (await ada.get(sent.headers["location"])).status_code == 404
        assert (await ada.post("/desk/deposits/01NOTHING/checkout", data={})).status_code == 404
        wrong = {"way": "cash"}, {"way": "card", "amount": "1"}, {"save": "x"}
        for said in wrong:
            answer = await wen.post("/desk/invoices/INV-ANT-2026-000001/checkout", data=said)
            assert answer.status_code == 422
    async with await browser(house, "vera@lumen.example") as vera:
        assert (await vera.post("/desk/invoices/INV-ANT-2026-000001/checkout", data={})).status_code == 403


async def test_when_the_provider_is_away_the_page_says_so_and_the_worker_goes_on(house):
    double = house[2]
    double.do("fault", fault="500", on="POST /v1/", times=9)
    async with await browser(house) as wen:
        sent = await wen.post("/desk/invoices/INV-ANT-2026-000001/checkout", data={"way": "card"})
        assert sent.status_code == 303
        assert "is being prepared" in (await wen.get(sent.headers["location"])).text
    async with house[1]() as session:
        assert (await session.scalars(select(PaymentIntent))).one().state == "sent"


BODY = (
    b'{"object":"event","id":"evt_9","type":"payment_intent.succeeded","created":%d,"livemode":%s,"data":{"object":'
    b'{"object":"payment_intent","id":"pi_9","amount":5,"amount_received":5,"currency":"usd","status":"succeeded",'
    b'"latest_charge":null,"created":%d,"metadata":{}}}}'
)


async def test_what_is_not_believed_leaves_a_counter_and_nothing_else(house):
    good = BODY % (SECOND, b"false", SECOND)
    signed = house[2].secret
    calls = [
        (good, "", "signature"),
        (good, signature(good, "whsec_" + "x", SECOND), "signature"),
        (good, signature(good, signed, SECOND - 301), "stale"),
        (good + b" ", signature(good, signed, SECOND), "signature"),
        (b"{", signature(b"{", signed, SECOND), "unreadable"),
        (BODY % (SECOND, b"true", SECOND), signature(BODY % (SECOND, b"true", SECOND), signed, SECOND), "mode"),
    ]
    async with provider(house) as there:
        for body, header, _ in calls:
            answer = await there.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
            assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")
        huge = await there.post("/webhooks/stripe", content=b"x" * 600_000)
        assert huge.status_code == 413
        unread = {"stripe-signature": signature(good, signed, SECOND)}  # the provider knows no such payment
        assert (await there.post("/webhooks/stripe", content=good, headers=unread)).status_code == 503
    async with house[1]() as session:
        assert await webhooks.refused(session, "2026-03-02") == {"signature": 3, "stale": 1, "unreadable": 1, "mode": 1}
        assert (await session.scalars(select(ProviderEvent))).all() == []


async def test_without_a_provider_everything_is_paid_by_wire(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    app = build_web(Settings(environment="test", data_dir=tmp_path, data_key="22" * 32), engine, lambda: NOON, None)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME) as there:
        assert (await there.post("/webhooks/stripe", content=b"{}")).json()["code"] == "pay_by_wire"
    await engine.dispose()
