"""The pages of an office's day: who may open them, that they work without script, that acts arrive once."""

import re
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select

from pavilion.accounts import service as accounts
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.main import build_web, sessions_of
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.provenance.reported_models import ReportedEvent
from pavilion.settings import Settings
from pavilion.viewings import board, changing, service
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentVisitor, Visitor, WaitEntry
from pavilion.viewings.wishes import Wish
from tests import make
from tests.make import NOON
from tests.viewings import desks
from tests.viewings.desks import MINUTE, START

HOME = "/staff/viewings"
TODAY = NOON.date()


class House:
    def __init__(self, app, sessions, clock):
        self.app, self.sessions, self.clock = app, sessions, clock

    async def browser(self, email=None, lang="en", accept="text/html"):
        cookies = {"lang": lang}
        if email is not None:
            async with self.sessions.begin() as session:
                token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
            cookies[COOKIE] = token
        headers = {"sec-fetch-site": "same-origin", "accept": accept}
        transport = ASGITransport(self.app)
        return AsyncClient(transport=transport, base_url="http://pavilion.test", cookies=cookies, headers=headers)


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine, clock = create_engine(sqlite_database_url), [NOON]
    settings = Settings(environment="test", data_dir=tmp_path, data_key="22" * 32)
    app = build_web(settings, engine, lambda: clock[0], None)
    yield House(app, sessions_of(settings, engine), clock)
    await engine.dispose()


async def refused(answer, status, code):
    assert answer.status_code == status, answer.text[:2000]
    assert code in answer.text


async def test_every_page_opens_in_both_languages_for_the_staff_of_the_office_alone(house):
    day = await desks.build(house.sessions)
    visit, visitor, token = await desks.booked(house.sessions, day)
    here = f"{HOME}/ant"
    pages = [
        f"{here}/{TODAY}", f"{here}/{TODAY}/trays", f"{here}/{TODAY + timedelta(days=1)}", f"{here}/2026-02-31",
        f"{here}/door", f"{here}/incidents", f"{here}/appointments/{visit}", f"{here}/appointments/{visit}/desk",
    ]  # fmt: skip
    browsers = {who: await house.browser(f"{who}@pavilion.example") for who in ("vic", "mei")}
    buyer, nobody = await house.browser("wen@lumen.example"), await house.browser()
    for path in pages:
        for lang in ("en", "zh"):
            async with house.sessions.begin() as session:
                (await session.get(accounts.Person, day.staff.person_id)).lang = lang
            answer = await browsers["vic"].get(path)
            assert answer.status_code == 200, (path, answer.text[:600])
            assert "style=" not in answer.text and "<script>" not in answer.text
        assert (await browsers["mei"].get(path)).status_code == 404
        assert (await buyer.get(path)).status_code == 403
        assert (await nobody.get(path)).status_code == 303
    offices = (await browsers["mei"].get(HOME)).text
    assert "/staff/viewings/hkg/" in offices and "/staff/viewings/ant/" not in offices
    assert (await browsers["vic"].get(f"{here}/today")).headers["location"] == f"{here}/{TODAY}"
    shown = await nobody.get(f"/viewings/pass/{token}")
    assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store"
    assert "Ada" in shown.text and "PV-0000" not in shown.text and "<svg" in shown.text
    assert (await nobody.get("/viewings/pass/" + "0" * 26)).status_code == 404
    assert visitor not in shown.text


async def test_a_script_hears_that_nothing_has_changed_and_then_what_has(house):
    day = await desks.build(house.sessions)
    browser, path = await house.browser("vic@pavilion.example"), f"{HOME}/ant/{TODAY}"
    first = await browser.get(path, headers={"hx-request": "true"})
    assert "<html" not in first.text
    tag = {"hx-request": "true", "if-none-match": first.headers["etag"]}
    assert (await browser.get(path, headers=tag)).status_code == 304
    visit, *_ = await desks.booked(house.sessions, day)
    changed = await browser.get(path, headers=tag)
    assert changed.status_code == 200 and f'id="visit-{visit}"' in changed.text and "r68 n12" in changed.text


async def test_an_empty_day_that_is_over_says_so_and_names_those_who_wait_for_others_apart(house):
    day = await desks.build(house.sessions)
    house.clock[0] = NOON + timedelta(hours=9)
    async with house.sessions.begin() as session:
        for n in (0, 1):
            start = START + timedelta(days=n)
            session.add(WaitEntry(
                public_id=f"01WAIT{n:020d}", company_id=day.company.id, desk_id="ant-1", starts_at=start,
                ends_at=start + 60 * MINUTE, party=1, wish={"stones": []}, created_at=NOON, request_key=f"w{n}",
            ))  # fmt: skip
    text = (await (await house.browser("vic@pavilion.example")).get(f"{HOME}/ant/{TODAY}")).text
    assert "Nobody came on this day." in text and "Other days: 1" in text and text.count("Lumen Trading") == 2


async def test_a_move_is_shown_first_refused_in_words_and_then_done(house):
    day = await desks.build(house.sessions)
    visit, *_ = await desks.booked(house.sessions, day)
    other = await desks.booked(house.sessions, day, desk="ant-1", start=START + 90 * MINUTE, stones=[], key="second")
    browser = await house.browser("vic@pavilion.example")
    address = f"{HOME}/ant/appointments/{visit}/move"

    async def move(act, clock, desk="ant-2", **more):
        said = {"act": act, "desk": desk, "day": str(TODAY), "clock": clock, "version": "1", **more}
        return await browser.post(address, data=said)

    async def stands():
        async with house.sessions() as session:
            row = await desks.of(session, day, visit)
            return row.desk_id, row.starts_at, row.sequence

    async with house.sessions() as session:
        version = str((await desks.of(session, day, visit)).version)
    before = await stands()
    shown = await move("preview", "17:00", version=version)
    assert shown.status_code == 200 and 'value="move"' in shown.text and await stands() == before
    busy = await move("preview", "15:00", "ant-1", version=version)
    await refused(busy, 409, "company_busy")
    assert busy.text.count('name="act" value="preview"') == 1 + 3  # the form, and the three nearest times instead
    near = re.findall(r'type="hidden" name="clock" value="([^"]+)"', busy.text)
    assert "13:00" in near, near  # its own place, from 13:30 on, is not in its way
    await refused(await move("move", "15:00", "ant-1", version=version), 409, "company_busy")
    await refused(await move("move", "17:00", version="99"), 409, "stale_version")
    await refused(await move("preview", "17:02", version=version), 422, "not_on_grid")
    await refused(await move("preview", "25:00", version=version), 422, "")
    await refused(await move("preview", "17:00", "hkg-1", version=version), 409, "stone_elsewhere")
    assert await stands() == before and other
    assert (await move("move", "17:00", version=version)).status_code == 303
    assert await stands() == ("ant-2", NOON + 4 * 60 * MINUTE, before[2] + 1)


async def test_a_request_is_approved_and_another_declined_with_its_reason(house):
    day = await desks.build(house.sessions)
    browser, refs = await house.browser("vic@pavilion.example"), []
    async with house.sessions.begin() as session:
        for n in (1, 2):
            start = START + n * 60 * MINUTE
            wish = Wish(day.company.id, "ant-1", start, start + 30 * MINUTE)
            row, answer = await service.ask(session, wish, key=f"request-{n}", by="wen", now=NOON)
            assert answer.ok
            refs.append(row.public_id)
    text = (await browser.get(f"{HOME}/ant/{TODAY}")).text
    assert all(ref in text for ref in refs) and text.count('value="approve"') == 2
    for ref, act in zip(refs, ("approve", "decline"), strict=True):
        said = {"act": act, "reason": "The room is being painted."}
        assert (await browser.post(f"{HOME}/ant/appointments/{ref}/answer", data=said)).status_code == 303
    async with house.sessions() as session:
        first, second = await session.scalars(select(Appointment).order_by(Appointment.id))
        assert (first.state, second.state) == ("booked", "cancelled")
        await changing.ask_to_cancel(session, first, by="wen", reason="", now=NOON)
        await session.commit()
    for _ in range(2):
        said = {"act": "settled", "reason": "They come all the same."}
        assert (await browser.post(f"{HOME}/ant/appointments/{refs[0]}/answer", data=said)).status_code == 303
    async with house.sessions() as session:
        mine = select(AppointmentEvent).where(AppointmentEvent.appointment_id == first.id)
        told = [(one.n, one.kind, one.reason) for one in await session.scalars(mine.order_by(AppointmentEvent.n))]
    assert [kind for _, kind, _ in told] == ["requested", "booked", "late_cancel_asked", "changed"]
    assert told[-1] == (4, "changed", "They come all the same.")


async def test_a_visit_from_the_pass_to_the_record_by_forms_and_by_a_device_that_sends_twice(house):
    day = await desks.build(house.sessions)
    visit, visitor, token = await desks.booked(house.sessions, day)
    house.clock[0] = START
    browser = await house.browser("vic@pavilion.example")
    await refused(await browser.post(f"{HOME}/ant/door", data={"token": "0" * 26}), 409, "pass_unknown")
    async with house.sessions() as session:
        number = (await desks.of(session, day, visit)).number
    typed = await browser.post(f"{HOME}/ant/door", data={"token": f" {number.lower()}"})
    assert typed.headers["location"] == f"{HOME}/ant/appointments/{visit}/desk#visitors"
    read = await browser.post(f"{HOME}/ant/door", data={"token": token.lower()})
    assert read.status_code == 200 and "Lumen Trading" in read.text and visitor in read.text
    here = f"{HOME}/ant/appointments/{visit}"
    said = {"visitor": visitor, "token": token}
    await refused(await browser.post(f"{here}/admission", data=said), 409, "document_not_seen")
    assert (await browser.post(f"{here}/admission", data=said | {"document_seen": "yes"})).status_code == 303
    async with house.sessions.begin() as session:
        row = await desks.of(session, day, visit)
        friend = Visitor(public_id="01FRIEND000000000000000000", company_id=row.company_id, name="Bo", created_at=NOON)
        session.add(friend)
        await session.flush()
        session.add(AppointmentVisitor(appointment_id=row.id, visitor_id=friend.id, place=1))
    door = (await browser.get(f"{HOME}/ant/door")).text
    assert "1 person of this party is still to come" in door and "Nobody else" not in door
    desk = (await browser.get(f"{here}/desk")).text
    part = await browser.get(f"{here}/desk", headers={"hx-request": "true"})
    assert "<html" not in part.text and 'data-act="out"' in part.text
    key = re.findall(r'name="key" value="([^"]+)"', desk)[0]
    stone = day.stones[0]
    act = {"key": key, "act": "out", "appointment": visit, "stone": stone, "weight": "1.511", "to": visitor}
    acts = f"{HOME}/ant/desk-acts"
    for faulty, code in (({"weight": "heavy"}, "This is no weight"), ({"to": "nobody"}, "not inside")):
        await refused(await browser.post(acts, data=act | faulty), 422, code)
    program = await house.browser("vic@pavilion.example", accept="application/json")
    first, second = [await program.post(acts, data=act) for _ in range(2)]
    assert first.status_code == second.status_code == 200 and first.json() == second.json()
    await refused(await program.post(acts, data=act | {"weight": "1.512"}), 409, "key_reused")
    taking = {"key": "in-in-in-in", "act": "in", "appointment": visit, "stone": stone, "weight": "1.505"}
    asked = await browser.post(acts, data=taking)
    await refused(asked, 409, "weight_differs")
    assert 'name="as_it_is" value="yes"' in asked.text
    await refused(await browser.post(f"{here}/end", data={"key": "end-end-end"}), 409, "stones_still_out")
    answer = await program.post(acts, data=taking | {"as_it_is": "yes"})
    assert answer.json()["difference"] == -6 and answer.json()["incident"]
    incident = answer.json()["incident"]
    told = (await browser.get(f"{HOME}/ant/incidents")).text
    assert incident in told and "closes it (joris)" in told.lower(), told
    words = {"resolution": "Weighed on the second scale: dust on the first."}
    opening = {"kind": "other", "stone": stone, "words": "The paper of it is missing.", "once": "x" * 43}
    for _ in range(2):  # pressed twice it is one incident
        assert (await browser.post(f"{HOME}/ant/incidents", data=opening)).status_code == 303
    assert (await browser.get(f"{HOME}/ant/incidents")).text.count(opening["words"]) == 1
    closing = f"{HOME}/ant/incidents/{incident}/closing"
    await refused(await browser.post(closing, data=words), 403, "second_look_needed")
    second_person = await house.browser("joris@pavilion.example")
    await refused(await second_person.post(closing, data={"resolution": "ok"}), 422, "bad_input")
    assert (await second_person.post(closing, data=words)).status_code == 303
    assert (await browser.post(f"{here}/end", data={"key": "end-end-end"})).status_code == 303
    assert (await browser.post(f"{here}/end", data={"key": "end-end-end"})).status_code == 303
    async with house.sessions() as session:
        assert await session.scalar(select(func.count(CustodyEntry.id))) == 1
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 1
        assert (await desks.of(session, day, visit)).state == "done"
    stranger = await house.browser("mei@pavilion.example")
    assert (await stranger.post(acts, data=act)).status_code == 404
    assert (await stranger.post(f"{here}/end", data={"key": "end-end-end"})).status_code == 404


async def test_the_board_shows_each_state_by_word_and_shape_and_a_summer_day_has_its_hours(house):
    day = await desks.build(house.sessions)
    visit, *_ = await desks.booked(house.sessions, day)
    async with house.sessions() as session:
        for now, look, late in ((START - MINUTE, "", False), (START + MINUTE, "is-late", True)):
            (shown,) = (await board.day_of(session, day.ant, TODAY, day.staff, now)).visits
            assert (shown.look, shown.late, shown.row, shown.span) == (look, late, 68, 12)
        made = await board.day_of(session, day.ant, TODAY, day.staff, NOON)
        assert (made.rows, made.now_row, len(made.rests)) == (14 * 12, 62, 1)
        empty = await board.day_of(session, day.ant, TODAY + timedelta(days=27), day.staff, NOON)
        assert empty.closed and empty.now_row is None and [hour.at.hour for hour in empty.hours][:1] == [7]
    assert visit
