"""Reading an office in a span of time, once for many wishes: in a handful of questions, whatever stands there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company as Firm
from pavilion.viewings import facts, local_times, rules
from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor, Visitor
from pavilion.viewings.occupying import Pads
from pavilion.viewings.opening import breaks_of
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Regime, Room, SaleViewing, Window
from pavilion.viewings.private_models import PrivateViewer
from pavilion.viewings.rules import BookingRules, Opening, Place, RegimeFacts
from pavilion.viewings.standing import Company, RegimeSpan, Scene, Sitting
from pavilion.viewings.states import COUNTING, TAKING, AppointmentState, GapMode, ViewingMode

FURTHEST = timedelta(days=2)  # how far a viewing with its pads can reach beyond its start
S = AppointmentState
STANDING = (
    Appointment.id, Appointment.company_id, Appointment.desk_id, Appointment.starts_at, Appointment.ends_at,
    Appointment.party, Appointment.pad_before, Appointment.pad_after, Appointment.gap_mode, Appointment.mode,
    Appointment.operator_id, Appointment.state, Appointment.expires_at, Appointment.freed_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """About whom and what: nothing else is read."""

    company_id: int | None = None
    stones: Sequence[str] = ()
    visitors: Sequence[int] = ()
    sale: str | None = None
    operators: bool = False
    everything: bool = False  # with the stones, visitors and operators of every appointment


@dataclass(slots=True)
class _House:
    zone: ZoneInfo
    rules: BookingRules
    ends: datetime | None
    places: dict[str, Place] = field(default_factory=dict)


async def read(
    session: AsyncSession, office: str, frm: datetime, to: datetime, asked: Asked, now: datetime
) -> Scene | None:
    """The office as it stands between these instants; none: there is no such office."""
    house = await _house(session, office, asked.sale)
    if house is None:
        return None
    persons = await _persons(session, asked)
    sittings = await _sittings(session, house, frm, to, asked, persons, now)
    return Scene(
        office, house.zone, house.places, house.rules, await _openings(session, office, frm, to, asked.sale),
        house.ends, await _regimes(session, office, frm, to), await facts.stones(session, list(asked.stones)),
        persons, await _operators(session, office) if asked.operators else frozenset(),
        tuple(sittings),
    )  # fmt: skip


async def _house(session: AsyncSession, office: str, sale: str | None) -> _House | None:
    found = (
        select(
            Office, Desk.id, Desk.closed_at, Room.id, Room.cap, Room.companies, SaleViewing.ends_at, SaleViewing.rules
        )
        .outerjoin(Desk, Desk.office_id == Office.id)
        .outerjoin(Room, Room.id == Desk.room_id)
        .outerjoin(SaleViewing, SaleViewing.sale == sale)
        .where(Office.id == office)
        .order_by(Desk.rank, Desk.id)
    )
    house = None
    for place, desk, closed, room, cap, companies, ends, differing in await session.execute(found):
        if house is None:
            house = _House(local_times.zone_of(place.zone), facts.rules_of(place.rules, differing), ends)
        if desk is not None:
            house.places[desk] = Place(office, place.zone, desk, room, cap or 0, companies, closed is not None)
    return house


async def _openings(
    session: AsyncSession, office: str, frm: datetime, to: datetime, sale: str | None
) -> tuple[Opening, ...]:
    rows = select(Window).where(
        Window.office_id == office, Window.closes_at > frm, Window.opens_at < to,
        or_(Window.sale.is_(None), Window.sale == sale),
    )  # fmt: skip
    found = await session.scalars(rows.order_by(Window.opens_at))
    return tuple(Opening(row.opens_at, row.closes_at, breaks_of(row)) for row in found)


async def _regimes(session: AsyncSession, office: str, frm: datetime, to: datetime) -> tuple[RegimeSpan, ...]:
    rows = select(Regime).where(
        Regime.office_id == office, Regime.ended_at.is_(None), Regime.ends_at > frm, Regime.starts_at < to + FURTHEST
    )
    return tuple(
        RegimeSpan(row.starts_at, row.ends_at, regime_facts(row))
        for row in await session.scalars(rows.order_by(Regime.id))
    )


def regime_facts(row: Regime) -> RegimeFacts:
    return RegimeFacts(row.factor_pct, row.gap_min, row.companies, row.declaration)


async def _sittings(
    session: AsyncSession,
    house: _House,
    frm: datetime,
    to: datetime,
    asked: Asked,
    persons: Mapping[int, str],
    now: datetime,
) -> list[Sitting]:
    span = and_(Appointment.starts_at > frm - FURTHEST, Appointment.starts_at < to + FURTHEST)
    takes = or_(Appointment.state.in_(TAKING), and_(Appointment.state == S.DONE, Appointment.ends_at > now - FURTHEST))
    here: ColumnElement[bool] = Appointment.desk_id.in_(list(house.places))
    if asked.company_id is not None:
        here = or_(here, Appointment.company_id == asked.company_id)
    rows: dict[int, Sequence[Any]] = {}
    for row in await session.execute(select(*STANDING).where(span, takes, here)):
        rows[row[0]] = row
    stones, visitors = defaultdict(list), defaultdict(list)
    if asked.stones or asked.everything:
        shown = select(AppointmentStone.stone, *STANDING).join(
            Appointment, Appointment.id == AppointmentStone.appointment_id
        )
        wanted = here if asked.everything else AppointmentStone.stone.in_(list(asked.stones))
        shown = shown.where(span, takes, AppointmentStone.dropped.is_(None), wanted)
        for stone, *one in await session.execute(shown):
            rows.setdefault(one[0], one)
            stones[one[0]].append(stone)
    if persons or asked.everything:
        coming = (
            select(Visitor.id, Visitor.person_id, *STANDING)
            .join(AppointmentVisitor, AppointmentVisitor.visitor_id == Visitor.id)
            .join(Appointment, Appointment.id == AppointmentVisitor.appointment_id)
        )
        theirs = or_(Visitor.id.in_(list(persons)), Visitor.person_id.in_(_accounts(persons)))
        for visitor, person, *one in await session.execute(
            coming.where(span, takes, here if asked.everything else theirs)
        ):
            rows.setdefault(one[0], one)
            visitors[one[0]].append((visitor, _name(visitor, person)))
    if asked.operators:
        shows = select(*STANDING).where(span, takes, Appointment.operator_id.is_not(None))
        for row in await session.execute(shows):
            rows.setdefault(row[0], row)
    late = now - house.rules.grace * rules.MINUTE
    return [
        _sitting(row, house, stones[row[0]], visitors[row[0]])
        for row in rows.values()
        if not _over(row[11], row[12], row[3], now, late)
    ]


def _over(state: str, expires: datetime | None, start: datetime, now: datetime, late: datetime) -> bool:
    """Its time is over, though nobody may have told it yet: it is in nobody's way."""
    return (state == S.HELD and expires is not None and expires <= now) or (state == S.BOOKED and start <= late)


def _sitting(row: Sequence[Any], house: _House, stones: Iterable[str], visitors: Iterable[tuple[int, str]]) -> Sitting:
    number, company, desk, start, end, party, before, after, gap, mode, operator, state, expires, freed = row
    place = house.places.get(desk)
    return Sitting(
        number, company, desk, place.room if place else None, start, freed or end, party,
        Pads(before * rules.MINUTE, after * rules.MINUTE), GapMode(gap), ViewingMode(mode),
        expires if state == S.HELD else None, tuple(stones), tuple(visitors), operator,
    )  # fmt: skip


async def _persons(session: AsyncSession, asked: Asked) -> dict[int, str]:
    """Who each of the company's visitors is; a person with an account is one person for every company."""
    if not asked.visitors:
        return {}
    theirs = select(Visitor.id, Visitor.person_id).where(
        Visitor.id.in_(list(asked.visitors)), Visitor.company_id == asked.company_id, Visitor.erased_at.is_(None)
    )
    return {visitor: _name(visitor, person) for visitor, person in await session.execute(theirs)}


def _name(visitor: int, person: int | None) -> str:
    return str(visitor) if person is None else f"p{person}"


def _accounts(persons: Mapping[int, str]) -> list[int]:
    return [int(name[1:]) for name in persons.values() if name.startswith("p")]


async def _operators(session: AsyncSession, office: str) -> frozenset[int]:
    works = select(OfficeStaff.person_id).where(OfficeStaff.office_id == office, OfficeStaff.operator)
    return frozenset(await session.scalars(works))


async def company_at(
    session: AsyncSession, company_id: int, scene: Scene, sale: str | None, now: datetime
) -> Company | None:
    """What the company has booked so far, as far as this office's rules ask; none: no such company."""
    since = now - scene.rules.no_show_days * rules.DAY
    missed = (
        select(func.count())
        .where(Appointment.company_id == company_id, Appointment.state == S.NO_SHOW, Appointment.starts_at >= since)
        .scalar_subquery()
    )
    found = select(PrivateViewer.state, missed).select_from(Firm)
    found = found.outerjoin(PrivateViewer, PrivateViewer.company_id == Firm.id).where(Firm.id == company_id)
    row = (await session.execute(found)).first()
    if row is None:
        return None
    days: Counter[date] = Counter()
    used = timedelta(0)
    if scene.rules.company_day_limit is not None or scene.rules.company_hours is not None:
        booked = select(Appointment.starts_at, Appointment.ends_at, Appointment.sale, Appointment.desk_id)
        counted = booked.where(Appointment.company_id == company_id, Appointment.state.in_(COUNTING))
        for start, end, of_sale, desk in await session.execute(counted):
            days[start.astimezone(scene.zone).date()] += desk in scene.places
            used += end - start if of_sale == sale else timedelta(0)
    return Company(row[1], row[0] is None or row[0] in facts.WELCOME, used, days)
