"""After a sale: a buyer has offered for a lot that nobody won, and the offer waits for its owner."""

from datetime import datetime

from sqlalchemy import select

from pavilion.auctions.models import Lot
from pavilion.bidding.models import BookLot
from pavilion.demo import people
from pavilion.kernel.db import Sessions
from pavilion.settlement import approaching

SHARE_BP = 7_000  # of the low estimate


async def offer(sessions: Sessions, sale: str, firm: str, now: datetime) -> None:
    """The company's offer for the first passed lot of the sale is open; without such a lot nothing is offered."""
    wanted = select(Lot).join(BookLot, BookLot.lot == Lot.public_id)
    wanted = wanted.where(BookLot.sale == sale, BookLot.state == "passed").order_by(Lot.number)
    async with sessions.begin() as session:
        lot = await session.scalar(wanted.limit(1))
        if lot is None or lot.low_minor is None:
            return
        who = await people.actor_for(session, firm)
        price = lot.low_minor * SHARE_BP // 10_000 // 10_000 * 10_000
        await approaching.make(session, lot=lot.public_id, price_minor=max(price, 10_000), days=5, actor=who, now=now)
