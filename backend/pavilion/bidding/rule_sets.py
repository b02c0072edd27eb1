"""The rule set that each lot of a sale runs under, as the book has it: the sale's own, or one it was given since."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding.models import BookEvent
from pavilion.bidding.record import EventRow
from pavilion.bidding.rule_set_models import RuleSetText
from pavilion.kernel.canon import read_json

NAMING = ("sale.published", "sale.amended")


@dataclass(frozen=True, slots=True)
class Amendment:
    """Some lots of the sale were given other rules."""

    at: datetime
    was: str
    to: str
    lots: Sequence[str]


@dataclass(frozen=True, slots=True)
class Amended:
    """All amendments since the sale was last published, in order."""

    amendments: Sequence[Amendment] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by hash
    by_lot: Mapping[str, Amendment] = field(default_factory=dict)  # the last one of each lot
    places: Mapping[str, int] = field(default_factory=dict)  # in the plan of ends, of the lots that were published

    @property
    def published(self) -> int:
        return len(self.places)

    @property
    def newest(self) -> str | None:
        return self.amendments[-1].to if self.amendments else None

    def hash_of(self, lot: str) -> str | None:
        """None for a lot that runs under the sale's own rules."""
        found = self.by_lot.get(lot)
        return None if found is None else found.to

    def document_of(self, lot: str) -> Mapping[str, Any] | None:
        found = self.by_lot.get(lot)
        return None if found is None else self.documents[found.to]


async def amended(session: AsyncSession, sale: str) -> Amended:
    """What was amended in this sale; nothing for most."""
    told = select(BookEvent.type, BookEvent.at, BookEvent.body).where(
        BookEvent.sale == sale, BookEvent.lot.is_(None), BookEvent.type.in_(NAMING)
    )
    found: list[Amendment] = []
    places: dict[str, int] = {}
    for kind, at, body in await session.execute(told.order_by(BookEvent.seq)):
        data = json.loads(body)["data"]
        if kind == "sale.published":  # what was amended before has no hold on the lots as they are listed now
            found, places = [], {lot: place for place, lot in enumerate(data["lots"])}
            continue
        found.append(Amendment(at, data["from"], data["to"], data["lots"]))
    if not found:
        return Amended(places=places)
    by_lot = {lot: one for one in found for lot in one.lots}
    texts = select(RuleSetText.hash, RuleSetText.text).where(
        RuleSetText.sale == sale, RuleSetText.hash.in_({one.to for one in found})
    )
    documents = {name: read_json(text) for name, text in await session.execute(texts)}
    return Amended(found, documents, by_lot, places)


async def text_of(session: AsyncSession, sale: str, name: str) -> str | None:
    """The rule set of this hash, byte for byte, where the sale's book names it."""
    found: str | None = await session.scalar(
        select(RuleSetText.text).where(RuleSetText.sale == sale, RuleSetText.hash == name)
    )
    return found


async def others_of(
    session: AsyncSession, sale: str, events: Iterable[EventRow], header: str
) -> list[Mapping[str, Any]]:
    """The rule sets that the events name beside the header's, in the order in which they are first named."""
    named: dict[str, None] = {}
    for event in events:
        if event.lot is None and event.type in NAMING:
            data = read_json(event.body)["data"]
            named[data["rules" if event.type == "sale.published" else "to"]] = None
    rows = await session.execute(select(RuleSetText.hash, RuleSetText.text).where(RuleSetText.sale == sale))
    texts = dict(rows.all())
    return [read_json(texts[name]) for name in named if name != header and name in texts]
