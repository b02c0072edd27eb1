"""Lots that the same companies have in view and that close almost at once: nobody can bid on both with care
(curation spec 7). Of the companies only a count is told, and none of fewer than three."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import Code, Finding, closing_plan
from pavilion.catalogue import shortlist_reading

WITHIN = timedelta(seconds=30)


async def closing_together(
    session: AsyncSession, sale: Sale, lots: Mapping[str, Sequence[str]], now: datetime
) -> list[Finding]:
    """On the later lot of each such pair: the number of the other and how many companies have both on their lists."""
    if sale.first_close_at is None or sale.type == SaleType.COLLECTION:
        return []
    rows = (await session.scalars(select(Lot).where(Lot.public_id.in_(lots)).order_by(Lot.rank))).all()
    order = sorted(rows, key=lambda lot: (lot.number or 0, lot.suffix)) if all(lot.number for lot in rows) else rows
    ends = closing_plan(sale.first_close_at, sale.stagger_s, sale.stagger_per, sale.breaks, len(order))
    pairs = [
        (order[first].public_id, order[second].public_id)
        for first in range(len(order))
        for second in range(first + 1, len(order))
        if ends[second] - ends[first] <= WITHIN
    ]
    named = {lot.public_id: lot.number_text or str(place) for place, lot in enumerate(order, 1)}
    together = await shortlist_reading.companies_by_pair(session, lots, pairs) if pairs else {}
    return [Finding(Code.CLOSE_TOGETHER, second, f"{named[first]} ({n})") for (first, second), n in together.items()]
