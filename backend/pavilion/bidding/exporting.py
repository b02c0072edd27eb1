"""The record of a closed sale, read from the book as it stands."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding import queries, rule_sets, tender_queries, unsaid
from pavilion.bidding.record import hidden_lots, record_lines
from pavilion.kernel.canon import read_json
from pavilion.kernel.instants import micros


async def record_of(session: AsyncSession, sale: str, verifier: str, now: datetime) -> Iterator[bytes] | None:
    """The lines of the public record as of `now`, or None while the sale is not closed or not known."""
    book = await queries.book_row(session, sale)
    if book is None or book.state != "closed":
        return None
    rules = read_json(book.rules)
    events = await queries.events_of(session, sale)
    roots = await queries.checkpoints_of(session, sale)
    bids, reserves = await queries.openings_of(session, sale)
    hidden = hidden_lots(events, rules, {n for n, *_ in bids}, micros(now))
    hidden |= (await unsaid.of_sale(session, sale)).keys()  # an event without its words breaks the chain of its lot
    tender = await tender_queries.record_tail_of(session, sale, hidden) if rules["openings"] == "losing" else ()
    others = await rule_sets.others_of(session, sale, events, book.rules_hash)
    return record_lines(sale, rules, [verifier], events, roots, bids, reserves, hidden, tender, others)
