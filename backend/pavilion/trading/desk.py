"""What a selling house agrees to at a fixed price (the defaults of settlement spec 11): its `trade` in `entities.json`
where it differs from what is usual. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pavilion.auctions.entities import Entity
from pavilion.trading.memo_rules import MOST_DAYS, MOST_EXTENSIONS
from pavilion.trading.rules import MOST_RENEWALS

GRANTED, ASKED = "granted", "asked"
# Least and most of each figure; the database takes no more renewals and extensions than these.
_LIMITS: Mapping[str, tuple[int, int]] = {
    "hold_hours": (1, 7 * 24),
    "hold_renewals": (0, MOST_RENEWALS),
    "first_right_minutes": (5, 24 * 60),
    "most_holds": (1, 100),
    "memo_days": (1, MOST_DAYS),
    "memo_extensions": (0, MOST_EXTENSIONS),
    "memo_bill_days": (1, 30),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """`holds`: those of a company in good standing are `granted` at once, or its owner is `asked` for each.
    `first_right_minutes`: of who waits for a held stone, each in turn. `memo_days`: for which a memo is asked, where
    the buyer says nothing else. `memo_bill_days`: business days after the due day from which what is still out may be
    billed."""

    holds: str = GRANTED
    hold_hours: int = 24
    hold_renewals: int = 1
    first_right_minutes: int = 30
    most_holds: int = 10  # of a company
    memo_days: int = 7
    memo_extensions: int = 2
    memo_bill_days: int = 5

    @property
    def hold_for(self) -> timedelta:
        return timedelta(hours=self.hold_hours)

    @property
    def first_right(self) -> timedelta:
        return timedelta(minutes=self.first_right_minutes)


USUAL = Desk()


def desk_of(house: Entity) -> Desk:
    """ValueError for a figure that cannot be meant."""
    return _read(house.code, house.trade)


def _read(code: str, trade: Mapping[str, Any]) -> Desk:
    said = {name: trade[name] for name in ("holds", *_LIMITS) if name in trade}
    for name, (least, most) in _LIMITS.items():
        figure = said.get(name, least)
        if not isinstance(figure, int) or isinstance(figure, bool) or not least <= figure <= most:
            raise ValueError(f"{code}: trade.{name} is from {least} to {most}")
    if said.get("holds", GRANTED) not in (GRANTED, ASKED):
        raise ValueError(f"{code}: trade.holds is {GRANTED} or {ASKED}")
    return Desk(**said)
