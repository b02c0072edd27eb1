"""Lots of a collection bought at their published price: the first committed order wins (settlement spec 11)."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import service as auctions
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import LotState, SaleState
from pavilion.catalogue.models import Stone
from pavilion.catalogue.service import NotAvailable, PriceChanged
from pavilion.kernel.errors import StaleVersion
from pavilion.trading import placing
from pavilion.trading.models import Order
from pavilion.trading.placing import Piece
from pavilion.trading.rules import OrderSource


async def buy_lot(
    session: AsyncSession,
    *,
    lot: str,
    seen: int,
    price_minor: int,
    company_id: int,
    destination: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> Order:
    """The lot is the company's, with all its stones, and the collection closes with its last lot. Its owner gave it to
    be sold at this price: nobody is asked any more."""
    said = placing.digest(destination, lot, seen, price_minor, OrderSource.COLLECTION)
    if (known := await placing.known_order(session, company_id, key, said)) is not None:
        return known
    sale, row, stones = await auctions.lot_on_offer(session, lot, now)
    if row.opening_minor is None or row.consignor_company_id is None or not stones:
        raise NotAvailable(lot=lot, reason="withdrawn")
    if row.opening_minor != price_minor:
        raise PriceChanged(lot=lot, price=row.opening_minor, currency=sale.currency, seen=row.version)
    if row.version != seen:
        raise StaleVersion(lot=lot, seen=row.version)
    piece = Piece(
        tuple(sorted(stones, key=lambda one: one.id)), price_minor, row.title_en, row.title_zh, row.public_id, lot
    )
    order = await placing.write_order(
        session,
        company_id=company_id,
        destination=destination,
        pieces=[piece],
        entity=sale.entity,
        currency=sale.currency,
        seller_company_id=row.consignor_company_id,
        confirm_by=None,
        source=OrderSource.COLLECTION,
        source_ref=sale.public_id,
        key=key,
        body_sha256=said,
        actor=actor,
        now=now,
    )
    await auctions.sold_from_collection(session, lot=lot, by=actor.public_id, now=now)
    return order


def lot_of(sale: str, lot: str) -> Select[Lot]:
    """A published lot of this collection."""
    wanted = select(Lot).join(Sale, Sale.id == Lot.sale_id).where(Lot.public_id == lot, Sale.public_id == sale)
    return wanted.where(Sale.type == SaleType.COLLECTION, Sale.state != SaleState.DRAFT, Lot.state != LotState.DRAFT)


async def shown(session: AsyncSession, row: Lot, actor: Actor, now: datetime) -> tuple[Sale, list[Stone], bool]:
    """The collection, the lot's stones, and whether this reader can buy it now."""
    sale = await session.get_one(Sale, row.sale_id)
    stones = list((await stones_by_lot(session, [row.id], actor))[row.id])
    opened = sale.state == SaleState.PUBLISHED and sale.opens_at is not None and sale.opens_at <= now
    listed = bool(stones) and all(one.listed for one in stones) and row.state == LotState.LISTED
    return sale, stones, opened and listed and row.consignor_company_id != actor.company_id
