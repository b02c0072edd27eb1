"""What was typed for a lot that was to come back into its sale, when the sale could not take it: the lot is gone, the
commands by which it was typed are not, so nobody types it twice."""

from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Command, Lot

WORDS = ("title_en", "title_zh", "text_en", "text_zh", "on_request", "consignor_company_id")
FIGURES = ("low_minor", "high_minor", "opening_minor")  # in the currency of the sale


async def of_attempt(session: AsyncSession, old: Lot) -> dict[str, Any]:
    """Words and figures of the lot that was last to bring this one back into its own sale, as they were typed last;
    nothing where there was none, or where somebody took it out by hand."""
    again = [
        change["lot"]
        for change in await _changes(session, old, old.public_id)
        if (change["after"] or {}).get("reoffer_of") == old.public_id
    ]
    facts: dict[str, Any] = {}
    for change in await _changes(session, old, again[-1]) if again else []:
        if change["lot"] == again[-1]:
            if change["after"] is None:
                return {}
            facts |= change["after"]
    return {name: facts[name] for name in (*WORDS, *FIGURES) if name in facts}


async def _changes(session: AsyncSession, old: Lot, naming: str) -> list[dict[str, Any]]:
    """Of every command of the lot's sale in which this id stands, in order."""
    told = select(Command.changes).where(Command.sale_id == old.sale_id, cast(Command.changes, Text).contains(naming))
    return [change for changes in await session.scalars(told.order_by(Command.id)) for change in changes]
