"""A void that is proposed from outside the saleroom, and which bids of a company could still be voided."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding.acting import KINDS
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import BookBid, BookLot, BookLotState
from pavilion.kernel.canon import document_hash

LIVE = (BookLotState.OPEN, BookLotState.PAUSED, BookLotState.CLOSING)
REASON = "shill"


class LiveBids(NamedTuple):
    """A company has bid on this lot, which has not ended."""

    lot: Lot
    sale: Sale
    paddle: int
    company_id: int

    @property
    def name(self) -> str:
        return f"{self.lot.public_id}:{self.paddle}"


async def live_bids(session: AsyncSession, companies: Collection[int], consignor: int | None = None) -> list[LiveBids]:
    """The running lots on which these companies bid, of one consignor or of any, in the order of their numbers."""
    wanted = (
        select(Lot, Sale, Registration.paddle, Registration.company_id)
        .join(Sale, Sale.id == Lot.sale_id)
        .join(BookLot, BookLot.lot == Lot.public_id)
        .join(Registration, Registration.sale_id == Sale.id)
        .where(BookLot.state.in_(LIVE), Registration.company_id.in_(companies), Registration.paddle.is_not(None))
        .where(
            select(BookBid.n)
            .where(BookBid.lot == BookLot.lot, BookBid.paddle == Registration.paddle, BookBid.seq > 0)
            .exists()
        )
        .order_by(Sale.id, Lot.number, Lot.suffix, Registration.paddle)
    )
    if consignor is not None:
        wanted = wanted.where(Lot.consignor_company_id == consignor)
    return [LiveBids(lot, sale, paddle or 0, company) for lot, sale, paddle, company in await session.execute(wanted)]


async def propose_void(
    session: AsyncSession, *, live: LiveBids, told: str, actor: Actor, now: datetime, reason: str = REASON
) -> Proposal:
    """A second person is asked to void every bid of this paddle on the lot; the sale's writer then judges the act by
    the state it finds."""
    lot, sale = live.lot, live.sale
    act = StaffAct(sale.public_id, "void", lot.public_id, reason=reason, paddle=live.paddle, by=actor.public_id or "")
    document = {name: value for name, value in asdict(act).items() if name not in ("amount", "order", "ok")}
    facts = {"sale": sale.public_id, "lot": lot.public_id, "number": lot.number_text, "act": document, "sealed": None}
    facts |= {"title_en": sale.title_en, "title_zh": sale.title_zh, "told": told}
    subject = f"{lot.public_id} {document_hash({**document, 'sealed': 0})[:16]}"
    return await accounts.propose(
        session, kind=KINDS["void"], subject=subject, facts=facts, actor=actor, now=now, reason=reason
    )
