"""Reading what the checks of a wish look at: few questions, all before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue.models import Stone
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
    """`late`: appointments in the way whose time may be over (see claims.Found)."""

    facts: Facts
    late: frozenset[int] = field(default_factory=frozenset)


async def of_wish(session: AsyncSession, wish: Wish, now: datetime, *, own: int | None = None) -> Looked:
    """What a check of this wish looks at; `own`: of an appointment that is to be moved, and does not hinder itself."""
    known = await of_place(session, wish)
    company = await _company(session, wish, known, now, own)
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
    return Looked(replace(facts, rows=found.rows), found.late)


async def of_place(session: AsyncSession, wish: Wish) -> Facts:
    """The desk with its room and office, the hours around the wish, the regime in force and the rules."""
    found = (
        select(
            Desk.id, Desk.closed_at, Office.id, Office.zone, Office.rules, Room.id, Room.cap, Room.companies,
            SaleViewing.ends_at, SaleViewing.rules, Window.opens_at, Window.closes_at, Window.breaks_at,
            Regime.id, Regime.factor_pct, Regime.gap_min, Regime.companies, Regime.declaration,
        )
        .join(Office, Office.id == Desk.office_id)
        .outerjoin(Room, Room.id == Desk.room_id)
        .outerjoin(SaleViewing, SaleViewing.sale == wish.sale)
        .outerjoin(
            Window,
            and_(
                Window.office_id == Office.id, Window.opens_at <= wish.start, Window.closes_at >= wish.end,
                or_(Window.sale.is_(None), Window.sale == wish.sale),
            ),
        )
        .outerjoin(
            Regime,
            and_(
                Regime.office_id == Office.id, Regime.starts_at <= wish.start, Regime.ends_at > wish.start,
                Regime.ended_at.is_(None),
            ),
        )
        .where(Desk.id == wish.desk)
        .order_by(Regime.id)
    )  # fmt: skip
    rows = (await session.execute(found)).all()
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
    columns = (
        StoneEnd.fate, StoneBlock.id, StoneBlock.kind, StoneBlock.company_id, StoneBlock.starts_at, StoneBlock.ends_at,
    )  # fmt: skip
    stays = (Stay.id, Stay.office_id, Stay.arrive, Stay.depart, Stay.pack_min, Stay.unpack_min)
    placed = (
        select(Stay.stone, *columns, *stays)
        .outerjoin(StoneEnd, StoneEnd.stone == Stay.stone)
        .outerjoin(StoneBlock, StoneBlock.stone == Stay.stone)
        .where(Stay.stone.in_(ids))
    )
    rows = [tuple(row) for row in await session.execute(placed)]
    if missing := set(ids) - {row[0] for row in rows}:
        nowhere = (
            select(Stone.public_id, *columns)
            .outerjoin(StoneEnd, StoneEnd.stone == Stone.public_id)
            .outerjoin(StoneBlock, StoneBlock.stone == Stone.public_id)
            .where(Stone.public_id.in_(missing))
        )
        rows += [(*row, None) for row in await session.execute(nowhere)]
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
    session: AsyncSession, wish: Wish, known: Facts, now: datetime, own: int | None
) -> CompanyFacts | None:
    """What the company has booked so far; none: no such company."""
    since = now - timedelta(days=known.rules.no_show_days)
    missed = (
        select(func.count())
        .where(
            Appointment.company_id == wish.company_id, Appointment.state == AppointmentState.NO_SHOW,
            Appointment.starts_at >= since,
        )
        .scalar_subquery()
    )  # fmt: skip
    found = select(PrivateViewer.state, missed).select_from(Company)
    found = found.outerjoin(PrivateViewer, PrivateViewer.company_id == Company.id).where(Company.id == wish.company_id)
    row = (await session.execute(found)).first()
    if row is None:
        return None
    welcome = row[0] is None or row[0] in WELCOME
    company = CompanyFacts(row[1], approved=welcome)
    limited = known.rules.company_day_limit is not None or known.rules.company_hours is not None
    if known.place is None or not limited:
        return company
    return await _so_far(session, wish, known.place, company, own)


async def _so_far(
    session: AsyncSession, wish: Wish, place: Place, company: CompanyFacts, own: int | None
) -> CompanyFacts:
    """With the appointments that count for its day and for its hours in the sale."""
    booked = (
        select(Appointment.starts_at, Appointment.ends_at, Appointment.sale, Desk.office_id, Appointment.id)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(Appointment.company_id == wish.company_id, Appointment.state.in_(COUNTING))
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
