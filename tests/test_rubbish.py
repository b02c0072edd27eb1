"""Every route answers rubbish with a code, to everybody, and never with a bug."""

import asyncio
import json
import re
import shutil
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial

import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import doors, main
from pavilion.auctions.models import Lot, Sale
from pavilion.demo import people
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import create_engine
from pavilion.settings import Environment, Settings, with_secrets
from tests.luck import Random

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one house hears all of it: its start costs as much as a test
ORIGIN = "http://127.0.0.1:8080"
PATHS = (
    "0",
    "-1",
    "01M7Z85APYN1SA12CS184JB4HM",
    "x" * 300,
    "%00",
    "%2e%2e",
    "';drop table sales;--",
    "９",
    "null",
    "1e9",
    "ant",
    "2026-02-29",
)
VALUES = (
    *("", " ", "0", "-1", "1e400", "9" * 40, "NaN", "\u0000", "\ud83d\ude00" * 50, "x" * 5000, "../../etc", "=1+1"),
    *("<script>", "{{7*7}}", "01M7Z85APYN1SA12CS184JB4HM", "USD", "2026-02-30", "true", "[]", "٣", "１２,０００"),
    *("ant", "ant-1", "ant-1|2026-03-29T02:30|60", "2026-03-29T02:30", "9999-12-31T23:59", "02:30", "0.001", "out"),
)
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"a":' * 200,
    b"a=1&a=2&%ff=%00",
    json.dumps({"max": 1e308}).encode(),
)
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv", "x/y")
NAMES = (
    *(
        "q",
        "cursor",
        "sort",
        "shape",
        "carat_from",
        "price_to",
        "page",
        "after",
        "wait",
        "limit",
        "ids",
        "lang",
        "state",
    ),
    *("key", "max", "currency", "rules", "confirm", "amount", "reason", "email", "password", "next", "to", "back"),
    *("position", "lots", "lot", "version", "title_en", "opens_at", "increments", "destination", "terms", "limit"),
    *("invoice", "value_date", "bank_reference", "code", "codes", "verdict", "file", "mode", "profile", "supplier"),
    *("stones", "slot", "office", "desk", "day", "clock", "party", "known", "visitor_name", "visitor_born", "note"),
    *("token", "visitor", "document_seen", "weight", "act", "appointment", "minutes", "arrive", "depart", "seen"),
    *("way", "save", "collector", "address", "carrier", "insured", "airway_bill", "stone", "entity", "refunds", "rate"),
    *("name", "scopes", "days", "document", "insured", "extensions", "giver", "silence", "to"),
    *("url", "events", "event", "once", "numbers", "ids"),
    *("verdict", "maximum", "shared_note", "own_note", "stones", "hours", "markup", "title", "search", "shortlist"),
)


@pytest.fixture(scope="module")
def folder(furnished, tmp_path_factory):
    copy = tmp_path_factory.mktemp("rubbish") / "demo"
    shutil.copytree(furnished, copy)
    return copy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(folder):
    # Thousands of requests: what asyncio's debugging watches is watched in every other test of these routes.
    asyncio.get_running_loop().set_debug(False)
    settings = with_secrets(Settings(environment=Environment.TEST, data_dir=folder))
    engine = create_engine(settings.database)
    app = main.build_web(settings, engine, utc_now, partial(rooms_of, settings))
    async with app.router.lifespan_context(app):
        yield app
    await engine.dispose()


@asynccontextmanager
async def rooms_of(settings, app):
    """Pages and the engine of bids. What a house does by itself beside them took as long again as all answers."""
    keys = main.Keys.of(settings)
    said = {"data_key": keys.data, "sale_key": keys.sale, "host_name": settings.host_name}
    async with main.one_process(settings.database, app.state.sessions, utc_now, **said) as app.state.rooms:
        yield


async def browser(app, email=None):
    client = AsyncClient(transport=ASGITransport(app), base_url=ORIGIN, headers={"origin": ORIGIN})
    if email is not None:
        answer = await client.post("/sign-in", data={"email": email, "password": people.PASSWORD})
        assert answer.status_code == 303
    return client


def routes(app):
    """Of routers within routers too."""
    found = [route for router in doors.ROUTERS for route in iter_route_contexts(router.routes) if route.methods]
    assert len(found) > 600, "the table of routes is read"
    return sorted({(method, route.path) for route in found for method in route.methods})


def filled(path, luck):
    return re.sub(r"\{[^}]+\}", lambda _: luck.choice(PATHS), path)


def query(luck):
    return {luck.choice(NAMES): luck.choice(VALUES).encode("utf-8", "replace").decode() for _ in range(3)}


# One person of each set of roles: who has the same rights meets the same checks.
WHO = [None, *sorted({tuple(sorted(one.roles)): one.email for one in people.PEOPLE}.values())]


ENTERED = Counter()  # by how many so far a route was reached behind its guard


@pytest.mark.parametrize("who", WHO)
async def test_rubbish_is_refused_by_code(app, who):
    """Everybody tries every route; the first two who are let in try three times: the same code answers all of them."""
    luck = Random(f"rubbish {who}")
    client = await browser(app, who)
    bugs = []
    for method, path in routes(app):
        if path == "/sign-out":
            continue
        for turn in range(3):
            target = filled(path, luck)
            if method in ("GET", "HEAD"):
                answer = await client.request(method, target, params=query(luck) | {"wait": "0"})
            elif luck.random() < 0.5:
                answer = await client.request(method, target, data=query(luck) | query(luck) | query(luck))
            else:
                headers = {"content-type": luck.choice(TYPES), "idempotency-key": luck.choice(VALUES[:8]).strip("\x00")}
                answer = await client.request(method, target, content=luck.choice(BODIES), headers=headers)
            if answer.status_code >= 500 and answer.status_code != 503:
                bugs.append((method, target[:80], answer.status_code, str(answer.request.content)[:200]))
            if answer.status_code in (401, 403) or answer.headers.get("location", "").startswith("/sign-in"):
                break  # who may not come in is turned away before anything is read: once is enough
            ENTERED[method, path] += turn == 0
            if ENTERED[method, path] > 2:
                break
    await client.aclose()
    assert bugs == []


async def test_a_refusal_names_its_code_to_programs_and_its_sentence_to_people(app):
    client = await browser(app)
    said = (await client.get("/api/v1/lots/nothing")).json()
    assert (said["code"], said["status"]) == ("not_found", 404)
    assert said["detail"] == "This does not exist, or not for you."
    page = await client.get("/lots/nothing", headers={"accept-language": "zh-CN"})
    assert page.status_code == 404
    assert "未找到该内容" in page.text
    await client.aclose()


async def test_a_foreign_page_cannot_write(app):
    client = await browser(app)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        answer = await client.post("/sign-in", data={"email": "a", "password": "b"}, headers=headers)
        assert answer.status_code == 403
    await client.aclose()


OPEN_TO_STAFF_ONLY = re.compile(r"^/staff(/|$)")


@pytest.mark.parametrize("who", [None, "wen@lumen.example", "vera@lumen.example", "sam@scheldt.example"])
async def test_no_staff_page_opens_to_others(app, who):
    client = await browser(app, who)
    luck = Random(7)
    for method, path in routes(app):
        if OPEN_TO_STAFF_ONLY.match(path):
            answer = await client.request(method, filled(path, luck))
            assert answer.status_code in (303, 401, 403, 404, 422), (method, path, answer.status_code)
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/sign-in")
    await client.aclose()


async def test_every_answer_carries_the_guards(app):
    client = await browser(app)
    for path in ("/", "/stones", "/nothing", "/api/v1/time", "/static/css/none"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
    await client.aclose()


@pytest.mark.parametrize("who", [None, "wen@lumen.example", "noor@pavilion.example"])
async def test_every_lot_and_sale_has_its_page_whatever_became_of_it(app, who):
    client = await browser(app, who)
    async with app.state.sessions() as session:
        lots = (await session.execute(select(Lot.public_id, Lot.state))).all()
        sales = (await session.scalars(select(Sale.public_id).where(Sale.state != "draft"))).all()
    assert {state for _, state in lots} >= {"sold", "passed", "open", "listed"}
    pages = [f"/lots/{lot}" for lot, _ in lots] + [f"/sales/{sale}{tail}" for sale in sales for tail in ("", "/room")]
    answers = {
        page: (await client.get(page, follow_redirects=True)).status_code for page in pages
    }  # a tender has no room
    assert {page: status for page, status in answers.items() if status != 200} == {}
    await client.aclose()
