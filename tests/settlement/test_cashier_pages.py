"""The cashier's pages: who may open them, and that their forms do what they say."""

import io
import re
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from PIL import Image
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.main import build_web
from pavilion.settings import Settings
from pavilion.settlement import discrepancies, invoicing
from pavilion.settlement.receipt_models import Receipt, Refund
from tests import make
from tests.make import NOON
from tests.settlement.test_invoicing import TERMS, buyer, sold

ORIGIN = {"sec-fetch-site": "same-origin"}
PAGES = ("", "/invoices", "/unallocated", "/refunds", "/discrepancies", "/aging", "/tax")
SHEETS = ("/day.csv", "/unallocated.csv", "/refunds.csv", "/discrepancies.csv", "/aging.csv", "/tax.csv")


@pytest.fixture
async def site(sqlite_database_url, sqlite_sessions, tmp_path):
    sessions = sqlite_sessions
    async with sessions.begin() as session:
        for email, role in (
            ("tomas@pavilion.example", Role.CASHIER), ("lena@pavilion.example", Role.LEAD),
            ("aud@pavilion.example", Role.AUDITOR), ("noor@pavilion.example", Role.CURATOR),
        ):  # fmt: skip
            await make.person(session, email, (role,))
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=await buyer(session), lots=[sold()], now=NOON)
        invoice = await invoicing.issue(session, draft, NOON)
    engine = create_engine(sqlite_database_url)
    clock = [NOON]
    app = build_web(Settings(environment="test", data_dir=tmp_path), engine, lambda: clock[0], None)

    async def browser(name, lang="en"):
        async with sessions.begin() as session:
            person = await session.scalar(select(Person).where(Person.email == f"{name}@pavilion.example"))
            person.lang = lang
            token = await accounts.sign_in(
                session, email=person.email, password=make.PASSWORD, browser="t", now=clock[0]
            )
        return AsyncClient(
            transport=ASGITransport(app), base_url="http://pavilion.test", headers=ORIGIN,
            cookies={COOKIE: token, "lang": lang},
        )  # fmt: skip

    yield sessions, browser, clock, invoice.number
    await engine.dispose()


def wire(**changes):
    said = {"entity": "ANT", "currency": "USD", "amount": "20,000.00", "value_date": "2026-03-02"}
    return {
        **said,
        "bank_reference": "BNP 1",
        "sender": "Hanley Trust",
        "invoice": "",
        "deposit": "",
        "payer": "",
        **changes,
    }


def picture():
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, "PNG")
    return {"file": ("line.png", out.getvalue(), "image/png")}


async def one(sessions, what):
    async with sessions() as session:
        return (await session.scalars(select(what).order_by(what.id.desc()))).first()


async def test_a_transfer_goes_from_the_statement_to_its_places_and_its_rest_back(site):
    sessions, browser, _, number = site
    desk, lead = await browser("tomas"), await browser("lena", "zh")
    form = (await desk.get(f"/staff/cashier/transfer?invoice={number}")).text
    assert number in form and 'value="12,750.00"' in form
    entered = await desk.post("/staff/cashier/receipts", data=wire(invoice=number.lower()), files=picture())
    assert (entered.status_code, entered.headers["location"]) == (303, "/staff/cashier?done=over")
    day = (await desk.get("/staff/cashier")).text
    assert "BNP 1" in day and "Take back" in day
    page = (await lead.get("/staff/proposals")).text
    proposal = re.search(r"/staff/proposals/(\w+)/approval", page)[1]
    scan = re.search(r"/staff/cashier/scans/\w{64}", page)[0]
    assert (
        "12,750.00" in page and "7,250.00" in page and "Hanley Trust" in page
    )  # what was open, what is over, who sent
    assert (await lead.get(scan)).headers["content-type"] == "image/jpeg"
    assert (await (await browser("noor")).get(scan)).status_code == 403
    assert (await lead.post(f"/staff/proposals/{proposal}/approval")).status_code == 303

    page = (await lead.get("/staff/proposals")).text
    assert "12,750.00" in page and "7,250.00" in page  # as it stood when it was entered
    receipt = await one(sessions, Receipt)
    here = f"/staff/cashier/receipts/{receipt.public_id}"
    assert "7,250.00" in (await desk.get(here)).text
    wrong = await desk.post(f"{here}/match", data={"invoice": "INV-X", "amount": ""})
    assert wrong.status_code == 422 and "No issued invoice" in wrong.text
    wrong = {"to": "EUR", "rate": "-1", "rate_source": "ECB", "rate_on": "2026-03-02", "invoice": "", "amount": ""}
    assert (await desk.post(f"{here}/conversion", data=wrong)).status_code == 422
    assert (await desk.post(f"{here}/reversal", data={"reason": "no"})).status_code == 422
    assert (await desk.post(f"{here}/match", data={"invoice": number, "amount": ""})).status_code == 409  # paid
    assert (await desk.post(f"{here}/return")).status_code == 303
    refund = await one(sessions, Refund)
    assert (await desk.post("/staff/cashier/refunds", data={})).status_code == 422
    assert (await desk.post("/staff/cashier/refunds", data={"refund": refund.public_id})).status_code == 303
    proposal = re.search(r"/staff/proposals/(\w+)/approval", (await lead.get("/staff/proposals")).text)[1]
    assert (await lead.post(f"/staff/proposals/{proposal}/approval")).status_code == 303
    out = {"bank_reference": "OUT 1"}
    assert (await desk.post(f"/staff/cashier/refunds/{refund.public_id}/payment", data=out)).status_code == 303
    for lang in ("en", "zh"):
        reader = await browser("aud", lang)
        own = (f"/trail/{number}", f"/trail/{receipt.public_id}", f"/receipts/{receipt.public_id}")
        for path in (*PAGES, *own):
            answer = await reader.get(f"/staff/cashier{path}")
            assert answer.status_code == 200, path
            assert 'method="post" action="/staff/cashier' not in answer.text  # an auditor reads
    told = (await desk.get(f"/staff/cashier/trail/{receipt.public_id}.csv")).text
    page = (await desk.get(f"/staff/cashier/trail/{receipt.public_id}")).text
    assert "Payment booked" in page and "not allocated USD 7,250.00" in page and "Refund due" in page
    assert "payment:booked" in told and "refund:paid" in told and "liability:refund" in told
    assert "OUT 1" in (await desk.get("/staff/cashier/refunds.csv")).text


async def test_the_sheets_and_the_empty_pages_open_and_nobody_else_may(site):
    sessions, browser, clock, number = site
    desk = await browser("tomas")
    for path in SHEETS:
        answer = await desk.get(f"/staff/cashier{path}")
        assert answer.status_code == 200 and answer.content.startswith(b"\xef\xbb\xbf"), path
    clock[0] = NOON + timedelta(days=7)
    desk, curator = await browser("tomas"), await browser("noor")
    for path in PAGES:
        assert (await desk.get(f"/staff/cashier{path}")).status_code == 200
        assert (await curator.get(f"/staff/cashier{path}")).status_code == 403
    owed = (await desk.get("/staff/cashier/aging.csv")).text.splitlines()
    assert owed[0].endswith("not_due,to_30,to_60,to_90,over_90,total") and "12750.00" in owed[1]
    taxed = (await desk.get("/staff/cashier/tax.csv?first=2026-03-01&last=2026-03-31")).text.splitlines()
    assert "currency" in taxed[0] and "USD" in taxed[1] and "12750.00" in taxed[1]
    assert "1–30 days" in (await desk.get("/staff/cashier/aging")).text
    assert (await desk.get("/staff/cashier/tax?first=2026-03-01&last=2026-03-31")).text.count("12,750.00") == 1
    for span in ("first=x&last=y", "first=2026-03-02&last=2026-03-01", "first=2020-01-01&last=2026-01-01"):
        assert (await desk.get(f"/staff/cashier/tax?{span}")).status_code == 422
    async with sessions.begin() as session:
        facts = {"amount_minor": 5, "currency": "USD"}
        await discrepancies.found(
            session, key="k", kind="missing_here", subject="ch_1", invoice=number, facts=facts, now=NOON
        )
    page = (await desk.get("/staff/cashier/discrepancies")).text
    close = re.search(r"/staff/cashier/discrepancies/\w+/close", page)[0]
    async with sessions.begin() as session:
        facts = {"amount_minor": 900, "rest_minor": 500, "currency": "USD"}
        await discrepancies.found(session, key="p", kind="payout_unexplained", subject="po_1", facts=facts, now=NOON)
    share = re.search(r"/staff/cashier/discrepancies/\w+/share", (await desk.get("/staff/cashier/discrepancies")).text)[
        0
    ]
    for parts, why, code in (("5", "no", 422), ("x", "as their list says", 422), ("4", "as their list says", 422)):
        wrong = await desk.post(share, data={"entity": ["ANT", "HKG"], "part": [parts, ""], "reason": why})
        assert wrong.status_code == code and "is-wrong" in wrong.text
    right = {"entity": ["ANT", "HKG"], "part": ["6.00", "-1"], "reason": "as their list says"}
    assert [(await desk.post(share, data=right)).status_code for _ in range(2)] == [303, 409]
    assert (await desk.post("/staff/cashier/discrepancies/1/share", data=right)).status_code == 404
    assert (await desk.post(close, data={"reason": "no"})).status_code == 422
    assert (await desk.post(close, data={"reason": "booked by hand that day"})).status_code == 303
    assert (await desk.post(close, data={"reason": "booked by hand that day"})).status_code == 409


async def test_what_cannot_be_read_comes_back_with_its_faults(site):
    _, browser, _, number = site
    desk = await browser("tomas")
    for said, words in [
        (wire(amount="1e5"), "f-amount-hint"), (wire(amount="12.345"), "f-amount-hint"),
        (wire(value_date="tomorrow"), "f-value_date-hint"), (wire(value_date="2027-01-01"), "f-value_date-hint"),
        (wire(invoice="INV-ANT-2026-999999"), "f-invoice-hint"), (wire(deposit="NONE"), "f-deposit-hint"),
        (wire(entity="XXX"), "f-entity-hint"), (wire(bank_reference=" "), "f-bank_reference-hint"),
        (wire(value_date="1772409600"), "f-value_date-hint"), (wire(payer="9007199254740991"), "f-payer-hint"),
        *((wire(amount=odd), "f-amount-hint") for odd in ("２０", "NaN", "0", "-5", "9" * 31, "10000000000000")),
    ]:  # fmt: skip
        answer = await desk.post("/staff/cashier/receipts", data=said)
        assert answer.status_code == 422 and "is-wrong" in answer.text and words in answer.text, said
    wrong = wire(amount="17500,00", bank_reference="", invoice="INV-NONE", value_date="2027-01-01")
    answer = (await desk.post("/staff/cashier/receipts", data=wrong)).text
    assert answer.count("aria-invalid") == 4 and "17,500.00" in answer  # all at once
    assert "f-sender-hint" in (await desk.post("/staff/cashier/receipts", data=wire(sender=""))).text
    junk = {"file": ("line.png", b"\x89PNG junk", "image/png")}
    assert "f-file-hint" in (await desk.post("/staff/cashier/receipts", data=wire(), files=junk)).text
    assert (await desk.post("/staff/cashier/receipts", data=wire(currency="XAU"))).status_code == 422
    long = {"file": ("line.png", b"x" * 5_400_000, "image/png")}
    assert (await desk.post("/staff/cashier/receipts", data=wire(), files=long)).status_code == 413
    for path in ("/receipts/NONE", "/scans/00", f"/trail/{number}x"):
        assert (await desk.get(f"/staff/cashier{path}")).status_code == 404
