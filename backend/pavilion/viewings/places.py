"""Offices as the house lays them out: rooms, desks, weekly hours, who works there, and where a stone stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.viewings import opening
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, OpeningHours, Room
from pavilion.viewings.states import AppointmentState
from pavilion.viewings.stone_models import Stay

HOUSE = "house"


@dataclass(frozen=True, slots=True)
class RoomPlan:
    id: str
    name_en: str
    name_zh: str
    cap: int
    companies: int | None = None


@dataclass(frozen=True, slots=True)
class DeskPlan:
    id: str
    name_en: str
    name_zh: str
    room: str | None  # none: a station for viewings by video
    equipment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoursPlan:
    """Local times of the office; `weekdays` count from Monday, 0."""

    weekdays: tuple[int, ...]
    opens: str
    closes: str
    breaks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OfficePlan:
    """An office with all that stands in it."""

    id: str
    name_en: str
    name_zh: str
    zone: str
    country: str
    address_en: str
    address_zh: str
    directions_en: str = ""
    directions_zh: str = ""
    rooms: tuple[RoomPlan, ...] = ()
    desks: tuple[DeskPlan, ...] = ()
    hours: tuple[HoursPlan, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)


async def lay_out(session: AsyncSession, plan: OfficePlan, *, valid_from: date, by: str, now: datetime) -> Office:
    """The office stands as the plan says, from `valid_from` with these hours, and can be booked at once; laid out again
    it is changed to the plan. Rooms and desks that the plan does not name stay: appointments may stand at them."""
    _check(plan)
    office = await _office(session, plan)
    for one in plan.rooms:
        room = await session.get(Room, one.id) or Room(id=one.id, office_id=plan.id)
        if room.office_id != plan.id:
            raise BadInput(fields={"rooms": "bad_input"})
        room.name_en, room.name_zh, room.cap, room.companies = one.name_en, one.name_zh, one.cap, one.companies
        session.add(room)
    await session.flush()
    for rank, each in enumerate(plan.desks):
        desk = await session.get(Desk, each.id) or Desk(id=each.id, office_id=plan.id)
        if desk.office_id != plan.id:
            raise BadInput(fields={"desks": "bad_input"})
        desk.room_id, desk.rank, desk.equipment = each.room, rank, list(each.equipment)
        desk.name_en, desk.name_zh = each.name_en, each.name_zh
        session.add(desk)
    await _keep_hours(session, plan, valid_from)
    await session.flush()
    await opening.lay_down(session, office, now=now)
    events.record(session, "office:laid_out", plan.id, by=by, at=now, rooms=len(plan.rooms), desks=len(plan.desks))
    return office


async def employ(session: AsyncSession, office: str, person_id: int, *, operator: bool, by: str, now: datetime) -> None:
    """The person acts for this office, as an operator shows stones by video there too."""
    if await session.get(Office, office) is None:
        raise NotFound
    place = await session.get(OfficeStaff, (office, person_id))
    if place is None:
        session.add(OfficeStaff(office_id=office, person_id=person_id, operator=operator))
    else:
        place.operator = operator
    events.record(session, "office:employed", office, by=by, at=now, person_id=person_id, operator=operator)


async def dismiss(session: AsyncSession, office: str, person_id: int, *, by: str, now: datetime) -> None:
    """The person acts for this office no more."""
    place = await session.get(OfficeStaff, (office, person_id))
    if place is not None:
        await session.delete(place)
        events.record(session, "office:dismissed", office, by=by, at=now, person_id=person_id)


async def offices(session: AsyncSession) -> Sequence[Office]:
    return (await session.scalars(select(Office).order_by(Office.id))).all()


async def offices_of(session: AsyncSession, person_id: int) -> Sequence[Office]:
    """The offices for which this person acts."""
    mine = select(OfficeStaff.office_id).where(OfficeStaff.person_id == person_id)
    return (await session.scalars(select(Office).where(Office.id.in_(mine)).order_by(Office.id))).all()


async def waits(session: AsyncSession, person_id: int, now: datetime) -> int:
    """How many appointments at this person's offices wait for a word: asked for, or with something to look at."""
    mine = select(OfficeStaff.office_id).where(OfficeStaff.person_id == person_id)
    asked = or_(
        Appointment.state == AppointmentState.REQUESTED,
        and_(
            Appointment.attention.is_not(None), Appointment.state.in_((AppointmentState.HELD, AppointmentState.BOOKED))
        ),
    )
    found = select(func.count(Appointment.id)).join(Desk, Desk.id == Appointment.desk_id)
    return await session.scalar(found.where(Desk.office_id.in_(mine), asked, Appointment.ends_at > now)) or 0


async def keep(session: AsyncSession, stone: str, office: str, *, by: str = HOUSE, now: datetime) -> None:
    """A stone of which nothing was known stands at this office until it is sent elsewhere."""
    if await session.scalar(select(Stay.id).where(Stay.stone == stone).limit(1)) is None:
        session.add(Stay(stone=stone, office_id=office, arrive=None, depart=None, by=by, at=now))


def _check(plan: OfficePlan) -> None:
    faults: dict[str, str] = {}
    if plan.zone not in available_timezones():
        faults["zone"] = "bad_input"
    rooms = {room.id for room in plan.rooms}
    if any(desk.room is not None and desk.room not in rooms for desk in plan.desks):
        faults["desks"] = "bad_input"
    if any(room.cap < 1 or (room.companies is not None and room.companies < 1) for room in plan.rooms):
        faults["rooms"] = "bad_input"
    days = all(0 <= day <= 6 for hours in plan.hours for day in hours.weekdays)
    if not (days and all(opening.sound(one.opens, one.closes, one.breaks) for one in plan.hours)):
        faults["hours"] = "bad_window"
    if faults:
        raise BadInput(fields=faults)


async def _office(session: AsyncSession, plan: OfficePlan) -> Office:
    office = await session.get(Office, plan.id)
    if office is None:
        office = Office(id=plan.id, zone=plan.zone)
        session.add(office)
    elif office.zone != plan.zone:
        raise BadInput(fields={"zone": "bad_input"})  # its appointments stand at wall times of the old one
    office.name_en, office.name_zh, office.country = plan.name_en, plan.name_zh, plan.country
    office.address_en, office.address_zh = plan.address_en, plan.address_zh
    office.directions_en, office.directions_zh = plan.directions_en, plan.directions_zh
    office.rules = dict(plan.rules)
    await session.flush()
    return office


async def _keep_hours(session: AsyncSession, plan: OfficePlan, valid_from: date) -> None:
    """The first hours of an office. Those of an office that has some are changed on its page, which shows beforehand
    whose appointments would fall outside (viewings spec R16)."""
    if await session.scalar(select(OpeningHours.id).where(OpeningHours.office_id == plan.id).limit(1)) is not None:
        return
    for hours in plan.hours:
        for day in hours.weekdays:
            row = OpeningHours(office_id=plan.id, weekday=day, opens=hours.opens, closes=hours.closes)
            row.breaks, row.valid_from = [list(pause) for pause in hours.breaks], valid_from
            session.add(row)
