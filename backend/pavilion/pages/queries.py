"""Reads that span domains: the sales on the front page and what waits on each desk."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.queries import open_proposals
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.registry import TO_ANSWER
from pavilion.auctions.rules import LotState, SaleState
from pavilion.auctions.sequel_models import LotSequel
from pavilion.bidding.models import BookLot
from pavilion.bidding.showing import LotShown, SaleShown
from pavilion.insight import fairness_showing
from pavilion.kernel.jobs import Job, State
from pavilion.provenance import outcome_queries
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.queries import counts
from pavilion.settlement import clearing
from pavilion.settlement.default_models import LotOffer, OfferState
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_models import LEAVING, Release
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.viewings import places
from pavilion.viewings.models import Appointment
from pavilion.viewings.states import TAKING, AppointmentState

RUNNING = (SaleState.OPEN, SaleState.PAUSED)
OVER = (SaleState.CLOSED, SaleState.SETTLED)
LEFT = (LotState.LISTED, LotState.OPEN, LotState.PAUSED, LotState.CLOSING)
SHOWN = 12


class SaleLine(NamedTuple):
    """A sale in a list. Sums are minor units of the sale's currency."""

    sale: Sale
    lots: int
    left: int
    sold: int
    low_minor: int
    high_minor: int
    hammer_minor: int


class Card(NamedTuple):
    """A lot and the sale it stands in: the front page mixes the lots of several sales."""

    lot: LotShown
    sale: SaleShown


class Front(NamedTuple):
    running: list[SaleLine]
    upcoming: list[SaleLine]
    over: list[SaleLine]


class RegistrationLine(NamedTuple):
    registration: Registration
    sale: Sale


async def front(session: AsyncSession) -> Front:
    """Every published sale by where it stands: running, still to open, over."""
    running = await _lines(session, RUNNING, soonest_first=True)
    upcoming = await _lines(session, (SaleState.PUBLISHED,), soonest_first=True)
    return Front(running, upcoming, await _lines(session, OVER, soonest_first=False))


def plate_of(lots: Sequence[LotShown]) -> LotShown | None:
    """The lot on the cover: one that can still be had and has a traced picture, before any other; no hidden stone."""
    seen = [lot for lot in lots if lot.stones and not lot.hidden and not lot.withheld]
    return min(seen, key=lambda lot: (lot.is_decided, not lot.stones[0].picture), default=None)


def own_lots(sales: Sequence[SaleShown], limit: int) -> list[Card]:
    """The undecided lots this reader bid on, the next to close first."""
    return [card for card in _undecided(sales) if card.lot.own][:limit]


def lots_ahead(sales: Sequence[SaleShown], limit: int) -> list[Card]:
    """The lots that close next in any of the sales; of sales that are over, what was sold, the dearest first. A tender
    that has ended and is not opened closes no more."""
    sold = [Card(lot, sale) for sale in sales for lot in sale.lots if lot.state == "sold"]
    ended = [card for card in _undecided(sales) if card.lot.state == "closing" and card.sale.rules.tender]
    ahead = [card for card in _undecided(sales) if not card.lot.withheld and card not in ended]
    return (ahead or sorted(sold, key=lambda card: -(card.lot.price or 0)))[:limit]


def _undecided(sales: Sequence[SaleShown]) -> list[Card]:
    left = [Card(lot, sale) for sale in sales for lot in sale.lots if not lot.is_decided]
    return sorted(left, key=lambda card: card.lot.end or datetime.max.replace(tzinfo=UTC))


async def registrations_of(session: AsyncSession, company_id: int) -> list[RegistrationLine]:
    wanted = select(Registration, Sale).join(Sale, Sale.id == Registration.sale_id)
    rows = await session.execute(wanted.where(Registration.company_id == company_id).order_by(Sale.id.desc()).limit(50))
    return [RegistrationLine(registration, sale) for registration, sale in rows]


async def coming_viewings(session: AsyncSession, company_id: int, now: datetime) -> Sequence[Appointment]:
    """The next ones of this company, asked for or booked."""
    states = (AppointmentState.REQUESTED, *TAKING)
    wanted = select(Appointment).where(Appointment.company_id == company_id, Appointment.state.in_(states))
    wanted = wanted.where(Appointment.ends_at > now).order_by(Appointment.starts_at, Appointment.id)
    return (await session.scalars(wanted.limit(3))).all()


async def own_invoices(session: AsyncSession, company_id: int) -> list[tuple[Invoice, bool]]:
    """The newest, each with whether its payment is contested now."""
    wanted = select(Invoice).where(Invoice.company_id == company_id, Invoice.number.is_not(None))
    rows = (await session.scalars(wanted.order_by(Invoice.id.desc()).limit(5))).all()
    contested = await clearing.disputed(session, rows)
    return [(row, row.id in contested) for row in rows]


async def open_offers(session: AsyncSession, company_id: int, now: datetime) -> int:
    """How many lots this company could buy by its word now."""
    wanted = select(LotOffer.id).where(LotOffer.company_id == company_id, LotOffer.state == OfferState.OPEN)
    return await _count(session, wanted.where(LotOffer.expires_at > now))


async def waiting(session: AsyncSession, actor: Actor, now: datetime) -> dict[str, int]:
    """How much waits on each desk this person may sit at."""
    stopped = select(SettlementStop.id).where(SettlementStop.state == StopState.OPEN)
    found = {"proposals": await open_proposals(session, now), "stops": await _count(session, stopped)}
    if actor.may(Permission.LOT_CURATE) or actor.may(Permission.SALE_BUILD):
        found["sales"] = await _count(session, select(Sale.id).where(Sale.state == SaleState.DRAFT))
    if actor.may(Permission.REGISTRATION_DECIDE):
        found["registrations"] = await _count(session, select(Registration.id).where(TO_ANSWER))
    if actor.may(Permission.COMPANY_PROPOSE) or actor.may(Permission.COMPANY_DECIDE):
        found["companies"] = await _count(session, select(Company.id).where(Company.state == CompanyState.APPLIED))
    if actor.may(Permission.LOT_RUN) or actor.may(Permission.BID_BEHALF):
        found["running"] = await _count(session, select(Sale.id).where(Sale.state.in_(RUNNING)))
    if actor.may(Permission.ORIGIN_SEE):
        found["exceptions"] = (await counts(session))[VerdictCode.REVIEW]
        found["outcomes"] = await outcome_queries.waiting(session)
    if actor.may(Permission.FAIRNESS_SEE):
        found["fairness"] = await fairness_showing.to_decide(session)
    if actor.may(Permission.PAYMENT_BOOK):
        found["cashier"] = await _count(session, select(Invoice.id).where(Invoice.state.in_(PAYABLE)))
    if any(actor.may(right) for right in (Permission.LEDGER_SEE, Permission.PAYMENT_CONFIRM, Permission.BID_VOID)):
        found["defaults"] = await _count(session, select(Invoice.id).where(Invoice.state == InvoiceState.DEFAULTED))
    if actor.may(Permission.RELEASE_PREPARE):
        found["releases"] = await _count(session, select(Release.id).where(Release.state.in_(LEAVING)))
    if actor.may(Permission.VIEWING_RUN) and actor.person_id is not None:
        found["viewings"] = await places.waits(session, actor.person_id, now)
    if actor.may(Permission.JOB_RUN):
        found["jobs"] = await _count(session, select(Job.id).where(Job.state == State.FAILED))
    return found


async def sales_in(session: AsyncSession, states: Sequence[SaleState]) -> Sequence[Sale]:
    wanted = select(Sale).where(Sale.state.in_(states)).order_by(Sale.opens_at, Sale.id).limit(SHOWN)
    return (await session.scalars(wanted)).all()


async def _count(session: AsyncSession, rows: Select[int]) -> int:
    return await session.scalar(select(func.count()).select_from(rows.subquery())) or 0


async def _lines(session: AsyncSession, states: Sequence[SaleState], *, soonest_first: bool) -> list[SaleLine]:
    listed = Lot.state.not_in((LotState.WITHDRAWN, LotState.DRAFT))
    stands = and_(Lot.state == LotState.SOLD, Lot.public_id.not_in(select(LotSequel.lot)))  # by the hammer, to this day
    sums = (
        select(
            Lot.sale_id,
            func.count(Lot.id).label("lots"),
            func.count(Lot.id).filter(Lot.state.in_(LEFT)).label("left"),
            func.count(Lot.id).filter(stands).label("sold"),
            func.coalesce(func.sum(Lot.low_minor).filter(~Lot.on_request), 0).label("low"),
            func.coalesce(func.sum(Lot.high_minor).filter(~Lot.on_request), 0).label("high"),
            func.coalesce(func.sum(BookLot.price).filter(stands), 0).label("hammer"),
        )
        .outerjoin(BookLot, BookLot.lot == Lot.public_id)
        .where(listed)
        .group_by(Lot.sale_id)
        .subquery()
    )
    order = (Sale.first_close_at, Sale.id) if soonest_first else (Sale.first_close_at.desc(), Sale.id.desc())
    told = (sums.c.lots, sums.c.left, sums.c.sold, sums.c.low, sums.c.high, sums.c.hammer)
    columns = (func.coalesce(column, 0) for column in told)
    wanted = select(Sale, *columns).outerjoin(sums, sums.c.sale_id == Sale.id).where(Sale.state.in_(states))
    rows = await session.execute(wanted.order_by(*order).limit(SHOWN))
    return [SaleLine(row[0], *(int(n) for n in row[1:])) for row in rows]
