"""The rule set that each lot of a sale runs under, as the book has it: the sale's own, or one it was given since."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.record import EventRow
from pavilion.bidding.rule_set_models import RuleSetText
from pavilion.bidding.ruled import Ruled
from pavilion.kernel.canon import read_json

NAMING = ("sale.published", "sale.amended")


@dataclass(frozen=True, slots=True)
class Amendment:
    """Some lots of the sale were given other rules."""

    at: datetime
    was: str
    to: str
    lots: Sequence[str]
    later: bool | None = None  # whether lots that are listed after it run by it; None of one that does not say


@dataclass(frozen=True, slots=True)
class Amended:
    """All amendments since the sale was last published, in order."""

    amendments: Sequence[Amendment] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by hash
    by_lot: Mapping[str, Amendment] = field(default_factory=dict)  # the last one of each lot
    places: Mapping[str, int] = field(default_factory=dict)  # in the plan of ends, of the lots that were published
    ruled: Ruled = field(default_factory=Ruled)  # what lots that are listed now are due

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

    def due(self, again_of: str | None) -> Mapping[str, Any] | None:
        """The rules by which a lot is listed that brings this one back, or none; None for the sale's own."""
        return self.documents.get(self.ruled.due(again_of))

    def document_of(self, lot: str) -> Mapping[str, Any] | None:
        found = self.by_lot.get(lot)
        return None if found is None else self.documents[found.to]


async def amended(session: AsyncSession, sale: str) -> Amended:
    """What was amended in this sale; nothing for most."""
    told = select(BookEvent.n, BookEvent.type, BookEvent.at, BookEvent.body).where(
        BookEvent.sale == sale, BookEvent.lot.is_(None), BookEvent.type.in_(NAMING)
    )
    found: dict[int, Amendment] = {}
    places: dict[str, int] = {}
    ruled = Ruled()
    for n, kind, at, body in await session.execute(told.order_by(BookEvent.seq)):
        data = json.loads(body)["data"]
        if kind == "sale.published":  # what was amended before has no hold on the lots as they are listed now
            found, places = {}, {lot: place for place, lot in enumerate(data["lots"])}
            ruled = Ruled((n, data["rules"]))
        else:
            found[n] = Amendment(at, data["from"], data["to"], data["lots"], data.get("later"))
    if not found:
        return Amended(places=places)
    by_lot: dict[str, Amendment] = {}
    listed = await _listed_since(session, sale, places, min(found))
    for n in sorted([*found, *listed]):
        if n in found:
            by_lot |= dict.fromkeys(found[n].lots, found[n])
            ruled = ruled.amended(n, found[n].to, found[n].lots, found[n].later)
        else:
            lot, data = listed[n]
            if "rules" in data:
                by_lot[lot] = next(one for one in reversed(found.values()) if one.to == data["rules"])
            ruled = ruled.listed(lot, data.get("reoffer_of"))
    texts = select(RuleSetText.hash, RuleSetText.text).where(
        RuleSetText.sale == sale, RuleSetText.hash.in_({one.to for one in found.values()})
    )
    documents = {name: read_json(text) for name, text in await session.execute(texts)}
    return Amended(list(found.values()), documents, by_lot, places, ruled)


async def _listed_since(
    session: AsyncSession, sale: str, published: Collection[str], since: int
) -> dict[int, tuple[str, dict[str, Any]]]:
    """The lots that came after the publication and after this event, with what their listing says, by its n."""
    later = select(BookLot.lot).where(BookLot.sale == sale, BookLot.lot.not_in(published))
    wanted = select(BookEvent.n, BookEvent.lot, BookEvent.body).where(
        BookEvent.lot.in_(later), BookEvent.type == "lot.listed", BookEvent.n > since
    )
    rows = await session.execute(wanted)
    return {n: (str(lot), json.loads(body)["data"]) for n, lot, body in rows}


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
