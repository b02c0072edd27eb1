"""One change over many lots: what it would do, lot by lot, before anything is stored; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pavilion.auctions.rules import Broken, Tiers, broken, step_below, tiers_sound
from pavilion.kernel.money import half_up


class Act(StrEnum):
    ESTIMATE = "estimate"  # the same two amounts for all
    ESTIMATE_PER_CARAT = "estimate_per_carat"  # two amounts per carat
    ESTIMATE_OF_PRICE = "estimate_of_price"  # two percentages of the supplier's asking price
    ESTIMATE_BY = "estimate_by"  # one percentage more or less
    OPENING = "opening"  # percentage of the low estimate
    RESERVE = "reserve"  # percentage of the low estimate
    NO_RESERVE = "no_reserve"


@dataclass(frozen=True, slots=True)
class BulkLot:
    lot: str
    version: int
    weight_mct: int
    price_minor: int | None
    low: int | None
    high: int | None
    reserve: int | None
    opening: int | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """Old and new of one lot; `broken` says which invariants the new figures would break."""

    lot: str
    version: int
    old: Mapping[str, int | None]
    new: Mapping[str, int | None]
    broken: tuple[Broken, ...]


def propose(act: Act, first: int, second: int, lots: Sequence[BulkLot], tiers: Tiers) -> list[Proposed]:
    """Amounts in minor units, percentages whole. Low, opening and reserve go down to the ladder, high goes up to it."""
    found = []
    for lot in lots:
        new = _figures(act, first, second, lot, tiers)
        old = {name: _OLD[name](lot) for name in new}
        after: dict[str, Any] = {"low": lot.low, "high": lot.high, "reserve": lot.reserve, "opening": lot.opening}
        after |= {name.removesuffix("_minor"): value for name, value in new.items()}
        if new != old:
            found.append(Proposed(lot.lot, lot.version, old, new, tuple(broken(tiers, **after))))
    return found


def lower_steps(values: Mapping[str, Any], tiers: Tiers) -> dict[str, int]:
    """Of the amounts that have to be steps of the ladder and are not, the next lower step of each."""
    if not tiers_sound(tiers):
        return {}
    said = {name: values.get(name) for name in ("low_minor", "opening_minor", "reserve_minor")}
    found = {name: _down(tiers, amount) for name, amount in said.items() if amount}
    return {name: step for name, step in found.items() if step is not None and step != said[name]}


def outwards(low: int, high: int, tiers: Tiers) -> tuple[int, int]:
    """Two positive amounts as an estimate of this ladder: the low one goes down to a step, the high one up."""
    return _down(tiers, low) or low, _up(tiers, high) or high


def part_of(tiers: Tiers, amount: int, percent: int) -> int | None:
    """So much of an amount, down to the ladder."""
    return _down(tiers, _part(amount, percent))


def _figures(act: Act, first: int, second: int, lot: BulkLot, tiers: Tiers) -> dict[str, int | None]:
    match act:
        case Act.ESTIMATE:
            return _estimate(first, second, tiers)
        case Act.ESTIMATE_PER_CARAT:
            low, high = (half_up(each * lot.weight_mct, 1000) for each in (first, second))
            return _estimate(low, high, tiers)
        case Act.ESTIMATE_OF_PRICE if lot.price_minor:
            return _estimate(_part(lot.price_minor, first), _part(lot.price_minor, second), tiers)
        case Act.ESTIMATE_BY if lot.low and lot.high:
            return _estimate(_part(lot.low, 100 + first), _part(lot.high, 100 + first), tiers)
        case Act.OPENING if lot.low:
            return {"opening_minor": _down(tiers, _part(lot.low, first))}
        case Act.RESERVE if lot.low:
            return {"reserve_minor": _down(tiers, _part(lot.low, first))}
        case Act.NO_RESERVE:
            return {"reserve_minor": None}
    return {}


def _estimate(low: int, high: int, tiers: Tiers) -> dict[str, int | None]:
    """Both figures or none: a price too small for an estimate clears nothing that stands."""
    if low <= 0 or high <= 0:
        return {}
    return {"low_minor": _down(tiers, low), "high_minor": _up(tiers, high)}


def _part(amount: int, percent: int) -> int:
    return half_up(amount * percent, 100)


def _down(tiers: Tiers, amount: int) -> int | None:
    """The next step at or below, but never nothing: below the first step it is that step."""
    if amount <= 0 or not tiers_sound(tiers):
        return amount if amount > 0 else None
    return step_below(tiers, amount) or tiers[0][1]


def _up(tiers: Tiers, amount: int) -> int | None:
    below = _down(tiers, amount)
    if below is None or below >= amount or not tiers_sound(tiers):
        return below
    step = [tier for tier in tiers if tier[0] <= below][-1][1]
    return min([below + step, *(start for start, _ in tiers if start > below)])


_OLD = {
    "low_minor": lambda lot: lot.low,
    "high_minor": lambda lot: lot.high,
    "reserve_minor": lambda lot: lot.reserve,
    "opening_minor": lambda lot: lot.opening,
}
