"""Reads of what was not paid, of what is offered, and of lots that passed."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts import strikes
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.accounts.strike_models import Strike
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.told import LotTold, told
from pavilion.bidding.models import BookLot, BookLotState
from pavilion.bidding.vault import Vault
from pavilion.bidding.voiding import LiveBids, live_bids
from pavilion.kernel.errors import NotFound
from pavilion.settlement import approaching, defaulting, deposits, invoicing, offering, queries, remedies
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.default_models import LotOffer, LotRemedy, OfferState
from pavilion.settlement.deposit_models import UNPAID, Deposit
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.remedies import Outlook
from pavilion.settlement.rules import InvoiceState, LineKind, business_days_after

PAGE = 100
PASSED_FOR = timedelta(days=40)  # no window of offers is longer


class Late(NamedTuple):
    """An unpaid invoice past its due day. `default_on`: none while its settlement stands stopped."""

    invoice: Invoice
    company: str
    open_minor: int
    default_on: date | None


class Defaulted(NamedTuple):
    """An invoice that was not paid, with its strike; `waiting`: lots for which a choice can be made now."""

    invoice: Invoice
    company: str
    open_minor: int
    strike: Strike
    barred: bool
    waiting: int


class Lead(NamedTuple):
    """A running lot led by a company that could not bid for it now: it is `barred`, or its `deposit` is gone."""

    live: LiveBids
    company: str
    why: str


class LotLine(NamedTuple):
    """A lot of a defaulted invoice: what was chosen, to whom it was offered, and what can be chosen now."""

    line: InvoiceLine
    made: Sequence[LotRemedy]
    offers: Sequence[LotOffer]
    forbids: str | None
    outlook: Outlook | None


class OwnOffer(NamedTuple):
    """An offer to the reader's company, with what it would owe; no tax and no total while its tax is not decided."""

    offer: LotOffer
    lot: LotTold
    sale: Sale
    state: str
    premium_minor: int
    tax_minor: int | None
    total_minor: int | None


class Passed(NamedTuple):
    """A passed lot that may still be offered to those who bid on it, or on which an offer waits for its answer."""

    lot: Lot
    sale: Sale
    bids: int
    until: date
    in_time: bool
    offers: Sequence[LotOffer]


async def late(session: AsyncSession) -> list[Late]:
    """The overdue invoices, the next to default first."""
    wanted = select(Invoice, Company.name).join(Company, Company.id == Invoice.company_id)
    rows = await session.execute(
        wanted.where(Invoice.state == InvoiceState.OVERDUE).order_by(Invoice.default_on, Invoice.id).limit(PAGE)
    )
    found = []
    for invoice, name in rows.all():
        terms = await terms_of(session, invoice.sale, invoice.entity)
        day = await defaulting.default_day(session, invoice, terms)
        found.append(Late(invoice, name, await queries.open_minor(session, invoice), None if day == date.max else day))
    return found


async def defaulted(session: AsyncSession, now: datetime) -> list[Defaulted]:
    """What was not paid: where something can be done first, then the latest."""
    wanted = (
        select(Invoice, Company.name, Strike)
        .join(Strike, Strike.invoice == Invoice.number)
        .join(Company, Company.id == Invoice.company_id)
        .options(selectinload(Invoice.lines))
    )
    rows = (await session.execute(wanted.order_by(Strike.ended_at.is_not(None), Strike.id.desc()).limit(PAGE))).all()
    found = []
    for invoice, name, strike in rows:
        barred = await strikes.barred(session, invoice.company_id, entities()[invoice.entity].strikes)
        waiting = 0
        for lot in _lots(invoice):
            waiting += await remedies.may_choose(session, invoice, lot, now) is None
        open_minor = await queries.open_minor(session, invoice)
        found.append(Defaulted(invoice, name, open_minor, strike, barred, waiting))
    return sorted(found, key=lambda row: row.waiting == 0)


async def defaulted_invoice(session: AsyncSession, number: str) -> Invoice:
    """An invoice that defaulted once; NotFound for any other."""
    invoice = await queries.invoice_by_number(session, number)
    if invoice is None or number not in await strikes.strikes_of(session, [number]):
        raise NotFound()
    return invoice


class Standing(NamedTuple):
    """How the buyer of a defaulted invoice stands."""

    strike: Strike
    open: int
    barred: bool
    forfeited_minor: int


async def standing_of(session: AsyncSession, invoice: Invoice) -> Standing:
    assert invoice.number is not None
    strike = (await strikes.strikes_of(session, [invoice.number]))[invoice.number]
    count = len(await strikes.open_strikes(session, invoice.company_id))
    barred = count >= entities()[invoice.entity].strikes
    return Standing(strike, count, barred, await deposits.forfeited_minor(session, invoice))


async def lot_lines(session: AsyncSession, vault: Vault, invoice: Invoice, now: datetime) -> list[LotLine]:
    """The lots of the invoice in its order."""
    made = await remedies.remedies_of(session, _lots(invoice))
    found = []
    for line in invoice.lines:
        if line.kind != LineKind.HAMMER or line.lot is None:
            continue
        forbids = await remedies.may_choose(session, invoice, line.lot, now)
        outlook = await remedies.outlook(session, vault, invoice, line.lot, now) if forbids is None else None
        own = [one for one in made if one.lot == line.lot and one.invoice_id == invoice.id]
        offers = await offering.offers_of(session, line.lot)
        found.append(LotLine(line, own, offers, forbids, outlook))
    return found


async def live_leads(session: AsyncSession) -> list[Lead]:
    """Running lots led by companies that are barred, or whose deposit for the sale is gone: their bids are to be voided
    by two persons before the close."""
    unpaid = select(Deposit.company_id, Deposit.sale).where(Deposit.state.in_(UNPAID))
    gone = {(company, sale) for company, sale in await session.execute(unpaid)}
    struck = set(await session.scalars(select(Strike.company_id)))
    found = []
    for live in await live_bids(session, struck | {company for company, _ in gone}):
        threshold = entities()[live.sale.entity].strikes
        barred = live.company_id in await strikes.barred_of(session, [live.company_id], threshold)
        if not barred and (live.company_id, live.sale.public_id) not in gone:
            continue
        stands = await session.get_one(BookLot, live.lot.public_id)
        if stands.leader == live.paddle:
            company = await session.get_one(Company, live.company_id)
            found.append(Lead(live, company.name, "barred" if barred else "deposit"))
    return found


async def own_offers(session: AsyncSession, actor: Actor, now: datetime) -> list[OwnOffer]:
    """The offers to the reader's company: those it can answer first, the next to lapse on top."""
    wanted = (
        select(LotOffer, Lot, Sale)
        .join(Lot, Lot.public_id == LotOffer.lot)
        .join(Sale, Sale.public_id == LotOffer.sale)
        .where(LotOffer.company_id == (actor.company_id or 0), LotOffer.state != OfferState.WITHDRAWN)
    )
    rows = (await session.execute(wanted.order_by(LotOffer.id.desc()).limit(PAGE))).all()
    words = await told(session, [lot for _, lot, _ in rows], actor)
    found = [await _own(session, offer, words[lot.public_id], sale, now) for offer, lot, sale in rows]
    return sorted(found, key=lambda one: (one.state != OfferState.OPEN, one.offer.expires_at))


async def _own(session: AsyncSession, offer: LotOffer, lot: LotTold, sale: Sale, now: datetime) -> OwnOffer:
    """Reckoned as the invoice will be."""
    terms, buyer, held = await offering.sold_by(session, offer, now)
    owed = await invoicing.outlay(session, terms, buyer, held, now)
    total = None if owed.tax is None else offer.price_minor + owed.premium + owed.tax
    return OwnOffer(offer, lot, sale, offering.state_of(offer, now), owed.premium, owed.tax, total)


async def passed(session: AsyncSession, now: datetime) -> list[Passed]:
    """Passed lots that can be offered or are offered now, by sale and number."""
    wanted = (
        select(Lot, Sale, BookLot)
        .join(Sale, Sale.id == Lot.sale_id)
        .join(BookLot, BookLot.lot == Lot.public_id)
        .where(BookLot.state == BookLotState.PASSED, BookLot.end > now - PASSED_FOR)
        .order_by(Sale.id.desc(), Lot.number, Lot.suffix)
    )
    found = []
    for lot, sale, stands in (await session.execute(wanted.limit(PAGE))).all():
        holidays = entities()[sale.entity].holidays
        days = (sale.rules or {})["passed_offer_days"]
        until = business_days_after(offering.local_day(stands.end, sale.zone), days, holidays)
        in_time = offering.local_day(now, sale.zone) <= until
        offers = await offering.offers_of(session, lot.public_id)
        waits = any(one.standing.open_at(now) for one in await approaching.of_lot(session, lot.public_id))
        if in_time or waits or any(offering.is_open(one, now) for one in offers):
            found.append(Passed(lot, sale, stands.bids, until, in_time, offers))
    return found


def _lots(invoice: Invoice) -> list[str]:
    return [line.lot for line in invoice.lines if line.kind == LineKind.HAMMER and line.lot is not None]
