"""What the finder says of a slot is what a hold of it answers."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from pavilion.viewings import finding, local_times, opening, service, vector_stones
from pavilion.viewings.models import Appointment, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, OpeningHours, Regime, Room, Window
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.stone_models import Stay, StoneBlock, StoneEnd
from pavilion.viewings.wishes import Code, Wish
from tests import make
from tests.luck import Random
from tests.make import HOUR, NOON

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STONES = tuple(f"STONE{n:021}" for n in range(6))
ZONES = ["Europe/Brussels", "Asia/Hong_Kong"]


async def office(session, name, zone, rules, *, cap=5, companies=None, desks=3):
    words = dict.fromkeys(("name_en", "name_zh", "address_en", "address_zh"), name)
    place = Office(id=name, zone=zone, country="BE", rules=rules, **words)
    session.add(place)
    await session.flush()
    for n, room in enumerate((f"{name} front", f"{name} back")):
        session.add(Room(id=room, office_id=name, name_en="-", name_zh="-", cap=cap + n, companies=companies))
    await session.flush()
    for n in range(desks):
        room = f"{name} front" if n < 2 else f"{name} back"
        session.add(Desk(id=f"{name}-{n}", office_id=name, room_id=room, name_en="-", name_zh="-", rank=n))
    session.add(Desk(id=f"{name}-video", office_id=name, room_id=None, name_en="-", name_zh="-", rank=9))
    hours = {"office_id": name, "opens": "09:00", "closes": "17:00", "valid_from": date(2026, 1, 1)}
    session.add_all(OpeningHours(weekday=n, breaks=[["12:30", "13:15"]], **hours) for n in range(7))
    await session.flush()
    await opening.lay_down(session, place, now=NOON)
    return place


async def a_world(session, luck):
    """Two offices with whatever chance gives them, and half a day of it booked."""
    rules = {
        "before": luck.choice([0, 5, 10]), "after": luck.choice([0, 15, 20]), "gap_mode": luck.choice(["max", "sum"]),
        "sitting": luck.choice([45, 60, 90]), "step": luck.choice([None, 30]), "min_notice": luck.choice([0, 60]),
        "desks_per_company": luck.choice([1, 2]), "company_day_limit": luck.choice([None, 2]),
        "company_hours": luck.choice([None, 3]), "gap_inside_hours": luck.random() < 0.3,
    }  # fmt: skip
    firms = [(await make.company(session, f"Firm {n}")).id for n in range(5)]
    operators = [(await make.person(session, f"operator{n}@pavilion.example", ())).id for n in range(2)]
    for name, zone in zip(("ant", "hkg"), ZONES, strict=True):
        companies = luck.choice([None, 1, 2])
        await office(session, name, zone, rules, cap=luck.choice([3, 5]), companies=companies)
        session.add_all(OfficeStaff(office_id=name, person_id=one, operator=True) for one in operators)
    session.add(Regime(
        office_id="ant", starts_at=NOON + 20 * HOUR, ends_at=NOON + 23 * HOUR, factor_pct=luck.choice([50, 100]),
        gap_min=luck.choice([0, 25]), companies=luck.choice([None, 1]), at=NOON,
    ))  # fmt: skip
    half = NOON + 22 * HOUR
    await vector_stones.expose(session, STONES, NOON)
    session.add_all([
        Stay(stone=STONES[0], office_id="ant", at=NOON), Stay(stone=STONES[1], office_id="ant", at=NOON),
        Stay(stone=STONES[2], office_id="ant", depart=half, pack_min=30, at=NOON),
        Stay(stone=STONES[2], office_id="hkg", arrive=half + 10 * HOUR, unpack_min=45, at=NOON),
        Stay(stone=STONES[3], office_id="ant", at=NOON), Stay(stone=STONES[4], office_id="ant", at=NOON),
        Stay(stone=STONES[5], office_id="ant", at=NOON),
        StoneBlock(stone=STONES[3], kind="memo", starts_at=half, ends_at=half + 2 * HOUR, at=NOON),
        StoneBlock(stone=STONES[4], kind="hold", company_id=firms[1], starts_at=half, ends_at=half + HOUR, at=NOON),
        StoneEnd(stone=STONES[5], fate=luck.choice(["sold", "withdrawn"]), at=NOON),
    ])  # fmt: skip
    traveller = (await make.person(session, "traveller@lumen.example", ())).id
    guests = [
        Visitor(public_id=f"01VI{n:022}", company_id=firm, person_id=person, name="-", created_at=NOON)
        for n, (firm, person) in enumerate(((firms[0], None), (firms[0], traveller), (firms[1], traveller)))
    ]
    session.add_all(guests)
    await session.flush()
    for n in range(34):
        remote = luck.random() < 0.2
        start = NOON + luck.choice(range(19 * 12, 30 * 12)) * 5 * MINUTE
        firm = luck.choice(firms)
        coming = [guest.id for guest in guests if guest.company_id == firm][-1:] if luck.random() < 0.6 else []
        wish = Wish(
            firm, f"ant-{'video' if remote else luck.choice(range(3))}", start,
            start + luck.choice([30, 60]) * MINUTE, 0 if remote else luck.choice([1, 2]),
            (luck.choice(STONES[:5]),) if luck.random() < 0.7 else (), tuple(coming),
            operator=luck.choice(operators) if remote else None,
            mode=ViewingMode.REMOTE if remote else ViewingMode.IN_PERSON,
        )  # fmt: skip
        verb = service.hold if luck.random() < 0.25 else service.book
        await verb(session, wish, key=f"k{n}", by="house", staff=True, now=NOON)
    return firms, [guest.id for guest in guests]


class Undone(Exception):
    """The try is taken back."""


async def held(session, slot, wish):
    made = Wish(
        wish.company_id, slot.desk, slot.start, slot.end, wish.party, wish.stones, wish.visitors, slot.operator,
        wish.mode,
    )  # fmt: skip
    answer = None
    try:
        async with session.begin_nested():
            _, answer = await service.hold(session, made, key="try", by="x", now=NOON)
            raise Undone
    except Undone:
        session.expire_all()
    return answer


@pytest.mark.parametrize("seed", range(2))
async def test_the_finder_says_what_a_hold_answers(sessions, seed):
    luck = Random(seed)
    async with sessions.begin() as session:
        firms, guests = await a_world(session, luck)
        seen, checked = set(), 0
        for mode in (ViewingMode.IN_PERSON, ViewingMode.REMOTE):
            stones = tuple(luck.sample(STONES[:5], luck.choice([1, 2, 3]))) if luck.random() < 0.9 else STONES
            party = 0 if mode is ViewingMode.REMOTE else luck.choice([1, 3])
            coming = (guests[1],) if luck.random() < 0.5 else ()
            wish = Wish(firms[0], "", NOON, NOON, party, stones, coming, mode=mode)
            found = await finding.free_slots(
                session,
                "ant",
                stones,
                party,
                NOON,
                NOON + 2 * DAY,
                company_id=firms[0],
                mode=mode,
                visitors=coming,
                now=NOON,
            )
            for slot in luck.sample(found, min(len(found), 12)):
                said = await held(session, slot, wish)
                assert (said.code, said.facts.get("stone"), said.facts.get("retry_after")) == (
                    slot.code, slot.facts.get("stone"), slot.facts.get("retry_after"),
                ), (slot, said)  # fmt: skip
                seen.add(slot.code)
                checked += 1
                if not slot.free and mode is ViewingMode.IN_PERSON and checked % 4 == 0:
                    for desk in ("ant-0", "ant-1", "ant-2"):
                        other = await held(session, finding.Slot("ant", desk, slot.start, slot.end), wish)
                        assert not other.ok, (slot, desk)
        assert checked >= 8 and seen


async def test_a_slot_of_many_desks_is_one_and_tells_the_company_its_own_limits_only(sessions):
    async with sessions.begin() as session:
        firms = [(await make.company(session, f"Firm {n}")).id for n in range(3)]
        await office(session, "ant", "Europe/Brussels", {"company_day_limit": 2, "sitting": 60, "step": 60}, cap=20)
        await office(session, "hkg", "Asia/Hong_Kong", {})
        nine = local_times.at_clock(date(2026, 3, 3), "09:00", local_times.zone_of("Europe/Brussels"))

        async def book(firm, desk, start, hours=1):
            wish = Wish(firm, desk, start, start + hours * HOUR)
            _, answer = await service.book(session, wish, key=f"{firm} {start}", by="x", now=NOON)
            assert answer.ok, answer

        async def ask(firm, days=1):
            until = nine + days * DAY - 2 * HOUR
            return await finding.free_slots(session, "ant", (), 1, nine, until, company_id=firm, now=NOON)

        await book(firms[1], "ant-0", nine)
        await book(firms[0], "ant-1", nine + HOUR)
        found = await ask(firms[0])
        by_start = {slot.start: slot for slot in found}
        assert by_start[nine].free and by_start[nine].desk == "ant-1"  # the first desk is taken, another is free
        assert by_start[nine + HOUR].code is Code.COMPANY_BUSY
        await book(firms[0], "ant-1", nine + 2 * HOUR)
        assert {slot.code for slot in await ask(firms[0])} == {Code.COMPANY_DAY_LIMIT}
        assert {slot.code for slot in await ask(firms[2])} == {Code.OK}
        for slot in await ask(firms[0], 2):
            assert "company" not in repr(slot.facts) and "Firm" not in repr(slot)

        wish = Wish(firms[0], "ant-1", nine, nine + HOUR)
        near = await finding.nearest(session, wish, NOON)
        assert [f"{slot.start:%d %H:%M}" for slot in near] == ["02 15:00", "02 14:00", "02 13:00"]
        everywhere = await finding.free_slots(session, None, (), 1, nine, nine + DAY, company_id=firms[2], now=NOON)
        assert {slot.office for slot in everywhere} == {"ant", "hkg"}
        assert everywhere == sorted(everywhere, key=lambda slot: (slot.start, slot.office))


async def test_nothing_is_found_where_nothing_can_be(sessions):
    async with sessions.begin() as session:
        firm = (await make.company(session)).id
        await office(session, "ant", "Europe/Brussels", {}, desks=0)

        async def ask(office, company, stones=(), party=1):
            span = (NOON, NOON + 3 * DAY)
            return await finding.free_slots(session, office, stones, party, *span, company_id=company, now=NOON)

        assert await ask("ant", firm) == await ask("nowhere", firm) == await ask("ant", firm + 99) == []
        session.add(Room(id="r", office_id="ant", name_en="-", name_zh="-", cap=4))
        await session.flush()
        session.add(Desk(id="d", office_id="ant", room_id="r", name_en="-", name_zh="-"))
        await session.flush()
        assert {slot.code for slot in await ask("ant", firm)} == {Code.OK}
        assert {slot.code for slot in await ask("ant", firm, ["NOSUCHSTONE"])} == {Code.UNKNOWN_REFERENCE}
        assert {slot.code for slot in await ask("ant", firm, ["A"] * 10_000)} == {Code.BAD_INPUT}
        assert {slot.code for slot in await ask("ant", firm, party=21)} == {Code.BAD_INPUT}
        assert {slot.code for slot in await ask("ant", firm, party=5)} == {Code.ROOM_FULL}
        assert await finding.nearest(session, Wish(firm, "nowhere", NOON, NOON + HOUR), NOON) == []
        assert await finding.nearest(session, Wish(firm, "d", NOON, NOON), NOON) == []
        assert (await session.scalars(select(Appointment.id))).all() == []
        assert await session.scalar(select(Window.id).limit(1)) is not None
