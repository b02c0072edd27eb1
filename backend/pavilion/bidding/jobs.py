"""What follows the book: the rows of auctions say what the book says."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.service import mirror_states
from pavilion.bidding.models import BookLot, BookState, SaleBook
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor

FOLLOWER = "book:"


async def tick(sessions: Sessions, now: datetime) -> int:
    """Every book that grew since the last look is mirrored; how many there were."""
    async with reading(sessions) as session:
        sizes = dict((await session.execute(select(SaleBook.sale, SaleBook.size))).all())
        read = await session.execute(
            select(Cursor.follower, Cursor.last_id).where(Cursor.follower.like(f"{FOLLOWER}%"))
        )
        known = {follower.removeprefix(FOLLOWER): last for follower, last in read}
    grown = [sale for sale, size in sizes.items() if size > known.get(sale, 0)]
    for sale in grown:
        async with sessions.begin() as session:
            await _mirror(session, sale, now)
    return len(grown)


async def _mirror(session: AsyncSession, sale: str, now: datetime) -> None:
    book = await session.get(SaleBook, sale)
    assert book is not None
    lots = await session.execute(select(BookLot.lot, BookLot.state).where(BookLot.sale == sale))
    state = None if book.state == BookState.UNPUBLISHED else book.state
    if state is not None:
        await mirror_states(session, sale=sale, state=state, lots=dict(lots.all()), now=now)
    cursor = await events.cursor_of(session, FOLLOWER + sale)
    if book.state == BookState.CLOSED and cursor.last_id < book.size:
        events.record(session, "sale:closed", sale, by="engine", at=now)
    cursor.last_id = book.size
