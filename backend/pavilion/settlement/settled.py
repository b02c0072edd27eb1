"""A sale is settled when nothing of it is left to pay, to offer or to state to a seller (bidding spec 2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import ending
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import SaleState
from pavilion.bidding.models import BookLot
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.seldom import Seldom
from pavilion.settlement import sold
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, OfferState
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.rules import PAYABLE, InvoiceState, LineKind, business_days_after
from pavilion.settlement.seller_models import StatedItem
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.trading.turns import ThreadState

EVERY = timedelta(minutes=10)


def ending_of_sales(sessions: Sessions) -> Seldom:
    """What the worker does for closed sales."""
    return Seldom(EVERY, partial(settle_all, sessions))


async def settle_all(sessions: Sessions, now: datetime) -> int:
    """Every closed sale of which nothing is left is settled; answers how many."""
    async with reading(sessions) as session:
        sales = await _nearly(session)
    done = 0
    for sale in sales:
        async with sessions.begin() as session:
            row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
            if row is not None and row.state == SaleState.CLOSED and await _is_done(session, row, now):
                await ending.settle(session, row, now)
                done += 1
    return done


async def _nearly(session: AsyncSession) -> Sequence[str]:
    """Closed sales without an invoice to pay, an offer to answer or a stop to lift."""
    unpaid = select(Invoice.sale).where(Invoice.state.in_((InvoiceState.DRAFT, *PAYABLE)))
    offered = select(LotOffer.sale).where(LotOffer.state == OfferState.OPEN)
    approached = select(Approach.sale).where(Approach.state == ThreadState.OPEN)
    stopped = select(SettlementStop.sale).where(SettlementStop.state == StopState.OPEN)
    wanted = select(Sale.public_id).where(Sale.state == SaleState.CLOSED, Sale.rules_hash.is_not(None))
    for busy in (unpaid, offered, approached, stopped):
        wanted = wanted.where(Sale.public_id.not_in(busy))
    return (await session.scalars(wanted.order_by(Sale.id))).all()


async def _is_done(session: AsyncSession, sale: Sale, now: datetime) -> bool:
    last = await session.scalar(select(func.max(BookLot.end)).where(BookLot.sale == sale.public_id))
    if last is None or sale.public_id in await sold.sales_to_bill(session):
        return False
    terms = await terms_of(session, sale.public_id, sale.entity)
    days = max(terms.passed_offer_days, int((sale.rules or {}).get("passed_offer_days", 0)))
    zone = ZoneInfo(sale.zone)
    if now.astimezone(zone).date() <= business_days_after(
        last.astimezone(zone).date(), days, entities()[sale.entity].holidays
    ):
        return False  # what passed may still be sold
    stated = select(StatedItem.item).where(StatedItem.item == "line:" + cast(InvoiceLine.id, String))
    unstated = select(InvoiceLine.id).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    unstated = unstated.where(Invoice.sale == sale.public_id, Invoice.state == InvoiceState.PAID)
    unstated = unstated.where(InvoiceLine.kind == LineKind.HAMMER, ~stated.exists())
    return await session.scalar(unstated.limit(1)) is None
