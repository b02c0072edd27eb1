"""What the book of a withheld lot says in words that are kept from outsiders: the notices that staff gave of it until
its stone lost the verdict. Each stands there as its hash. The engine's own say why the lot stands still, and are told;
so is what staff say from then on."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import VISITOR, Actor
from pavilion.auctions.queries import withheld
from pavilion.bidding.due import VERDICT_LOST
from pavilion.bidding.grouping import ENGINE
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.kernel.canon import canonical

# What stands where such a notice would.
WORDS = {
    "en": "Not shown while the origin of this stone is not confirmed.",
    "zh": "本裸石来源未确认期间，不显示此公告。",
}
_ASKED = ("lot.notice", "lot.paused", "lot.withdrawn")


def unsaid(events: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """By `seq`, those among the events of one lot, in their order."""
    said = list(events)
    lost = [one["seq"] for one in said if one["type"] != "lot.notice" and one["data"].get("reason") == VERDICT_LOST]
    notices = [one["seq"] for one in said if one["type"] == "lot.notice" and one["data"]["by"] != ENGINE]
    return frozenset(seq for seq in notices if not lost or seq < lost[-1])


async def of_lots(session: AsyncSession, lots: Sequence[str], actor: Actor = VISITOR) -> dict[str, frozenset[int]]:
    """Of those of these lots that are withheld from this reader and have such a notice, which ones."""
    lost = await withheld(session, lots, actor)
    if not lost:
        return {}
    rows = select(BookEvent.lot, BookEvent.body).where(BookEvent.lot.in_(lost), BookEvent.type.in_(_ASKED))
    events: dict[str, list[Mapping[str, Any]]] = {}
    for lot, body in await session.execute(rows.order_by(BookEvent.n)):
        events.setdefault(str(lot), []).append(json.loads(body))
    return {lot: found for lot, said in events.items() if (found := unsaid(said))}


async def of_sale(session: AsyncSession, sale: str, actor: Actor = VISITOR) -> dict[str, frozenset[int]]:
    lots = await session.scalars(select(BookLot.lot).where(BookLot.sale == sale))
    return await of_lots(session, lots.all(), actor)


def as_hash(event: BookEvent) -> str:
    """Such an event as everybody may have it: its place in the book, and the hash that the next one names."""
    return canonical({"hash": event.hash, "n": event.n, "seq": event.seq}).decode()
