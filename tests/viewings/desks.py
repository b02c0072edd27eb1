"""An office that is open, with desks, staff, stones and a buyer who has booked: the day at the desk begins here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pavilion.accounts.rules import Actor, Role
from pavilion.kernel.ids import ulid
from pavilion.viewings import passes, places, service, staffing
from pavilion.viewings.models import Appointment, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Room, Window
from pavilion.viewings.wishes import Wish
from tests import make
from tests.auctions import world
from tests.make import NOON

MINUTE = timedelta(minutes=1)
START = NOON + 30 * MINUTE


@dataclass
class Day:
    """`staff` acts for Antwerp, `second` too; `stranger` for Hong Kong alone."""

    ant: Office
    hkg: Office
    staff: Actor
    second: Actor
    stranger: Actor
    buyer: Actor
    company: Any
    stones: list[str]


async def build(sessions, *, rules=None, count=3) -> Day:
    async with sessions.begin() as session:
        company = await make.company(session)
        buyer = await make.actor(session, "wen@lumen.example", (Role.BUYER,), company)
        staff, second, stranger = [
            await make.actor(session, f"{name}@pavilion.example", (Role.VIEWINGS,)) for name in ("vic", "joris", "mei")
        ]
        offices = {}
        for id, name, zone, cc, who in (
            ("ant", "Antwerp", "Europe/Brussels", "BE", (staff, second)),
            ("hkg", "Hong Kong", "Asia/Hong_Kong", "HK", (stranger,)),
        ):
            offices[id] = Office(
                id=id, name_en=name, name_zh=name, zone=zone, address_en="1 Street", address_zh="街1号", country=cc,
                rules={"after": 15} | (rules or {}),
            )  # fmt: skip
            session.add(offices[id])
            await session.flush()
            session.add(Room(id=f"{id}-r", office_id=id, name_en="Room", name_zh="房", cap=8))
            await session.flush()
            for n in (1, 2):
                session.add(Desk(
                    id=f"{id}-{n}", office_id=id, room_id=f"{id}-r", name_en=f"Desk {n}", name_zh=f"{n}号台", rank=n,
                    equipment=["north_light"],
                ))  # fmt: skip
            session.add(
                Desk(id=f"{id}-v", office_id=id, name_en="Video", name_zh="视频台", equipment=["camera"], rank=9)
            )
            session.add_all(OfficeStaff(office_id=id, person_id=one.person_id, operator=True) for one in who)
            session.add(Window(
                office_id=id, day=NOON.date(), opens="08:00", closes="22:00", opens_at=NOON - timedelta(hours=5),
                closes_at=NOON + timedelta(hours=9), tz_version="2026a",
                breaks_at=[[(NOON - 60 * MINUTE).isoformat(), (NOON - 30 * MINUTE).isoformat()]],
            ))  # fmt: skip
        supplier = await make.company(session, "Karowe Cutting", "BW")
        stones = await world.stones(session, supplier, count, first=501)
        await world.expose(session, stones)
        for stone in stones:
            await places.keep(session, stone, "ant", now=NOON - timedelta(days=9))
    return Day(offices["ant"], offices["hkg"], staff, second, stranger, buyer, company, stones)


async def booked(
    sessions, day: Day, *, start=START, minutes=60, desk="ant-1", stones=None, key="first-key", name="Ada", **more
) -> tuple[str, str, str]:
    """Public ids of appointment and visitor, and the pass."""
    remote = desk.endswith("-v")
    async with sessions.begin() as session:
        visitor = Visitor(public_id=ulid(NOON), company_id=day.company.id, name=name, created_at=NOON)
        session.add(visitor)
        await session.flush()
        wish = Wish(
            company_id=day.company.id,
            desk=desk,
            start=start,
            end=start + minutes * MINUTE,
            party=0 if remote else 1,
            stones=tuple(day.stones[:2] if stones is None else stones),
            visitors=(visitor.id,),
            **({"operator": day.staff.person_id, "mode": more.pop("mode")} if remote else {}),
            **more,
        )
        made, answer = await service.book(session, wish, key=key, by="house", staff=True, now=NOON - 60 * MINUTE)
        assert answer.ok and made is not None, answer
        token = "" if remote else await passes.issue(session, made, visitor)
        return made.public_id, visitor.public_id, token


async def of(session, day: Day, public_id: str, *, office=None) -> Appointment:
    return await staffing.appointment_at(session, office or day.ant, public_id)
