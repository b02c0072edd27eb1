"""Offices are laid out from a plan or a file; what cannot be is named, and nothing of it stands."""

import json

import pytest
from sqlalchemy import func, select

from pavilion.accounts.rules import Role
from pavilion.kernel.errors import BadInput
from pavilion.viewings import places, places_reading
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, OpeningHours, Room, Window
from pavilion.viewings.places import DeskPlan, HoursPlan, OfficePlan, RoomPlan
from pavilion.viewings.stone_models import Stay
from tests import make
from tests.make import NOON

WEEK = HoursPlan((0, 1, 2, 3, 4), "09:00", "18:00", (("12:30", "13:15"),))
PLAN = OfficePlan(
    "ant", "Antwerp", "安特卫普", "Europe/Brussels", "BE", "Hoveniershof 12", "Hoveniershof 12 号",
    rooms=(RoomPlan("ant-main", "Room", "房间", 8),),
    desks=(DeskPlan("ant-1", "Desk 1", "1 号台", "ant-main"), DeskPlan("ant-v1", "Station", "视频台", None)),
    hours=(WEEK,),
)  # fmt: skip
FILE = {
    "id": "hkg", "name_en": "Hong Kong", "name_zh": "香港", "zone": "Asia/Hong_Kong", "country": "HK",
    "address_en": "Hankow Lane", "address_zh": "汉口里", "rules": {"after": 15},
    "rooms": [{"id": "hkg-main", "name_en": "Room", "name_zh": "房间", "cap": 8, "companies": 3}],
    "desks": [{"id": "hkg-1", "name_en": "Desk 1", "name_zh": "1 号台", "room": "hkg-main", "equipment": ["scale"]}],
    "hours": [{"weekdays": [0, 1], "opens": "10:00", "closes": "19:00", "breaks": [["13:00", "14:00"]]}],
    "staff": ["mei@pavilion.example"], "operators": ["mei@pavilion.example"],
}  # fmt: skip


async def count(sessions, model):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(model))


async def laid_out(sessions, plan):
    async with sessions.begin() as session:
        return await places.lay_out(session, plan, valid_from=NOON.date(), by="house", now=NOON)


async def test_an_office_can_be_booked_from_when_it_is_laid_out_and_is_changed_when_it_is_again(sessions):
    await laid_out(sessions, PLAN)
    windows = await count(sessions, Window)
    assert windows > 250
    smaller = RoomPlan("ant-main", "Room", "房间", 4, 2)
    await laid_out(sessions, OfficePlan(*PLAN_WORDS, rooms=(smaller,), hours=(WEEK, WEEK)))
    async with sessions() as session:
        room = await session.get(Room, "ant-main")
        assert (room.cap, room.companies) == (4, 2)
    assert await count(sessions, Desk) == 2, "a desk that a plan leaves out stays: somebody may be booked at it"
    assert (await count(sessions, OpeningHours), await count(sessions, Window)) == (5, windows)


PLAN_WORDS = ("ant", "Antwerp", "安特卫普", "Europe/Brussels", "BE", "Hoveniershof 12", "Hoveniershof 12 号")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("desks", {"desks": (DeskPlan("ant-1", "Desk", "台", "elsewhere"),)}),
        ("rooms", {"rooms": (RoomPlan("ant-main", "Room", "房间", 0),)}),
        ("hours", {"hours": (HoursPlan((0,), "18:00", "09:00"),)}),
        ("hours", {"hours": (HoursPlan((7,), "09:00", "18:00"),)}),
        ("hours", {"hours": (HoursPlan((0,), "09:00", "18:00", (("08:00", "10:00"),)),)}),
    ],
)
async def test_what_cannot_be_is_named(sqlite_sessions, field, changes):
    with pytest.raises(BadInput) as refused:
        await laid_out(sqlite_sessions, OfficePlan(*PLAN_WORDS, **changes))
    assert set(refused.value.fields) == {field}
    assert await count(sqlite_sessions, Office) == 0


async def test_an_office_does_not_change_its_zone(sqlite_sessions):
    await laid_out(sqlite_sessions, PLAN)
    words = [*PLAN_WORDS[:3], "Asia/Dubai", *PLAN_WORDS[4:]]
    with pytest.raises(BadInput) as refused:
        await laid_out(sqlite_sessions, OfficePlan(*words))
    assert set(refused.value.fields) == {"zone"}
    with pytest.raises(BadInput):
        await laid_out(sqlite_sessions, OfficePlan(*words[:3], "Mars/Olympus", *words[4:]))


async def test_a_file_of_offices_is_laid_out_with_its_staff_or_not_at_all(sessions):
    offices = places_reading.read(json.dumps([FILE]).encode())
    with pytest.raises(places_reading.NotOffices, match="hkg: nobody with the role viewings"):
        await places_reading.lay_out(sessions, offices, NOON)
    assert await count(sessions, Office) == 0
    async with sessions.begin() as session:
        mei = await make.person(session, "mei@pavilion.example", (Role.VIEWINGS,))
    for _ in range(2):
        assert await places_reading.lay_out(sessions, offices, NOON) == ["hkg: 1 rooms, 1 desks, 1 staff"]
    async with sessions.begin() as session:
        staff = (await session.scalars(select(OfficeStaff))).all()
        assert [(one.office_id, one.person_id, one.operator) for one in staff] == [("hkg", mei.id, True)]
        assert [office.id for office in await places.offices_of(session, mei.id)] == ["hkg"]
        await places.dismiss(session, "hkg", mei.id, by="house", now=NOON)
    assert await count(sessions, OfficeStaff) == 0


@pytest.mark.parametrize(
    "said",
    [
        b"", b"{", b"[]", b"{}", b"[1]", b"\xff", b"[" * 5000, json.dumps([FILE | {"zone": ""}]).encode(),
        json.dumps([FILE | {"colour": "grey"}]).encode(), json.dumps([FILE | {"id": "Hong Kong"}]).encode(),
        json.dumps([FILE | {"hours": [{"weekdays": [1], "opens": "9", "closes": "25:00"}]}]).encode(),
        b" " * (places_reading.LARGEST + 1),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_offices_is_refused(said):
    with pytest.raises(places_reading.NotOffices):
        places_reading.read(said)


async def test_a_stone_of_which_nothing_was_known_stands_where_it_is_put(sqlite_sessions):
    await laid_out(sqlite_sessions, PLAN)
    for _ in range(2):
        async with sqlite_sessions.begin() as session:
            await places.keep(session, "01STONE", "ant", now=NOON)
    assert await count(sqlite_sessions, Stay) == 1
