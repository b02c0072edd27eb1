"""What came of a company's bids in a sale: won and lost, and what is owed for it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding.models import BookLot
from pavilion.bidding.own_bids import OwnBid
from pavilion.bidding.showing import LotShown, Purse, SaleShown


class OwnResult(NamedTuple):
    """The lots that have ended, of those the company had a bid accepted on. Sums are of the lots won."""

    won: Sequence[str]
    lost: int
    unsold: int
    hammer: int
    all_in: int

    @property
    def ended(self) -> int:
        return len(self.won) + self.lost + self.unsold


async def own_results(
    session: AsyncSession, held: Sequence[tuple[SaleShown, Purse, Sequence[tuple[LotShown, Sequence[OwnBid]]]]]
) -> Mapping[str, OwnResult]:
    """By sale; a sale in which nothing has ended yet is absent."""
    found = {sale.id: _result(sale, purse, lots, await _won(session, sale, purse)) for sale, purse, lots in held}
    return {sale: result for sale, result in found.items() if result.ended}


async def _won(session: AsyncSession, sale: SaleShown, purse: Purse) -> set[str]:
    """The book itself says who leads a sold lot, also while the sale's writer is away."""
    if purse.paddle is None:
        return set()
    own = select(BookLot.lot).where(BookLot.sale == sale.id, BookLot.state == "sold", BookLot.leader == purse.paddle)
    return set(await session.scalars(own))


def _result(
    sale: SaleShown, purse: Purse, lots: Sequence[tuple[LotShown, Sequence[OwnBid]]], won: set[str]
) -> OwnResult:
    ended = [lot for lot, bids in lots if lot.is_decided and any(bid.seq for bid in bids)]
    mine = [lot for lot in ended if lot.id in won and lot.state == "sold"]  # not one whose sale was cancelled since
    costs = [purse.of(lot).cost(lot.price or 0) for lot in mine]
    return OwnResult(
        won=[lot.id for lot in mine],
        lost=sum(lot.state == "sold" and lot.id not in won for lot in ended),
        unsold=sum(lot.state != "sold" for lot in ended),  # under the hammer
        hammer=sum(cost.hammer for cost in costs),
        all_in=sum(cost.total for cost in costs),
    )
