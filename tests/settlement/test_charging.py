"""What a cashier changes of a draft, and the pages on which it is done."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.settlement import adding_up, charging, invoicing, ledger
from pavilion.settlement.models import Invoice
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests.make import NOON
from tests.settlement.test_cashier_pages import site  # noqa: F401 - a fixture
from tests.settlement.test_invoicing import TERMS, buyer, sold

TONGUES = load(frontend() / "locales")
WHY = "Resale certificate seen and on file."


async def drafted(sessions, country="HK", tax_no=""):
    async with sessions.begin() as session:
        who = await buyer(session, country, tax_no)
        return await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold()], now=NOON)


async def does(sessions, made, verb, **said):
    async with sessions.begin() as session:
        found = await charging.draft(session, made.public_id)
        await verb(session, found, **{"by": "t", "now": NOON} | said)
        return found


def charge(**changes):
    said = {"kind": "shipping", "amount_minor": 10_001, "taxed": True, "text_en": "", "text_zh": "", "key": "a" * 32}
    return said | changes


async def test_charges_join_tax_and_total_and_go_again(sessions):
    made = await drafted(sessions, "BE")
    for said in (charge(), charge(), charge(kind="duty", amount_minor=500, key="b" * 32)):  # one of them came twice
        draft = await does(sessions, made, charging.add, **said)
    assert draft.total_minor == 1_275_000 + 10_001 + 500 + 269_850  # half of 2,698.5021 up; the duty bears none
    assert draft.total_minor == adding_up.totals_of(draft).total
    shipping = next(line for line in draft.lines if line.facts.get("charge") == "shipping")
    draft = await does(sessions, made, charging.remove, line_id=shipping.id)
    draft = await does(sessions, made, charging.remove, line_id=shipping.id)
    assert draft.total_minor == 1_275_000 + 500 + 267_750
    async with sessions.begin() as session:
        issued = await charging.issue(session, await charging.draft(session, made.public_id), by="t", now=NOON)
        assert await ledger.balance(session, "income:charge", "USD") == -500
    with pytest.raises(ActNotAllowed):  # what is issued is never edited
        await does(sessions, issued, charging.add, **charge())


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0}, {"amount_minor": -1}, {"amount_minor": None}, {"amount_minor": 10**15},
        {"kind": "hammer"}, {"text_en": "x" * 121},
    ],
)  # fmt: skip
async def test_a_charge_that_makes_no_sense_is_refused_and_nothing_changes(sqlite_sessions, wrong):
    made = await drafted(sqlite_sessions)
    with pytest.raises(BadInput):
        await does(sqlite_sessions, made, charging.add, **charge(**wrong))
    async with sqlite_sessions() as session:
        assert (await session.scalars(select(Invoice))).one().total_minor == 1_275_000


async def test_a_person_decides_what_the_table_does_not_and_the_issue_keeps_it(sqlite_sessions):
    made = await drafted(sqlite_sessions, "FR")
    assert made.regime is None
    wrong = (
        {"regime": "full", "rate_bp": None}, {"regime": "full", "rate_bp": 5_001}, {"regime": "export", "rate_bp": 1},
        {"regime": "reverse", "rate_bp": None}, {"regime": "free", "rate_bp": None},
        {"regime": "none", "rate_bp": None, "reason": "short"},
    )  # fmt: skip
    for said in wrong:
        with pytest.raises(BadInput):
            await does(sqlite_sessions, made, charging.decide_tax, **{"text": "", "reason": WHY} | said)
    await does(sqlite_sessions, made, charging.decide_tax, regime="margin", rate_bp=2000, text="Art. 1", reason=WHY)
    async with sqlite_sessions.begin() as session:
        issued = await charging.issue(session, await charging.draft(session, made.public_id), by="t", now=NOON)
    assert (issued.regime, issued.total_minor) == ("margin", 1_275_000 + 55_000)
    assert (issued.facts["tax_decided"]["by"], issued.facts["tax_decided"]["text"]) == ("t", "Art. 1")


async def test_the_tax_number_that_came_later_decides_at_the_issue(sqlite_sessions):
    made = await drafted(sqlite_sessions, "FR")
    async with sqlite_sessions.begin() as session:
        found = await charging.draft(session, made.public_id)
        firm = await session.get_one(invoicing.Company, found.company_id)
        firm.tax_no = "FR 12 345678901"
        issued = await charging.issue(session, found, by="t", now=NOON)
    assert (issued.regime, issued.facts["buyer"]["tax_no"]) == ("reverse", "FR 12 345678901")


async def found(sessions):
    async with sessions() as session:
        wanted = select(Invoice).options(selectinload(Invoice.lines)).order_by(Invoice.id.desc())
        return (await session.scalars(wanted)).first()


async def test_the_pages_do_what_they_say(site):  # noqa: F811
    sessions, browser, clock, _ = site
    clock[0] = NOON + timedelta(minutes=1)
    async with sessions.begin() as session:
        who = await buyer(session, "FR")
        made = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold("F" * 26)], now=NOON)
    here, desk = f"/staff/cashier/drafts/{made.public_id}", await browser("tomas")
    assert "Tax undecided" in (await desk.get("/staff/cashier/drafts")).text
    page = (await desk.get(here)).text
    key = re.search(r'name="key" value="(\w{32})"', page)[1]
    said = {"kind": "shipping", "amount": "1,250.50", "taxed": "yes", "text_en": "Secured", "text_zh": "", "key": key}
    wrong = await desk.post(f"{here}/charges", data=said | {"amount": "1,250.505"})
    assert wrong.status_code == 422 and 'value="1,250.505"' in wrong.text
    for _ in range(2):
        assert (await desk.post(f"{here}/charges", data=said)).headers["location"] == f"{here}?done=charged"
    refused = await desk.post(f"{here}/issue")
    assert refused.status_code == 409 and "The tax treatment is not decided." in refused.text
    decision = {"regime": "full", "rate": "20.5", "text": "", "reason": WHY}
    assert (await desk.post(f"{here}/tax", data=decision | {"rate": "x"})).status_code == 422
    assert (await desk.post(f"{here}/tax", data=decision)).status_code == 303
    assert (await desk.post(f"{here}/wait", data={"waits": "yes"})).status_code == 303
    assert "Secured" in (await desk.get(here)).text
    assert (await desk.get(f"/desk/invoices/{made.public_id}.pdf?lang=zh")).content.startswith(b"%PDF")
    assert "Somebody changed this meanwhile." in (await desk.post(f"{here}/issue", data={"total": "1275000"})).text
    seen = re.search(r'name="total" value="(\d+)"', (await desk.get(here)).text)[1]
    issued = await desk.post(f"{here}/issue", data={"total": seen})
    invoice = await found(sessions)
    assert issued.headers["location"] == f"/desk/invoices/{invoice.number}"
    assert invoice.total_minor == 1_275_000 + 125_050 + 287_010
    assert (await desk.get(here)).headers["location"] == f"/desk/invoices/{invoice.number}"

    correct = f"/staff/cashier/invoices/{invoice.number}"
    assert "The whole invoice" in (await desk.get(f"{correct}/correction")).text
    cancel = {"what": "lots", "again": "yes", "reason": "The stone was damaged."}
    assert (await desk.post(f"{correct}/cancellation", data=cancel)).status_code == 422  # no lot was ticked
    assert (await desk.post(f"{correct}/cancellation", data=cancel | {"lot": "F" * 26})).status_code == 303
    lead = await browser("lena", "zh")
    shown = (await lead.get("/staff/proposals")).text
    assert "16,870.60" in shown and "艳彩黄" in shown and "上述拍品随后转入同一买方的新草稿" in shown
    proposal = re.search(r"/staff/proposals/(\w+)/approval", shown)[1]
    assert (await lead.post(f"/staff/proposals/{proposal}/approval")).status_code == 303
    page = (await desk.get(f"/desk/invoices/{invoice.number}")).text
    assert "CN-ANT-2026-000001" in page and "Cancelled" in page
    again = await found(sessions)
    assert (again.state, again.facts["instead_of"], again.regime) == ("draft", invoice.number, "full")
    for other in ("noor", "aud"):
        assert (await (await browser(other)).get(here)).status_code == 403
        assert (await (await browser(other)).post(f"{correct}/write-off", data={"why": WHY})).status_code == 403
