"""Invoices and credit notes on paper: every figure in its currency, in both languages, the same bytes again."""

from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from pavilion.settlement import crediting, document, invoicing, jobs
from pavilion.settlement.models import Invoice, InvoiceLine, InvoicePaper
from pavilion.settlement.note_models import Paper
from pavilion.settlement.rules import LineKind
from pavilion.webkit import pdf
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests.make import NOON
from tests.settlement.test_invoicing import issued, sold

TONGUES = load(frontend() / "locales")
PIECE = {
    "stone": "P" * 26, "stock_no": "A-1", "mct": 1510, "report": "GIA 0001", "species": "diamond", "variety": None,
    "treatment": None, "mined": "BW", "made": "BE",
    "passport": {"page": "https://pavilion.example/id/stone/" + "P" * 26, "version": 3, "sha256": "0" * 64},
}  # fmt: skip
SAPPHIRE = PIECE | {"species": "sapphire", "treatment": "heat", "mined": "LK", "made": None, "passport": None}


def words_of(made):
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages)


def an_invoice(currency="USD", **changes):
    """As it stands after the issue, without a database."""
    facts = {
        "sale": {"title_en": "Spectral IV", "title_zh": "光谱 IV", "zone": "Europe/Brussels"}, "paddle": "P-0417",
        "bands": [[None, 2500]], "early_bands": None,
        "buyer": {"name": "Lumen Trading", "city": "Central", "country": "HK", "tax_no": ""},
        "seller": {
            "name": "Pavilion Antwerp BV", "address": ["Hoveniersstraat 22"], "tax_no": "BE 0000.000.000",
            "country": "BE", "bank": {"holder": "Pavilion Antwerp BV", "account": "BE00", "bic": "DEMOBEBB"},
        },
    }  # fmt: skip
    invoice = Invoice(
        public_id="I" * 26, number="INV-ANT-2026-000001", state="issued", sale="S" * 26, company_id=1,
        currency=currency, entity="ANT", destination="HK", regime="export", rate_bp=0, tax_table="t",
        total_minor=12_345_678, credits_minor=345_678, facts=facts, issued_on="2026-03-02", due_on="2026-03-05",
    )  # fmt: skip
    lot = {"number": "14", "consignor": 7, "early": False, "weight_mct": 1510, "report": "GIA 0001",
           "species": "diamond", "pieces": [PIECE, SAPPHIRE]}  # fmt: skip
    amounts = (("hammer", 9_000_000), ("premium", 2_250_000), ("charge", 1_095_678), ("tax", 0), ("credit", 345_678))
    invoice.lines = [
        InvoiceLine(
            place=n, kind=kind, amount_minor=amount, lot="L" * 26 if n < 2 else None,
            text_en="Fancy Vivid Yellow" if n < 2 else "", text_zh="艳彩黄" if n < 2 else "",
            facts=lot if n < 2 else {"charge": "shipping", "taxed": False} if kind == "charge" else {},
        )
        for n, (kind, amount) in enumerate(amounts)
    ]  # fmt: skip
    for name, value in changes.items():
        setattr(invoice, name, value)
    return invoice


@pytest.mark.parametrize(
    ("currency", "total", "due"),
    [("JPY", "12,345,678", "12,000,000"), ("USD", "123,456.78", "120,000.00"), ("KWD", "12,345.678", "12,000.000")],
)
def test_an_amount_has_the_places_of_its_currency(currency, total, due):
    said = words_of(pdf.render("invoice.typ", document.data_of(an_invoice(currency), TONGUES["en"])))
    assert f"{currency} {due}" in said and total in said
    assert "Shipping" in said and "Deposit applied" in said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_stone_says_where_it_is_from_and_leads_to_its_passport(lang):
    data = document.data_of(an_invoice(), TONGUES[lang])
    first, second = data["lots"][0]["stones"]
    assert first["href"].endswith("/id/stone/" + "P" * 26) and second["href"] == ""
    assert all(word in first["text"] for word in (("Botswana", "Belgium") if lang == "en" else ("博茨瓦纳", "比利时")))
    (told,) = data["disclosures"]  # the sapphire; a diamond's is the warranty
    assert ("Sri Lanka" if lang == "en" else "斯里兰卡") in told and ("Heat" if lang == "en" else "加热") in told
    made = pdf.render("invoice.typ", data)
    assert made == pdf.render("invoice.typ", data)
    links = [one.get_object()["/A"]["/URI"] for page in PdfReader(BytesIO(made)).pages for one in page["/Annots"]]
    assert links == [first["href"]]


def test_a_pro_forma_is_marked_as_such():
    draft = an_invoice(number=None, state="draft", issued_on=None, due_on=None)
    said = words_of(pdf.render("invoice.typ", document.data_of(draft, TONGUES["en"])))
    assert "Pro forma invoice" in said and "This is a draft" in said


async def test_papers_are_set_once_in_both_languages_and_keep_their_hash(sessions):
    invoice = await issued(sessions, sold(), sold("M" * 26, 2_000_000), country="BE")
    async with sessions.begin() as session:
        row = await session.get_one(Invoice, invoice.id)
        note = await crediting.credit(session, row, lots=["M" * 26], reason="default", by=None, now=NOON)
    later = NOON + timedelta(minutes=1)
    assert await jobs.set_papers(sessions, later, TONGUES) == 2
    assert await jobs.set_papers(sessions, later, TONGUES) == 0
    async with sessions() as session:
        papers = [*await session.scalars(select(InvoicePaper)), *await session.scalars(select(Paper))]
    assert sorted(one.lang for one in papers) == ["en", "en", "zh", "zh"]
    assert all(sha256(one.pdf).hexdigest() == one.sha256 for one in papers)
    english = words_of(next(one.pdf for one in papers if isinstance(one, Paper) and one.lang == "en"))
    assert note.number in english and invoice.number in english and "The buyer did not pay" in english
    assert "USD 30,628.13" in english  # 20,000.00, the premium of 5,312.50 and their part of the tax


async def test_the_table_of_the_day_and_the_form_of_the_numbers_decide_the_tax(sqlite_sessions):
    belgian = await issued(sqlite_sessions, country="BE")
    assert (belgian.regime, belgian.rate_bp) == ("full", 2100)
    with pytest.raises(invoicing.TaxUndecided):
        await issued(sqlite_sessions, sold("N" * 26), country="FR", tax_no="FR 12")  # no number of any country's form


async def test_own_goods_are_income_and_the_days_come_from_the_result_and_the_holidays(sqlite_sessions):
    from pavilion.settlement import ledger
    from pavilion.settlement.models import HouseCompany
    from tests import make

    async with sqlite_sessions.begin() as session:
        house = await make.company(session, "Pavilion's own stock", "BE")
        session.add(HouseCompany(company_id=house.id, entity="ANT"))
    await issued(sqlite_sessions, sold(consignor=house.id), sold("M" * 26, 2_000_000, consignor=8))
    async with sqlite_sessions() as session:
        assert await ledger.balance(session, "income:sales", "USD") == -1_000_000
        assert await ledger.balance(session, f"liability:seller:{house.id}", "USD") == 0
        wanted = select(Invoice).options(selectinload(Invoice.lines))
        row = (await session.scalars(wanted)).one()
    assert (row.due_on, row.default_on) == ("2026-03-05", "2026-03-10")  # a weekend lies in the grace
    assert row.facts["days"]["reminders"] == ["2026-03-04", "2026-03-06"]
    assert {line.kind for line in row.lines} == {LineKind.HAMMER, LineKind.PREMIUM, LineKind.TAX}
