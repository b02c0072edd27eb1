"""When the law changes under a running sale: who has a maximum on a lot now closed to it is found and told."""

from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.queries import running_sales
from pavilion.bidding.closed_models import ClosedBid
from pavilion.bidding.closures import closures, stones_of
from pavilion.bidding.models import BookBid, BookLot
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor, Event, cursor_of, news

FOLLOWER = "bidding:closed"
WATCHED = ("law:", "stone:verdict_changed", "registration:")
LIVE = ("open", "paused", "closing")
AT_ONCE = 500


async def follow(sessions: Sessions, now: datetime) -> int:
    """After the law, a verdict or a registration changed, and on each new day; answers how many bids were found."""
    today = now.astimezone(UTC).date()
    async with reading(sessions) as session:
        day = await session.get(Cursor, f"{FOLLOWER}:day")
    if day is not None and day.last_id == today.toordinal() and not await news(sessions, FOLLOWER):
        return 0
    async with sessions.begin() as session:
        read = await cursor_of(session, FOLLOWER, from_now=True)
        day = await cursor_of(session, f"{FOLLOWER}:day")
        fresh = select(Event.id, Event.name).where(Event.id > read.last_id).order_by(Event.id).limit(AT_ONCE)
        rows = (await session.execute(fresh)).all()
        if rows:
            read.last_id = rows[-1].id
        if day.last_id == today.toordinal() and not any(row.name.startswith(WATCHED) for row in rows):
            return 0
        day.last_id = today.toordinal()
        return sum([await _look(session, sale, today, now) for sale in await running_sales(session)])


async def _look(session: AsyncSession, sale: str, today: date, now: datetime) -> int:
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    books = {book.lot: book for book in await session.scalars(select(BookLot).where(BookLot.sale == sale))}
    live = {lot for lot, book in books.items() if book.state in LIVE}
    if row is None or not live:
        return 0
    registered = select(Registration).where(Registration.sale_id == row.id, Registration.paddle.is_not(None))
    paddles = {one.paddle: one for one in await session.scalars(registered)}
    stones = {lot: held for lot, held in (await stones_of(session, row.id)).items() if lot in live}
    closed = await closures(session, stones, {one.destination for one in paddles.values()}, today)
    accepted = select(BookBid.lot, BookBid.paddle).where(BookBid.sale == sale, BookBid.seq > 0, BookBid.lot.in_(live))
    found = 0
    for lot, paddle in (await session.execute(accepted.distinct())).all():
        bidder = paddles.get(paddle)
        why = closed.get(lot, {}).get(bidder.destination) if bidder is not None else None
        if bidder is None or why is None:
            continue
        if await session.get(ClosedBid, (lot, bidder.company_id, why.name)) is not None:
            continue
        leads = books[lot].leader == paddle
        bid = ClosedBid(lot=lot, company_id=bidder.company_id, rule=why.name, sale=sale, paddle=paddle, leads=leads)
        bid.destination, bid.source, bid.at = bidder.destination, why.source, now
        session.add(bid)
        facts = {"sale": sale, "company": bidder.company_id, "rule": why.name, "leads": leads}
        events.record(session, "lot:closed_to_bidder", lot, by=None, at=now, **facts)
        found += 1
    await session.flush()
    return found
