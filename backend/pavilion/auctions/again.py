"""Whether a running sale takes a lot again that ended in it without a buyer (curation spec 8, bidding spec 5.5). No
other lot may move for it, and it must be able to run."""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.changes import takes_again, takes_lots
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LEAST_RUN, LotState, SaleState
from pavilion.kernel.errors import Refusal
from pavilion.kernel.instants import from_stamp


class Ends(NamedTuple):
    """What the sale's book has: when each of its lots ends, and whether its tender has closed once. A lot of it that
    was reopened since takes envelopes of those who are known; a new lot has none. `hard_ends`: where the rules were
    amended, the hard end of a lot that brings this one back, under None that of any other lot listed now."""

    of: Mapping[str, datetime | None]
    closed: bool = False
    hard_ends: Mapping[str | None, datetime | None] = MappingProxyType({})

    def hard_end(self, sale: Sale, brought_back: str | None) -> datetime | None:
        published = sale.soft_close["hard_end"]
        later = self.hard_ends.get(None, None if published is None else from_stamp(published))
        return self.hard_ends.get(brought_back, later)


UNKNOWN = Ends({})
RUNNING = frozenset({LotState.LISTED, LotState.OPEN, LotState.PAUSED})
CLOSED = frozenset({LotState.CLOSING, LotState.SOLD, LotState.PASSED})


class NotTakenAgain(Refusal):
    """The sale takes none of its lots again, or not now: `code` is why."""

    status, code = 409, "again_over"

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        super().__init__(**facts)


async def bar_of(
    session: AsyncSession, sale: Sale, now: datetime, ends: Ends = UNKNOWN, lot: str | None = None
) -> str | None:
    """Why the sale takes no lot again now, or not this one, as a code, or None. Where its book's ends are not known,
    time is not looked at: the book's writer has the last word in any case."""
    rows = await session.execute(select(Lot.public_id, Lot.state).where(Lot.sale_id == sale.id))
    states = {lot: LotState(state) for lot, state in rows}
    running = [ends.of[lot] for lot, state in states.items() if state in RUNNING and lot in ends.of]
    return bar(sale, now, running, states, closed=ends.closed, hard_end=ends.hard_end(sale, lot))


def bar(
    sale: Sale,
    now: datetime,
    running: Collection[datetime | None],
    states: Mapping[str, LotState],
    *,
    closed: bool = False,
    hard_end: datetime | None = None,
) -> str | None:
    """`running`: the ends of the lots that are not over; `hard_end`: by the rules that the lot would run by. Lots of a
    group, and so of a tender, end together; a lot may end after all others, but not after a hard end."""
    if sale.state == SaleState.PUBLISHED and sale.type != SaleType.COLLECTION:
        return None if takes_lots(sale, now) else "again_before_opening"
    if not takes_again(sale, now):
        return "again_over"
    if sale.type == SaleType.TENDER and (closed or not CLOSED.isdisjoint(states.values())):
        return "again_closed"
    last = max((end for end in running if end is not None), default=None)
    together = sale.type == SaleType.TENDER or sale.soft_close["scope"] == "group"
    if sale.type != SaleType.CLERKED and not together:
        last = hard_end
    return "again_no_time" if last is not None and last < now + LEAST_RUN else None
