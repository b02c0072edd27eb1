"""What a consignor gets, as pure rules: commission by bands, what a credit note takes back, a statement added up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pavilion.auctions import fees


class ItemKind(StrEnum):
    SOLD = "sold"
    CORRECTION = "correction"  # a credit note took the sale of a stated lot back, all or in part
    FORFEIT = "forfeit"  # a share of a deposit that a defaulter lost
    UNSOLD = "unsold"
    CARRIED = "carried"  # the net of an earlier statement that this one takes over


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a statement; `key` names it for good. Amounts in minor units, as the consignor counts them."""

    key: str
    kind: ItemKind
    label: str  # number of the lot, or of the document it comes from
    title_en: str = ""
    title_zh: str = ""
    lot: str | None = None
    hammer_minor: int = 0
    commission_minor: int = 0
    charge_minor: int = 0
    share_minor: int = 0
    carried_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Before tax, which is reckoned once over the statement."""
        return self.hammer_minor + self.share_minor + self.carried_minor - self.commission_minor - self.charge_minor


class Sums(NamedTuple):
    """A statement added up; net = gross + forfeits + carried − commission − charges − tax."""

    gross: int
    forfeits: int
    carried: int
    commission: int
    charges: int
    tax_base: int
    tax: int

    @property
    def net(self) -> int:
        return self.gross + self.forfeits + self.carried - self.commission - self.charges - self.tax


def add_up(items: Iterable[Item], tax: fees.Tax) -> Sums:
    """Each item was rounded once; the tax on commission and charges once over all of them, as on an invoice."""
    items = tuple(items)
    commission = sum(item.commission_minor for item in items)
    charges = sum(item.charge_minor for item in items)
    base = fees.tax_base(tax, 0, 0, commission + charges)
    return Sums(
        gross=sum(item.hammer_minor for item in items),
        forfeits=sum(item.share_minor for item in items),
        carried=sum(item.carried_minor for item in items),
        commission=commission,
        charges=charges,
        tax_base=base,
        tax=fees.tax_on(tax, base),
    )


def commission(hammer_minor: int, bands: fees.Bands) -> int:
    """Progressive bands as the premium: each slice of one lot's hammer at its rate, rounded once."""
    return fees.premium(hammer_minor, bands)


def commission_back(left_minor: int, credited_minor: int, bands: fees.Bands) -> int:
    """What of the commission falls away when so much of what was left of a hammer is credited: after the last credit
    the consignor has paid exactly the commission of what remained."""
    assert 0 <= credited_minor <= left_minor, "more was credited than the lot brought"
    return commission(left_minor, bands) - commission(left_minor - credited_minor, bands)


def taken_over(own_net: int, earlier: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Which of the earlier statements neither paid nor carried (name, net; oldest first) a new one takes over: every
    one below zero, and of the others as many as it needs not to end below zero itself."""
    taken = {name: net for name, net in earlier if net < 0}
    net = own_net + sum(taken.values())
    for name, one in earlier:
        if net >= 0:
            break
        if one > 0:
            taken[name] = one
            net += one
    return [(name, one) for name, one in earlier if name in taken]
