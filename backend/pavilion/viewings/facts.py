"""Reading what the checks of a wish look at: few questions, all before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, String, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import UtcDateTime
from pavilion.viewings import claims, rules
from pavilion.viewings.models import Appointment, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Quota, Regime, Room, SaleViewing, Window
from pavilion.viewings.private_models import PrivateState, PrivateViewer
from pavilion.viewings.rules import BookingRules, CompanyFacts, Facts, Opening, Place, RegimeFacts, StoneFacts
from pavilion.viewings.states import COUNTING, AppointmentState, BlockKind
from pavilion.viewings.stone_models import Stay, StoneBlock, StoneEnd
from pavilion.viewings.wishes import Wish

WELCOME = frozenset({PrivateState.INVITED, PrivateState.APPROVED})


@dataclass(frozen=True, slots=True)
class Looked:
    """`late`: appointments in the way whose time may be over (see claims.Found). `before`: the appointment that the
    company made with the same key."""

    facts: Facts
    late: frozenset[int] = field(default_factory=frozenset)
    before: int | None = None


async def of_wish(
    session: AsyncSession, wish: Wish, now: datetime, *, own: int | None = None, key: str | None = None
) -> Looked:
    """What a check of this wish looks at; `own`: of an appointment that is to be moved, and does not hinder itself."""
    known = await of_place(session, wish)
    company, before = await _company(session, wish, known, now, own, key)
    if known.place is None or company is None:
        return Looked(replace(known, company=company))
    persons = await _visitors(session, wish)
    facts = replace(
        known,
        company=company,
        stones=await stones(session, wish.stones),
        visitors=frozenset(persons),
        persons=persons,
        operator=await _operator(session, wish, known.place.office),
        quotas=await _quotas(session, wish.quotas),
    )
    found = await claims.read(session, rules.claimed(wish, facts), now, own=own)
    return Looked(replace(facts, rows=found.rows), found.late, before)


async def of_place(session: AsyncSession, wish: Wish) -> Facts:
    """The desk with its room and office, the hours around the wish, the regime in force and the rules."""
    asked = {"desk": wish.desk, "sale": wish.sale, "start": wish.start, "end": wish.end}
    rows = (await session.execute(_PLACE, asked)).all()
    if not rows:
        return Facts(None, None)
    (desk, closed, office, zone, usual, room, cap, companies, ends, differing, *_) = rows[0]
    regime = rows[0][13:]
    return Facts(
        Place(office, zone, desk, room, cap or 0, companies, closed is not None),
        None,
        rules_of(usual, differing),
        tuple({row[10]: Opening(row[10], row[11], _spans(row[12])) for row in rows if row[10] is not None}.values()),
        ends,
        RegimeFacts(*regime[1:]) if regime[0] is not None else RegimeFacts(),
    )


async def place_of(session: AsyncSession, desk: str) -> tuple[Place, BookingRules]:
    """Where an appointment stands, and the office's rules."""
    found = (
        select(Office.id, Office.zone, Office.rules, Room.id, Room.cap, Room.companies, Desk.closed_at)
        .join(Desk, Desk.office_id == Office.id)
        .outerjoin(Room, Room.id == Desk.room_id)
        .where(Desk.id == desk)
    )
    office, zone, usual, room, cap, companies, closed = (await session.execute(found)).one()
    return Place(office, zone, desk, room, cap or 0, companies, closed is not None), rules_of(usual, None)


async def rules_for(session: AsyncSession, desk: str, sale: str | None) -> BookingRules:
    """The rules of an appointment at that desk for that sale."""
    found = select(Office.rules, SaleViewing.rules).join(Desk, Desk.office_id == Office.id)
    found = found.outerjoin(SaleViewing, SaleViewing.sale == sale).where(Desk.id == desk)
    usual, differing = (await session.execute(found)).one()
    return rules_of(usual, differing)


def rules_of(office: dict[str, Any] | None, sale: dict[str, Any] | None) -> BookingRules:
    """A sale may differ in all but the gap mode: desks keep one way of telling neighbours apart."""
    usual = BookingRules.of(office)
    return replace(BookingRules.of(office, sale), gap_mode=usual.gap_mode) if sale else usual


async def stones(session: AsyncSession, ids: Sequence[str]) -> dict[str, StoneFacts]:
    """Where each stone is and will be, and what keeps it from being shown; a stone nobody knows is left out."""
    if not ids:
        return {}
    rows = [tuple(row) for row in await session.execute(_STAYS, {"stones": list(ids)})]
    if missing := set(ids) - {row[0] for row in rows}:
        rows += [(*row, None) for row in await session.execute(_NOWHERE, {"stones": sorted(missing)})]
    return {stone: _stone([row for row in rows if row[0] == stone]) for stone in {row[0] for row in rows}}


def _stone(rows: list[tuple[Any, ...]]) -> StoneFacts:
    blocks = {row[2]: rules.BlockFacts(BlockKind(row[3]), *row[4:7]) for row in rows if row[2] is not None}
    stays = {
        row[7]: rules.StayFacts(row[8], row[9], row[10], timedelta(minutes=row[11]), timedelta(minutes=row[12]))
        for row in rows
        if row[7] is not None
    }
    return StoneFacts(rows[0][1], tuple(blocks[n] for n in sorted(blocks)), tuple(stays[n] for n in sorted(stays)))


async def _company(
    session: AsyncSession, wish: Wish, known: Facts, now: datetime, own: int | None, key: str | None
) -> tuple[CompanyFacts | None, int | None]:
    """What the company has booked so far, and with this key; none: no such company."""
    since = now - timedelta(days=known.rules.no_show_days)
    row = (await session.execute(_COMPANY, {"company": wish.company_id, "since": since, "key": key})).first()
    if row is None:
        return None, None
    state, missed, before = row
    company = CompanyFacts(missed, approved=state is None or state in WELCOME)
    limited = known.rules.company_day_limit is not None or known.rules.company_hours is not None
    if known.place is not None and limited:
        company = await _so_far(session, wish, known.place, company, now, own)
    return company, before


async def _so_far(
    session: AsyncSession, wish: Wish, place: Place, company: CompanyFacts, now: datetime, own: int | None
) -> CompanyFacts:
    """With the appointments that count for its day and for its hours in the sale; a hold that ended does not."""
    booked = (
        select(Appointment.starts_at, Appointment.ends_at, Appointment.sale, Desk.office_id, Appointment.id)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(Appointment.company_id == wish.company_id, Appointment.state.in_(COUNTING))
        .where(or_(Appointment.expires_at.is_(None), Appointment.expires_at > now))
    )
    here = ZoneInfo(place.zone)
    day, that_day, used = wish.start.astimezone(here).date(), 0, timedelta(0)
    for starts, ends, sale, office, appointment in await session.execute(booked):
        if appointment == own:
            continue
        that_day += office == place.office and starts.astimezone(here).date() == day
        used += ends - starts if sale == wish.sale else timedelta(0)
    return replace(company, that_day=that_day, used=used)


async def _visitors(session: AsyncSession, wish: Wish) -> dict[int, str]:
    """Who each of the company's visitors is; a person with an account is one person for every company."""
    if not wish.visitors:
        return {}
    theirs = select(Visitor.id, Visitor.person_id).where(
        Visitor.id.in_(wish.visitors), Visitor.company_id == wish.company_id, Visitor.erased_at.is_(None)
    )
    found = await session.execute(theirs)
    return {visitor: str(visitor) if person is None else f"p{person}" for visitor, person in found}


async def _operator(session: AsyncSession, wish: Wish, office: str) -> bool:
    if wish.operator is None:
        return True
    works = select(OfficeStaff.person_id).where(
        OfficeStaff.office_id == office, OfficeStaff.person_id == wish.operator, OfficeStaff.operator
    )
    return await session.scalar(works) is not None


async def _quotas(session: AsyncSession, ids: Sequence[str]) -> frozenset[str]:
    if not ids:
        return frozenset()
    return frozenset(await session.scalars(select(Quota.id).where(Quota.id.in_(ids))))


@lru_cache(maxsize=512)
def _instants(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in pairs)


def _spans(breaks: list[list[str]] | None) -> tuple[tuple[datetime, datetime], ...]:
    return _instants(tuple((one[0], one[1]) for one in breaks or ()))


# The questions, put together once: they are asked at every try


def _place() -> Select[Any]:
    desk, room, office, sale = (model.__table__.c for model in (Desk, Room, Office, SaleViewing))
    window, regime = Window.__table__.c, Regime.__table__.c
    start, end = bindparam("start", type_=UtcDateTime()), bindparam("end", type_=UtcDateTime())
    open_then = and_(
        window.office_id == office.id, window.opens_at <= start, window.closes_at >= end,
        or_(window.sale.is_(None), window.sale == bindparam("sale")),
    )  # fmt: skip
    in_force = and_(
        regime.office_id == office.id, regime.starts_at <= start, regime.ends_at > start, regime.ended_at.is_(None)
    )
    return (
        select(
            desk.id, desk.closed_at, office.id, office.zone, office.rules, room.id, room.cap, room.companies,
            sale.ends_at, sale.rules, window.opens_at, window.closes_at, window.breaks_at,
            regime.id, regime.factor_pct, regime.gap_min, regime.companies, regime.declaration,
        )
        .select_from(
            Desk.__table__.join(Office.__table__, office.id == desk.office_id)
            .outerjoin(Room.__table__, room.id == desk.room_id)
            .outerjoin(SaleViewing.__table__, sale.sale == bindparam("sale"))
            .outerjoin(Window.__table__, open_then)
            .outerjoin(Regime.__table__, in_force)
        )
        .where(desk.id == bindparam("desk"))
        .order_by(regime.id)
    )  # fmt: skip


def _company_question() -> Select[Any]:
    company, private = Company.__table__.c, PrivateViewer.__table__.c
    missed, made = Appointment.__table__.alias().c, Appointment.__table__.alias().c
    asked = bindparam("company", type_=BigInteger())
    no_shows = select(func.count()).where(
        missed.company_id == asked, missed.state == AppointmentState.NO_SHOW.value,
        missed.starts_at >= bindparam("since", type_=UtcDateTime()),
    )  # fmt: skip
    before = select(made.id).where(made.company_id == asked, made.request_key == bindparam("key", type_=String()))
    return (
        select(private.state, no_shows.scalar_subquery(), before.scalar_subquery())
        .select_from(Company.__table__.outerjoin(PrivateViewer.__table__, private.company_id == company.id))
        .where(company.id == asked)
    )


def _stones_question(of: FromClause, stone: ColumnElement[str], *stays: ColumnElement[Any]) -> Select[Any]:
    end, block = StoneEnd.__table__.c, StoneBlock.__table__.c
    return (
        select(stone, end.fate, block.id, block.kind, block.company_id, block.starts_at, block.ends_at, *stays)
        .select_from(
            of.outerjoin(StoneEnd.__table__, end.stone == stone).outerjoin(StoneBlock.__table__, block.stone == stone)
        )
        .where(stone.in_(bindparam("stones", expanding=True)))
    )


_STAY = Stay.__table__.c
_PLACE = _place()
_COMPANY = _company_question()
_STAYS = _stones_question(
    Stay.__table__, _STAY.stone, _STAY.id, _STAY.office_id, _STAY.arrive, _STAY.depart, _STAY.pack_min, _STAY.unpack_min
)
_NOWHERE = _stones_question(Stone.__table__, Stone.__table__.c.public_id)
