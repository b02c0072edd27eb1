"""An office with desks, and appointments as the viewing desk leaves them in the tables."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from pavilion.catalogue import snapshots
from pavilion.catalogue.models import Stone
from pavilion.viewings import vector_stones
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentStone, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Room
from pavilion.viewings.states import AppointmentState as S
from tests.make import HOUR, NOON

DAY = timedelta(days=1)
PLACES = {
    "hkg": ("Hong Kong", "香港", "Asia/Hong_Kong", "HK", "15 Queen’s Road Central", "皇后大道中15号"),
    "ant": ("Antwerp", "安特卫普", "Europe/Brussels", "BE", "Hoveniersstraat 22", "霍文尼斯街22号"),
}


async def office(session, id="hkg", staff=()):
    en, zh, zone, country, address_en, address_zh = PLACES[id]
    session.add(Office(
        id=id, name_en=en, name_zh=zh, zone=zone, country=country, address_en=address_en, address_zh=address_zh,
        directions_en="Ring at the blue door.", directions_zh="请按蓝门门铃。",
    ))  # fmt: skip
    await session.flush()
    session.add(Room(id=f"{id}-1", office_id=id, name_en="Room", name_zh="房间", cap=8))
    await session.flush()
    session.add(Desk(id=f"{id}-d3", office_id=id, room_id=f"{id}-1", name_en="Desk 3", name_zh="3号台"))
    session.add_all([OfficeStaff(office_id=id, person_id=one.id) for one in staff])
    await session.flush()


async def appointment(session, person, *, office="hkg", start=NOON + 7 * DAY, state=S.BOOKED, number=None, **changes):
    """Booked by this person for their company, two hours; its first event is beside it."""
    n = (await session.scalar(select(func.max(Appointment.id))) or 0) + 1
    zone = PLACES[office][2]
    said = {
        "public_id": f"01AP{n:022d}", "uid": f"01AP{n:022d}@pavilion.example",
        "number": number or f"{office.upper()}-{n:04d}",
        "company_id": person.company_id, "booked_by": person.id, "party": 1, "desk_id": f"{office}-d3",
        "starts_at": start, "ends_at": start + 2 * HOUR, "zone": zone, "tz_version": "2026a",
        "wall": f"{start.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}", "state": state, "request_key": f"k{n}",
        "created_at": NOON,
    }  # fmt: skip
    row = Appointment(**(said | changes))
    session.add(row)
    await session.flush()
    await happened(session, row, str(state), NOON)
    return row


async def exist(session, *names):
    """Stones of these names, exposed, where the house has none of the name."""
    known = set(await session.scalars(select(Stone.public_id).where(Stone.public_id.in_(names))))
    await vector_stones.expose(session, [one for one in names if one not in known], NOON)


async def lines(session, row, stones, **facts):
    """These stones are to be shown, as they are now."""
    kept = await snapshots.of_exposed(session, stones)
    session.add_all(
        AppointmentStone(appointment_id=row.id, stone=one, exposed_id=one, snapshot=kept[one], place=n, **facts)
        for n, one in enumerate(stones)
    )
    await session.flush()


async def happened(session, row, kind, at, state=None):
    n = (await session.scalar(select(func.count()).where(AppointmentEvent.appointment_id == row.id))) or 0
    session.add(AppointmentEvent(
        appointment_id=row.id, n=n + 1, kind=kind, state=state or row.state, sequence=row.sequence, actor="house",
        at=at, facts={},
    ))  # fmt: skip
    await session.flush()


async def visitor(session, row, person, name="Ada Visitor"):
    n = (await session.scalar(select(func.max(Visitor.id))) or 0) + 1
    one = Visitor(
        public_id=f"01VI{n:022d}", company_id=row.company_id, person_id=person.id if person else None, name=name,
        created_at=NOON,
    )  # fmt: skip
    session.add(one)
    await session.flush()
    session.add(AppointmentVisitor(appointment_id=row.id, visitor_id=one.id, place=0))
    await session.flush()
