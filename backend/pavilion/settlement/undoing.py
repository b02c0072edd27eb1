"""A paid invoice that is owed again, because its money was taken back: what its payment had set free is not free."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding import service as bidding
from pavilion.kernel import events
from pavilion.settlement import discrepancies, queries
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.release_models import Goods, GoodsState, Release

KIND = "gone_unpaid"
BY = "house"
G = GoodsState


async def undone(session: AsyncSession, invoice: Invoice, *, by: str | None, now: datetime) -> None:
    """Its lots count against the buyer's limit and are asked for their origin as unpaid ones are; what was released
    waits again and its pass opens nothing; of what has left the house already a person is told. Whose the stones are
    changes only when the sale is cancelled. The caller has locked the invoice."""
    for lot in sorted(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id))):
        await bidding.lot_owed(session, sale=invoice.sale, lot=lot, now=now)
    ready = select(Release).where(Release.invoice_id == invoice.id, Release.state == G.RELEASED).order_by(Release.id)
    for release in (await session.scalars(ready.with_for_update())).all():
        await held_back(session, release, by=by or BY, now=now)
    gone = select(Goods.lot).where(Goods.invoice_id == invoice.id, Goods.state.in_((G.HANDED_OVER, G.RECEIVED)))
    if lots := (await session.scalars(gone)).all():
        facts = {"amount_minor": await queries.open_minor(session, invoice), "currency": invoice.currency}
        key = f"{KIND}:{invoice.number}:{now.isoformat()}"
        await discrepancies.found(
            session, key=key, kind=KIND, subject=invoice.public_id, invoice=invoice.number,
            facts={**facts, "lots": len(lots)}, now=now,
        )  # fmt: skip


async def held_back(session: AsyncSession, release: Release, *, by: str, now: datetime) -> None:
    """Released, and not to go after all: it waits again, and the pass that was given out opens nothing."""
    release.state, release.released_at, release.pass_sha256 = G.RESERVED, None, None
    for one in await session.scalars(select(Goods).where(Goods.release == release.public_id).with_for_update()):
        one.state, one.changed_at = G.RESERVED, now
    await session.flush()
    told = {"company_id": release.company_id, "office": release.office}
    events.record(session, "release:held_back", release.public_id, by=by[:40], at=now, **told)
