"""The pages on which a buyer offers for a passed lot, and on which owner and house answer; nothing leaks on any."""

import re
import shutil
from dataclasses import replace

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.auctions.models import Lot
from pavilion.insight import archiving
from pavilion.kernel.db import create_engine, sqlite_url
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.settlement.approach_models import Approach
from tests import make
from tests.bidding import house
from tests.bidding.room import HandClock
from tests.conftest import opened, run
from tests.settlement.test_approaches import OPEN, passed_already
from tests.settlement.test_default_pages import ORIGIN
from tests.settlement.test_defaulting import at


async def furnish(url, sessions):
    room = await passed_already(url, sessions)
    async with sessions.begin() as session:
        await make.person(session, "tomas@pavilion.example", (Role.CASHIER,))
        owner = await make.person(session, "sam@owner.example", (Role.SUPPLIER,))
        owner.company_id = await session.scalar(select(Lot.consignor_company_id).where(Lot.public_id == room.lots[0]))
        for person in await session.scalars(select(Person)):
            person.password_hash = make.HASH
    await archiving.tick(sessions, OPEN)
    return room


@pytest.fixture(scope="module")
def furnished_once(sqlite_template, tmp_path_factory):
    """A house in which one lot passed below its reserve yesterday; made once."""
    path = tmp_path_factory.mktemp("passed") / "pavilion.db"
    shutil.copy(sqlite_template, path)

    async def make_it():
        async with opened(sqlite_url(path)) as sessions:
            return await furnish(sqlite_url(path), sessions)

    return path, run(make_it())


@pytest.fixture
async def site(furnished_once, tmp_path):
    path, room = furnished_once
    shutil.copy(path, tmp_path / "pavilion.db")
    engine = create_engine(sqlite_url(tmp_path / "pavilion.db"))
    settings = Settings(environment="test", data_dir=tmp_path, data_key=house.DATA_KEY.hex())
    clock = [OPEN]
    app = build_web(settings, engine, lambda: clock[0], None)
    sessions = sessions_of(settings, engine)

    async def browser(who, lang="en"):
        async with sessions.begin() as session:
            wanted = select(Person).where(
                Person.email == who if isinstance(who, str) else Person.company_id == room.buyers[who].company_id
            )
            person = (await session.scalars(wanted)).first()
            person.lang = lang
            said = {"email": person.email, "password": make.PASSWORD, "browser": "t", "now": clock[0]}
            token = await accounts.sign_in(session, **said)
        cookies = {"lang": lang, COOKIE: token}
        return AsyncClient(
            transport=ASGITransport(app), base_url="http://pavilion.test", cookies=cookies, headers=ORIGIN
        )  # fmt: skip

    browser.app = app
    yield replace(room, sessions=sessions, url=sqlite_url(tmp_path / "pavilion.db")), browser, clock
    await engine.dispose()


async def the_approach(room):
    async with room.sessions() as session:
        return (await session.scalars(select(Approach).order_by(Approach.id.desc()))).first()


async def test_a_buyer_offers_waits_and_takes_back_and_offers_anew(site):
    room, browser, clock = site
    page = f"/lots/{room.lots[0]}/offer"
    async with await browser(0) as first, await browser(1, "zh") as second:
        assert 'name="price"' in (await first.get(page)).text
        for said, words in (({"price": "1e5"}, "amount"), ({"price": "4,200", "days": "9"}, "1 to 7 days")):
            refused = await first.post(page, data=said)
            assert refused.status_code == 422 and words in refused.text and "autofocus" in refused.text
        assert (await first.post(page, data={"price": "4,200.00", "days": "2"})).status_code == 303
        assert (await first.post(page, data={"price": "4,300.00", "days": "2"})).status_code == 409
        row = await the_approach(room)
        assert (row.price_minor, row.state) == (420_000, "open")
        shown = (await first.get(page)).text
        assert "4,200.00" in shown and "Waits for the other side" in shown and 'name="price"' not in shown
        assert "4,200.00" in (await first.get("/desk/offers")).text
        other = (await second.get(page)).text
        assert "4,200" not in other and "提交报价" in other
        gone = f"/desk/offers/made/{row.public_id}/withdrawal"
        assert (await second.post(gone, data={"round": "1"})).status_code == 404
        assert (await first.post(gone, data={"round": "1"})).status_code == 303
        assert "Withdrawn" in (await first.get(page)).text
    clock[0] = at(10)
    async with await browser(0) as first:
        shown = (await first.get(page)).text
        assert "are over" in shown and 'name="price"' not in shown
        assert (await first.post(page, data={"price": "4,200", "days": "2"})).status_code == 409


async def test_the_owner_and_the_house_answer_and_neither_page_tells_what_it_may_not(site):
    room, browser, _ = site
    page = f"/lots/{room.lots[0]}/offer"
    async with (
        await browser(0) as first,
        await browser("sam@owner.example", "zh") as owner,
        await browser("tomas@pavilion.example") as tomas,
    ):
        assert (await first.post(page, data={"price": "4,200", "days": "2"})).status_code == 303
        row = await the_approach(room)
        shown = (await owner.get("/desk/approaches")).text
        assert "4,200.00" in shown and "以 USD" in shown
        async with room.sessions() as session:
            buyer = await session.scalar(select(Person.name).where(Person.company_id == row.company_id))
        assert buyer not in shown
        assert (await first.get("/desk/approaches")).status_code == 403
        at_staff = (await tomas.get("/staff/offers")).text
        assert "4,200.00" in at_staff and "5,000.00" not in at_staff  # not the reserve
        acts = f"/staff/approaches/{row.public_id}"
        refused = await tomas.post(f"{acts}/acceptance", data={"round": "1"})
        assert refused.status_code == 422 and "seller has approved" in refused.text
        said = {"round": "1", "price": "4,800", "days": "2", "approved": "yes"}
        assert (await tomas.post(f"{acts}/counter", data=said)).status_code == 303
        assert (await owner.post(f"/desk/approaches/{row.public_id}/refusal", data={"round": "1"})).status_code == 409
        taken = f"/desk/offers/made/{row.public_id}/acceptance"
        assert (await first.post(taken, data={"round": "1"})).status_code == 409
        assert (await first.post(taken, data={"round": "2"})).status_code == 303
        assert "INV-" in (await first.get("/desk/invoices")).text


async def test_what_was_sold_after_the_sale_says_so_everywhere_and_tells_no_price(site):
    room, browser, _ = site
    lot = room.lots[0]
    async with (
        house.at_work(room.url, room.sessions, HandClock(OPEN)) as browser.app.state.rooms,
        await browser(0) as first,
        await browser(1) as second,
    ):
        assert f"/lots/{lot}/offer" in (await second.get("/results")).text
        assert f"/lots/{lot}/offer" in (await second.get(f"/lots/{lot}")).text
        assert (await first.post(f"/lots/{lot}/offer", data={"price": "5,123", "days": "2"})).status_code == 303
        row = await the_approach(room)
        async with await browser("sam@owner.example") as owner:
            done = await owner.post(f"/desk/approaches/{row.public_id}/acceptance", data={"round": "1"})
            assert done.status_code == 303
        await archiving.tick(room.sessions, OPEN)
        for path in ("/results", f"/lots/{lot}", f"/sales/{room.sale}", f"/sales/{room.sale}/room"):
            shown = re.sub(r"\s+", " ", (await second.get(path)).text)
            assert "Sold after the sale" in shown, path
            assert "5,123" not in shown and "512300" not in shown and f"/lots/{lot}/offer" not in shown, path
        answer = (await second.get("/api/v1/results")).json()
        assert (answer["items"][0]["state"], answer["items"][0]["hammer"]) == ("sold_after", None)
        assert (answer["totals"][0]["sold_after"], answer["totals"][0]["hammer_minor"]) == (1, 0)
        assert "sold_after" in (await second.get("/results.csv?state=sold_after")).text
        assert (await second.get("/api/v1/results?state=passed")).json()["items"] == []
