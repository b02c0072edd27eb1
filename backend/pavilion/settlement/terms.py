"""What a sale settles by: days, deposits, ceilings, shares. Pure; every figure is a default of the spec until the
selling entity, and then the sale, says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pavilion.kernel.money import of_two_places

Bands = tuple[tuple[int | None, int], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Amounts in minor units of the sale's currency, rates in basis points, days as business days where not said. The
    amounts here are the spec's, as written for a currency of two places: `usual` has them in any other."""

    due_days: int = 3  # settlement spec 7
    grace_days: int = 2
    reminders: tuple[int, ...] = (-1, 1)
    strikes: int = 2  # open ones that bar a company, spec 8
    forfeit_bp: int = 10_000
    forfeit_to_seller_bp: int = 0  # the seller's part of what is forfeited
    forfeit_wait_days: int = 5  # before the rest of a defaulter's deposit goes back
    offer_hours: int = 48
    passed_offer_days: int = 5
    approach_floor_bp: int = 0  # of the low estimate; a buyer's offer below it is declined at once, spec 11.3. 0: off
    deposit_rate_bp: int = 0  # 0 and no fixed sum: no deposit is asked; spec 4 names 1,000 (10 %)
    deposit_fixed_minor: int = 0
    deposit_min_minor: int = 500_000
    deposit_max_minor: int | None = None
    deposit_factor: int = 10
    deposit_by_hold: bool = False  # only for sales that end within four days
    card_ceiling_minor: int = 2_500_000  # above it: bank transfer only, spec 6.2
    auto_charge: bool = False
    refund_alone_minor: int = 1_000_000  # above it a second person decides, spec 6.4
    checkout_hours: int = 24
    holdback_days: int = 0  # before paid money counts as cleared, spec 10
    export_proof_days: int = 90  # calendar days, spec 2
    commission: Bands = ((None, 0),)
    unsold_charge_minor: int = 0
    seller_days: int = 10  # after cleared payment, spec 10
    ownership_on_payment: bool = True  # else at the hand-over
    way_days: int = 3  # after the payment, until who has not said how the stones go is reminded

    @classmethod
    def usual(cls, currency: str) -> "Terms":
        """The spec's figures in this currency."""
        found = cls()
        sums = {one.name: getattr(found, one.name) for one in fields(cls) if one.name.endswith("_minor")}
        said: dict[str, Any] = {name: of_two_places(sum_, currency) for name, sum_ in sums.items() if sum_ is not None}
        return replace(found, **said)

    @classmethod
    def of(cls, currency: str, *layers: Mapping[str, Any]) -> "Terms":
        """Later layers say otherwise than earlier ones, in minor units of this currency; unknown words are a bug and
        raise."""
        found = cls.usual(currency)
        known = {field.name for field in fields(cls)}
        for layer in layers:
            if odd := set(layer) - known:
                raise ValueError(f"unknown terms: {sorted(odd)}")
            found = replace(found, **{name: _frozen(value) for name, value in layer.items()})
        return found


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
