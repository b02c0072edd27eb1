"""A paid invoice that is owed again, because its money was taken back: what its payment had set free is not free."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding import service as bidding
from pavilion.settlement import discrepancies, goods, queries, release_queries, releasing
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.release_models import GoodsState

KIND = "gone_unpaid"
BY = "house"


async def undone(session: AsyncSession, invoice: Invoice, *, by: str | None, now: datetime) -> None:
    """Its lots count against the buyer's limit and are asked for their origin as unpaid ones are; what was released
    waits again and its pass opens nothing; of what has left the house already a person is told. Whose the stones are
    changes only when the sale is cancelled. The caller has locked the invoice."""
    for lot in sorted(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id))):
        await bidding.lot_owed(session, sale=invoice.sale, lot=lot, now=now)
    for release in await release_queries.of_invoice(session, invoice):
        await session.refresh(release, with_for_update=True)
        if release.state == GoodsState.RELEASED:
            await releasing.hold_back(session, release, by=by or BY, now=now)
    gone = [one.lot for one in await release_queries.goods_of(session, invoice) if one.state in goods.GONE]
    if gone:
        facts = {"amount_minor": await queries.open_minor(session, invoice), "currency": invoice.currency}
        key = f"{KIND}:{invoice.number}:{now.isoformat()}"
        await discrepancies.found(
            session, key=key, kind=KIND, subject=invoice.public_id, invoice=invoice.number,
            facts={**facts, "lots": len(gone)}, now=now,
        )  # fmt: skip
