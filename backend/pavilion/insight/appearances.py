"""What became of one stone: every published lot it stood in, the latest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import noticing, sequels
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.bidding.models import BookLot
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import sees_supplier_of
from pavilion.insight.results import UNDER_HAMMER, Again, offered_again
from pavilion.insight.results_models import ResultLot


class Stood(NamedTuple):
    """One appearance. The way from lot to lot and the bids on what was not sold are told to the house and the owner."""

    lot: Lot
    sale: Sale
    state: str
    ended_at: datetime | None
    result: ResultLot | None
    again: Again | None
    before: Again | None
    tells_bids: bool
    estimate: tuple[int, int] | None  # as it is public; none: on request


async def of_stone(session: AsyncSession, stone: Stone, actor: Actor, now: datetime) -> list[Stood]:
    """Only published sales, in which every lot has its public page."""
    wanted = (
        select(Lot, Sale, BookLot, ResultLot)
        .join(LotStone, LotStone.lot_id == Lot.id)
        .join(Sale, Sale.id == Lot.sale_id)
        .join(BookLot, BookLot.lot == Lot.public_id, isouter=True)
        .join(ResultLot, ResultLot.lot == Lot.public_id, isouter=True)
        .where(LotStone.stone_id == stone.id, Sale.state != SaleState.DRAFT, Lot.number.is_not(None))
        .where(Lot.state != LotState.DRAFT)
        .order_by(Sale.first_close_at.desc(), Lot.id.desc())
    )
    rows = (await session.execute(wanted)).all()
    inside = sees_supplier_of(actor, stone)
    became = await sequels.of_lots(session, [lot.public_id for lot, *_ in rows])
    again = await offered_again(session, [lot.public_id for lot, *_ in rows]) if inside else {}
    notices = {sale.id: await noticing.of_sale(session, sale.public_id) for _, sale, *_ in rows}
    before = await _offered_before(session, [lot for lot, *_ in rows]) if inside else {}
    return [
        Stood(
            lot,
            sale,
            became.get(lot.public_id) or (result.state if result else book.state if book else "listed"),
            result.ended_at if result else None,
            result,
            again.get(lot.public_id),
            before.get(lot.reoffer_of or ""),
            inside or result is None or result.state in UNDER_HAMMER or now >= result.bids_told_at,
            noticing.estimate_told(lot, notices[sale.id]),
        )
        for lot, sale, book, result in rows
    ]


async def _offered_before(session: AsyncSession, lots: Sequence[Lot]) -> dict[str, Again]:
    olds = [lot.reoffer_of for lot in lots if lot.reoffer_of]
    if not olds:
        return {}
    found = select(Lot, Sale.public_id).join(Sale, Sale.id == Lot.sale_id).where(Lot.public_id.in_(olds))
    return {lot.public_id: Again(lot.public_id, lot.number_text, sale) for lot, sale in await session.execute(found)}
