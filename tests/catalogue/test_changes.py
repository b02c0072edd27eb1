"""What changed among the stones somebody may see: nothing is missed, and nothing hidden is told."""

from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import update

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue import service
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same


@asynccontextmanager
async def alive(_app):
    yield


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    app = main.build_web(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON, alive)
    async with app.state.sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV", country="BE")
        rows = [stones.row(n, weight_mct=1000 + n) for n in range(1, 7)]
        app.state.stock = await stones.listed(session, rows, firm.id, but=frozenset({2}))
        app.state.firm = firm.id
        await make.person(session, "sara@supplier.example", (Role.SUPPLIER,), firm)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), await make.company(session))
    yield app
    if hasattr(app.state, "stone_index"):
        await app.state.stone_index.close()
    await engine.dispose()


@asynccontextmanager
async def browsing(house, email=None):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as browser:
        if email:
            await browser.post("/sign-in", data={"email": email, "password": PASSWORD})
        yield browser


async def every_change(browser, limit):
    found, after = [], "0"
    while True:
        answer = (await browser.get("/api/v1/changes", params={"after": after, "limit": limit})).json()
        found += answer["items"]
        if not answer["more"]:
            return found, answer["next"]
        after = answer["next"]


async def test_every_stone_is_told_once_however_small_the_pages(house):
    async with browsing(house, "wen@lumen.example") as browser:
        found, last = await every_change(browser, 250)
        assert [(await every_change(browser, limit))[0] for limit in (1, 2)] == [found, found]
        still = (await browser.get("/api/v1/changes", params={"after": last})).json()
    shown = {stone.public_id for n, stone in enumerate(house.state.stock) if n != 2}
    assert {one["id"] for one in found} == shown and len(found) == 5
    assert all(one["state"] == "listed" and one["stone"]["price"]["total"] for one in found)
    assert still == {"items": [], "next": last, "more": False}


async def test_a_stone_that_went_is_told_as_withdrawn_and_says_nothing_else(house):
    gone = house.state.stock[0]
    async with browsing(house, "wen@lumen.example") as buyer, browsing(house, "sara@supplier.example") as owner:
        _, last = await every_change(buyer, 250)
        async with house.state.sessions.begin() as session:
            await service.withdraw_stones(
                session, supplier_company_id=house.state.firm, stock_nos=[gone.stock_no], by=None, now=NOON
            )
        told, _ = await every_change(buyer, 250)
        since = (await buyer.get("/api/v1/changes", params={"after": last})).json()["items"]
        own, _ = await every_change(owner, 250)
    assert [(one["id"], one["state"], one["stone"]) for one in since] == [(gone.public_id, "withdrawn", None)]
    assert told[-1] == since[0] and len(told) == 5
    states = {one["id"]: one["state"] for one in own}
    assert states[gone.public_id] == "withdrawn" and states[house.state.stock[2].public_id] == "unlisted"
    assert all(one["stone"] for one in own)


@ON_SQLITE
async def test_a_stone_that_was_never_shown_is_told_to_its_owner_alone(house):
    hidden = house.state.stock[2].public_id
    async with house.state.sessions.begin() as session:
        await session.execute(update(Stone).where(Stone.public_id == hidden).values(seq=10**6))
    for email in (None, "wen@lumen.example"):
        async with browsing(house, email) as browser:
            found, _ = await every_change(browser, 250)
            assert hidden not in {one["id"] for one in found}
    async with browsing(house, "sara@supplier.example") as browser:
        assert (await every_change(browser, 250))[0][-1]["id"] == hidden


@ON_SQLITE
async def test_a_visitor_is_told_no_price_and_what_cannot_be_read_is_refused(house):
    async with browsing(house) as browser:
        found, _ = await every_change(browser, 250)
        refused = [
            await browser.get("/api/v1/changes", params={"after": one}) for one in ("", "-1", "x", "1-x", "9" * 30)
        ]
        many = await browser.get("/api/v1/changes?limit=251")
    assert found and all("price" not in one["stone"] for one in found)
    assert [one.status_code for one in [*refused, many]] == [422] * 6


@ON_SQLITE
async def test_each_stone_carries_its_origin_and_is_not_sent_twice(house):
    stone = house.state.stock[0].public_id
    async with browsing(house, "wen@lumen.example") as browser:
        one = await browser.get(f"/api/v1/stones/{stone}")
        again = await browser.get(f"/api/v1/stones/{stone}", headers={"if-none-match": f"W/{one.headers['etag']}"})
        found = await browser.get("/api/v1/stones")
        same = await browser.get("/api/v1/stones", headers={"if-none-match": found.headers["etag"]})
    origin = one.json()["origin"]
    assert set(origin) == {
        "registry", "origin_id", "mine", "country", "producer", "rough_weight_mct", "yield_bp", "cutter", "verdict",
        "passport",
    }  # fmt: skip
    assert origin["verdict"]["verdict"] == "verified" and origin["verdict"]["ruleset"]
    assert {item["id"]: item["origin"] for item in found.json()["items"]}[stone] == origin
    assert [again.status_code, same.status_code, again.content, same.content] == [304, 304, b"", b""]
    assert "private" in one.headers["cache-control"]
