"""The linter's door and the pages of law, through the whole house."""

from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.main import build_web
from pavilion.provenance import service
from pavilion.provenance.table_versions import law_in_force
from tests import make
from tests.browser.serve import house_settings
from tests.make import NOON
from tests.provenance import stones

URL = "http://127.0.0.1:8099"


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    settings = house_settings(tmp_path, 8099)
    engine = create_engine(settings.database)
    sessions = sessions_of(engine)
    claim = stones.claim(1)
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    async with sessions.begin() as session:
        await make.actor(session, "noor@pavilion.example", (Role.CURATOR,))
        await make.actor(session, "coen@pavilion.example", (Role.COMPLIANCE,))
    app = build_web(settings, engine, lambda: NOON, None)
    yield app, claim.stone
    await engine.dispose()


@asynccontextmanager
async def reader(app, email=None):
    async with AsyncClient(transport=ASGITransport(app), base_url=URL, headers={"origin": URL}) as client:
        if email:
            said = {"email": email, "password": make.PASSWORD}
            assert (await client.post("/sign-in", data=said)).status_code == 303
        yield client


async def test_the_linter_answers_staff_with_place_sentence_and_suggestion(house):
    app, _ = house
    async with reader(app, "noor@pavilion.example") as noor:
        answer = await noor.post("/staff/lint", json={"text": "A lab-grown stone", "lang": "en"})
        (found,) = answer.json()["findings"]
        assert (found["start"], found["end"], found["suggestion"]) == (2, 11, "laboratory-grown")
        assert found["sentence"] == "This wording is never used in the catalogue."
        await noor.post("/language", data={"to": "zh"})
        answer = await noor.post("/staff/lint", json={"text": "培育钻", "lang": "zh"})
        assert answer.json()["findings"][0]["sentence"] == "此词指其他宝石；本目录只收天然宝石。"
        for rubbish in ({"text": "x" * 5001}, {"text": 1}, {"words": "x"}, []):
            assert (await noor.post("/staff/lint", json=rubbish)).status_code == 422
    async with reader(app) as nobody:
        answer = await nobody.post("/staff/lint", json={"text": "x"}, headers={"accept": "application/json"})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("query", "answer", "codes"),
    [("dest=HK&on=2026-04-01", "ELIGIBLE", []), ("dest=BE&on=2026-04-01", "ELIGIBLE", []),
     ("dest=BR&on=2026-04-01", "INELIGIBLE", ["SN-00"])],
)  # fmt: skip
async def test_anybody_may_ask_where_an_exposed_stone_may_be_sold(house, query, answer, codes):
    app, stone = house
    async with reader(app) as nobody:
        asked = await nobody.get(f"/stones/{stone}/eligibility?{query}", headers={"accept": "application/json"})
        document = asked.json()
        assert (document["answer"], [rule["code"] for rule in document["rules"]]) == (answer, codes)
        page = await nobody.get(f"/stones/{stone}/eligibility?{query}", headers={"accept": "text/html"})
        assert page.status_code == 200 and all(code in page.text for code in codes)
        assert (await nobody.get("/stones/01ARZ3NDEKTSV4RRFFQ69G5FAV/eligibility?dest=HK")).status_code == 404
        assert (await nobody.get(f"/stones/{stone}/eligibility?dest=hongkong")).status_code == 422


async def test_the_law_is_read_by_compliance_and_proposed_on_its_page(house):
    app, _ = house
    async with reader(app, "coen@pavilion.example") as coen:
        page = await coen.get("/staff/law")
        assert "US-RU-THIRD-500" in page.text and "CBP CSMS" in page.text
        said = {"document": "{}", "reason": "The gazette of today says so."}
        assert (await coen.post("/staff/law", data=said)).status_code == 422
        said["document"] = (await law(app)).replace("2026-11-21", "2026-11-22")
        assert (await coen.post("/staff/law", data=said)).status_code == 303
        assert "Law table 2026-11-22" in (await coen.get("/staff/proposals")).text
        assert "No settlement is stopped" in (await coen.get("/staff/stops")).text
    async with reader(app, "noor@pavilion.example") as noor:
        assert (await noor.post("/staff/law", data=said)).status_code == 403


async def law(app):
    async with app.state.sessions() as session:
        return (await law_in_force(session)).decode()
