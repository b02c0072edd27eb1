"""Keys of programs: made by the company's administrator, shown once, held to their scopes, refused when they end."""

import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select, update

from pavilion import main
from pavilion.accounts import keys, queries
from pavilion.accounts.key_models import ApiKey
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import CompanyState, Role
from pavilion.accounts.scopes import Scope
from pavilion.bidding.door import Door
from pavilion.bidding.live import LiveSession, Viewer
from pavilion.kernel.db import create_engine
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.events import Event
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
DAY = timedelta(days=1)
ADMIN = (Role.BUYER, Role.COMPANY_ADMIN)
OWN = "/account/company/keys"


class Clock:
    now = NOON

    def __call__(self):
        return self.now


@asynccontextmanager
async def alive(_app):
    yield


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine, clock = create_engine(sqlite_database_url), Clock()
    app = main.build_web(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, clock, alive)
    app.state.hands = clock
    yield app
    if hasattr(app.state, "stone_index"):
        await app.state.stone_index.close()
    await engine.dispose()


def program(house, key=None, **headers):
    shown = {"authorization": f"Bearer {key}"} if key else {}
    return AsyncClient(transport=ASGITransport(house), base_url=HOME, headers=shown | headers)


async def admin_of(session, email="ada@lumen.example", roles=ADMIN, **firm):
    return await make.actor(session, email, roles, await make.company(session, **firm))


async def key_for(sessions, *scopes, actor=None, days=90, name="a program"):
    async with sessions.begin() as session:
        actor = actor or await admin_of(session)
        _, text = await keys.make(session, name=name, scopes=list(scopes), days=days, actor=actor, now=NOON)
    return text


async def code_of(client, address, method="GET", **said):
    answer = await client.request(method, address, **said)
    kind = answer.headers["content-type"]
    return answer.status_code, answer.json()["code"] if "problem" in kind else None


async def test_only_the_hash_of_a_secret_is_kept_and_the_event_names_no_secret(sessions):
    text = await key_for(sessions, Scope.STONES_READ)
    assert re.fullmatch(r"pv_[0-9A-Z]{26}_[\w-]{43}", text)
    async with sessions() as session:
        key = await session.scalar(select(ApiKey))
        event = await session.scalar(select(Event).where(Event.name == "key:made"))
    assert text[30:] not in f"{key.secret_sha256} {event.facts}" and len(key.secret_sha256) == 64
    assert (event.subject, event.facts) == (key.public_id, {"scopes": ["stones:read"], "days": 90})


async def test_a_key_acts_for_its_maker_within_its_scopes(sqlite_sessions):
    text = await key_for(sqlite_sessions, Scope.BID_WRITE, Scope.SALES_READ)
    async with sqlite_sessions() as session:
        held = await keys.held_by(session, text, NOON)
        person = await session.scalar(select(Person))
    assert held.actor.public_id == person.public_id and held.actor.scopes == {"bid:write", "sales:read"}
    assert not held.actor.is_staff and held.last_used_at is None


async def test_a_key_gives_no_more_than_its_maker_may_do(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        actor = await admin_of(session, roles=(Role.COMPANY_ADMIN,))
        for scope in (Scope.BID_WRITE, Scope.STOCK_WRITE, Scope.TRADE_WRITE):
            with pytest.raises(BadInput):
                await keys.make(session, name="x", scopes=[scope], days=30, actor=actor, now=NOON)
        with pytest.raises(BadInput):
            await keys.make(session, name="x", scopes=[Scope.STONES_READ], days=4000, actor=actor, now=NOON)


async def test_nobody_but_the_administrator_keeps_the_companys_keys(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        firm = await make.company(session)
        buyer = await make.actor(session, "wen@lumen.example", (Role.BUYER,), firm)
        staff = await make.actor(session, "adam@pavilion.example", (Role.ADMIN,))
        for actor in (buyer, staff):
            with pytest.raises(NotAllowed):
                await keys.make(session, name="x", scopes=[Scope.STONES_READ], days=30, actor=actor, now=NOON)
            with pytest.raises(NotAllowed):
                await keys.keys_of(session, actor)


async def test_a_name_stands_for_one_live_key_and_a_foreign_key_cannot_be_revoked(sessions):
    async with sessions.begin() as session:
        ours, theirs = await admin_of(session), await admin_of(session, "otto@other.example")
    text = await key_for(sessions, Scope.STONES_READ, actor=ours)
    with pytest.raises(keys.KeyNameTaken):
        await key_for(sessions, Scope.STONES_READ, actor=ours)
    await key_for(sessions, Scope.STONES_READ, actor=theirs)
    async with sessions.begin() as session:
        with pytest.raises(NotFound):
            await keys.revoke(session, public_id=text[3:29], actor=theirs, now=NOON)
        for _ in range(2):
            await keys.revoke(session, public_id=text[3:29], actor=ours, now=NOON)
        assert len((await session.scalars(select(Event).where(Event.name == "key:revoked"))).all()) == 1
    await key_for(sessions, Scope.STONES_READ, actor=ours)


async def test_a_company_keeps_twenty_keys_at_most(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        actor = await admin_of(session)
        for n in range(keys.MOST):
            await keys.make(session, name=str(n), scopes=[Scope.STONES_READ], days=30, actor=actor, now=NOON)
        with pytest.raises(keys.KeysEnough):
            await keys.make(session, name="more", scopes=[Scope.STONES_READ], days=30, actor=actor, now=NOON)
        later = NOON + 31 * DAY  # those have expired by then
        await keys.make(session, name="more", scopes=[Scope.STONES_READ], days=30, actor=actor, now=later)


async def test_what_ends_a_key_ends_it_at_the_next_request(house):
    sessions = house.state.sessions
    text = await key_for(sessions, Scope.STONES_READ)
    async with program(house, text) as client, program(house, f"{text[:-1]}{'a' if text[-1] != 'a' else 'b'}") as other:
        assert (await client.get("/api/v1/stones")).status_code == 200
        assert await code_of(other, "/api/v1/stones") == (401, "api_key_unknown")
        house.state.hands.now = NOON + 90 * DAY
        assert await code_of(client, "/api/v1/stones") == (401, "api_key_expired")
        assert await code_of(other, "/api/v1/stones") == (401, "api_key_unknown")
        house.state.hands.now = NOON
        await _set(sessions, update(Company).values(state=CompanyState.SUSPENDED))
        assert await code_of(client, "/api/v1/stones") == (403, "api_key_rests")
        await _set(sessions, update(Company).values(state=CompanyState.APPROVED))
        await _set(sessions, update(Person).values(disabled_at=NOON))
        assert await code_of(client, "/api/v1/stones") == (401, "api_key_unknown")
        await _set(sessions, update(Person).values(disabled_at=None))
        assert (await client.get("/api/v1/stones")).status_code == 200
        await _set(sessions, update(ApiKey).values(revoked_at=NOON))
        assert await code_of(client, "/api/v1/stones") == (401, "api_key_unknown")


async def test_each_scope_opens_its_own_doors_and_no_page(house):
    everything = await key_for(house.state.sessions, Scope.STONES_READ, name="reader")
    async with program(house, everything) as client:
        assert (await client.get("/api/v1/time")).status_code == 200
        for method, address in (
            ("GET", "/api/v1/results"), ("PUT", "/api/v1/stock-files"), ("POST", "/api/v1/lots/1/bids"),
            ("GET", "/api/v1/viewings/slots"), ("POST", "/api/v1/orders"), ("GET", "/api/v1/nothing"),
            ("GET", "/account"), ("GET", OWN), ("POST", OWN), ("POST", "/api/v1/sales/1/shares"),
            ("GET", "/api/v1/outcome-files/1"), ("POST", "/api/v1/stones"),
        ):  # fmt: skip
            assert await code_of(client, address, method, headers={"accept": "application/json"}) == (
                403, "scope_missing",
            ), address  # fmt: skip


async def test_a_key_writes_without_our_pages_and_no_cookie_helps_it(house):
    sessions = house.state.sessions
    text = await key_for(sessions, Scope.VIEWINGS)
    async with program(house, origin=HOME) as browser:
        assert (await browser.post("/sign-in", data={"email": "ada@lumen.example", "password": PASSWORD})).cookies
        foreign = {"origin": "https://elsewhere.example"}
        assert await code_of(browser, "/api/v1/tickets", "POST", headers=foreign) == (403, "foreign_request")
        shown = foreign | {"authorization": f"Bearer {text}"}
        assert await code_of(browser, "/api/v1/tickets", "POST", headers=shown) == (403, "scope_missing")
        missing = await browser.post("/api/v1/viewings/waitlist", headers=shown, json={})
        assert missing.status_code == 422 and missing.headers["content-security-policy"]


async def test_the_last_use_is_written_every_five_minutes_at_most(house):
    sessions = house.state.sessions
    text = await key_for(sessions, Scope.STONES_READ)
    seen = []
    async with program(house, text) as client:
        for minutes in (0, 3, 6):
            house.state.hands.now = NOON + timedelta(minutes=minutes)
            await client.get("/api/v1/time")
            async with sessions() as session:
                seen.append(await session.scalar(select(ApiKey.last_used_at)))
    assert seen == [NOON, NOON, NOON + timedelta(minutes=6)]


async def test_the_page_shows_the_key_once_and_asks_who_sits_there(house, capfd):
    async with house.state.sessions.begin() as session:
        await admin_of(session)
    said = {"name": "Stock upload", "scopes": ["stones:read", "viewings"], "days": "30"}
    async with program(house, origin=HOME) as browser:
        assert (await browser.get(OWN, follow_redirects=False)).status_code == 303
        await browser.post("/sign-in", data={"email": "ada@lumen.example", "password": PASSWORD})
        assert "made no key" in (await browser.get(OWN)).text
        assert (await browser.post(OWN, data=said | {"password": "not mine at all"})).status_code == 422
        assert (await browser.post(OWN, data=said | {"password": PASSWORD, "scopes": []})).status_code == 422
        assert (await browser.post(OWN, data=said | {"password": PASSWORD, "days": "7"})).status_code == 422
        made = await browser.post(OWN, data=said | {"password": PASSWORD})
        text = re.search(r"pv_[0-9A-Z]{26}_[\w-]{43}", made.text)[0]
        assert made.status_code == 201 and "no-store" in made.headers["cache-control"]
        assert (await browser.post(OWN, data=said | {"password": PASSWORD})).status_code == 409
        form = said | {"password": PASSWORD, "name": "twice", "once": re.search(r'"once" value="([^"]+)', made.text)[1]}
        first, second = [(await browser.post(OWN, data=form)).text for _ in range(2)]
        twice = re.search(r"pv_[0-9A-Z]{26}_[\w-]{43}", first)[0]
        assert twice in second and second.count(twice[:29]) == 2, "pressed twice: one key, on both answers"
        await browser.post(f"{OWN}/{twice[3:29]}/revocation")
        again = await browser.post(OWN, data=form)
        assert again.status_code == 409 and "Fill in the form anew" in again.text and twice not in again.text
        shown = (await browser.get(OWN)).text
        assert text not in shown and text[:29] in shown
        async with program(house, text) as client:
            assert (await client.get("/api/v1/stones")).status_code == 200
        gone = await browser.post(f"{OWN}/{text[3:29]}/revocation")
        assert gone.headers["location"].endswith("done=revoked")
        assert "Revoked" in (await browser.get(OWN)).text
    async with program(house, text) as client:
        assert await code_of(client, "/api/v1/stones") == (401, "api_key_unknown")
    written = capfd.readouterr()
    assert text[30:] not in written.err + written.out


async def test_a_person_without_a_key_has_no_scopes(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        actor = await admin_of(session)
        person = await queries.person_with_rights(session, actor.person_id)
    assert queries.as_actor(person).scopes is None


async def _set(sessions, statement):
    async with sessions.begin() as session:
        await session.execute(statement)


async def test_a_socket_opened_by_a_key_is_let_out_after_the_keys_last_day(sqlite_sessions):
    text, hands = await key_for(sqlite_sessions, Scope.BID_WRITE), [NOON]
    async with sqlite_sessions() as session:
        held = await keys.held_by(session, text, NOON)
        ends = await session.scalar(select(ApiKey.expires_at))
    viewer = Viewer(held.actor.public_id, held.actor.person_id, held.actor.company_id, None, True, held.actor.key)

    class Visit:
        session = LiveSession(viewer, 0.0)

        def hear(self, _encoded):
            pass

    visit, door = Visit(), Door(sqlite_sessions, lambda: hands[0])
    assert door.admit(visit)
    for at, inside in ((ends - timedelta(microseconds=1), True), (ends, False)):
        hands[0] = at
        await door.look()
        assert (visit.session.close_code is None) is inside
