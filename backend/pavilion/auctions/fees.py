"""What a hammer price costs in the end: premium by bands, tax by regime. Pure, in whole minor units.

The same functions answer at bid time, at the close and on the invoice, so that no two figures can differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pavilion.kernel.money import half_up

Bands = Sequence[tuple[int | None, int]]  # (up to and including, basis points), the last one without end
HOUR = 3_600_000_000  # microseconds


class Regime(StrEnum):
    NONE = "none"
    FULL = "full"
    MARGIN = "margin"
    MARGIN_INCLUDED = "margin_included"
    EXPORT = "export"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Tax:
    regime: Regime = Regime.NONE
    rate_bp: int = 0

    @property
    def taxes_hammer(self) -> bool:
        return self.regime is Regime.FULL

    @property
    def taxes_premium(self) -> bool:
        return self.regime in (Regime.FULL, Regime.MARGIN)

    @property
    def taxes_charges(self) -> bool:
        return self.regime in (Regime.FULL, Regime.MARGIN, Regime.MARGIN_INCLUDED)


UNTAXED = Tax()


def premium(hammer: int, bands: Bands) -> int:
    """The premium on the hammer of one lot: each slice at its rate, rounded once."""
    if len(bands) == 1:
        return half_up(hammer * bands[0][1], 10_000)
    below = exact = 0
    for upto, rate_bp in bands:
        top = hammer if upto is None else min(hammer, upto)
        exact += (top - below) * rate_bp
        if top == hammer:
            break
        below = top
    return half_up(exact, 10_000)


def is_early(accepted_at: int, published_end: int, hours: int) -> bool:
    """Whether the winning commitment came early enough for the early bands; instants in microseconds."""
    return accepted_at < published_end - hours * HOUR


def lot_premium(hammer: int, bands: Bands, early_bands: Bands | None, early: bool) -> int:
    return premium(hammer, early_bands if early and early_bands is not None else bands)


class AllIn(NamedTuple):
    """What a bidder would pay for one lot at this hammer."""

    hammer: int
    premium: int
    tax: int

    @property
    def total(self) -> int:
        return self.hammer + self.premium + self.tax


def all_in(hammer: int, bands: Bands, tax: Tax = UNTAXED) -> AllIn:
    """The estimate shown at bid time, and what counts against a limit."""
    fee = premium(hammer, bands)
    return AllIn(hammer, fee, tax_on(tax, tax_base(tax, hammer, fee)) if tax.rate_bp else 0)


def tax_base(tax: Tax, hammer: int, premium: int, taxed_charges: int = 0) -> int:
    return (
        (hammer if tax.taxes_hammer else 0)
        + (premium if tax.taxes_premium else 0)
        + (taxed_charges if tax.taxes_charges else 0)
    )


def tax_on(tax: Tax, base: int) -> int:
    """The tax of one group, rounded once over the whole invoice."""
    return half_up(base * tax.rate_bp, 10_000)


def memo_tax(tax: Tax, premiums: int) -> int:
    """The tax that a premium under `margin_included` already contains; for the ledger, never shown."""
    if tax.regime is not Regime.MARGIN_INCLUDED:
        return 0
    return half_up(premiums * tax.rate_bp, 10_000 + tax.rate_bp)


@dataclass(frozen=True, slots=True)
class LotLine:
    """`own`: the bands and early bands of a lot whose rules were amended; the others go by those of the sale."""

    hammer: int
    early: bool = False
    own: tuple[Bands, Bands | None] | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    net: int
    taxed: bool = True


@dataclass(frozen=True, slots=True)
class Totals:
    """An invoice of one tax group, added up."""

    premiums: tuple[int, ...]  # one per lot, in the order given
    tax_base: int
    tax: int
    memo_tax: int
    net: int
    credits: int

    @property
    def premium(self) -> int:
        return sum(self.premiums)

    @property
    def total(self) -> int:
        return self.net + self.tax

    @property
    def due(self) -> int:
        return max(0, self.total - self.credits)

    @property
    def refund(self) -> int:
        return max(0, self.credits - self.total)


def totals(
    lots: Sequence[LotLine],
    charges: Iterable[Charge],
    *,
    bands: Bands,
    early_bands: Bands | None = None,
    tax: Tax = UNTAXED,
    credits: Iterable[int] = (),
) -> Totals:
    """Every line rounded once, the tax once over all of them."""
    charges = tuple(charges)
    usual = (bands, early_bands)
    premiums = tuple(lot_premium(lot.hammer, *(lot.own or usual), lot.early) for lot in lots)
    hammers = sum(lot.hammer for lot in lots)
    base = tax_base(tax, hammers, sum(premiums), sum(charge.net for charge in charges if charge.taxed))
    return Totals(
        premiums=premiums,
        tax_base=base,
        tax=tax_on(tax, base),
        memo_tax=memo_tax(tax, sum(premiums)),
        net=hammers + sum(premiums) + sum(charge.net for charge in charges),
        credits=sum(credits),
    )


def deposit(low_estimates: Iterable[int], rate_bp: int, least: int = 0, most: int | None = None) -> int:
    """The deposit asked for lots with these low estimates; the least is applied before the most."""
    asked = max(half_up(sum(low_estimates) * rate_bp, 10_000), least)
    return asked if most is None else min(asked, most)
