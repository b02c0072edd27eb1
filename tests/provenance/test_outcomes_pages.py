"""Contracts, purchases and reports, as suppliers, buyers of rough and staff meet them in a browser."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.provenance import outcome_jobs
from pavilion.provenance.outcome_models import OutcomeFile, OutcomeReport
from pavilion.settings import Settings
from tests import make
from tests.make import NOON
from tests.provenance.visiting import HOME, signed_in

HOUSE = "did:web:pavilion.test"
WHY = "The buyer sent the invoices of the four resold lots; they are in order."
HEAD = "kind,id,stones,carat,rough_carat,shape,color,clarity,assortment,cutter,buyer\n"
GOOD = HEAD + (
    "stone,P-1,1,390.000,960.000,round,G,VS1,2-4GR,L. Motse,\n"
    "consumed,,,960.000,,,,,2-4GR,,\nloss,,,570.000,,,,,,,\nstock,,,40.000,,,,,,,\n"
)


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    app = main.build_house(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON)
    async with app.state.sessions.begin() as session:
        mine = await make.company(session, "Kgale Rough", "BW")
        shop = await make.company(session, "Motse Polishing", "BE")
        await make.person(session, "kagiso@kgale.example", (Role.PRODUCER,), mine)
        await make.person(session, "lea@motse.example", (Role.PRODUCER,), shop)
        await make.person(session, "eve@elsewhere.example", (Role.PRODUCER,), await make.company(session, "Elsewhere"))
        await make.person(session, "cato@pavilion.example", (Role.COMPLIANCE,))
    yield app
    await engine.dispose()


async def contract(house, category="manufacturer", sight=NOON - timedelta(days=200)):
    terms = {"number": "C-77", "buyer": "motse polishing", "category": category, "from_day": "2025-01-01"}
    async with signed_in(house, "kagiso@kgale.example") as browser:
        made = await browser.post("/outcomes/contracts", data={**terms, "party": "motse", "limit_pct": "10"})
        assert made.status_code == 303, made.text
        where = made.headers["location"].partition("?")[0]
        lot = {"lot": "L1", "sight": sight.date().isoformat(), "assortment": "2-4GR", "carat": "1000"}
        assert (await browser.post(f"{where}/purchases", data=lot)).status_code == 303
        assert (await browser.post(f"{where}/purchases", data=lot)).status_code == 409
    return where


async def count(house, what):
    async with house.state.sessions() as session:
        return await session.scalar(select(func.count()).select_from(what))


async def test_an_empty_house_says_what_would_stand_here(house):
    async with signed_in(house, "lea@motse.example") as browser:
        answer = await browser.get("/outcomes")
        assert answer.status_code == 200 and "Contracts for rough stand here" in answer.text
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "原石合同列于此处" in (await browser.get("/outcomes")).text


async def test_a_report_by_hand_is_judged_and_stands_in_the_history_and_the_log(house):
    where = await contract(house)
    async with signed_in(house, "lea@motse.example") as browser:
        said = {"polished": "390", "loss": "570", "stock": "40", "stones": "P-1, 1.01, round, G, VS1"}
        answer = await browser.post(f"{where}/reports", data=said)
        assert answer.status_code == 303, answer.text
        shown = await browser.get(answer.headers["location"])
        assert "No rule has anything to say." in shown.text and "Entry 0 of the public log" in shown.text
        again = await browser.post(f"{where}/reports", data=said)
        assert again.headers["location"] == answer.headers["location"], "the same words are the same report"
        page = (await browser.get(where)).text
        assert "100&nbsp;%" in page.replace("\u00a0", "&nbsp;") and "Accepted" in page
    assert await count(house, OutcomeReport) == 1


async def test_a_wrong_field_comes_back_with_its_words_and_nothing_is_stored(house):
    where = await contract(house)
    async with signed_in(house, "lea@motse.example") as browser:
        said = {"polished": "many", "stones": "P-1, 1.01, pancake, G, VS1", "buyer": ["x"], "resold": [""]}
        answer = await browser.post(f"{where}/reports", data=said)
        assert answer.status_code == 422
        assert "“pancake” is no shape we know." in answer.text and 'value="many"' in answer.text
        assert (await browser.post(f"{where}/reports", data={})).status_code == 422
    assert await count(house, OutcomeReport) == 0


async def test_a_file_with_faults_changes_nothing_and_comes_back_with_all_of_them(house):
    where = await contract(house)
    wrong = GOOD.replace("round", "pancake").replace("570.000", "none") + "stone,P-1,x,1.01,0.5,round,G,VS1,,,\n"
    async with signed_in(house, "lea@motse.example") as browser:
        sent = await browser.post(f"{where}/files", files={"file": ("=r.csv", wrong.encode())})
        assert sent.status_code == 303
        place = sent.headers["location"]
        assert (await browser.get(place)).text.count("Waits to be read")
        assert await outcome_jobs.read_files(house.state.sessions, HOUSE, NOON) == 1
        assert await outcome_jobs.read_files(house.state.sessions, HOUSE, NOON) == 0
        shown = (await browser.get(place)).text
        for code in ("po_shape", "po_carat", "po_twice", "po_count", "po_rough"):
            assert code in shown
        assert await count(house, OutcomeReport) == 0
        fix = (await browser.get(f"{place}/fix.csv")).content.decode("utf-8-sig")
        assert len(fix.splitlines()) == 6 and "is no shape we know" in fix
        mended = fix.replace("pancake", "round").replace("none", "570.000")
        mended = "\n".join(line for line in mended.splitlines() if "0.5" not in line)
        done = await browser.post(f"{where}/files", files={"file": ("r.csv", mended.encode())})
        await outcome_jobs.read_files(house.state.sessions, HOUSE, NOON)
        assert "See the report" in (await browser.get(done.headers["location"])).text
        same = await browser.post(f"{where}/files", files={"file": ("other.csv", mended.encode())})
        assert same.headers["location"] == done.headers["location"] + "?again=yes"
        told = (await browser.get(f"/api/v1/outcome-files/{same.headers['location'].split('/')[-1][:26]}")).json()
        assert (told["state"], told["progress"], told["received"]) == ("done", 100, 4)
    assert (await count(house, OutcomeReport), await count(house, OutcomeFile)) == (1, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "Columns are missing: kind, carat"),
        (b"\x00\x01\x02", "This is not a table"),
        (b"kind,carat\n", "There is no row below"),
        (b"PK\x03\x04rubbish", "This is not a table"),
    ],
)
async def test_a_file_that_is_no_report_says_why(house, content, words):
    where = await contract(house)
    async with signed_in(house, "lea@motse.example") as browser:
        sent = await browser.post(f"{where}/files", files={"file": ("r.csv", content)})
        await outcome_jobs.read_files(house.state.sessions, HOUSE, NOON)
        assert words in (await browser.get(sent.headers["location"])).text


async def test_a_held_report_waits_for_a_named_person(house):
    where = await contract(house)
    async with signed_in(house, "lea@motse.example") as browser:
        sold = {"polished": "300", "loss": "430", "stock": "20", "buyer": ["Elsewhere"], "resold": ["250"]}
        report = (await browser.post(f"{where}/reports", data=sold)).headers["location"].partition("?")[0]
        shown = (await browser.get(report)).text
        assert "PO-03" in shown and "verified company" in shown and "has not decided yet" in shown
        assert (await browser.get("/staff/outcomes")).status_code == 403
    async with signed_in(house, "cato@pavilion.example") as browser:
        assert "Motse Polishing" in (await browser.get("/staff/outcomes")).text
        case = re.search(r"/staff/outcomes/(\w+)/decision", (await browser.get(report)).text)[1]
        said = {"word": "accept", "reason": "short"}
        assert (await browser.post(f"/staff/outcomes/{case}/decision", data=said)).status_code == 422
        said["reason"] = WHY
        assert (await browser.post(f"/staff/outcomes/{case}/decision", data=said)).status_code == 303
        assert (await browser.post(f"/staff/outcomes/{case}/decision", data=said)).status_code == 409
        assert WHY in (await browser.get(report)).text
    async with signed_in(house, "lea@motse.example") as browser:
        assert "Accepted" in (await browser.get(where)).text


async def test_a_company_sees_only_its_own_contracts_and_reports_only_what_it_bought(house):
    where = await contract(house)
    async with signed_in(house, "eve@elsewhere.example") as browser:
        assert (await browser.get(where)).status_code == 404
        assert (await browser.post(f"{where}/reports", data={"polished": "1"})).status_code == 404
    async with signed_in(house, "kagiso@kgale.example") as browser:
        assert (await browser.get(where)).status_code == 200
        assert (await browser.post(f"{where}/reports", data={"polished": "1"})).status_code == 403
    async with signed_in(house, "lea@motse.example") as browser:
        lot = {"lot": "L2", "sight": "2026-01-01", "carat": "1"}
        assert (await browser.post(f"{where}/purchases", data=lot)).status_code == 403
        unknown = {"number": "C-1", "buyer": "Nobody", "category": "dealer", "from_day": "2026-01-01"}
        unknown["limit_pct"] = "10"
        assert "No company trades here" in (await browser.post("/outcomes/contracts", data=unknown)).text


async def test_what_is_due_and_silent_stands_before_staff(house):
    await contract(house)
    async with signed_in(house, "cato@pavilion.example") as browser:
        page = (await browser.get("/staff/outcomes")).text
        assert "Due and silent" in page and "C-77" in page


async def test_a_report_by_hand_replaces_one_with_stones_only_after_its_sender_saw_what_it_changes(house):
    where = await contract(house)
    async with signed_in(house, "lea@motse.example") as browser:
        first = {"polished": "390", "loss": "570", "stock": "40", "stones": "P-1, 1.01, round, G, VS1"}
        assert (await browser.post(f"{where}/reports", data=first)).status_code == 303
        totals = {"polished": "380", "loss": "570", "stock": "50"}
        asked = await browser.post(f"{where}/reports", data=totals)
        assert asked.status_code == 200 and "Nothing is sent yet." in asked.text
        assert "<b>1 → 0</b>" in asked.text and "<b>390.000 → 380.000</b>" in asked.text
        assert (
            "Stones told one by one: 1 in the report that stands, 0 in this one" in asked.text
            and 'name="stock" value="50"' in asked.text
        )
        assert await count(house, OutcomeReport) == 1
        confirmed = re.search(r'name="confirmed" value="([0-9a-f]{64})"', asked.text)[1]
        other = await browser.post(f"{where}/reports", data={**totals, "loss": "560", "confirmed": confirmed})
        assert other.status_code == 200, "the word is for what was shown, not for other figures"
        back = await browser.post(f"{where}/reports", data={**totals, "back": "yes"})
        assert 'value="380"' in back.text and await count(house, OutcomeReport) == 1
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "尚未发送" in (await browser.post(f"{where}/reports", data=totals)).text
        sent = await browser.post(f"{where}/reports", data={**totals, "confirmed": confirmed})
        assert sent.status_code == 303 and await count(house, OutcomeReport) == 2
        old = await browser.post(f"{where}/reports", data={**first, "confirmed": confirmed})
        assert old.status_code == 200, "a confirmation counts once"


async def test_the_page_of_a_file_says_that_its_report_waits_for_a_person_and_why(house):
    where = await contract(house)
    little = GOOD.replace("loss,,,570.000", "loss,,,70.000")
    async with signed_in(house, "lea@motse.example") as browser:
        sent = await browser.post(f"{where}/files", files={"file": ("r.csv", little.encode())})
        await outcome_jobs.read_files(house.state.sessions, HOUSE, NOON)
        page = (await browser.get(sent.headers["location"])).text
        assert "waits for a person of compliance" in page and "PO-01" in page
        assert "Less than 98 % of the rough that is due is accounted for." in page and "Report what is missing" in page
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "等待合规人员处理" in (await browser.get(sent.headers["location"])).text
