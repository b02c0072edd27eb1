"""Secret addresses of calendars: what they tell, to whom, and that nothing else opens them."""

import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from httpx2 import ASGITransport, AsyncClient
from icalendar import Calendar
from sqlalchemy import delete, func, select

from pavilion.accounts.models import PersonRole
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.kernel.errors import NotFound
from pavilion.kernel.events import Event
from pavilion.main import build_web
from pavilion.notifications.mail import Invitation, Mail, MailFolder, message_of
from pavilion.settings import Environment, Settings
from pavilion.viewings import feeds
from pavilion.viewings.models import Appointment, AppointmentEvent, CalendarFeed
from pavilion.viewings.place_models import OfficeStaff
from pavilion.viewings.states import AppointmentState as S
from tests import make
from tests.make import HOUR, NOON
from tests.viewings import booked
from tests.viewings.booked import DAY

URL = "http://127.0.0.1:8080"
HOUSE = {"base": URL, "sender": "notices@pavilion.example"}


async def told(session, token, now=NOON):
    """(summary, status) of what the feed tells."""
    rows = await feeds.entries(session, await feeds.behind(session, token), now, **HOUSE)
    return [(row.summary, str(row.status)) for row in rows]


@pytest.fixture
async def town(sqlite_sessions):
    """Hong Kong with two companies of two buyers and one buyer, and a member of its staff."""
    async with sqlite_sessions.begin() as session:
        lumen, rival = await make.company(session), await make.company(session, "Vandael", "BE")
        people = {
            "wen": await make.person(session, "wen@lumen.example", firm=lumen),
            "li": await make.person(session, "li@lumen.example", firm=lumen),
            "ilse": await make.person(session, "ilse@vandael.example", firm=rival),
            "sam": await make.person(session, "sam@pavilion.example", (Role.VIEWINGS,)),
        }
        await booked.office(session, "hkg", [people["sam"]])
        await booked.office(session, "ant")
    return SimpleNamespace(sessions=sqlite_sessions, **people)


async def address(town, person, office=None, now=NOON):
    async with town.sessions.begin() as session:
        _, token = await feeds.make(session, person_id=person.id, office=office, by=person.public_id, now=now)
    return token


async def test_a_person_follows_what_they_booked_and_where_they_are_named(town):
    async with town.sessions.begin() as session:
        await booked.appointment(session, town.wen, number="HKG-0001")
        named = await booked.appointment(session, town.li, number="HKG-0002", start=NOON + DAY)
        await booked.visitor(session, named, town.wen)
        await booked.appointment(session, town.li, number="HKG-0003")
        await booked.appointment(session, town.ilse, number="HKG-0004")
        await booked.appointment(session, town.ilse, number="ANT-0005", office="ant", operator_id=town.wen.id)
    token = await address(town, town.wen)
    async with town.sessions() as session:
        assert await told(session, token) == [
            ("Pavilion Hong Kong · HKG-0002", "CONFIRMED"),
            ("Pavilion Hong Kong · HKG-0001", "CONFIRMED"),
            ("Pavilion Antwerp · ANT-0005", "CONFIRMED"),
        ]


async def test_holds_never_stand_there_wishes_are_tentative_and_what_is_off_stays_for_a_month(town):
    async with town.sessions.begin() as session:
        await booked.appointment(session, town.wen, number="A-HELD", state=S.HELD, expires_at=NOON + HOUR)
        await booked.appointment(session, town.wen, number="B-ASKED", state=S.REQUESTED)
        off = await booked.appointment(session, town.wen, number="C-OFF", state=S.BOOKED)
        off.state, off.sequence = S.CANCELLED, 1
        await booked.happened(session, off, "cancelled", NOON + HOUR)
        dropped = await booked.appointment(session, town.wen, number="D-DROPPED", state=S.HELD, expires_at=NOON + HOUR)
        dropped.state, dropped.expires_at = S.CANCELLED, None
        await booked.happened(session, dropped, "cancelled", NOON + HOUR)
        await booked.appointment(session, town.wen, number="E-OLD", start=NOON - 40 * DAY, state=S.DONE)
        await booked.appointment(session, town.wen, number="F-DONE", start=NOON - 20 * DAY, state=S.DONE)
    token = await address(town, town.wen)
    async with town.sessions() as session:
        now = [("F-DONE", "CONFIRMED"), ("B-ASKED", "TENTATIVE"), ("C-OFF", "CANCELLED")]
        assert [(said.rpartition(" ")[2], status) for said, status in await told(session, token)] == now
        later = await told(session, token, NOON + 31 * DAY)
        assert [said.rpartition(" ")[2] for said, _ in later] == ["B-ASKED"]


async def test_an_office_is_followed_by_reference_and_desk_alone(town):
    async with town.sessions.begin() as session:
        row = await booked.appointment(session, town.wen, number="HKG-0001")
        await booked.visitor(session, row, None, "Ada Lovelace")
        await booked.appointment(session, town.wen, number="ANT-0002", office="ant")
    token = await address(town, town.sam, "hkg")
    async with town.sessions() as session:
        rows = await feeds.entries(session, await feeds.behind(session, token), NOON, **HOUSE)
        assert [(row.summary, row.location, row.description) for row in rows] == [
            ("HKG-0001 · Desk 3", "Hong Kong", "")
        ]
        assert rows[0].url == f"{URL}/staff/viewings/hkg/2026-03-09"
    with pytest.raises(NotFound):
        await address(town, town.wen, "hkg")
    with pytest.raises(NotFound):
        await address(town, town.sam, "ant")


async def test_an_address_ends_with_its_person_their_place_or_their_right(town):
    own, office = await address(town, town.wen), await address(town, town.sam, "hkg")
    async with town.sessions.begin() as session:
        assert (await feeds.behind(session, own)).person.id == town.wen.id
        assert (await feeds.behind(session, office)).office.id == "hkg"
        nested = await session.begin_nested()
        await session.execute(delete(PersonRole).where(PersonRole.person_id == town.sam.id))
        with pytest.raises(NotFound):
            await feeds.behind(session, office)
        await nested.rollback()
        await session.execute(delete(OfficeStaff))
        with pytest.raises(NotFound):
            await feeds.behind(session, office)
        (await session.get(type(town.wen), town.wen.id)).disabled_at = NOON
        await session.flush()
        with pytest.raises(NotFound):
            await feeds.behind(session, own)


async def test_who_left_the_company_follows_it_no_more(town):
    async with town.sessions.begin() as session:
        await booked.appointment(session, town.wen)
    token = await address(town, town.wen)
    async with town.sessions.begin() as session:
        (await session.get(type(town.wen), town.wen.id)).company_id = town.ilse.company_id
        await session.flush()
        assert await told(session, token) == []


async def test_only_the_hash_is_kept_and_a_new_address_ends_the_former(sessions):
    async with sessions.begin() as session:
        wen = await make.person(session, firm=await make.company(session))
        _, first = await feeds.make(session, person_id=wen.id, office=None, by=wen.public_id, now=NOON)
        _, second = await feeds.make(session, person_id=wen.id, office=None, by=wen.public_id, now=NOON + HOUR)
    async with sessions.begin() as session:
        with pytest.raises(NotFound):
            await feeds.behind(session, first)
        assert (await feeds.behind(session, second)).made_at == NOON + HOUR
        assert await feeds.made_by(session, wen.id) == {None: NOON + HOUR}
        rows = (await session.scalars(select(CalendarFeed))).all()
        facts = [str(row.facts) + row.subject for row in await session.scalars(select(Event))]
        assert len(second) == 43 and not any(second in said or first in said for said in facts)
        assert {row.token_sha256 for row in rows} == {feeds.sha256(first), feeds.sha256(second)}
        edited = ("A" if second[0] != "A" else "B") + second[1:]
        for wrong in (edited, second[:-1], second + "A", second.swapcase(), "", "A" * 43, "\x00", rows[1].token_sha256):
            with pytest.raises(NotFound):
                await feeds.behind(session, wrong)
        await feeds.revoke(session, person_id=wen.id, office=None, by=wen.public_id, now=NOON + HOUR)
        await feeds.revoke(session, person_id=wen.id, office=None, by=wen.public_id, now=NOON + HOUR)
        with pytest.raises(NotFound):
            await feeds.behind(session, second)
        names = [row.name for row in await session.scalars(select(Event).where(Event.name.like("feed:%")))]
        assert names == ["feed:made", "feed:made", "feed:revoked"]


@pytest.fixture
async def house(town, sqlite_database_url, tmp_path):
    settings = Settings(environment=Environment.TEST, data_dir=tmp_path, public_url=URL, secret_key="secret")
    engine = create_engine(sqlite_database_url)
    app = build_web(settings, engine, lambda: NOON, lambda _app: None)

    @asynccontextmanager
    async def reader(email=""):
        async with AsyncClient(transport=ASGITransport(app), base_url=URL, headers={"origin": URL}) as client:
            if email:
                said = {"email": email, "password": make.PASSWORD}
                assert (await client.post("/sign-in", data=said)).status_code == 303
            yield client

    yield SimpleNamespace(reader=reader, folder=tmp_path, **vars(town))
    await engine.dispose()


async def test_a_feed_is_read_without_signing_in_and_again_only_when_something_changed(house):
    async with house.sessions.begin() as session:
        row = await booked.appointment(session, house.wen, number="HKG-0001")
    path = f"/viewings/feed/{await address(house, house.wen)}.ics"
    async with house.reader() as program:
        answer = await program.get(path)
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert answer.headers["cache-control"].startswith("private") and "set-cookie" not in answer.headers
        assert answer.headers["last-modified"] == "Mon, 02 Mar 2026 12:00:00 GMT"
        calendar = Calendar.from_ical(answer.content)
        (event,) = calendar.walk("VEVENT")
        assert calendar["METHOD"] == "PUBLISH" and event["SUMMARY"] == "Pavilion Hong Kong · HKG-0001"
        tag = {"if-none-match": f'"other", W/{answer.headers["etag"]}'}
        date = {"if-modified-since": answer.headers["last-modified"]}
        assert [(await program.get(path, headers=known)).status_code for known in (tag, date)] == [304, 304]
        assert (await program.get(path, headers={"if-none-match": '"x"'} | date)).status_code == 200
        for since in ("Mon, 02 Mar 2026 11:59:59 GMT", "yesterday", "Mon, 32 Mar 2026 11:59:59 GMT"):
            assert (await program.get(path, headers={"if-modified-since": since})).status_code == 200
        assert (await program.head(path)).status_code == 200
        async with house.sessions.begin() as session:
            moved = await session.get(Appointment, row.id)
            moved.starts_at, moved.ends_at, moved.sequence = NOON + 8 * DAY, NOON + 8 * DAY + HOUR, 1
            await booked.happened(session, moved, "moved", NOON + HOUR)
        fresh = await program.get(path, headers=tag)
        (event,) = Calendar.from_ical(fresh.content).walk("VEVENT")
        assert (fresh.status_code, event["SEQUENCE"], event["UID"]) == (200, 1, row.uid)


async def test_a_wrong_address_is_not_found_and_writing_to_a_right_one_changes_nothing(house):
    async with house.sessions.begin() as session:
        await booked.appointment(session, house.wen)
    token = await address(house, house.wen)
    async with house.reader() as program:
        for wrong in (token[:-1], token + "x", token.swapcase(), "x", "%2e%2e", "x" * 4000):
            assert (await program.get(f"/viewings/feed/{wrong}.ics")).status_code == 404
        evil = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n"
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            answer = await program.request(method, f"/viewings/feed/{token}.ics", content=evil)
            assert answer.status_code == 405
        async with house.sessions() as session:
            assert (await session.scalar(select(Appointment))).state == S.BOOKED
            assert await session.scalar(select(func.count(AppointmentEvent.id))) == 1


async def test_guessing_and_reading_too_often_are_slowed_down_and_hinder_no_other(house):
    token = await address(house, house.wen)
    other = await address(house, house.li)
    async with house.reader() as program:
        guesses = [(await program.get(f"/viewings/feed/{n:043d}.ics")).status_code for n in range(31)]
        assert guesses == [404] * 30 + [429]
        reads = [(await program.get(f"/viewings/feed/{token}.ics")).status_code for _ in range(31)]
        assert reads == [200] * 30 + [429], "a guesser behind the same address keeps no reader out"
        assert (await program.get(f"/viewings/feed/{other}.ics")).status_code == 200


async def test_the_page_makes_shows_once_and_ends_addresses(house):
    async with house.reader("sam@pavilion.example") as sam:
        page = await sam.get("/account/calendar")
        assert page.status_code == 200 and "Hong Kong" in page.text and "Antwerp" not in page.text
        made = await sam.post("/account/calendar/feeds", data={"office": "hkg"})
        (link,) = set(re.findall(r"/viewings/feed/[\w-]{43}\.ics", made.text))
        assert made.headers["cache-control"] == "no-store" and (await sam.get(link)).status_code == 200
        assert "/viewings/feed/" not in (await sam.get("/account/calendar")).text
        assert (await sam.post("/account/calendar/feeds", data={"office": "ant"})).status_code == 404
        for rubbish in ({"office": "x" * 13}, {"office": "\x00"}, {"office": "hkg", "person": "1"}):
            assert (await sam.post("/account/calendar/feeds", data=rubbish)).status_code == 422
        ended = await sam.post("/account/calendar/feeds/end", data={"office": "hkg"})
        assert ended.headers["location"] == "/account/calendar?ended=1"
        assert "opens nothing any more" in (await sam.get("/account/calendar?ended=1")).text
        assert (await sam.get(link)).status_code == 404
    async with house.reader() as stranger:
        assert (await stranger.get("/account/calendar")).headers["location"].startswith("/sign-in")


async def test_the_file_of_an_appointment_is_for_its_company(house):
    async with house.sessions.begin() as session:
        row = await booked.appointment(session, house.wen, number="HKG-0001")
    path = f"/viewings/appointments/{row.public_id}/calendar.ics"
    async with house.reader("li@lumen.example") as li:
        (event,) = Calendar.from_ical((await li.get(path)).content).walk("VEVENT")
        assert event["UID"] == row.uid and event["SUMMARY"] == "Pavilion Hong Kong · HKG-0001"
        for wrong in ("01NONE", "%00", f"{row.public_id}x", "01M7Z85APYN1SA12CS184JB4HM"):
            assert (await li.get(f"/viewings/appointments/{wrong}/calendar.ics")).status_code == 404
    async with house.reader("ilse@vandael.example") as ilse:
        assert (await ilse.get(path)).status_code == 404


async def test_the_simulated_box_gives_the_calendar_file_of_a_mail_to_its_reader_alone(house):
    mail = Mail("k", "wen@lumen.example", "Viewing", "text", "<p>text</p>", "en", "https://x", NOON)
    calendar = Invitation("REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    folder = MailFolder(house.folder / "mail")
    await folder.send(message_of(mail._replace(calendar=calendar), "a@b.example", "b.example"), "wen@lumen.example")
    async with house.reader("wen@lumen.example") as wen:
        page = await wen.get("/mail")
        (path,) = set(re.findall(r"/mail/\w+\.ics", page.text))
        answer = await wen.get(path)
        assert answer.content == calendar.text.encode() and "method=REQUEST" in answer.headers["content-type"]
        assert (await wen.get("/mail/none.ics")).status_code == 404
    async with house.reader("li@lumen.example") as li:
        assert (await li.get(path)).status_code == 404
