"""The reconciliation of warranties as a company, the house's staff and an auditor meet it."""

import json

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.cli import app
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.db import create_engine
from pavilion.kernel.ids import ulid
from pavilion.provenance import log_queries, outcome_chains
from pavilion.provenance import outcome_service as outcomes
from pavilion.provenance.models import ChainEvent
from pavilion.provenance.outcome_models import WarrantyYear
from pavilion.settings import Settings
from pavilion.settlement.models import Invoice, InvoiceLine
from tests import make
from tests.make import NOON
from tests.provenance.test_warranties import TEXT, chain, event
from tests.provenance.visiting import HOME, signed_in

STONE, OTHER = ulid(NOON), ulid(NOON)
SOW = {"sow": TEXT, "sow_self_assessed": "2025-05-10"}
FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path, log_key="07" * 32)
    built = main.build_house(settings, engine, lambda: NOON)
    async with built.state.sessions.begin() as session:
        cutter = await make.company(session, "Kgale Cutting", "BW")
        shop = await make.company(session, "Scheldt Consignments", "BE")
        lumen = await make.company(session, "Lumen Trading", "HK")
        await make.person(session, "kagiso@kgale.example", (Role.PRODUCER,), cutter)
        await make.person(session, "sam@scheldt.example", (Role.SUPPLIER,), shop)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), lumen)
        await make.person(session, "eve@elsewhere.example", (Role.BUYER,), await make.company(session, "Elsewhere"))
        await make.person(session, "cato@pavilion.example", (Role.COMPLIANCE,))
        await make.person(session, "noor@pavilion.example", (Role.CURATOR,))
        for company, party in ((cutter, "kgale"), (shop, "shop")):
            await outcomes.know_party(session, company_id=company.id, party=party, now=NOON)
        second = [event("MINED", "2025-02-01", "mine", out={"X": 900})]
        second += [event("SOLD", "2025-07-01", "unknown", to="shop", obj="X", invoice=FORMULA, sow="sow-1999")]
        for stone, events in ((STONE, chain()), (OTHER, second)):
            for seq, one in enumerate(events):
                session.add(_row(stone, seq, one))
        await session.flush()
        await outcome_chains.know(session, [STONE, OTHER])
        await _invoice(session, lumen.id, shop.id)
    yield built
    await engine.dispose()


def _row(stone, seq, one):
    body = json.dumps(one)
    return ChainEvent(stone=stone, seq=seq, kind=one["t"], at=NOON, body=body, sha256=f"{seq:064x}", recorded_at=NOON)


async def _invoice(session, buyer, consignor):
    parties = {"seller": {"name": "Pavilion Antwerp BV"}, "buyer": {"name": "Lumen Trading"}}
    invoice = Invoice(public_id=ulid(NOON), number="INV-ANT-2026-000001", state="issued", sale=ulid(NOON))
    invoice.company_id, invoice.currency, invoice.entity, invoice.destination = buyer, "USD", "ANT", "HK"
    invoice.facts, invoice.created_at, invoice.issued_at, invoice.issued_on = parties, NOON, NOON, "2026-02-20"
    invoice.warranty_id, invoice.warranty_sha256 = TEXT, "ab" * 32
    session.add(invoice)
    await session.flush()
    facts = {"consignor": consignor, "stones": [STONE], "weight_mct": 1_010, "species": "diamond"}
    line = InvoiceLine(invoice_id=invoice.id, place=1, kind="hammer", lot=ulid(NOON), facts=facts, amount_minor=100)
    ruby = InvoiceLine(invoice_id=invoice.id, place=2, kind="hammer", lot=ulid(NOON), amount_minor=100)
    ruby.facts = {"consignor": consignor, "stones": [ulid(NOON)], "weight_mct": 5_000, "species": "corundum"}
    session.add_all([line, ruby])
    await session.flush()


async def test_a_company_sees_what_came_and_went_with_each_statement_in_both_languages(house):
    async with signed_in(house, "kagiso@kgale.example") as browser:
        page = await browser.get("/desk/warranties?year=2025")
        assert page.status_code == 200, page.text
        for words in ("Warranties in and out agree.", "M-1", "K-7", TEXT, "self-assessed 10 January 2025", "1.200"):
            assert words in page.text
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "转入与转出的保证声明相符。" in (await browser.get("/desk/warranties?year=2025")).text
        empty = await browser.get("/desk/warranties?year=2024")
        assert "该年度没有转入或转出的声明" in empty.text


async def test_what_the_house_sold_stands_out_of_its_consignor_and_into_its_buyer(house):
    async with signed_in(house, "sam@scheldt.example") as browser:
        before = (await browser.get("/desk/warranties?year=2025")).text
        assert "Text not valid" in before and "The statement is missing or was not valid on that day." in before
        page = (await browser.get("/desk/warranties")).text
        assert "INV-ANT-2026-000001" in page and "consignment" in page and "Warranties in and out agree." in page
    async with signed_in(house, "wen@lumen.example") as browser:
        page = (await browser.get("/desk/warranties?year=2026")).text
        assert "INV-ANT-2026-000001" in page and "Pavilion Antwerp BV" in page and "1.010" in page


async def test_staff_see_the_house_and_every_company_others_nothing(house):
    async with signed_in(house, "cato@pavilion.example") as browser:
        page = (await browser.get("/staff/warranties?company=ANT&year=2026")).text
        assert "Pavilion Antwerp BV, 2026" in page and "Warranties in and out agree." in page and "K-7" in page
        for name in ("Kgale Cutting", "Scheldt Consignments", "Lumen Trading", "Pavilion Hong Kong Limited"):
            assert name in page
        assert (await browser.get("/staff/warranties?company=NONE")).status_code == 404
        assert (await browser.get("/staff/warranties?year=12")).status_code == 422
    async with signed_in(house, "sam@scheldt.example") as browser:
        assert (await browser.get("/staff/warranties?company=ANT")).status_code == 403
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as browser:
        assert (await browser.get("/desk/warranties", follow_redirects=False)).status_code in (303, 401)


async def test_the_table_holds_every_line_and_runs_nothing(house):
    async with signed_in(house, "sam@scheldt.example") as browser:
        answer = await browser.get("/desk/warranties.csv?year=2025")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 5 and lines[0].startswith("way,day,kind,reference,partner,carat")
    assert "'=HYPERLINK" in answer.text and ",=HYPERLINK" not in answer.text
    assert sorted(line.rpartition(",")[2] for line in lines[1:]) == ["no", "yes", "yes", "yes"]


async def test_the_paper_is_a_pdf_in_either_language(house):
    async with signed_in(house, "kagiso@kgale.example") as browser:
        for lang in ("en", "zh"):
            await browser.post("/language", data={"to": lang, "back": "/"})
            answer = await browser.get("/desk/warranties.pdf?year=2025")
            assert answer.status_code == 200 and answer.content.startswith(b"%PDF-"), answer.text


async def test_an_issued_report_is_signed_logged_kept_and_checked_by_the_command(house, tmp_path):
    key = str(house.state.log_signer.key.verifier)
    async with signed_in(house, "kagiso@kgale.example") as browser:
        said = await browser.post("/desk/warranties", data={"year": 2025})
        assert said.status_code == 303, said.text
        again = await browser.post("/desk/warranties", data={"year": 2025})
        assert again.headers["location"] == said.headers["location"], "nothing changed: the same report stands"
        name = said.headers["location"].rpartition("done=")[2]
        page = (await browser.get(said.headers["location"])).text
        assert "The report is signed and kept." in page and "kept until 2 March 2031" in page and "entry 0" in page
        kept = await browser.get(f"/desk/warranties/{name}.json")
        assert (await browser.post("/desk/warranties", data={"year": 2024})).status_code == 409, "nothing to sign"
    async with house.state.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(WarrantyYear)) == 1
        assert await log_queries.indices(session, "outcome", [f"warranties/{name}"]) == {f"warranties/{name}": 0}
    document = kept.json()["document"]
    assert document["company"]["name"] == "Kgale Cutting" and document["until"] == "2025-12-31"
    file = tmp_path / "report.json"
    file.write_bytes(kept.content)
    told = _command(file, key)
    assert told.exit_code == 0 and "balance: holds" in told.output, told.output
    assert sha256_hex(canonical(document)) in told.output
    file.write_bytes(kept.content.replace(b'"closing_mct":1200', b'"closing_mct":1201'))
    told = _command(file, key)
    assert told.exit_code == 1 and "refused" in told.output
    async with signed_in(house, "eve@elsewhere.example") as browser:
        assert (await browser.get(f"/desk/warranties/{name}.json")).status_code == 404, "hidden from other companies"
    async with signed_in(house, "cato@pavilion.example") as browser:
        assert (await browser.get(f"/desk/warranties/{name}.json")).status_code == 200


async def test_compliance_signs_for_the_house_a_curator_only_reads(house):
    async with signed_in(house, "cato@pavilion.example") as browser:
        said = await browser.post("/staff/warranties", data={"company": "ANT", "year": 2026})
        assert said.status_code == 303
        assert "kept until" in (await browser.get(said.headers["location"])).text
    async with signed_in(house, "noor@pavilion.example") as browser:
        assert "Sign and keep" not in (await browser.get("/staff/warranties?company=ANT")).text
        assert (await browser.post("/staff/warranties", data={"company": "ANT", "year": 2026})).status_code == 403


async def test_everybody_may_read_what_a_statement_says(house):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as browser:
        page = await browser.get(f"/warranties/{TEXT}")
        assert page.status_code == 200 and "conflict free" in page.text and "since 1 September 2021" in page.text
        assert "not in the table" in (await browser.get("/warranties/sow-2002-v1")).text
        assert (await browser.get("/warranties/sow-1999")).status_code == 404


def _command(file, key):
    return CliRunner().invoke(app, ["verify-warranties", str(file), "--key", key])
