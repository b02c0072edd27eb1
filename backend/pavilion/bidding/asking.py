"""What a lot asks of its reader and what the reader asked: shown beside the bid."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.bidding import lot_requests, viewing_gate
from pavilion.bidding.lines import BookLine
from pavilion.bidding.lot_requests import Asked, Change
from pavilion.bidding.own_bids import OwnBid
from pavilion.bidding.request_models import Ground
from pavilion.bidding.showing import LotShown, Purse, SaleShown


class Asks(NamedTuple):
    unseen_most: int | None  # the highest maximum without a viewing; None: no gate, or the company has seen it
    gated: bool  # the lot has a gate at all
    read: int  # notices up to this one are read
    change: Change | None
    retractable: Sequence[OwnBid]  # those that the house could still be asked to void
    grounds: Sequence[Ground]  # on which at least one of them could be
    too_late: bool  # there are live bids, and none of them could be
    asked: Sequence[Asked]

    def unread(self, notices: Sequence[BookLine]) -> Sequence[BookLine]:
        return [notice for notice in notices if notice.seq > self.read]


async def asks_of(
    session: AsyncSession, sale: SaleShown, lot: LotShown, actor: Actor, purse: Purse, bids: Sequence[OwnBid],
    now: datetime,
) -> Asks:  # fmt: skip
    most = viewing_gate.highest_unseen(sale.rules, lot.id, lot.published_low)
    gated, company = most is not None, actor.company_id
    if most is not None and company in (await viewing_gate.viewed(session, [lot.id])).get(lot.id, ()):
        most = None
    if company is None or purse.paddle is None:
        return Asks(most, gated, 0, None, (), (), False, ())
    asked = [one for one in await lot_requests.asked_in(session, sale.id, company) if one.row.lot == lot.id]
    done = {one.row.n for one in asked}
    live = lot.own is not None and lot.own.max is not None and lot.state in lot_requests.RUNNING
    window, paddle = sale.rules.retraction, purse.paddle
    stand = (
        await lot_requests.grounds_of(session, window=window, lot=lot.id, end=lot.end, paddle=paddle, now=now)
        if live
        else {}
    )
    left = {n: grounds for n, grounds in stand.items() if n not in done}
    return Asks(
        most,
        gated,
        await lot_requests.read_up_to(session, lot.id, company),
        await lot_requests.change_of(session, lot.id, paddle, company),
        [bid for bid in bids if left.get(bid.n)],
        [ground for ground in Ground if any(ground in grounds for grounds in left.values())],
        bool(left) and not any(left.values()),
        asked,
    )
