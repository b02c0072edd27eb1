"""The front page, the desks and the language switch, as a browser meets them."""

from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import RIGHTS, Role
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"


@asynccontextmanager
async def idle(app):
    """Pages alone: no room is open and nobody works behind them."""
    yield


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    yield main.build_web(settings, engine, lambda: NOON, idle)
    await engine.dispose()


def a_browser(house):
    return AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME})


@asynccontextmanager
async def signed_in(house, email, roles, firm=False):
    async with house.state.sessions.begin() as session:
        await make.person(session, email, roles, await make.company(session) if firm else None)
    async with a_browser(house) as browser:
        assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


async def test_an_empty_house_still_has_a_front_page(house):
    async with a_browser(house) as browser:
        answer = await browser.get("/")
    assert answer.status_code == 200
    assert "The next sale will be announced here." in answer.text


async def test_the_switch_turns_the_language_and_comes_back(house):
    async with a_browser(house) as browser:
        answer = await browser.post("/language", data={"to": "zh", "back": "/glossary?x=1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/glossary?x=1")
        assert "术语表" in (await browser.get("/glossary")).text


@pytest.mark.parametrize("said", [{"to": "fr"}, {}, {"to": "zh" * 99}, {"to": "zh", "back": "x" * 9000}])
async def test_the_switch_takes_no_other_word(house, said):
    async with a_browser(house) as browser:
        assert (await browser.post("/language", data=said)).status_code == 422


async def test_the_switch_leads_to_no_foreign_page(house):
    async with a_browser(house) as browser:
        answer = await browser.post("/language", data={"to": "zh", "back": "//evil.test"})
    assert answer.headers["location"] == "/"


async def test_a_signed_in_reader_keeps_the_language_in_the_account(house):
    async with signed_in(house, "wen@lumen.example", (Role.BUYER,), firm=True) as browser:
        await browser.post("/language", data={"to": "zh"})
        browser.cookies.delete("lang")
        assert "您的工作台" in (await browser.get("/desk")).text


@pytest.mark.parametrize("role", [role for role in Role if "staff:see" in RIGHTS[role]])
async def test_each_role_of_the_house_has_a_desk(house, role):
    async with signed_in(house, "noor@pavilion.example", (role,)) as browser:
        answer = await browser.get("/staff")
    assert answer.status_code == 200
    assert "/staff/proposals" in answer.text


async def test_the_staff_desk_is_not_for_buyers(house):
    async with signed_in(house, "wen@lumen.example", (Role.BUYER,), firm=True) as browser:
        answer = await browser.get("/staff")
    assert answer.status_code == 403
    assert "You do not have the right for this." in answer.text


@pytest.mark.parametrize("path", ["/desk", "/staff", "/account", "/account/sessions", "/staff/companies"])
async def test_a_desk_asks_a_stranger_to_sign_in(house, path):
    async with a_browser(house) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/desk"])
async def test_own_pages_open(house, path):
    async with signed_in(house, "wen@lumen.example", (Role.BUYER,), firm=True) as browser:
        assert (await browser.get(path)).status_code == 200


async def test_two_people_approve_a_company(house):
    apply = {"company": "Van Dael", "country": "BE", "name": "Ilse", "email": "ilse@vandael.example"}
    async with a_browser(house) as stranger:
        again = await stranger.post("/apply", data={**apply, "password": "short"})
        assert again.status_code == 422 and 'value="Van Dael"' in again.text
        done = await stranger.post("/apply", data={**apply, "password": PASSWORD})
        assert done.headers["location"] == "/sign-in?applied=1"
    async with signed_in(house, "noor@pavilion.example", (Role.REGISTRAR,)) as registrar:
        listed = (await registrar.get("/staff/companies")).text
        act = listed.split('action="/staff/companies/')[1].split('"')[0]
        assert (await registrar.post(f"/staff/companies/{act}")).status_code == 303
        assert "Approve the company Van Dael" in (await registrar.get("/staff/proposals")).text
    async with signed_in(house, "ada@pavilion.example", (Role.COMPLIANCE,)) as second:
        listed = (await second.get("/staff/proposals")).text
        act = listed.split('action="/staff/proposals/')[1].split('"')[0]
        assert (await second.post(f"/staff/proposals/{act}")).status_code == 303
        assert "Van Dael" in (await second.get("/staff/companies?state=approved")).text


async def test_every_code_has_its_place_in_the_glossary(house):
    async with a_browser(house) as browser:
        text = (await browser.get("/glossary")).text
    assert 'id="not_found"' in text and 'id="reserve"' in text
