"""Orders at a fixed price, as they are billed, paid and handed out (settlement spec 11.4). What was said of an order or
its invoice is only a reason to look: the order is brought on from what stands, so that nothing is done twice."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions.entities import entities
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, Refusal
from pavilion.kernel.events import Event, cursor_of, news, unread
from pavilion.settlement import crediting, invoicing, stopping
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.release_models import Goods, GoodsState, Release
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.trading import placing, queries
from pavilion.trading.models import Order
from pavilion.trading.queries import OrderFacts
from pavilion.trading.rules import CANCELLABLE, OrderState, short

CANCEL = "order.cancel"
FOLLOWER = "settlement:orders"
OF_ORDERS = ("order:placed", "order:confirmed", "order:refused")
OF_INVOICES = ("invoice:issued", "invoice:paid", "invoice:reopened", "invoice:credited", "invoice:cancelled")
OF_STOPS = ("settlement:released", "settlement:cancelled")
OF_RELEASES = ("release:handed_over", "release:received", "release:taken_back")
NAMES = (*OF_ORDERS, *OF_INVOICES, *OF_STOPS, *OF_RELEASES)
AT_ONCE = 100
ANEW = timedelta(minutes=1)  # so often what could not be issued is tried again
BY = "house"
GONE = (GoodsState.HANDED_OVER, GoodsState.RECEIVED)


class Following:
    """The tick: after each event of an order, and now and then those that still wait for their invoice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._looked: datetime | None = None

    async def tick(self, now: datetime) -> int:
        if self._looked is None or now - self._looked >= ANEW:
            self._looked = now
            async with reading(self._sessions) as session:
                waiting = select(Order.public_id).where(Order.state.in_((OrderState.PLACED, OrderState.CONFIRMED)))
                stuck = (await session.scalars(waiting.order_by(Order.id).limit(AT_ONCE))).all()
            await _bring_on_all(self._sessions, stuck, now)
        return await follow(self._sessions, now)


async def follow(sessions: Sessions, now: datetime) -> int:
    """What was said since the last look has had its effect on the orders it is about."""
    if not await news(sessions, FOLLOWER, NAMES):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        again, fresh = await unread(session, cursor, NAMES, at_once=AT_ONCE)
        named = await _orders_of(session, [*again, *fresh])
        last = fresh[-1].id if fresh else cursor.last_id
    await _bring_on_all(sessions, named, now)
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        cursor.last_id = max(cursor.last_id, last)
    return len(fresh)


async def cancel(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Two persons have called the order off: a credit note takes its invoice back, or its draft is no more; the stones
    can be sold to others. What is paid is not called off any more."""
    order = await placing.locked(session, proposal.facts["order"])
    if OrderState(order.state) not in CANCELLABLE:
        raise ActNotAllowed(state=order.state)
    invoice = await _invoice_of(session, order.public_id)
    if invoice is not None and invoice.number is not None:
        if InvoiceState(invoice.state) not in PAYABLE:
            raise ActNotAllowed(state=invoice.state)
        await crediting.credit(session, invoice, reason=proposal.reason, by=actor.public_id, now=now)
    else:
        await _take_off(session, order)
    await placing.cancel(session, order, reason=proposal.reason, by=actor.public_id, now=now)


async def put_right(session: AsyncSession, public_id: str, now: datetime) -> int | None:
    """The order is as far as its invoice and its goods are; answers the draft that can be issued now."""
    order = await placing.locked(session, public_id)
    state = OrderState(order.state)
    if state in (OrderState.REFUSED, OrderState.CANCELLED):
        await _take_off(session, order)
        return None
    if state == OrderState.CONFIRMED and (why := await _stopped_for_good(session, order)) is not None:
        await _take_off(session, order)
        await placing.cancel(session, order, reason=why, by=BY, now=now)
        return None
    if state in (OrderState.PLACED, OrderState.CONFIRMED):
        await _bill(session, order, now)
    invoice = await _invoice_of(session, public_id)
    if invoice is None:
        await _taken_back(session, order, now)
        return None
    if invoice.number is None:
        return invoice.id if state == OrderState.CONFIRMED else None
    if state == OrderState.CONFIRMED:
        await placing.move(session, order, OrderState.INVOICED, by=BY, now=now, invoice=invoice.number)
    paid = invoice.state == InvoiceState.PAID
    if order.state == OrderState.INVOICED and paid:
        await placing.move(session, order, OrderState.PAID, by=BY, now=now)
    elif order.state == OrderState.PAID and not paid:
        await placing.move(session, order, OrderState.INVOICED, by=BY, now=now)
    if order.state in (OrderState.PAID, OrderState.SHIPPED):
        await _goods(session, order, invoice, now)
    return None


async def _bring_on_all(sessions: Sessions, orders: Collection[str], now: datetime) -> None:
    for public_id in sorted(set(orders)):
        async with sessions.begin() as session:
            draft = await put_right(session, public_id, now)
        if draft is None:
            continue
        async with sessions.begin() as session:
            if await stopping.look(session, public_id, now):
                continue  # its origin or destination no longer holds: a person decides
        try:
            async with sessions.begin() as session:
                await placing.locked(session, public_id)
                await invoicing.issue(session, await crediting.locked(session, draft), now)
        except Refusal:
            continue  # the draft's own page says what refuses it
        async with sessions.begin() as session:
            await put_right(session, public_id, now)


async def _orders_of(session: AsyncSession, said: Collection[Event]) -> set[str]:
    named = {one.subject for one in said if one.name in OF_ORDERS}
    invoices = {one.subject for one in said if one.name in OF_INVOICES}
    releases = {one.subject for one in said if one.name in OF_RELEASES}
    sales = set(await session.scalars(select(Invoice.sale).where(Invoice.public_id.in_(invoices))))
    handed = select(Invoice.sale).join(Release, Release.invoice_id == Invoice.id)
    sales |= {one.facts["sale"] for one in said if one.name in OF_STOPS}
    sales |= set(await session.scalars(handed.where(Release.public_id.in_(releases))))
    return named | set(await session.scalars(select(Order.public_id).where(Order.public_id.in_(sales))))


async def _bill(session: AsyncSession, order: Order, now: datetime) -> None:
    """Each line stands on a draft, without premium: the price is the price."""
    found = await queries.order_of(session, order.public_id)
    assert found is not None
    billed = set(
        await session.scalars(select(BilledLot.lot).where(BilledLot.lot.in_([line.public_id for line in found.lines])))
    )
    if free := [_sold(found, line) for line in found.lines if line.public_id not in billed]:
        buyer = Buyer(found.company_id, "", found.destination)
        await invoicing.add_lots(session, terms=terms_of(found), buyer=buyer, lots=free, now=now)


def terms_of(order: OrderFacts) -> SaleTerms:
    name = short(order.public_id)
    return SaleTerms(
        sale=order.public_id,
        title_en=f"Order {name}",
        title_zh=f"订单 {name}",
        currency=order.currency,
        entity=order.entity,
        zone=entities()[order.entity].zone,
        bands=((None, 0),),
        early_bands=None,
    )


def _sold(order: OrderFacts, line: queries.LineFacts) -> SoldLot:
    return SoldLot(
        lot=line.public_id,
        number=str(line.place),
        title_en=line.title_en,
        title_zh=line.title_zh,
        detail=dict(line.facts),
        hammer_minor=line.price_minor,
        early=False,
        consignor_company_id=order.seller_company_id,
        sold_at=order.placed_at,
    )


async def _invoice_of(session: AsyncSession, order: str) -> Invoice | None:
    """The one on which its lines stand now, locked; after a correction that is the newer."""
    wanted = select(Invoice.id).where(Invoice.sale == order, Invoice.state != InvoiceState.CANCELLED)
    newest = await session.scalar(wanted.order_by(Invoice.id.desc()).limit(1))
    return None if newest is None else await crediting.locked(session, newest)


async def _take_off(session: AsyncSession, order: Order) -> None:
    for line in await placing.lines_of(session, order):
        await invoicing.take_off(session, line.public_id)


async def _stopped_for_good(session: AsyncSession, order: Order) -> str | None:
    """Why a compliance person has cancelled the sale of it, before anything was issued."""
    wanted = select(SettlementStop.reason).where(SettlementStop.sale == order.public_id)
    return await session.scalar(wanted.where(SettlementStop.state == StopState.CANCELLED).limit(1))


async def _taken_back(session: AsyncSession, order: Order, now: datetime) -> None:
    """Every invoice of it was credited whole, by whatever act: the order is called off."""
    notes = select(Invoice.id).where(Invoice.sale == order.public_id, Invoice.state == InvoiceState.CANCELLED)
    if order.state == OrderState.INVOICED and await session.scalar(notes.limit(1)) is not None:
        await placing.cancel(session, order, reason="", by=BY, now=now)


async def _goods(session: AsyncSession, order: Order, invoice: Invoice, now: datetime) -> None:
    """Shipped once everything is handed over, completed once all of it is received."""
    states = {one.state for one in await session.scalars(select(Goods).where(Goods.invoice_id == invoice.id))}
    if states and states <= set(GONE):
        await placing.move(session, order, OrderState.SHIPPED, by=BY, now=now)
    if states == {GoodsState.RECEIVED}:
        await placing.move(session, order, OrderState.COMPLETED, by=BY, now=now)


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {CANCEL: cancel}
