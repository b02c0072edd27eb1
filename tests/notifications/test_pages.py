"""What a person says about being told: the page, the links in mails, the simulated box."""

from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion.kernel.db import create_engine
from pavilion.kernel.instants import stamp
from pavilion.kernel.outbox import Outbox, enqueue
from pavilion.main import build_web
from pavilion.notifications.models import NoticeWishes, PushBrowser
from pavilion.notifications.rules import Channel, Kind
from pavilion.notifications.ticks import of_house
from pavilion.notifications.wording import stop_token
from pavilion.settings import Environment, Settings
from tests import make
from tests.make import NOON

URL = "http://127.0.0.1:8080"
STAFF = {Kind.OFFICE, Kind.CURATION}  # asked of nobody else
KEYS = {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}
KEYS["auth"] = "BTBZMqHH6r4Tts7J_aSIgg"
PLACE = {"endpoint": "https://fcm.googleapis.com/fcm/send/abc", "expirationTime": None, "keys": KEYS}


class Visit:
    def __init__(self, app, sessions, settings, person):
        self.app, self.sessions, self.settings, self.person = app, sessions, settings, person

    @asynccontextmanager
    async def reader(self, signed_in=True):
        transport = ASGITransport(self.app)
        async with AsyncClient(transport=transport, base_url=URL, headers={"origin": URL}) as client:
            if signed_in:
                said = {"email": "wen@lumen.example", "password": make.PASSWORD}
                assert (await client.post("/sign-in", data=said)).status_code == 303
            yield client

    async def wishes(self):
        async with self.sessions() as session:
            return await session.scalar(select(NoticeWishes))


@pytest.fixture
async def visit(sqlite_database_url, sqlite_sessions, tmp_path):
    settings = Settings(
        environment=Environment.TEST, data_dir=tmp_path, public_url=URL, secret_key="secret", push_key="01" * 32
    )
    engine = create_engine(sqlite_database_url)
    async with sqlite_sessions.begin() as session:
        person = await make.person(session, "wen@lumen.example")
    yield Visit(build_web(settings, engine, lambda: NOON, lambda _app: None), sqlite_sessions, settings, person)
    await engine.dispose()


async def test_wishes_are_kept_as_they_were_ticked(visit):
    async with visit.reader() as wen:
        page = await wen.get("/account/notifications")
        assert page.text.count(" checked") == 2 * (len(Kind) - len(STAFF)) - 1, "everything, but sums"
        said = {"mail": ["won", "record"], "push": ["outbid"], "amounts": "true", "zone": "Asia/Hong_Kong"}
        said |= {"quiet_from": "22:00", "quiet_to": "07:30"}
        assert (await wen.post("/account/notifications", data=said)).status_code == 303
        page = await wen.get("/account/notifications?saved=1")
        assert page.text.count(" checked") == 4 and 'value="22:00"' in page.text and "Hong Kong" in page.text
    row = await visit.wishes()
    assert (row.quiet_from, row.quiet_to, row.amounts) == (1320, 450, True)
    assert "outbid" in row.mail_off and "won" not in row.mail_off


@pytest.mark.parametrize(
    "said",
    [
        {"mail": "everything"},
        {"quiet_from": "25:00", "quiet_to": "07:00"},
        {"quiet_from": "22:00"},
        {"zone": "Moon/Base"},
        {"person": "1"},
    ],
)
async def test_rubbish_is_bad_input(visit, said):
    async with visit.reader() as wen:
        assert (await wen.post("/account/notifications", data=said)).status_code == 422
    assert await visit.wishes() is None


async def test_who_is_signed_out_has_no_notices(visit):
    async with visit.reader(signed_in=False) as stranger:
        for path in ("/account/notifications", "/mail"):
            assert (await stranger.get(path)).headers["location"].startswith("/sign-in")
        stranger.headers["accept"] = "application/json"
        assert (await stranger.post("/account/notifications/browsers", json=PLACE)).status_code == 401


async def test_a_browser_is_told_until_its_person_ends_it(visit):
    async with visit.reader() as wen:
        assert (await wen.post("/account/notifications/browsers", json=PLACE)).status_code == 201
        assert (await wen.post("/account/notifications/browsers", json=PLACE)).status_code == 201
        evil = PLACE | {"endpoint": "https://evil.example/x"}
        answer = await wen.post("/account/notifications/browsers", json=evil, headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "push_host")
        async with visit.sessions() as session:
            (row,) = (await session.scalars(select(PushBrowser))).all()
        page = await wen.get("/account/notifications")
        assert f"/account/notifications/browsers/{row.id}/end" in page.text
        await wen.post(f"/account/notifications/browsers/{row.id}/end")
        async with visit.sessions() as session:
            assert (await session.scalars(select(PushBrowser))).all() == []
        script = await wen.get("/sw.js")
        assert script.headers["content-type"].startswith("text/javascript") and "fetch" not in script.text


async def test_the_link_in_a_mail_asks_first_and_the_mail_program_need_not(visit):
    token = stop_token(b"secret", visit.person.public_id, Kind.OUTBID)
    async with visit.reader(signed_in=False) as scanner:
        assert "Send me no more of these" in (await scanner.get(f"/notices/stop/{token}")).text
        assert await visit.wishes() is None, "a scanner that opens every link stops nothing"
        assert (await scanner.post(f"/notices/stop/{token}")).status_code == 200
        assert (await visit.wishes()).mail_off == ["outbid"]
    one_click = stop_token(b"secret", visit.person.public_id, Kind.WON)
    async with AsyncClient(transport=ASGITransport(visit.app), base_url=URL) as program:
        said = {"List-Unsubscribe": "One-Click"}
        assert (await program.post(f"/api/v1/notices/stop/{one_click}", data=said)).status_code == 200
        assert (await program.get(f"/api/v1/notices/stop/{one_click}")).status_code == 303
        for wrong in (one_click[:-1] + "x", one_click.replace(".won.", ".lot."), "a.b.c", "x"):
            assert (await program.post(f"/api/v1/notices/stop/{wrong}")).status_code == 404
    assert (await visit.wishes()).mail_off == ["outbid", "won"]


async def test_the_simulated_box_shows_only_ones_own_and_only_where_it_is_simulated(visit):
    async with visit.sessions.begin() as session:
        payload = {"notice": "sale_paused", "person": visit.person.id, "at": stamp(NOON)}
        await enqueue(session, Channel.MAIL, "1", payload, at=NOON)
    work = dict(of_house(visit.settings, visit.sessions, visit.app.state.pages))
    assert {
        "books told",
        "events told",
        "viewings told",
        "money told",
        "trades told",
        "searches told",
        "shortlists told",
        "notices of lots told",
        "webhooks told",
        "webhooks called",
        "reminders",
        "mail",
        "push",
    } == set(work)
    assert await work["mail"](NOON) == 1
    async with visit.sessions() as session:
        assert (await session.scalar(select(Outbox.sent_at))) == NOON
    async with visit.reader() as wen:
        page = await wen.get("/mail")
        assert "Simulated mail box" in page.text and "is paused" in page.text
        visit.app.state.settings = visit.settings.model_copy(update={"environment": Environment.PRODUCTION})
        assert (await wen.get("/mail")).status_code == 404
