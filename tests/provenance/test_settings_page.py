"""The page of settings through the whole house: looked over, proposed, approved by another, told afterwards."""

from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.main import build_web
from pavilion.provenance import table_changing, table_settings
from pavilion.provenance.house import shipped_of
from pavilion.provenance.tables import shipped
from tests import make
from tests.browser.serve import house_settings
from tests.make import NOON

URL = "http://127.0.0.1:8099"
REASON = "Our scales were calibrated anew."
PEOPLE = {"cato": Role.COMPLIANCE, "imre": Role.COMPLIANCE, "adam": Role.ADMIN, "audra": Role.AUDITOR}


@pytest.fixture
async def app(sqlite_database_url, tmp_path):
    settings = house_settings(tmp_path, 8099)
    engine = create_engine(settings.database)
    sessions = sessions_of(engine)
    async with sessions.begin() as session:
        for name, role in (PEOPLE | {"cass": Role.CASHIER}).items():
            await make.actor(session, f"{name}@pavilion.example", (role,))
    yield build_web(settings, engine, lambda: NOON, None)
    await engine.dispose()


@asynccontextmanager
async def reader(app, name=None):
    async with AsyncClient(transport=ASGITransport(app), base_url=URL, headers={"origin": URL}) as client:
        if name:
            said = {"email": f"{name}@pavilion.example", "password": make.PASSWORD}
            assert (await client.post("/sign-in", data=said)).status_code == 303
        yield client


async def form(app, act, **values):
    async with app.state.sessions() as session:
        figures, bases = await table_changing.figures_in_force(session)
    typed = {name: str(value) for name, value in figures.items()}
    return typed | {f"base_{name}": sha for name, sha in bases.items()} | {"reason": REASON, "act": act} | values


async def approve(client):
    page = (await client.get("/staff/proposals")).text
    name = page.split("/staff/proposals/")[1].split("/")[0]
    return page, await client.post(f"/staff/proposals/{name}/approval")


async def test_a_change_is_seen_before_it_is_proposed_and_by_the_second_person_before_it_is_approved(app):
    async with reader(app, "cato") as cato:
        page = await cato.get("/staff/settings")
        assert page.text.count('name="scale_mct"') == 1 and "rule MB-01" in page.text
        assert all(f'name="{name}"' in page.text for name in table_settings.BY_NAME)
        seen = await cato.post("/staff/settings", data=await form(app, "preview", scale_mct="9", stop_hours="12"))
        assert seen.status_code == 200 and "This is what would change" in seen.text
        assert "2 thousandths of a carat → 9 thousandths of a carat" in seen.text
        assert "24 hours → 12 hours" in seen.text and "Nobody has changed anything yet" in seen.text
        done = await cato.post("/staff/settings", data=await form(app, "propose", scale_mct="9", stop_hours="12"))
        assert done.headers["location"] == "/staff/settings?done=proposed"
        stale = await form(app, "propose", scale_mct="7")
    async with reader(app, "imre") as imre:
        listed, answer = await approve(imre)
        assert "A cut may seem to gain" in listed and "2 → <b>9</b> thousandths of a carat" in listed
        assert answer.status_code == 303
        page = (await imre.get("/staff/settings")).text
        assert "Proposed by Cato, approved by Imre" in page and REASON in page and "entry 0 of the log" in page
        sha256 = page.split("/tables/limits/")[1][:64]
        table = await imre.get(f"/tables/limits/{sha256}")
        assert sha256 != shipped().sha256["limits"] and table.json()["limits"]["scale_mct"] == 9
        assert (await imre.get(f"/tables/limits/{shipped().sha256['limits']}")).content == shipped_of("limits")
        assert (await imre.get("/log/entries/1")).status_code == 200
        refused = await imre.post("/staff/settings", data=stale)
        assert refused.status_code == 409 and "Somebody changed this meanwhile." in refused.text


async def test_the_page_speaks_chinese(app):
    async with reader(app, "cato") as cato:
        await cato.post("/language", data={"to": "zh"})
        page = (await cato.get("/staff/settings")).text
        assert "切割后可能显示增重" in page and "毫克拉" in page and "出厂默认" in page
        wrong = await cato.post("/staff/settings", data=await form(app, "preview", scale_mct="x"))
        assert wrong.status_code == 422 and "请用数字填写整数。" in wrong.text
        assert "金伯利参与方" in (await cato.get("/staff/settings/tables/kp")).text


@pytest.mark.parametrize(
    ("name", "status", "fields"),
    [
        ("cato", 200, len(table_settings.SETTINGS)),
        ("adam", 200, sum(one.table == "house" for one in table_settings.SETTINGS)),
        ("audra", 200, 0),
        ("cass", 403, 0),
        (None, 401, 0),
    ],
)
async def test_who_may_read_and_who_may_write(app, name, status, fields):
    async with reader(app, name) as client:
        page = await client.get("/staff/settings", headers={"accept": "text/html"})
        if name is None:
            assert page.status_code in (303, 401)
            return
        assert page.status_code == status
        assert page.text.count('aria-labelledby="s-') == fields
        said = await form(app, "propose", in_flight="32")
        answer = await client.post("/staff/settings", data=said)
        assert answer.status_code == (303 if fields else 403)
        if fields < len(table_settings.SETTINGS):
            said = await form(app, "propose", scale_mct="9")
            assert (await client.post("/staff/settings", data=said)).status_code == 403
            rubbish = {"document": "{}", "reason": REASON}
            assert (await client.post("/staff/settings/tables/kp", data=rubbish)).status_code == 403


async def test_rubbish_is_refused_with_the_place_and_the_sentence(app):
    async with reader(app, "cato") as cato:
        wrong = await cato.post("/staff/settings", data=await form(app, "propose", scale_mct="51", reason="short"))
        assert wrong.status_code == 422
        wrong = await cato.post("/staff/settings", data=await form(app, "propose", scale_mct="51"))
        assert wrong.status_code == 422 and "Outside the bounds named beside it." in wrong.text
        assert 'value="51"' in wrong.text and 'aria-invalid="true"' in wrong.text
        assert (await cato.post("/staff/settings", data=await form(app, "propose"))).status_code == 409
        for more in ({"other": "1"}, {"scale_mct": ["1", "2"]}, {"reason": "x" * 5_000}):
            assert (await cato.post("/staff/settings", data=await form(app, "propose") | more)).status_code in (
                400,
                422,
            )
        for name in ("law", "limits", "house", "trust", "../kp"):
            assert (await cato.get(f"/staff/settings/tables/{name}")).status_code == 404
        bad = {"document": shipped_of("kp").decode().replace('"AE"', '"ae"'), "reason": REASON}
        wrong = await cato.post("/staff/settings/tables/kp", data=bad)
        assert wrong.status_code == 422 and "two capital letters" in wrong.text
        assert "&#34;ae&#34;" in wrong.text or '"ae"' in wrong.text, "what was typed stays"


async def test_another_table_is_proposed_as_a_whole_and_read_line_by_line(app):
    said = {"document": shipped_of("kp").decode().replace('"AE"', '"ZZ"', 1), "reason": REASON}
    async with reader(app, "cato") as cato:
        done = await cato.post("/staff/settings/tables/kp", data=said)
        assert done.headers["location"] == "/staff/settings/tables/kp?done=proposed"
    async with reader(app, "imre") as imre:
        listed, answer = await approve(imre)
        assert "Table: Kimberley participants" in listed and answer.status_code == 303
        assert "-   &#34;cc&#34;: &#34;AE&#34;," in listed and "+   &#34;cc&#34;: &#34;ZZ&#34;," in listed
        assert "Proposed by Cato" in (await imre.get("/staff/settings/tables/kp")).text
