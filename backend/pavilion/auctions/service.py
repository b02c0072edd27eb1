"""Verbs on sales and lots after publication, and the mirror of the book. The caller commits."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import adding, ending, publishing, registering
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.rules import FINAL_LOT, LotState, SaleState
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.errors import NotFound


async def mirror_states(
    session: AsyncSession, *, sale: str, state: str | None, lots: Mapping[str, str], now: datetime
) -> None:
    """The rows say what the book says: the sale's state and each named lot's; stones of ended lots are let go or sold.

    Asked twice nothing more happens. A lot that has ended stays ended.
    """
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None or row.state == SaleState.DRAFT:  # unpublished meanwhile: the list is the curators' again
        return
    if state is not None and row.state not in (SaleState.SETTLED, state):
        row.state = SaleState(state)
        if state != SaleState.PUBLISHED:
            await adding.let_go(session, row, list(lots), now)
        if state == SaleState.CLOSED:
            await ending.sale_closed(session, row, now)
    if not lots:
        return
    found = await session.scalars(select(Lot).where(Lot.sale_id == row.id, Lot.public_id.in_(lots)))
    for lot in found:
        wanted = LotState(lots[lot.public_id])
        if lot.state == wanted or lot.state in FINAL_LOT:
            continue
        lot.state = wanted
        await _settle_stones(session, lot, wanted, now)
    await session.flush()


async def lot_on_offer(session: AsyncSession, lot: str, now: datetime) -> tuple[Sale, Lot, list[Stone]]:
    """A lot of a collection that can be bought now, with its stones; its sale is locked, so that one buyer wins."""
    wanted = select(Sale).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot)
    sale = await session.scalar(wanted.with_for_update(of=Sale).execution_options(populate_existing=True))
    if sale is None or sale.type != SaleType.COLLECTION or sale.state == SaleState.DRAFT:
        raise NotFound()
    row = (await session.scalars(select(Lot).where(Lot.public_id == lot).with_for_update())).one()
    await session.refresh(row)
    if row.state != LotState.LISTED:
        raise catalogue.NotAvailable(lot=lot, reason=str(row.state))
    if sale.state != SaleState.PUBLISHED or sale.opens_at is None or now < sale.opens_at:
        raise catalogue.NotAvailable(lot=lot, reason="not_open")
    held = visible_to(HOUSE).join(LotStone, LotStone.stone_id == Stone.id).where(LotStone.lot_id == row.id)
    return sale, row, list(await session.scalars(held.order_by(LotStone.place)))


async def sold_from_collection(session: AsyncSession, *, lot: str, by: str | None, now: datetime) -> None:
    """The lot of a collection is sold; with its last lot the collection is closed."""
    row = (await session.scalars(select(Lot).where(Lot.public_id == lot).with_for_update())).one()
    row.state = LotState.SOLD
    await session.flush()
    events.record(session, "collection:lot_sold", lot, by=by, at=now)
    left = select(Lot.id).where(Lot.sale_id == row.sale_id, Lot.state.not_in(FINAL_LOT))
    if await session.scalar(left.limit(1)) is None:
        sale = await session.get_one(Sale, row.sale_id, with_for_update=True)
        sale.state = SaleState.CLOSED
        await session.flush()
        events.record(session, "collection:closed", sale.public_id, by=by, at=now)


async def _settle_stones(session: AsyncSession, lot: Lot, state: LotState, now: datetime) -> None:
    if state not in FINAL_LOT:
        return
    held = select(LotStone.stone_id).where(LotStone.lot_id == lot.id)
    stones = await session.scalars(visible_to(HOUSE).where(Stone.id.in_(held)))
    for stone in stones.all():
        end = catalogue.sell_stone if state == LotState.SOLD else catalogue.release_stone
        await end(session, stone=stone.public_id, ref=lot.public_id, by="engine", now=now)


# What a second person's word carries out; `main.py` registers them.
proposal_handlers = publishing.PROPOSAL_HANDLERS | registering.PROPOSAL_HANDLERS
