"""Reading what the checks of a wish look at: few questions, all before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, String, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue import unavailable
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import UtcDateTime
from pavilion.viewings import claims, rules
from pavilion.viewings.models import Appointment, Visitor
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Quota, Regime, Room, SaleViewing, Window
from pavilion.viewings.private_models import PrivateState, PrivateViewer
from pavilion.viewings.rules import BookingRules, CompanyFacts, Facts, Opening, Place, RegimeFacts, StoneFacts
from pavilion.viewings.states import COUNTING, AppointmentState, BlockKind, StoneFate
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
    known, before = await of_place(session, wish, now, key)
    if known.place is None or known.company is None:
        return Looked(known)
    if known.rules.company_day_limit is not None or known.rules.company_hours is not None:
        known = replace(known, company=await _so_far(session, wish, known.place, known.company, now, own))
    persons = await _visitors(session, wish)
    facts = replace(
        known,
        stones=await stones(session, wish.stones),
        visitors=frozenset(persons),
        persons=persons,
        quotas=await _quotas(session, wish.quotas),
    )
    found = await claims.read(session, rules.claimed(wish, facts), now, own=own)
    return Looked(replace(facts, rows=found.rows), found.late, before)


async def of_place(
    session: AsyncSession, wish: Wish, now: datetime, key: str | None = None
) -> tuple[Facts, int | None]:
    """The desk with its room and office, the hours around the wish, the regime in force and the rules; the company,
    but for what limits may count; and what it made with this key."""
    usual_days = BookingRules().no_show_days
    asked = {
        "desk": wish.desk, "sale": wish.sale, "start": wish.start, "end": wish.end, "company": wish.company_id,
        "operator": wish.operator, "since": now - timedelta(days=usual_days), "key": key,
    }  # fmt: skip
    rows = (await session.execute(_PLACE, asked)).all()
    if not rows:
        exists = await session.scalar(_COMPANY, asked) is not None
        return Facts(None, CompanyFacts() if exists else None), None
    (desk, closed, office, zone, usual, room, cap, companies, ends, differing, *_) = rows[0]
    company, private, missed, before, works, version = rows[0][13:19]
    regime = rows[0][19:]
    ruled = rules_of(usual, differing)
    if ruled.no_show_days != usual_days:
        since = now - timedelta(days=ruled.no_show_days)
        missed = await session.scalar(_MISSED, {"company": wish.company_id, "since": since})
    known = Facts(
        Place(office, zone, desk, room, cap or 0, companies, closed is not None, version),
        CompanyFacts(missed, approved=private is None or private in WELCOME) if company is not None else None,
        ruled,
        tuple({row[10]: Opening(row[10], row[11], _spans(row[12])) for row in rows if row[10] is not None}.values()),
        ends,
        RegimeFacts(*regime[1:]) if regime[0] is not None else RegimeFacts(),
        operator=wish.operator is None or works is not None,
    )
    return known, before


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
    """Where each stone is and will be, and what keeps it from being shown: one that is not exposed is withdrawn, before
    any event says so. A stone nobody knows is left out."""
    if not ids:
        return {}
    rows = [tuple(row) for row in await session.execute(_STAYS, {"stones": list(ids)})]
    if missing := set(ids) - {row[0] for row in rows}:
        rows += [(*row, None) for row in await session.execute(_NOWHERE, {"stones": sorted(missing)})]
    found = {stone: _stone([row for row in rows if row[0] == stone]) for stone in {row[0] for row in rows}}
    for stone, live in (await unavailable.on_memo(session, ids)).items():  # promised by trading, at this instant
        if stone in found and "until" in live.facts:
            block = rules.BlockFacts(BlockKind.MEMO, None, live.made_at, datetime.fromisoformat(live.facts["until"]))
            found[stone] = replace(found[stone], blocks=(*found[stone].blocks, block))
    return found


def _stone(rows: list[tuple[Any, ...]]) -> StoneFacts:
    blocks = {row[2]: rules.BlockFacts(BlockKind(row[3]), *row[4:7]) for row in rows if row[2] is not None}
    stays = {
        row[7]: rules.StayFacts(row[8], row[9], row[10], timedelta(minutes=row[11]), timedelta(minutes=row[12]))
        for row in rows
        if row[7] is not None
    }
    return StoneFacts(rows[0][1], tuple(blocks[n] for n in sorted(blocks)), tuple(stays[n] for n in sorted(stays)))


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
    found = await session.execute(_VISITORS, {"visitors": list(wish.visitors), "company": wish.company_id})
    return {visitor: str(visitor) if person is None else f"p{person}" for visitor, person in found}


async def _quotas(session: AsyncSession, ids: Sequence[str]) -> frozenset[str]:
    if not ids:
        return frozenset()
    return frozenset(row.id for row in await session.execute(_QUOTAS, {"quotas": list(ids)}))


@lru_cache(maxsize=512)
def _instants(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in pairs)


def _spans(breaks: list[list[str]] | None) -> tuple[tuple[datetime, datetime], ...]:
    return _instants(tuple((one[0], one[1]) for one in breaks or ()))


# The questions, put together once: they are asked at every try


def _no_shows() -> Select[int]:
    missed = Appointment.__table__.alias().c
    return select(func.count()).where(
        missed.company_id == bindparam("company", type_=BigInteger()),
        missed.state == AppointmentState.NO_SHOW.value,
        missed.starts_at >= bindparam("since", type_=UtcDateTime()),
    )


def _place() -> Select[Any]:
    desk, room, office, sale = (model.__table__.c for model in (Desk, Room, Office, SaleViewing))
    window, regime = Window.__table__.c, Regime.__table__.c
    company, private, staff = Company.__table__.c, PrivateViewer.__table__.c, OfficeStaff.__table__.c
    made = Appointment.__table__.alias().c
    asked = bindparam("company", type_=BigInteger())
    before = select(made.id).where(made.company_id == asked, made.request_key == bindparam("key", type_=String()))
    works = select(staff.person_id).where(
        staff.office_id == office.id, staff.person_id == bindparam("operator", type_=BigInteger()), staff.operator
    )
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
            company.id, private.state, _no_shows().scalar_subquery(), before.scalar_subquery(),
            works.scalar_subquery(), office.version,
            regime.id, regime.factor_pct, regime.gap_min, regime.companies, regime.declaration,
        )
        .select_from(
            Desk.__table__.join(Office.__table__, office.id == desk.office_id)
            .outerjoin(Room.__table__, room.id == desk.room_id)
            .outerjoin(SaleViewing.__table__, sale.sale == bindparam("sale"))
            .outerjoin(Window.__table__, open_then)
            .outerjoin(Regime.__table__, in_force)
            .outerjoin(Company.__table__, company.id == asked)
            .outerjoin(PrivateViewer.__table__, private.company_id == company.id)
        )
        .where(desk.id == bindparam("desk"))
        .order_by(regime.id)
    )  # fmt: skip


def _stones_question(of: FromClause, stone: ColumnElement[str], *stays: ColumnElement[Any]) -> Select[Any]:
    end, block, listing = StoneEnd.__table__.c, StoneBlock.__table__.c, Stone.__table__.alias()
    hidden = case((listing.c.exposed_id.is_(None), StoneFate.WITHDRAWN.value))
    return (
        select(
            stone, func.coalesce(end.fate, hidden), block.id, block.kind, block.company_id, block.starts_at,
            block.ends_at, *stays,
        )
        .select_from(
            of.outerjoin(StoneEnd.__table__, end.stone == stone)
            .outerjoin(StoneBlock.__table__, block.stone == stone)
            .outerjoin(listing, listing.c.public_id == stone)
        )
        .where(stone.in_(bindparam("stones", expanding=True)))
    )  # fmt: skip


_STAY = Stay.__table__.c
_PLACE = _place()
_MISSED = _no_shows()
_COMPANY = select(Company.__table__.c.id).where(Company.__table__.c.id == bindparam("company", type_=BigInteger()))
_STAYS = _stones_question(
    Stay.__table__, _STAY.stone, _STAY.id, _STAY.office_id, _STAY.arrive, _STAY.depart, _STAY.pack_min, _STAY.unpack_min
)
_NOWHERE = _stones_question(Stone.__table__, Stone.__table__.c.public_id)
_GUEST = Visitor.__table__.c
_VISITORS = select(_GUEST.id, _GUEST.person_id).where(
    _GUEST.id.in_(bindparam("visitors", expanding=True)),
    _GUEST.company_id == bindparam("company"),
    _GUEST.erased_at.is_(None),
)
_QUOTAS = select(Quota.__table__.c.id).where(Quota.__table__.c.id.in_(bindparam("quotas", expanding=True)))
