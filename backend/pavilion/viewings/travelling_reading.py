"""Reads of where stones are and travel, and of who comes to see them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.viewings.lines import Leg, Line, Shown, Stop, Way, Ways, in_order, legs
from pavilion.viewings.models import Appointment, AppointmentStone, WaitEntry
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.states import TAKING, AppointmentState, WaitState
from pavilion.viewings.stone_models import Stay, StoneBlock, StoneEnd
from pavilion.viewings.travelling_models import TravelTime

AHEAD = timedelta(days=28)
MOST = 1000  # stones on one page


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as a line of the travel pages names it."""

    row: Appointment
    office: Office
    company: str
    stones: tuple[str, ...]

    @property
    def zone(self) -> str:
        return self.office.zone

    @property
    def since(self) -> datetime:
        return self.row.starts_at - timedelta(minutes=self.row.pad_before)

    @property
    def until(self) -> datetime:
        return (self.row.freed_at or self.row.ends_at) + timedelta(minutes=self.row.pad_after)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody waits for a time at an office: on the list, or for approval."""

    key: str
    kind: str  # entry | request
    office: str
    desk: str
    start: datetime
    end: datetime
    company_id: int
    company: str
    stones: tuple[str, ...]
    sale: str | None


@dataclass(frozen=True, slots=True)
class Trunk:
    """Stones that make the same way at the same time."""

    leg: Leg
    stones: tuple[str, ...]
    stays: tuple[int, ...]  # of their arrivals


async def offices(session: AsyncSession) -> dict[str, Office]:
    return {office.id: office for office in await session.scalars(select(Office).order_by(Office.name_en))}


def stop_of(stay: Stay) -> Stop:
    times = stay.arrive, stay.depart, stay.pack_min, stay.unpack_min
    return Stop(stay.office_id, *times, stay.carrier, stay.carrier_ref, stay.id)


async def lines_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, Line]:
    """The line of each, empty where nothing is known of a stone."""
    found: dict[str, list[Stop]] = {stone: [] for stone in stones}
    for some in _portions(list(found)):
        for stay in await session.scalars(select(Stay).where(Stay.stone.in_(some))):
            found[stay.stone].append(stop_of(stay))
    return {stone: in_order(stops) for stone, stops in found.items()}


async def travelling(session: AsyncSession, *, office: str | None, stones: Sequence[str] | None) -> list[str]:
    """Stones whose way the house knows: at this office at any time, or among these."""
    wanted = select(Stay.stone).distinct().order_by(Stay.stone).limit(MOST)
    if office is not None:
        wanted = wanted.where(Stay.office_id == office)
    if stones is not None:
        wanted = wanted.where(Stay.stone.in_(stones[:MOST]))
    return list(await session.scalars(wanted))


async def ways(session: AsyncSession) -> Ways:
    rows = await session.scalars(select(TravelTime).order_by(TravelTime.id))
    return Ways(tuple(Way(row.from_office, row.to_office, row.minutes, row.valid_from) for row in rows))


async def way_rows(session: AsyncSession) -> Sequence[TravelTime]:
    """The newest first."""
    order = TravelTime.from_office, TravelTime.to_office, TravelTime.valid_from.desc(), TravelTime.id.desc()
    return (await session.scalars(select(TravelTime).order_by(*order))).all()


async def blocks_of(session: AsyncSession, stone: str) -> Sequence[StoneBlock]:
    return (
        await session.scalars(select(StoneBlock).where(StoneBlock.stone == stone).order_by(StoneBlock.starts_at))
    ).all()


async def ends_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, StoneEnd]:
    return {end.stone: end for end in await session.scalars(select(StoneEnd).where(StoneEnd.stone.in_(stones)))}


async def visits(session: AsyncSession, stones: Sequence[str], since: datetime) -> list[Visit]:
    """Appointments that take a stone of these and end after `since`, by start."""
    theirs = select(AppointmentStone.appointment_id)
    theirs = theirs.where(AppointmentStone.stone.in_(stones), AppointmentStone.dropped.is_(None))
    rows = await session.execute(
        select(Appointment, Office, Company.name)
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Office, Office.id == Desk.office_id)
        .join(Company, Company.id == Appointment.company_id)
        .where(Appointment.id.in_(theirs), Appointment.ends_at > since, Appointment.state.in_(TAKING))
        .order_by(Appointment.starts_at, Appointment.id)
    )
    found = rows.all()
    shown = await _stones_of(session, [row.id for row, _, _ in found])
    return [Visit(row, office, company, shown.get(row.id, ())) for row, office, company in found]


def claims_of(visits: Iterable[Visit]) -> list[Shown]:
    """What each of them claims of each stone, with the pads it was given."""
    return [
        Shown(
            one.row.id, stone, one.office.id, one.row.starts_at, one.row.freed_at or one.row.ends_at,
            one.row.pad_before, one.row.pad_after,
        )
        for one in visits
        for stone in one.stones
    ]  # fmt: skip


async def waiting(session: AsyncSession, now: datetime) -> list[Waiting]:
    """Everybody who waits for a time that is still to come, with the stones wanted."""
    entries = await session.execute(
        select(WaitEntry, Desk.office_id, Company.name)
        .join(Desk, Desk.id == WaitEntry.desk_id)
        .join(Company, Company.id == WaitEntry.company_id)
        .where(WaitEntry.state == WaitState.WAITING, WaitEntry.starts_at > now)
        .order_by(WaitEntry.priority, WaitEntry.created_at, WaitEntry.id)
    )
    found = [
        Waiting(
            row.public_id, "entry", office, row.desk_id, row.starts_at, row.ends_at, row.company_id, company,
            tuple(row.wish.get("stones", ())), row.sale,
        )
        for row, office, company in entries
    ]  # fmt: skip
    asked = await session.execute(
        select(Appointment, Desk.office_id, Company.name)
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Company, Company.id == Appointment.company_id)
        .where(Appointment.state == AppointmentState.REQUESTED, Appointment.starts_at > now)
        .order_by(Appointment.id)
    )
    requests = asked.all()
    stones = await _stones_of(session, [row.id for row, _, _ in requests])
    return found + [
        Waiting(
            row.public_id, "request", office, row.desk_id, row.starts_at, row.ends_at, row.company_id, company,
            stones.get(row.id, ()), row.sale,
        )
        for row, office, company in requests
    ]  # fmt: skip


def trunks(lines: Mapping[str, Line], since: datetime, until: datetime) -> list[Trunk]:
    """What travels in this span, the same way and flight together, by departure."""
    together: dict[tuple[object, ...], list[tuple[str, Leg]]] = defaultdict(list)
    for stone, line in lines.items():
        for leg in legs(line):
            assert leg.start.depart is not None and leg.end.arrive is not None
            if leg.end.arrive > since and leg.start.depart < until:
                same = (
                    leg.start.depart,
                    leg.end.arrive,
                    leg.start.office,
                    leg.end.office,
                    leg.end.carrier,
                    leg.end.carrier_ref,
                )
                together[same].append((stone, leg))
    found = [
        Trunk(some[0][1], tuple(stone for stone, _ in some), tuple(leg.end.id or 0 for _, leg in some))
        for some in together.values()
    ]
    return sorted(found, key=lambda one: (one.leg.start.until, one.leg.end.since, one.leg.start.office, one.stones))


async def company_by_name(session: AsyncSession, name: str) -> Company | None:
    """By its name as people write it."""
    return await session.scalar(select(Company).where(func.lower(Company.name) == name.strip().lower()).limit(1))


async def companies(session: AsyncSession, ids: Iterable[int]) -> dict[int, str]:
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


async def _stones_of(session: AsyncSession, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    rows = select(AppointmentStone).where(AppointmentStone.appointment_id.in_(ids), AppointmentStone.dropped.is_(None))
    found: dict[int, list[str]] = defaultdict(list)
    for row in await session.scalars(rows.order_by(AppointmentStone.place)):
        found[row.appointment_id].append(row.stone)
    return {appointment: tuple(stones) for appointment, stones in found.items()}


def _portions(stones: list[str], size: int = 500) -> Iterable[list[str]]:
    return (stones[n : n + size] for n in range(0, len(stones), size))
