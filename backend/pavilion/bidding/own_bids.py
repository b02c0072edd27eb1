"""What a company bid, and where."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.rules import SaleState
from pavilion.bidding.models import BookBid

PUBLIC = frozenset(SaleState) - {SaleState.DRAFT}


class OwnBid(NamedTuple):
    lot: str
    n: int
    seq: int
    key: str
    code: str | None


async def sales_bid_in(session: AsyncSession, company_id: int) -> list[str]:
    """The sales in which this company holds or held a paddle, the latest first."""
    found = select(Sale.public_id).join(Registration, Registration.sale_id == Sale.id)
    held = found.where(Registration.company_id == company_id, Registration.paddle.is_not(None), Sale.state.in_(PUBLIC))
    return list(await session.scalars(held.order_by(Sale.first_close_at.desc(), Sale.id.desc()).limit(40)))


async def own_bids(session: AsyncSession, sale: str, paddle: int | None, lot: str | None = None) -> list[OwnBid]:
    """Every bid of this paddle that stands in the book, the latest first."""
    if paddle is None:
        return []
    found = select(BookBid.lot, BookBid.n, BookBid.seq, BookBid.key, BookBid.code).where(
        BookBid.sale == sale, BookBid.paddle == paddle
    )
    if lot is not None:
        found = found.where(BookBid.lot == lot)
    return [OwnBid(*row) for row in await session.execute(found.order_by(BookBid.n.desc()))]
