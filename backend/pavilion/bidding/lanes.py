"""Which lane of the room a lot stands in when the page is made; its script goes on from there by the same rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pavilion.bidding.showing import FINAL, SOON, LotShown

OUTBID = frozenset({"outbid", "outbid_by_seller", "tied_later"})
LEADING = frozenset({"winning", "winning_reserve_not_met"})
LANES = (
    ("outbid", "outbid", "outbid"),
    ("closing", "clock", "closing"),
    ("leading", "leading", "leading"),
    ("watched", "star", "quiet"),
    ("plan", "list", "quiet"),
    ("later", "open", ""),
    ("decided", "gavel", ""),
)


@dataclass(frozen=True, slots=True)
class Lane:
    id: str
    icon: str
    look: str
    lots: Sequence[LotShown]


def lanes_of(lots: Sequence[LotShown], now: datetime) -> list[Lane]:
    """Every lot in exactly one lane: the next to end first; of what is decided, the latest."""
    found = {lot.id: _lane(lot, now) for lot in lots}
    return [
        Lane(id, icon, look, _ordered([lot for lot in lots if found[lot.id] == id], id)) for id, icon, look in LANES
    ]


def next_of(lanes: Sequence[Lane], here: LotShown) -> LotShown | None:
    """The undecided lot that stands after this one, from the last again the first; None where no other is left."""
    left = [lot for lane in lanes for lot in lane.lots if lot.id == here.id or not lot.is_decided]
    place = next((k for k, lot in enumerate(left) if lot.id == here.id), -1)
    found = left[(place + 1) % len(left)] if left else here
    return None if found.id == here.id else found


def _lane(lot: LotShown, now: datetime) -> str:
    if lot.state in FINAL:
        return "decided"
    own = lot.own.state if lot.own else ""
    if own in OUTBID:
        return "outbid"
    if own in LEADING:
        return "leading"
    if lot.end is None:
        return "closing" if lot.state == "open" else "later"  # open without an end: it is under the call
    soon = lot.state != "listed" and lot.end - now <= SOON
    return "closing" if soon else "plan" if lot.planned else "later"


def _ordered(lots: list[LotShown], lane: str) -> list[LotShown]:
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(lots, key=lambda lot: lot.end or never, reverse=lane == "decided")
