"""What would be published of a draft, as one document; reserves are no part of it (curation spec 8)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import queries, ruleset
from pavilion.auctions.facts import facts_hashes
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import FINAL_LOT
from pavilion.auctions.terms import terms
from pavilion.kernel.base64url import base64url
from pavilion.kernel.db import seal_of


async def snapshot_document(session: AsyncSession, sale: Sale) -> dict[str, Any]:
    """The sale and each of its lots with the hash of what is said of each stone."""
    lots = await live_lots(session, sale)
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots])
    hashes = await facts_hashes(session, (stone for several in stones.values() for stone in several))
    return {
        "sale": sale.public_id,
        "langs": sale.langs,
        "title": [sale.title_en, sale.title_zh],
        "text": [sale.text_en, sale.text_zh],
        "rules": rules_now(session, sale),
        "lots": [
            {
                "lot": lot.public_id,
                "number": lot.number_text,
                "title": [lot.title_en, lot.title_zh],
                "text": [lot.text_en, lot.text_zh],
                "estimate": None if lot.on_request else [lot.low_minor, lot.high_minor],
                "opening": lot.opening_minor,
                "stones": [[stone.public_id, hashes[stone.public_id]] for stone in stones[lot.id]],
            }
            for lot in lots
        ],
    }


async def live_lots(session: AsyncSession, sale: Sale) -> Sequence[Lot]:
    """Those that have not ended, in running order."""
    lots = select(Lot).where(Lot.sale_id == sale.id, Lot.state.not_in(FINAL_LOT)).order_by(Lot.rank)
    return (await session.scalars(lots)).all()


def rules_now(session: AsyncSession, sale: Sale) -> dict[str, Any] | None:
    """The rule set as it would be frozen now; a collection of fixed prices has none."""
    if sale.type == SaleType.COLLECTION:
        return None
    seal = seal_of(session)
    house = base64url(seal.custodian(sale.public_id).point) if seal is not None else None
    return ruleset.document(sale, terms().sha256, house)
