"""What was typed for a lot that was to come back into its sale, when the sale could not take it: the lot is gone, the
commands by which it was typed are not, so nobody types it twice."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.auctions.models import Command, Lot, LotStone
from pavilion.kernel.events import Event

NOT_TAKEN = "lot:not_taken_again"
WORDS = ("title_en", "title_zh", "text_en", "text_zh", "on_request", "consignor_company_id")
_SAID = WORDS[:4]
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


async def of_stones(session: AsyncSession, stones: Collection[int]) -> dict[frozenset[int], dict[str, Any]]:
    """By the inner ids of all stones of a lot that was given back, and that nobody has offered again since: the words
    that were typed for it. Only lots with one of these stones are looked at."""
    again = aliased(Lot)
    given_back = select(Event.id).where(Event.name == NOT_TAKEN, Event.subject == Lot.public_id)
    offered = select(again.id).where(again.reoffer_of == Lot.public_id)
    wanted = select(Lot).where(Lot.id.in_(select(LotStone.lot_id).where(LotStone.stone_id.in_(stones))))
    found = {}
    for lot in await session.scalars(wanted.where(given_back.exists(), ~offered.exists()).order_by(Lot.id)):
        held = await session.scalars(select(LotStone.stone_id).where(LotStone.lot_id == lot.id))
        kept = await of_attempt(session, lot)
        found[frozenset(held)] = {name: value for name, value in kept.items() if name in _SAID}
    return found


async def _changes(session: AsyncSession, old: Lot, naming: str) -> list[dict[str, Any]]:
    """Of every command of the lot's sale in which this id stands, in order."""
    told = select(Command.changes).where(Command.sale_id == old.sale_id, cast(Command.changes, Text).contains(naming))
    return [change for changes in await session.scalars(told.order_by(Command.id)) for change in changes]
