"""Which company owns or keeps a stone, by the house's own records."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone
from pavilion.catalogue import queries
from pavilion.catalogue.models import Stone
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.rules import InvoiceState, LineKind

PAID = frozenset({InvoiceState.PAID})


async def holder_of(session: AsyncSession, stone: str) -> int | None:
    """The company that last paid for it here; before any sale the supplier."""
    bought = (
        select(Invoice.company_id)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .join(Lot, Lot.public_id == InvoiceLine.lot)
        .join(LotStone, LotStone.lot_id == Lot.id)
        .join(Stone, Stone.id == LotStone.stone_id)
        .where(Stone.public_id == stone, Invoice.state.in_(PAID), InvoiceLine.kind == LineKind.HAMMER)
        .order_by(Invoice.id.desc())
        .limit(1)
    )
    company = await session.scalar(bought)
    if company is not None:
        return company
    return await queries.supplied_by(session, stone)
