"""The terms a sale settles by, as they stand now: usual, then the selling entity's, then the sale's own."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.auctions.terms_models import SaleTermsRow
from pavilion.kernel import events
from pavilion.settlement.terms import Terms


async def terms_of(session: AsyncSession, sale: str, entity: str) -> Terms:
    """The terms of this sale (public id) sold through this entity."""
    row = await session.get(SaleTermsRow, sale)
    return Terms.of(entities()[entity].terms, row.facts if row is not None else {})


async def set_terms(session: AsyncSession, *, sale: str, facts: dict[str, Any], by: str, now: datetime) -> Terms:
    """The sale settles by these from now on; what is issued keeps what it was issued with."""
    Terms.of(facts)
    row = await session.get(SaleTermsRow, sale)
    if row is None:
        session.add(SaleTermsRow(sale=sale, facts=facts, by=by, at=now))
    else:
        row.facts, row.version, row.by, row.at = facts, row.version + 1, by, now
    await session.flush()
    events.record(session, "settlement:terms", sale, by=by, at=now, **facts)
    return Terms.of(facts)
