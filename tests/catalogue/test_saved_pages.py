"""Kept searches as people meet them: from the catalogue to the page of what they found, and the mail with its stop."""

import email
import email.policy
import html
import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import main
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.catalogue import alerting, history, service
from pavilion.kernel.db import create_engine
from pavilion.kernel.events import record
from pavilion.notifications import ticks
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # both databases do the same here
KEPT = {"name": "Rounds", "cadence": "at_once", "kinds": ["new", "price"], "drop_pct": "5"}


@asynccontextmanager
async def alive(_app):
    yield


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_web(settings, engine, lambda: NOON, alive)
    async with app.state.sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV", country="BE")
        await stones.listed(session, [stones.row(1)], firm.id)
        lumen = await make.company(session)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), lumen)
        await make.person(session, "vera@lumen.example", (Role.VIEWER,), lumen)
        await make.person(session, "noor@pavilion.example", (Role.CURATOR,))
        app.state.firm = firm.id
    yield app
    if hasattr(app.state, "stone_index"):
        await app.state.stone_index.close()
    await engine.dispose()


@asynccontextmanager
async def browsing(house, who=None, **headers):
    async with AsyncClient(
        transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME} | headers
    ) as browser:
        if who:
            await browser.post("/sign-in", data={"email": who, "password": PASSWORD})
        yield browser


async def kept(browser, address="/stones?shape=round", **changes):
    answer = await browser.post("/saved-searches", data=KEPT | {"address": address} | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def listed(house, *numbers, now=NOON):
    async with house.state.sessions.begin() as session:
        found = await stones.listed(session, [stones.row(n) for n in numbers], house.state.firm)
    await alerting.tick(house.state.sessions, now)
    return found


async def mailed(house, tmp_path, now=NOON):
    for name, tick in ticks.of_house(house.state.settings, house.state.sessions, house.state.pages):
        if name in ("searches told", "mail"):
            await tick(now)
    files = sorted((tmp_path / "mail").glob("*/*.eml"))
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


async def test_a_search_is_kept_from_the_catalogue_and_shows_what_it_found(house):
    async with browsing(house, "wen@lumen.example") as wen:
        page = (await wen.get("/stones?shape=round")).text
        keep = html.unescape(re.search(r'href="(/saved-searches/new[^"]+)"', page)[1])
        form = (await wen.get(keep)).text
        assert 'value="Round Brilliant"' in form or 'value="Round' in form
        assert '<input type="hidden" name="address" value="/stones?shape=round">' in form
        here = await kept(wen)
        assert (await wen.get(keep)).headers["location"] == here, "what is kept is not kept twice"
        await alerting.tick(house.state.sessions, NOON)
        (stone,) = await listed(house, 7)
        rows = (await wen.get("/saved-searches")).text
        assert "1 stone" in rows and f'action="{here}/look"' in rows
        looked = await wen.post(f"{here}/look")
        found = (await wen.get(looked.headers["location"])).text
        assert (
            f"/stones/{stone.public_id}" in found
            and "New in the catalogue" in found
            and "1 stone is new to you." in found
        )
        assert "USD" in found and "/look" not in (await wen.get("/saved-searches")).text
        changed = await wen.post(here, data=KEPT | {"cadence": "never", "kinds": []})
        assert changed.status_code == 303 and "No mail" in (await wen.get("/saved-searches")).text
        assert "It follows nothing" in (await wen.get(here)).text, "nobody waits for news that never comes"
        gone = (await wen.post(f"{here}/end")).headers["location"]
        assert f'action="{here}/restore"' in (await wen.get(gone)).text
        assert (await wen.get(here)).status_code == 404
        assert (await wen.post(f"{here}/restore")).status_code == 303 and (await wen.get(here)).status_code == 200


async def test_nobody_else_finds_a_search_and_staff_keep_none(house):
    async with browsing(house, "wen@lumen.example") as wen, browsing(house, "vera@lumen.example") as vera:
        here = await kept(wen)
        for act in ("", "/look", "/end", "/restore"):
            assert (await vera.post(here + act, data=KEPT)).status_code == 404
        assert (await vera.get(here)).status_code == 404 and "Rounds" not in (await vera.get("/saved-searches")).text
        assert (await vera.get("/saved-searches/new?address=/stones")).text.count("Lower price") == 0
        assert (await vera.post("/saved-searches", data=KEPT | {"address": "/stones?ppc_from=1"})).status_code == 422
    async with browsing(house, "noor@pavilion.example") as noor, browsing(house) as visitor:
        assert (await noor.get("/saved-searches")).status_code == 403
        assert "/saved-searches" not in (await noor.get("/stones")).text + (await visitor.get("/stones")).text
        assert (await visitor.get("/saved-searches")).headers["location"].startswith("/sign-in")


WRONG = ({"name": " "}, {"drop_pct": "91"}, {"cadence": "weekly"}, {"kinds": ["all"]}, {"more": "1"})
NO_QUESTION = ("//else.example/stones", "/stones?color=XX", "/stones?supplier=" + "A" * 26, "/sales")


async def test_what_cannot_be_kept_is_refused_and_what_was_written_stays(house):
    async with browsing(house, "wen@lumen.example") as wen:
        for wrong in WRONG:
            answer = await wen.post("/saved-searches", data=KEPT | {"address": "/stones?shape=round"} | wrong)
            assert answer.status_code == 422 and 'role="alert"' in answer.text, wrong
            assert 'name="address" value="/stones?shape=round"' in answer.text, wrong
        for address in NO_QUESTION:
            answer = await wen.post("/saved-searches", data=KEPT | {"address": address})
            assert answer.status_code == 422 and "This search cannot be kept" in answer.text, address


async def test_the_mail_names_what_may_be_seen_and_ends_with_one_click(house, tmp_path):
    async with browsing(house, "wen@lumen.example") as wen, browsing(house, "vera@lumen.example") as vera:
        here, other = await kept(wen), await kept(vera, kinds=["new"])
        await alerting.tick(house.state.sessions, NOON)
        gone, _ = await listed(house, 7, 8)
        async with house.state.sessions.begin() as session:
            await stones.revoke(session, gone.public_id)
        mails = {mail["To"]: mail for mail in await mailed(house, tmp_path)}
        assert set(mails) == {"wen@lumen.example", "vera@lumen.example"}
        mail, other_mail = mails["wen@lumen.example"], text_of(mails["vera@lumen.example"])
        text = text_of(mail)
        assert "“Rounds”: 1 found" in mail["Subject"] and f"{HOME}{here}" in text
        assert "2000000008" in text and "2000000007" not in text and "USD 6,630.00" in text
        assert "2000000008" in other_mail and "USD" not in other_mail and other in other_mail
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        one_click = str(mail["List-Unsubscribe"]).strip("<>").removeprefix(HOME)
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as program:
        page = one_click.removeprefix("/api/v1")
        forged = one_click[:-1] + ("B" if one_click[-1] == "A" else "A")
        assert "one saved search" in (await program.get(page)).text
        assert (await program.post(forged)).status_code == 404
        answer = await program.post(one_click, data={"List-Unsubscribe": "One-Click"})
        assert answer.json() == {"stopped": "search"}
    for soon, mails in ((timedelta(minutes=4), 2), (timedelta(minutes=5), 3)):
        await listed(house, 8 + mails, now=NOON + soon)
        assert len(await mailed(house, tmp_path, NOON + soon)) == mails, (
            "vera alone hears of the next ones, in one mail"
        )


async def test_pages_speak_chinese(house):
    async with browsing(house, "wen@lumen.example", **{"accept-language": "zh"}) as wen:
        here = await kept(wen)
        await alerting.tick(house.state.sessions, NOON)
        await listed(house, 7)
        wen.cookies.set("lang", "zh")
        for path in ("/saved-searches", here, "/saved-searches/new?address=/stones"):
            await wen.post("/language", data={"to": "zh", "back": path})
            text = (await wen.get(path)).text
            assert re.search("已存搜索", text) and "Saved searches" not in text, path


async def test_an_address_with_its_change_shows_the_list_as_it_was(house):
    async with browsing(house, "wen@lumen.example") as wen, browsing(house, "noor@pavilion.example") as noor:
        (sold,) = await listed(house, 7)
        page = (await wen.get("/stones?shape=round")).text
        then = html.unescape(re.search(r'href="(/stones[^"]+as_of=[0-9]+)"', page)[1])
        async with house.state.sessions.begin() as session:
            row = stones.row(1, price_per_carat_minor=100_000, price_total_minor=102_000)
            await service.store_stones(session, [row], supplier_company_id=house.state.firm, now=NOON)
            await stones.revoke(session, sold.public_id)
            await service.verdicts_changed(session, [sold.public_id], now=NOON)
        for reader, hidden in ((wen, True), (noor, False)):
            text = (await reader.get(then)).text
            assert "2 stones of confirmed origin" in text and "2 March 2026" in text and "6,630.00" in text
            assert ("A stone that is shown no more" in text, "2000000007" in text) == (hidden, not hidden)
        assert (
            (await wen.get("/stones?as_of=2026-03-02T12:30&shape=round"))
            .headers["location"]
            .startswith("/stones?shape")
        )
        for wrong in ("999", "-1", "now", "9" * 40, "2026-02-30T12:00", "0001-01-01T00:00+23:00", "٣"):
            assert (await wen.get("/stones", params={"as_of": wrong})).status_code == 422, wrong
            assert (await wen.get("/api/v1/stones", params={"as_of": wrong})).status_code == 422, wrong
        seq = re.search("as_of=([0-9]+)", then)[1]
        for reader, hidden in ((wen, 1), (noor, 0)):
            told = (await reader.get(f"/api/v1/stones?shape=round&as_of={seq}&limit=1")).json()
            rest = (await reader.get(f"/api/v1/stones?shape=round&as_of={seq}&limit=1&cursor={told['cursor']}")).json()
            assert (told["total"], told["as_of"], rest["cursor"]) == (2, int(seq), None)
            assert told["shown_no_more"] + rest["shown_no_more"] == hidden
            items = [*told["items"], *rest["items"]]
            assert len(items) == 2 - hidden and items[0]["price"]["total"]["amount_minor"] == 663_000
        other = await wen.get(f"/api/v1/stones?shape=round&as_of={int(seq) + 1}&cursor={told['cursor']}")
        assert other.json()["facts"]["fields"] == {"cursor": "search_cursor_foreign"}
    async with browsing(house, "vera@lumen.example") as vera, browsing(house) as visitor:
        assert "6,630.00" not in (await vera.get(then)).text and (await vera.get(then)).status_code == 200
        told = (await vera.get(f"/api/v1{then}")).json()
        assert told["total"] == 2 and all("price" not in item for item in told["items"])
        assert (await vera.get(f"/api/v1{then}&sort=position")).status_code == 422
        assert (await visitor.get(f"/api/v1{then}")).status_code == 401
        assert (await visitor.get(then)).headers["location"].startswith("/sign-in")
        since = NOON + timedelta(hours=1)  # its company was let in after that
        async with house.state.sessions.begin() as session:
            for price, at in ((90_000, since - timedelta(minutes=1)), (80_000, since)):
                row = stones.row(1, price_per_carat_minor=price, price_total_minor=price * 102 // 100)
                await service.store_stones(session, [row], supplier_company_id=house.state.firm, now=at)
            lumen = select(Company.public_id).where(Company.name == "Lumen Trading")
            record(session, "company:approved", await session.scalar(lumen), by=None, at=since)
            head = await history.head(session)
        for as_of, status in ((seq, 422), (head - 2, 422), (head - 1, 200), (head, 200)):
            assert (await vera.get(f"/api/v1/stones?shape=round&as_of={as_of}")).status_code == status, as_of
        async with browsing(house, "noor@pavilion.example") as noor:
            assert (await noor.get(then)).status_code == 200
