from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from pavilion.viewings import opening
from pavilion.viewings.opening import LayingDown, OtherDay, Pattern
from pavilion.viewings.place_models import Office, OpeningException, OpeningHours, Window
from tests.make import NOON

BRUSSELS = ZoneInfo("Europe/Brussels")
SUNDAY = 6


def texts(found):
    return [(str(one.day), f"{one.opens_at:%d %H:%M}", f"{one.closes_at:%d %H:%M}") for one in found]


def test_an_opening_keeps_its_wall_times_on_the_days_of_the_change():
    night = Pattern(SUNDAY, "00:00", "06:00", (("02:15", "02:45"),))
    spring, before = opening.openings(BRUSSELS, [night], [], date(2026, 3, 22), date(2026, 3, 29))[::-1]
    assert texts([spring, before]) == [("2026-03-29", "28 23:00", "29 04:00"), ("2026-03-22", "21 23:00", "22 05:00")]
    assert [f"{at:%H:%M}" for at in spring.breaks_at[0]] == ["01:15", "01:45"]  # moved forward with the clocks


def test_what_the_change_of_clocks_swallows_is_not_open():
    found = opening.openings(BRUSSELS, [Pattern(SUNDAY, "02:00", "03:00")], [], date(2026, 3, 29), date(2026, 4, 5))
    assert [str(one.day) for one in found] == ["2026-04-05"]


def test_a_single_date_stands_above_the_weekly_hours():
    weekly = [Pattern(0, "09:00", "12:00"), Pattern(0, "13:00", "24:00", valid_to=date(2026, 3, 16))]
    others = [OtherDay(date(2026, 3, 9)), OtherDay(date(2026, 3, 10), "10:00", "11:00")]
    found = opening.openings(BRUSSELS, weekly, others, date(2026, 3, 2), date(2026, 3, 23))
    assert [(f"{one.day:%d}", one.opens, one.closes) for one in found] == [
        ("02", "09:00", "12:00"), ("02", "13:00", "24:00"), ("10", "10:00", "11:00"),
        ("16", "09:00", "12:00"), ("16", "13:00", "24:00"), ("23", "09:00", "12:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(("opens", "closes", "breaks", "good"), [
    ("09:00", "18:00", [("12:00", "13:00"), ("13:00", "13:05")], True),
    ("09:00", "24:00", [], True), ("18:00", "09:00", [], False), ("09:00", "09:00", [], False),
    ("09:00", "18:00", [("08:00", "09:30")], False), ("09:00", "18:00", [("13:00", "12:00")], False),
    ("09:00", "18:00", [("12:00", "13:00"), ("12:30", "14:00")], False), ("09:02", "18:00", [], False),
    ("9:00", "18:00", [], False), ("09:00", "18:00", [("17:00", "18:30")], False),
])  # fmt: skip
def test_hours_are_sound_or_not(opens, closes, breaks, good):
    assert opening.sound(opens, closes, breaks) is good


async def office(session, zone="Europe/Brussels"):
    words = dict.fromkeys(("name_en", "name_zh", "address_en", "address_zh"), "Antwerp")
    made = Office(id="ant", zone=zone, country="BE", **words)
    session.add(made)
    await session.flush()
    hours = {"office_id": "ant", "opens": "09:00", "closes": "18:00", "valid_from": date(2026, 1, 1)}
    session.add_all(OpeningHours(weekday=weekday, breaks=[["12:30", "13:15"]], **hours) for weekday in range(5))
    await session.flush()
    return made


async def test_windows_are_laid_down_400_days_ahead_and_relaid_where_hours_changed(sessions):
    async with sessions.begin() as session:
        place = await office(session)
        laid = await opening.lay_down(session, place, now=NOON)
        assert laid == 287  # working days of 401
        assert await opening.lay_down(session, place, now=NOON) == 0
        first = await session.scalar(select(Window).order_by(Window.opens_at).limit(1))
        assert (str(first.day), first.opens, f"{first.opens_at:%H:%M}") == ("2026-03-02", "09:00", "08:00")
        assert [f"{a:%H:%M}-{b:%H:%M}" for a, b in opening.breaks_of(first)] == ["11:30-12:15"]
        assert first.tz_version[:4].isdigit()

        sale = Window(
            office_id="ant", day=date(2026, 3, 7), opens="10:00", closes="12:00", opens_at=NOON + timedelta(days=5),
            closes_at=NOON + timedelta(days=5, hours=2), tz_version="x", sale="S", session="",
        )  # fmt: skip
        session.add(sale)
        session.add(OpeningException(office_id="ant", day=date(2026, 3, 9)))
        session.add(OpeningException(office_id="ant", day=date(2026, 3, 14), opens="10:00", closes="13:00"))
        await session.execute(update(OpeningHours).where(OpeningHours.weekday == 4).values(closes="16:00"))
        await session.flush()
        assert await opening.lay_down(session, place, now=NOON) == 1 + 1 + 57
        days = await session.execute(
            select(Window.day, Window.closes).where(Window.day < date(2026, 3, 16)).order_by(Window.opens_at)
        )
        assert [(f"{day:%d}", closes) for day, closes in days] == [
            ("02", "18:00"), ("03", "18:00"), ("04", "18:00"), ("05", "18:00"), ("06", "16:00"), ("07", "12:00"),
            ("10", "18:00"), ("11", "18:00"), ("12", "18:00"), ("13", "16:00"), ("14", "13:00"),
        ]  # fmt: skip


async def test_a_window_that_only_newer_clocks_move_waits_until_staff_apply_it(sessions):
    async with sessions.begin() as session:
        place = await office(session)
        await opening.lay_down(session, place, now=NOON)
        day = Window.day == date(2026, 3, 3)
        standing = await session.scalar(select(Window).where(day))
        right = standing.opens_at
        standing.opens_at, standing.tz_version = right - timedelta(minutes=30), "2019a"
        await session.flush()
        assert await opening.lay_down(session, place, now=NOON) == 0
        assert await opening.lay_down(session, place, now=NOON, new_clocks=True) == 1
        assert await session.scalar(select(Window.opens_at).where(day)) == right


async def test_the_tick_lays_each_office_down_once_a_day(sessions):
    async with sessions.begin() as session:
        await office(session)
    laying = LayingDown(sessions)
    assert [await laying.tick(NOON) for _ in range(3)] == [1, 0, 0]
    assert await laying.tick(NOON + timedelta(days=7)) == 1
    async with sessions() as session:
        assert await session.scalar(select(func.count(Window.id))) == 287 + 5
