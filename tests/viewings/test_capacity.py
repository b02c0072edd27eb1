"""What a change of hours, regime, pads or clocks would break is shown first; applied it moves nobody."""

import asyncio
import re
import shutil
from datetime import date, timedelta

import pytest
import pytest_asyncio
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine, sqlite_url
from pavilion.kernel.errors import StaleVersion
from pavilion.kernel.events import Event
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.viewings import capacity, opening, planning, service, vector_stones
from pavilion.viewings.clock_drift import ClocksWatched
from pavilion.viewings.local_times import at_clock, zone_of
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.opening import Pattern
from pavilion.viewings.place_models import OfficeStaff, Regime, Window
from pavilion.viewings.planning import (
    CLOCK_MOVED,
    ClocksChange,
    DayChange,
    HoursChange,
    PadsChange,
    RegimeChange,
    RegimeEnd,
)
from pavilion.viewings.rules import RegimeFacts
from pavilion.viewings.states import GapMode
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.wishes import Code, Wish
from tests import make
from tests.make import HOUR, NOON
from tests.viewings.test_finding import office

BRUSSELS = zone_of("Europe/Brussels")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TUESDAY = date(2026, 3, 3)
NINE = at_clock(TUESDAY, "09:00", BRUSSELS)
STONE = "STONE000000000000000000001"


class Town:
    """Antwerp with three desks: A has 09-10 at the first, B 10-11 behind it, C and D 10-11 and 16-17 beside."""

    def __init__(self, place, firms):
        self.place, self.firms, self.ids = place, firms, {}

    async def book(self, session, name, desk, start, minutes=60, party=1, stones=()):
        wish = Wish(
            self.firms[len(self.ids) % len(self.firms)], f"ant-{desk}", start, start + minutes * MINUTE, party, stones
        )
        made, answer = await service.book(session, wish, key=name, by="x", now=NOON)
        assert answer.ok, answer
        self.ids[made.public_id] = name

    def names(self, outcome):
        return [(self.ids[one.visit.public_id], one.code) for one in outcome.broken]


async def a_town(session):
    place = await office(session, "ant", "Europe/Brussels", {"sitting": 60, "step": 30}, cap=6)
    town = Town(place, [(await make.company(session, f"Firm {n}")).id for n in range(4)])
    await vector_stones.expose(session, [STONE], NOON)
    session.add(Stay(stone=STONE, office_id="ant", at=NOON))
    await session.flush()
    await town.book(session, "A", 0, NINE, stones=(STONE,))
    await town.book(session, "B", 0, NINE + HOUR, party=3, stones=(STONE,))
    await town.book(session, "C", 1, NINE + HOUR, party=2)
    await town.book(session, "D", 2, NINE + 7 * HOUR)
    return town


async def everything(session):
    """What stands in the tables of appointments and claims."""
    rows = await session.execute(select(Claim.resource, Claim.quantum, Claim.appointment_id))
    times = await session.execute(
        select(Appointment.public_id, Appointment.starts_at, Appointment.desk_id, Appointment.sequence)
    )
    return sorted(map(tuple, rows), key=str), sorted(map(tuple, times))


def week(opens="09:00", closes="17:00", days=range(7)):
    return tuple(Pattern(day, opens, closes, (("12:30", "13:15"),)) for day in days)


def pads(after, mode=GapMode.MAX, before=0):
    return PadsChange(before, after, mode, 5, False)


CHANGES = [
    (HoursChange(TUESDAY, week(closes="16:00")), [("D", "outside_window")], "03 14:00"),
    (HoursChange(TUESDAY + 30 * DAY, week(closes="10:00")), [], None),
    (HoursChange(TUESDAY, week(days=[])), [(name, "outside_window") for name in "ABCD"], "02 15:00"),
    (DayChange(TUESDAY), [(name, "outside_window") for name in "ABCD"], "02 15:00"),
    (DayChange(TUESDAY, "09:30", "17:00"), [("A", "outside_window")], "03 10:00"),
    (RegimeChange(NINE, NINE + 9 * HOUR, RegimeFacts(50)), [("C", "room_full")], "03 09:00"),
    (RegimeChange(NINE, NINE + 9 * HOUR, RegimeFacts(100, companies=1)), [("C", "room_companies")], "03 09:00"),
    (RegimeChange(NINE, NINE + 9 * HOUR, RegimeFacts(100, 20)), [("B", "desk_taken")], "03 09:30"),
    (pads(15), [("B", "desk_taken")], "03 09:30"),
    (pads(0, before=15), [("B", "desk_taken")], "03 09:30"),
    (pads(0), [], None),
    (ClocksChange(), [], None),
]  # fmt: skip


async def test_a_dry_run_names_each_appointment_that_would_break_and_writes_nothing(sessions):
    async with sessions.begin() as session:
        town = await a_town(session)
        before = await everything(session)
        for change, broken, proposed in CHANGES:
            outcome = await capacity.dry_run(session, town.place, change, NOON)
            assert town.names(outcome) == broken, change
            assert outcome.looked == 4
            first = outcome.broken[0].proposal if broken else None
            assert (f"{first.start:%d %H:%M}" if first else None) == proposed, change
            places = [(one.proposal.start, one.proposal.desk) for one in outcome.broken if one.proposal]
            assert len(set(places)) == len(places)
        assert await everything(session) == before and not session.dirty


async def test_a_change_applied_moves_nobody_marks_the_broken_and_pads_the_kept(sessions):
    async with sessions.begin() as session:
        town = await a_town(session)
        _, times = await everything(session)
        with pytest.raises(StaleVersion):
            await capacity.apply(session, town.place, pads(15), seen="0" * 64, by="x", now=NOON)
        seen = capacity.digest(await capacity.dry_run(session, town.place, pads(15), NOON))
        await capacity.apply(session, town.place, pads(15), seen=seen, by="x", now=NOON)
        assert (await everything(session))[1] == times
        rows = {town.ids[row.public_id]: row for row in await session.scalars(select(Appointment))}
        assert {name: row.attention for name, row in rows.items()} == {
            "A": None,
            "B": "desk_taken",
            "C": None,
            "D": None,
        }
        # A would now reach into B, which stays: A keeps its claims. C and D are padded.
        assert {name: row.pad_after for name, row in rows.items()} == {"A": 0, "B": 0, "C": 15, "D": 15}
        wish = Wish(town.firms[0], "ant-1", NINE + 2 * HOUR, NINE + 2 * HOUR + 30 * MINUTE)
        _, answer = await service.hold(session, wish, key="close", by="x", now=NOON)
        assert answer.code is Code.DESK_TAKEN
        told = await session.scalars(
            select(Event.name).where(Event.name.in_(("appointment:attention", "office:capacity_changed")))
        )
        assert sorted(told) == ["appointment:attention", "office:capacity_changed"]

        again = await capacity.unfit(session, town.place, NOON)
        assert town.names(again) == [("B", "desk_taken")] and again.broken[0].proposal is not None
        to = again.broken[0].proposal
        moved = await service.reschedule(
            session, rows["B"], start=to.start, end=to.end, desk=to.desk, by="x", staff=True, now=NOON
        )
        assert moved.ok, moved
        outcome = await capacity.dry_run(session, town.place, pads(15), NOON)
        assert outcome.broken == ()
        await capacity.apply(session, town.place, pads(15), seen=capacity.digest(outcome), by="x", now=NOON)
        assert (await session.scalars(select(Appointment.pad_after).distinct())).all() == [15]

        summed = PadsChange(0, 15, GapMode.SUM, 5, False)
        seen = capacity.digest(await capacity.dry_run(session, town.place, summed, NOON))
        await capacity.apply(session, town.place, summed, seen=seen, by="x", now=NOON)
        keys = await session.scalars(select(Claim.resource).where(Claim.resource.like("desk:%")).distinct())
        assert {key.rsplit(":", 1)[1] for key in keys} == {"s"}


async def test_hours_regimes_and_clocks_hold_once_they_are_applied(sessions):
    async with sessions.begin() as session:
        town = await a_town(session)

        async def apply(change):
            seen = capacity.digest(await capacity.dry_run(session, town.place, change, NOON))
            return await capacity.apply(session, town.place, change, seen=seen, by="x", now=NOON)

        await apply(HoursChange(TUESDAY, week(closes="16:00")))
        await apply(DayChange(TUESDAY + DAY, reason_en="Feast"))
        of_day = select(Window.day, Window.closes).where(Window.day < TUESDAY + 3 * DAY).order_by(Window.day)
        assert [tuple(row) for row in await session.execute(of_day)] == [
            (TUESDAY - DAY, "17:00"), (TUESDAY, "16:00"), (TUESDAY + 2 * DAY, "16:00"),
        ]  # fmt: skip
        await apply(DayChange(TUESDAY + DAY, back=True))
        assert len((await session.execute(of_day)).all()) == 4
        await apply(HoursChange(TUESDAY, week()))
        assert [one.valid_to for one in await opening.patterns_of(session, "ant") if one.valid_from < TUESDAY] == [
            TUESDAY - DAY
        ] * 7

        await apply(RegimeChange(NINE, NINE + 9 * HOUR, RegimeFacts(50), "Half", "减半"))
        regime = await session.scalar(select(Regime))
        assert (regime.factor_pct, regime.name_zh, regime.ended_at) == (50, "减半", None)
        await apply(RegimeEnd(regime.id))
        assert regime.ended_at == NOON

        row = await session.scalar(select(Appointment).where(Appointment.desk_id == "ant-2"))
        row.wall, row.tz_version = "2026-03-03T15:00", "2019a"  # as agreed under other clocks
        window = await session.scalar(select(Window).where(Window.day == TUESDAY))
        window.opens_at, window.tz_version = window.opens_at - HOUR, "2019a"
        await session.flush()
        outcome = await apply(ClocksChange())
        assert town.names(outcome) == [("D", CLOCK_MOVED)]
        assert outcome.broken[0].proposal.start == at_clock(TUESDAY, "15:00", BRUSSELS)
        assert window.opens_at == NINE and row.starts_at == NINE + 7 * HOUR


async def test_a_new_zone_database_marks_whose_time_on_the_wall_it_changes_and_moves_none(sessions):
    async with sessions.begin() as session:
        town = await a_town(session)
        row = await session.scalar(select(Appointment).where(Appointment.desk_id == "ant-2"))
        row.wall, row.tz_version = "2026-03-03T15:00", "2019a"
        _, times = await everything(session)
    watched = ClocksWatched(sessions)
    assert [await watched.tick(NOON) for _ in range(2)] == [1, 0]
    assert await watched.tick(NOON + HOUR * 13) == 0  # the next day it is looked at again, and was told
    async with sessions() as session:
        assert (await everything(session))[1] == times
        marked = select(Appointment.public_id).where(Appointment.attention == CLOCK_MOVED)
        assert [town.ids[name] for name in await session.scalars(marked)] == ["D"]
        names = await session.scalars(select(Event.name).where(Event.by == "clocks").order_by(Event.id))
        assert sorted(names) == ["appointment:attention", "office:clocks_moved"]


def test_a_new_week_ends_the_old_one_the_day_before():
    old = Pattern(0, "09:00", "17:00", valid_from=date(2026, 1, 1))
    future = Pattern(0, "08:00", "12:00", valid_from=date(2026, 6, 1))
    ended = Pattern(1, "09:00", "17:00", valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31))
    found = planning.new_week([old, future, ended], HoursChange(TUESDAY, (Pattern(0, "10:00", "16:00"),)))
    assert [(one.opens, one.valid_from, one.valid_to) for one in found] == [
        ("09:00", date(2026, 1, 1), TUESDAY - DAY), ("09:00", date(2025, 1, 1), date(2025, 12, 31)),
        ("10:00", TUESDAY, None),
    ]  # fmt: skip


# The page

HERE = "http://pavilion.test/staff/viewings/ant/capacity"
CLOCKS = {"opens": ["09:00"] * 7, "closes": ["16:00"] * 7, "breaks": ["12:30-13:15"] * 7}


class Pages:
    def __init__(self, app, sessions, town):
        self.app, self.sessions, self.town = app, sessions, town

    async def browser(self, name, accept="text/html"):
        async with self.sessions.begin() as session:
            email = f"{name}@pavilion.example"
            token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
        headers = {"sec-fetch-site": "same-origin", "accept": accept}
        return AsyncClient(transport=ASGITransport(self.app), cookies={COOKIE: token}, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(sqlite_template, tmp_path_factory):
    """One house for all pages: the tests stand in an order in which none is in the way of the next."""
    asyncio.get_running_loop().set_debug(False)
    folder = tmp_path_factory.mktemp("capacity")
    shutil.copy(sqlite_template, folder / "pavilion.db")
    engine = create_engine(sqlite_url(folder / "pavilion.db"))
    settings = Settings(environment="test", data_dir=folder, data_key="22" * 32)
    sessions = sessions_of(settings, engine)
    async with sessions.begin() as session:
        town = await a_town(session)
        people = {
            name: await make.person(session, f"{name}@pavilion.example", (role,))
            for name, role in (
                ("vic", Role.VIEWINGS), ("mei", Role.VIEWINGS), ("ada", Role.ADMIN), ("noor", Role.CURATOR),
            )
        }  # fmt: skip
        people["vic"].lang = "zh"
        session.add(OfficeStaff(office_id="ant", person_id=people["vic"].id))
    yield Pages(build_web(settings, engine, lambda: NOON, None), sessions, town)
    await engine.dispose()


def seen_in(answer):
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', answer.text)
    assert found, answer.text[:3000]
    return found[1]


@pytest.mark.asyncio(loop_scope="module")
async def test_only_the_staff_of_the_office_and_the_administrator_see_its_capacity(pages):
    for name, status in (("vic", 200), ("ada", 200), ("mei", 404), ("noor", 403)):
        async with await pages.browser(name) as browser:
            answer = await browser.get(HERE)
            assert answer.status_code == status, (name, answer.text[:1500])
            said = await browser.post(HERE, data={"what": "clocks"})
            assert said.status_code == status
    async with await pages.browser("ada") as browser:
        assert (await browser.get(HERE.replace("ant", "nowhere"))).status_code == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_staff_look_first_and_then_apply_without_script(pages):
    said = {"what": "hours", "since": str(TUESDAY), **CLOCKS}
    async with await pages.browser("vic") as browser:
        assert "每周时间" in (await browser.get(HERE)).text
        shown = await browser.post(HERE, data=said)
        assert shown.status_code == 200 and "其中 1 项会受影响" in shown.text
        number = await _one(pages, select(Appointment.number).where(Appointment.desk_id == "ant-2"))
        assert number in shown.text and "style=" not in shown.text and "<script>" not in shown.text
        assert await _one(pages, select(func.count()).where(Appointment.attention.is_not(None))) == 0

        stale = await browser.post(HERE, data={**said, "act": "apply", "seen": "0" * 64})
        assert stale.status_code == 409 and "stale_version" in stale.text
        done = await browser.post(HERE, data={**said, "act": "apply", "seen": seen_in(shown)})
        assert (done.status_code, done.headers["location"]) == (303, "/staff/viewings/ant/capacity?done=hours")
        after = await browser.get(HERE + "?done=hours")
        assert "更改已生效" in after.text and number in after.text and "查看此改期" in after.text
        move = re.search(r'action="(/staff/viewings/ant/appointments/[^"]+/move)"', after.text)[1]
        fields = dict(
            re.findall(r'<input type="hidden" name="(version|desk|day|clock|act)" value="([^"]*)"', after.text)
        )
        looked = await browser.post(f"http://pavilion.test{move}", data=fields)
        assert looked.status_code == 200 and "is-wrong" not in looked.text, (fields, looked.text[-6000:])
        assert await _one(pages, select(Appointment.starts_at).where(Appointment.desk_id == "ant-2")) == NINE + 7 * HOUR


@pytest.mark.asyncio(loop_scope="module")
async def test_a_time_that_the_clock_shows_twice_or_never_is_asked_with_both(pages):
    said = {"what": "regime", "start": "2026-03-29T02:30", "end": "2026-10-25T02:30", "factor_pct": "50"}
    async with await pages.browser("ada") as browser:
        never = await browser.post(HERE, data=said)
        assert never.status_code == 422 and "nonexistent_local_time" in never.text
        assert "01:30 (UTC+0100)" in never.text and "03:30 (UTC+0200)" in never.text
        assert 'name="start_which" value="second"' in never.text
        twice = await browser.post(HERE, data={**said, "start_which": "second"})
        assert twice.status_code == 422 and "ambiguous_local_time" in twice.text and "02:30 (UTC+0100)" in twice.text
        both = {**said, "start_which": "second", "end_which": "first"}
        shown = await browser.post(HERE, data=both)
        assert shown.status_code == 200
        done = await browser.post(HERE, data={**both, "act": "apply", "seen": seen_in(shown)})
        assert done.status_code == 303
    starts, ends = await _row(pages, select(Regime.starts_at, Regime.ends_at))
    assert (f"{starts:%d %H:%M}", f"{ends:%d %H:%M}") == ("29 01:30", "25 00:30")


REGIME = {"what": "regime", "start": "2026-03-10T09:00", "end": "2026-03-11T09:00"}
HOURS = {"what": "hours", "since": str(TUESDAY), **CLOCKS}
RUBBISH = [
    ({**HOURS, "closes": ["08:00"] * 7}, "bad_window"), ({**HOURS, "closes": ["09:00"] * 7}, "bad_window"),
    ({**HOURS, "breaks": ["08:00-09:30"] * 7}, "bad_breaks"), ({**HOURS, "breaks": ["lunch"] * 7}, "bad_breaks"),
    ({**HOURS, "opens": ["09:02"] * 7}, "not_on_grid"), ({**HOURS, "opens": ["nine"] * 7}, "bad_input"),
    ({**HOURS, "opens": ["09:00"] * 6}, "bad_input"), ({**HOURS, "opens": ["09:00"] * 8}, "bad_input"),
    ({**HOURS, "since": "2101-01-01"}, "bad_input"), ({**HOURS, "since": "2026-02-30"}, "bad_input"),
    ({**HOURS, "since": "2026-03-01"}, "day_over"), ({**HOURS, "zone": "Europe/Atlantis"}, "bad_input"),
    ({"what": "day", "day": "2026-03-10", "day_opens": "09:00"}, "bad_input"),
    ({"what": "day", "day": "2026-03-10", "day_opens": "09:00", "day_closes": "08:00"}, "bad_window"),
    ({"what": "day", "day": "2026-03-29", "day_opens": "02:30", "day_closes": "04:00"}, "clock_jumps_over"),
    ({**REGIME, "end": "2026-03-10T08:00"}, "bad_window"), ({**REGIME, "end": "2199-03-10T08:00"}, "bad_input"),
    ({**REGIME, "factor_pct": "0"}, "bad_input"), ({**REGIME, "factor_pct": "101"}, "bad_input"),
    ({**REGIME, "gap": "7"}, "not_on_grid"), ({**REGIME, "gap": "-5"}, "bad_input"),
    ({**REGIME, "companies": "0"}, "bad_input"), ({**REGIME, "start": "2026-03-10T09:01"}, "not_on_grid"),
    ({**REGIME, "start": "2026-03-10T09:00+01:00"}, "bad_input"), ({**REGIME, "start_which": "third"}, "bad_input"),
    ({"what": "regime_end", "regime": "x"}, "bad_input"), ({"what": "pads", "before": "1", "after": "0"}, "bad_input"),
    ({"what": "pads", "before": "3", "after": "0", "remote_gap": "5"}, "not_on_grid"),
    ({"what": "pads", "before": "0", "after": "1445", "remote_gap": "5"}, "bad_input"),
    ({"what": "holiday"}, "bad_input"), ({}, "bad_input"), ({**REGIME, "seen": "x"}, "bad_input"),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_meant_is_refused_with_its_code_and_changes_nothing(pages):
    async with pages.sessions() as session:
        before = await everything(session)
    async with await pages.browser("ada") as browser, await pages.browser("ada", "application/json") as program:
        for said, code in RUBBISH:
            for act in ("preview", "apply"):
                answer = await program.post(HERE, data={"act": act, **said})
                assert answer.status_code == 422 and code in answer.text, (said, answer.status_code, answer.text[:500])
        shown = await browser.post(HERE, data=RUBBISH[0][0])
        assert shown.status_code == 422 and 'role="alert"' in shown.text and "08:00" in shown.text
    async with pages.sessions() as session:
        assert await everything(session) == before


async def _row(pages, query):
    async with pages.sessions() as session:
        return (await session.execute(query)).one()


async def _one(pages, query):
    return (await _row(pages, query))[0]
