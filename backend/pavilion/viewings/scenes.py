"""Reading an office in a span of time, once for many wishes: in a handful of questions, whatever stands there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company as Firm
from pavilion.kernel.db import UtcDateTime
from pavilion.viewings import facts, local_times, rules
from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor, Visitor
from pavilion.viewings.occupying import Pads
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Regime, Room, SaleViewing, Window
from pavilion.viewings.private_models import PrivateViewer
from pavilion.viewings.rules import BookingRules, Opening, Place, RegimeFacts
from pavilion.viewings.standing import Company, RegimeSpan, Scene, Sitting
from pavilion.viewings.states import COUNTING, TAKING, AppointmentState, GapMode, ViewingMode

FURTHEST = timedelta(days=2)  # how far a viewing with its pads can reach beyond its start
S = AppointmentState


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
    house = None
    for name, usual, desk, closed, room, cap, companies, ends, differing in await session.execute(
        _HOUSE, {"office": office, "sale": sale}
    ):
        if house is None:
            house = _House(local_times.zone_of(name), facts.rules_of(usual, differing), ends)
        if desk is not None:
            house.places[desk] = Place(office, name, desk, room, cap or 0, companies, closed is not None)
    return house


async def _openings(
    session: AsyncSession, office: str, frm: datetime, to: datetime, sale: str | None
) -> tuple[Opening, ...]:
    found = await session.execute(_OPENINGS, {"office": office, "frm": frm, "to": to, "sale": sale})
    return tuple(Opening(opens, closes, _instants(breaks)) for opens, closes, breaks in found)


def _instants(breaks: list[list[str]]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in breaks)


async def _regimes(session: AsyncSession, office: str, frm: datetime, to: datetime) -> tuple[RegimeSpan, ...]:
    found = await session.execute(_REGIMES, {"office": office, "frm": frm, "to": to + FURTHEST})
    return tuple(RegimeSpan(starts, ends, RegimeFacts(*its)) for starts, ends, *its in found)


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
    span = {"frm": frm - FURTHEST, "to": to + FURTHEST, "lately": now - FURTHEST}
    here = span | {"desks": list(house.places), "company": asked.company_id}
    rows: dict[int, Sequence[Any]] = {row[0]: row for row in await session.execute(_HERE, here)}
    stones, visitors = defaultdict(list), defaultdict(list)
    if asked.stones or asked.everything:
        wanted = span | {"stones": list(asked.stones)}
        shown = await session.execute(*((_SHOWN_HERE, here) if asked.everything else (_SHOWN, wanted)))
        for number, stone in shown:
            stones[number].append(stone)
    if persons or asked.everything:
        theirs = span | {"visitors": list(persons), "accounts": _accounts(persons)}
        coming = await session.execute(*((_COMING_HERE, here) if asked.everything else (_COMING, theirs)))
        for number, visitor, person in coming:
            visitors[number].append((visitor, _name(visitor, person)))
    if missing := (stones.keys() | visitors.keys()) - rows.keys():  # at other offices
        for row in await session.execute(_NAMED, span | {"numbers": sorted(missing)}):
            rows[row[0]] = row
    if asked.operators:
        for row in await session.execute(_BY_VIDEO, span):
            rows.setdefault(row[0], row)
    late = now - house.rules.grace * rules.MINUTE
    return [
        _sitting(row, house, stones.get(row[0], ()), visitors.get(row[0], ()))
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
        _pads(before, after), GapMode(gap), ViewingMode(mode),
        expires if state == S.HELD else None, tuple(stones), tuple(visitors), operator,
    )  # fmt: skip


@cache
def _pads(before: int, after: int) -> Pads:
    return Pads(before * rules.MINUTE, after * rules.MINUTE)


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
    row = (await session.execute(_FIRM, {"company": company_id, "since": since})).first()
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


# The questions, put together once


def _at(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=UtcDateTime())


def _made(*columns: ColumnElement[Any], joined: FromClause | None = None) -> Select[Any]:
    """Of the appointments that take places in the span."""
    done = and_(_A.state == S.DONE.value, _A.ends_at > _at("lately"))
    taking = or_(_A.state.in_([state.value for state in TAKING]), done)
    return (
        select(*columns).select_from(joined if joined is not None else Appointment.__table__)
        .where(_A.starts_at > _at("frm"), _A.starts_at < _at("to"), taking)
    )  # fmt: skip


def _joined(of: FromClause) -> FromClause:
    return of.join(Appointment.__table__, _A.id == of.c.appointment_id)


_OFFICE, _SALE = (bindparam(name, type_=String()) for name in ("office", "sale"))
_A, _D, _O, _R, _V, _W, _G = (model.__table__.c for model in (Appointment, Desk, Office, Room, Visitor, Window, Regime))
_SHOW, _COME, _SOLD = (model.__table__ for model in (AppointmentStone, AppointmentVisitor, SaleViewing))
_STANDING = (
    _A.id, _A.company_id, _A.desk_id, _A.starts_at, _A.ends_at, _A.party, _A.pad_before, _A.pad_after, _A.gap_mode,
    _A.mode, _A.operator_id, _A.state, _A.expires_at, _A.freed_at,
)  # fmt: skip
_IS_HERE = or_(
    _A.desk_id.in_(bindparam("desks", expanding=True)),  # by name: so that indexes of both sides of the `or` serve
    _A.company_id == bindparam("company", type_=BigInteger()),
)
_HERE = _made(*_STANDING).where(_IS_HERE)
_NAMED = _made(*_STANDING).where(_A.id.in_(bindparam("numbers", expanding=True)))
_BY_VIDEO = _made(*_STANDING).where(_A.operator_id.is_not(None))
_SHOWN_AT_ALL = _made(_SHOW.c.appointment_id, _SHOW.c.stone, joined=_joined(_SHOW)).where(_SHOW.c.dropped.is_(None))
_SHOWN = _SHOWN_AT_ALL.where(_SHOW.c.stone.in_(bindparam("stones", expanding=True)))
_SHOWN_HERE = _SHOWN_AT_ALL.where(_IS_HERE)
_COMING_AT_ALL = _made(
    _COME.c.appointment_id, _V.id, _V.person_id,
    joined=_joined(_COME).join(Visitor.__table__, _V.id == _COME.c.visitor_id),
)  # fmt: skip
_COMING = _COMING_AT_ALL.where(
    or_(
        _V.id.in_(bindparam("visitors", expanding=True)),
        _V.person_id.in_(bindparam("accounts", expanding=True)),
    )
)
_COMING_HERE = _COMING_AT_ALL.where(_IS_HERE)
_HOUSE = (
    select(_O.zone, _O.rules, _D.id, _D.closed_at, _R.id, _R.cap, _R.companies, _SOLD.c.ends_at, _SOLD.c.rules)
    .select_from(
        Office.__table__.outerjoin(Desk.__table__, _D.office_id == _O.id)
        .outerjoin(Room.__table__, _R.id == _D.room_id)
        .outerjoin(_SOLD, _SOLD.c.sale == _SALE)
    )
    .where(_O.id == _OFFICE)
    .order_by(_D.rank, _D.id)
)
_OPENINGS = (
    select(_W.opens_at, _W.closes_at, _W.breaks_at)
    .where(_W.office_id == _OFFICE, _W.closes_at > _at("frm"), _W.opens_at < _at("to"))
    .where(or_(_W.sale.is_(None), _W.sale == _SALE))
    .order_by(_W.opens_at)
)
_REGIMES = (
    select(_G.starts_at, _G.ends_at, _G.factor_pct, _G.gap_min, _G.companies, _G.declaration)
    .where(_G.office_id == _OFFICE, _G.ended_at.is_(None), _G.ends_at > _at("frm"), _G.starts_at < _at("to"))
    .order_by(_G.id)
)


def _firm() -> Select[Any]:
    made, firm, private = _A, Firm.__table__, PrivateViewer.__table__
    asked = bindparam("company", type_=BigInteger())
    missed = select(func.count()).where(
        made.company_id == asked, made.state == S.NO_SHOW.value, made.starts_at >= _at("since")
    )
    return (
        select(private.c.state, missed.scalar_subquery())
        .select_from(firm.outerjoin(private, private.c.company_id == firm.c.id))
        .where(firm.c.id == asked)
    )


_FIRM = _firm()
