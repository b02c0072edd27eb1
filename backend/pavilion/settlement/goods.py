"""Where the goods of each sold lot are: reserved with the invoice, back in the safe with the credit note."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed
from pavilion.settlement import release_queries
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.release_models import Goods, GoodsState, Release

G = GoodsState
GONE = (G.HANDED_OVER, G.RECEIVED)


async def keep(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """Each lot that stands on the invoice has goods, reserved for it; those that a credit note took back have not. The
    caller has locked the invoice."""
    live = set(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id)))
    if invoice.number is None:
        return
    known = {one.lot: one for one in await release_queries.goods_of(session, invoice, lock=True)}
    for lot in sorted(live - known.keys()):
        goods = await session.get(Goods, lot, with_for_update=True)
        if goods is None:
            goods = Goods(lot=lot, changed_at=now)
            session.add(goods)
        if goods.state not in GONE:  # an invoice that takes another's place moves nothing
            goods.state, goods.release = G.RESERVED, None
        goods.invoice_id, goods.changed_at = invoice.id, now
    for lot in sorted(known.keys() - live):
        goods = known[lot]
        if goods.state in (G.RESERVED, G.RELEASED):
            await _taken_back(session, goods, now)
    await session.flush()


async def returned(session: AsyncSession, lot: str, *, by: str, now: datetime) -> Goods:
    """The goods of the lot are back with their owner. While the lot stands on a live invoice they are not given."""
    goods = await session.get(Goods, lot, with_for_update=True)
    if goods is None:
        goods = Goods(lot=lot, state=G.AT_HOUSE, changed_at=now)
        session.add(goods)
    if goods.state == G.RETURNED:
        return goods
    if await session.get(BilledLot, lot) is not None:
        raise ActNotAllowed(state=goods.state)
    goods.state, goods.release, goods.invoice_id, goods.changed_at = G.RETURNED, None, None, now
    await session.flush()
    events.record(session, "goods:returned", lot, by=by, at=now)
    return goods


async def set_all(session: AsyncSession, release: Release, state: GoodsState, now: datetime) -> None:
    """All goods of the release stand there now."""
    for one in await session.scalars(select(Goods).where(Goods.release == release.public_id).with_for_update()):
        one.state, one.changed_at = state, now
    await session.flush()


async def _taken_back(session: AsyncSession, goods: Goods, now: datetime) -> None:
    """Its sale was cancelled: it lies in the house, and the release goes on without it, or not at all."""
    asked = goods.release
    goods.state, goods.release, goods.invoice_id, goods.changed_at = G.AT_HOUSE, None, None, now
    await session.flush()
    release = await session.scalar(select(Release).where(Release.public_id == asked).with_for_update())
    if release is None:
        return
    release.packed_at, release.released_at, release.pass_sha256 = None, None, None
    release.version += 1
    left = await release_queries.lots_of(session, release)
    release.state = G.RESERVED if left else G.RETURNED
    await set_all(session, release, G.RESERVED, now)
    told = {"company_id": release.company_id, "office": release.office, "lot": goods.lot}
    events.record(session, "release:taken_back", release.public_id, by="house", at=now, **told)
