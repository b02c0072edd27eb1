"""Market figures as a reporter and staff see them, from the demonstration's two published quarters."""

from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.demo import outcomes
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from tests.make import NOON

HOME = "http://pavilion.test"


async def test_a_reporter_sees_charts_tables_and_the_own_yield_in_both_languages(database_url, tmp_path):
    engine = create_engine(database_url)
    app = main.build_house(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON)
    await outcomes.furnish(app.state.sessions, NOON)
    await outcomes.furnish(app.state.sessions, NOON)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        assert (await browser.get("/insight")).status_code != 200
        said = {"email": outcomes.FIRST_EMAIL, "password": "grading-tray-at-noon"}
        assert (await browser.post("/sign-in", data=said)).status_code == 303
        page = await browser.get("/insight")
        assert page.status_code == 200, page.text
        for words in ("Polished by size, 2025-Q4", "not told", "Your yield beside the others", "<svg"):
            assert words in page.text
        assert "carat" in (await browser.get("/insight/2025-Q4.csv")).text
        assert (await browser.get("/insight/2025-Q3.json")).json()["quarter"] == "2025-Q3"
        assert (await browser.get("/insight/2031-Q1.json")).status_code == 404
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "您的成品率与同行对比" in (await browser.get("/insight")).text
    await engine.dispose()


async def test_the_own_yields_are_asked_for_by_size_and_shape_with_a_plain_form(sessions, tmp_path):
    app = main.build_house(
        Settings(environment="test", public_url=HOME, data_dir=tmp_path), sessions.kw["bind"], lambda: NOON
    )
    await outcomes.furnish(app.state.sessions, NOON)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        await browser.post("/sign-in", data={"email": outcomes.FIRST_EMAIL, "password": "grading-tray-at-noon"})
        whole = (await browser.get("/insight")).text
        asked = (await browser.get("/insight?size=0.30-0.49&shape=round")).text
        assert (await browser.get("/insight?size=fat&shape=square")).status_code == 200
    own = [text[text.index('id="yield"') :] for text in (whole, asked)]
    assert 'value="round" selected' in own[1]
    assert own[1].count("<td>0.30–0.49 Round</td>") == own[1].count("chart-gap") > 0
    assert own[0].count("chart-gap") > own[1].count("chart-gap")
