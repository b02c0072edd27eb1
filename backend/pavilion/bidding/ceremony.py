"""What happens around a sealed tender outside the book: shares handed in, wishes and benchmarks set, the seller's
answer below the reserve. The caller commits."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, Sale
from pavilion.bidding import tender_queries
from pavilion.bidding.custody import Refused, read_shares
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.tender_models import TenderBenchmark, TenderOffer, TenderShares, TenderWish
from pavilion.kernel import events
from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotDone, NotFound

MOST_BYTES = 16 * 1024 * 1024  # of a share file
MOST_FILES = 8  # of one custodian for one closing: mistakes may be mended


class NotTaken(NotDone):
    """The share file is not one of this closing's custodians."""

    status, code = 422, "shares_bad"


async def hand_in(session: AsyncSession, *, sale: str, file: bytes, now: datetime) -> int:
    """The share file is kept and the engine told; which custodian it is of. The same file twice changes nothing."""
    row = await _tender(session, sale)
    closing = await tender_queries.closing_of(session, sale)
    if closing is None or closing.opened:
        raise ActNotAllowed(state="opened" if closing else "open")
    assert row.rules is not None
    try:
        document = read_json(file, MOST_BYTES)
        shares = read_shares(document, row.rules["tender"]["custodians"])
    except Refused as refused:
        raise NotTaken(refused.code, fact=refused.fact) from None
    except ValueError as fault:
        raise NotTaken("shares_bad", fact=str(fault)[:160]) from None
    if (shares.sale, shares.closed) != (sale, closing.hash):
        raise NotTaken("shares_other")
    text = canonical(document)
    digest = sha256(text).hexdigest()
    known = await tender_queries.share_files(session, sale, closing.hash)
    if digest in {one.sha256 for one in known}:
        return shares.x
    if sum(one.x == shares.x for one in known) >= MOST_FILES:
        raise ActNotAllowed(state="closed")
    session.add(TenderShares(sale=sale, closed=closing.hash, x=shares.x, document=text.decode(), sha256=digest, at=now))
    await session.flush()
    events.record(session, "tender:shares_posted", sale, by=None, at=now, custodian=shares.x)
    return shares.x


async def wish(
    session: AsyncSession,
    *,
    sale: str,
    company_id: int,
    limit_minor: int | None,
    lots: Sequence[str],
    by: str | None,
    now: datetime,
) -> None:
    """What the company wants to spend at most, and on which lots first; until the end it may be another, and again
    while the final round runs."""
    row = await _tender(session, sale)
    running = select(BookLot.lot).where(BookLot.sale == sale, BookLot.state.in_(("open", "paused")), BookLot.end > now)
    if row.first_close_at is None or (now >= row.first_close_at and await session.scalar(running) is None):
        raise ActNotAllowed(state="closed")
    known = set(await session.scalars(select(Lot.public_id).where(Lot.sale_id == row.id)))
    if len(set(lots)) != len(lots) or not set(lots) <= known:
        raise BadInput(fields=["lots"])
    session.add(TenderWish(sale=sale, company_id=company_id, limit_minor=limit_minor, lots=list(lots), at=now))
    events.record(session, "tender:wish_changed", sale, by=by, at=now, company=company_id)


async def set_benchmark(
    session: AsyncSession, *, sale: str, lot: str, ppc_minor: int | None, by: str | None, now: datetime
) -> None:
    """The price per carat from which discounts on this lot count. It stands once the sale is open."""
    row = await _tender(session, sale)
    if row.opens_at is not None and now >= row.opens_at:
        raise ActNotAllowed(state="open")
    if await session.scalar(select(Lot.id).where(Lot.sale_id == row.id, Lot.public_id == lot)) is None:
        raise NotFound()
    held = await session.get(TenderBenchmark, lot)
    if held is not None:
        await session.delete(held)
        await session.flush()
    if ppc_minor is not None:
        session.add(TenderBenchmark(lot=lot, ppc_minor=ppc_minor, at=now))
    events.record(session, "tender:benchmark_set", sale, by=by, at=now, lot=lot, ppc=ppc_minor)


async def answer_below_reserve(
    session: AsyncSession, *, sale: str, lot: str, bidder: str, offered: bool, by: str | None, now: datetime
) -> None:
    """What the seller said to the next bidder of the rank: the lot is offered at that bidder's total, or it is not."""
    row = await _tender(session, sale)
    assert row.rules is not None
    told = await session.scalar(select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.type == "lot.passed"))
    state = await session.scalar(select(BookLot.state).where(BookLot.lot == lot, BookLot.sale == sale))
    if state != "passed" or told is None or '"reason":"reserve_not_met"' not in told:
        raise ActNotAllowed(state=state or "")
    ranks = (await tender_queries.ranks(session, sale, row.rules["tender"]["replace"])).get(lot, [])
    said = {one.bidder: one for one in await session.scalars(select(TenderOffer).where(TenderOffer.lot == lot))}
    due = next((one for one in ranks if one.bidder not in said), None)
    if due is None or due.bidder != bidder:
        raise ActNotAllowed(state="rank")
    session.add(TenderOffer(lot=lot, bidder=bidder, sale=sale, total_minor=due.total, offered=offered, by=by, at=now))
    facts = {"sale": sale, "bidder": bidder, "paddle": due.paddle, "total": due.total}
    events.record(session, "tender:offered" if offered else "tender:declined", lot, by=by, at=now, **facts)


async def posted(session: AsyncSession, sale: str, closed: str) -> dict[int, datetime]:
    """Which custodians handed in shares, and when first."""
    files = await tender_queries.share_files(session, sale, closed)
    return {one.x: one.at for one in reversed(files)}


async def _tender(session: AsyncSession, sale: str) -> Sale:
    """The published tender."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    if row is None or row.rules is None or row.rules.get("format") != "tender":
        raise NotFound()
    return row
