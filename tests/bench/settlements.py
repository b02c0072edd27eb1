"""A million random settlements against an exact model in rational numbers: not one minor unit may differ.

A settlement is an invoice (lots, premium bands, early bands, amended lots, tax regimes, charges, credits, currencies
with 0, 2 and 3 decimals), its postings, a credit note over some of its lots, the consignors' statements with commission
bands and tax, and a forfeited deposit shared among them. The model knows nothing of the product's functions: it counts
in fractions, over and under the line as whole numbers, and rounds where the spec says so. The same settlements reckoned
with floats are counted beside it: a model that would not notice them is no model.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple, TypeVar

from pavilion.auctions import fees
from pavilion.auctions.fees import Charge, LotLine, Regime, Tax
from pavilion.kernel.money import decimal_text, exponent
from pavilion.settlement import credit_parts, postings
from pavilion.settlement.credit_parts import Billed as Creditable
from pavilion.settlement.deposit_rules import share_out, split
from pavilion.settlement.postings import Billed
from pavilion.settlement.seller_rules import Item, ItemKind, add_up, commission
from tests.luck import Random

COUNT, SEED, WORKERS = 1_000_000, 2026, 2
CURRENCIES = ("JPY", "USD", "EUR", "KWD", "BHD", "KRW")
REGIMES = tuple(Regime)
ADDED = {  # which bases carry added tax: hammer, premium, charges (settlement spec 2)
    "none": (0, 0, 0), "full": (1, 1, 1), "margin": (0, 1, 1), "margin_included": (0, 0, 1),
    "export": (0, 0, 0), "reverse": (0, 0, 0),
}  # fmt: skip
TOPS = (999, 100_000, 12_345_678, 10**10, 10**13)
STEPS = (1, 50, 100, 2_500, 10_000)

Bands = tuple[tuple[int | None, int], ...]
T = TypeVar("T")


class Lot(NamedTuple):
    hammer: int
    early: bool
    own: tuple[Bands, Bands | None] | None
    consignor: int | None
    credited: bool


class Case(NamedTuple):
    currency: str
    regime: Regime
    rate_bp: int
    bands: Bands
    early_bands: Bands | None
    lots: tuple[Lot, ...]
    charges: tuple[tuple[int, bool], ...]
    credits: tuple[int, ...]
    commission: Bands
    seller_rate_bp: int
    held: int
    forfeit_bp: int
    seller_bp: int


def cases(count: int, seed: int) -> Iterator[Case]:
    luck = Random(seed)
    chance = luck.random

    def whole(below: int) -> int:
        return int(chance() * below)

    def among(these: Sequence[T]) -> T:
        return these[int(chance() * len(these))]

    def amount(top: int) -> int:
        """As people bid: mostly round, so that halves of a minor unit are met often."""
        step = among(STEPS)
        return whole(top) + 1 if step >= top else (whole(top // step) + 1) * step

    def rate() -> int:
        return 25 * whole(200) if chance() < 0.7 else whole(5_000)

    def bands(top: int) -> Bands:
        edges = sorted({amount(top) for _ in range(whole(4))})
        return (*((edge, rate()) for edge in edges), (None, rate()))

    for _ in range(count):
        top, taken_back = among(TOPS), chance() < 0.3
        usual, early = bands(top), bands(top) if chance() < 0.4 else None
        lots = tuple(
            Lot(
                amount(top),
                chance() < 0.3,
                (bands(top), None) if chance() < 0.1 else None,
                None if chance() < 0.15 else 1 + whole(3),
                taken_back and chance() < 0.6,
            )
            for _ in range(1 + whole(3))
        )
        charges = tuple((whole(top // 10 + 1), chance() < 0.7) for _ in range(whole(3)))
        yield Case(
            among(CURRENCIES), among(REGIMES), rate(), usual, early, lots, charges,
            tuple(whole(2 * top) for _ in range(whole(2))), bands(top), among((0, 2_100)),
            whole(top), whole(10_001), whole(10_001),
        )  # fmt: skip


# The product's answer ------------------------------------------------------------------------------------------------
def settled(case: Case) -> dict[str, Any]:
    """What the product's own functions say of it."""
    tax = Tax(case.regime, case.rate_bp)
    found = fees.totals(
        [LotLine(lot.hammer, lot.early, lot.own) for lot in case.lots],
        [Charge(net, taxed) for net, taxed in case.charges],
        bands=case.bands, early_bands=case.early_bands, tax=tax, credits=case.credits,
    )  # fmt: skip
    moved: dict[str, int] = {}
    lines = [Billed("hammer", lot.hammer, lot.consignor) for lot in case.lots]
    lines += [Billed("premium", fee) for fee in found.premiums] + [Billed("charge", net) for net, _ in case.charges]
    lines.append(Billed("tax", found.tax, None, "BE", case.regime.value))
    memo = {postings.tax("BE", "memo"): found.memo_tax}
    for move in postings.invoice_issued(1, "INV", lines, memo_tax=memo):
        moved[move.account] = moved.get(move.account, 0) + move.amount_minor
    kept, left = split(case.held, found.total, case.forfeit_bp)
    hammers = [(lot.consignor, lot.hammer) for lot in case.lots]
    return {
        "premiums": found.premiums, "tax_base": found.tax_base, "tax": found.tax, "memo_tax": found.memo_tax,
        "total": found.total, "due": found.due, "refund": found.refund,
        "total_text": decimal_text(found.total, case.currency),
        "moved": {account: amount for account, amount in moved.items() if amount},
        "credited": _credited(case, found, tax), "nets": _nets(case),
        "forfeit": (kept, left), "shares": share_out(kept, case.seller_bp, hammers),
    }  # fmt: skip


def _credited(case: Case, found: fees.Totals, tax: Tax) -> tuple[int, int, int, int] | None:
    """Lines and memo tax of a credit note over some lots, then of one over what it left; nothing without such lots."""
    if not any(lot.credited for lot in case.lots):
        return None
    lines = []
    for n, (lot, fee) in enumerate(zip(case.lots, found.premiums, strict=True)):
        lines += [Creditable(2 * n, "hammer", str(n), lot.hammer), Creditable(2 * n + 1, "premium", str(n), fee)]
    base = 2 * len(case.lots)
    lines += [Creditable(base + n, "charge", None, net, 0, taxed) for n, (net, taxed) in enumerate(case.charges)]
    lines.append(Creditable(base + len(case.charges), "tax", None, found.tax))
    some = {
        n: line.left for n, line in enumerate(lines) if line.lot and case.lots[int(line.lot)].credited and line.left
    }
    first = credit_parts.parts(lines, some, tax, memo_tax_minor=found.memo_tax, memo_credited_minor=0)
    gone = dict(first.lines)
    rest = [line._replace(credited_minor=gone.get(line.id, 0)) for line in lines]
    second = credit_parts.parts(
        rest, credit_parts.of_all(rest), tax, memo_tax_minor=found.memo_tax, memo_credited_minor=first.memo_tax_minor
    )
    return first.total_minor, first.memo_tax_minor, second.total_minor, second.memo_tax_minor


def _nets(case: Case) -> dict[int, tuple[int, int, int]]:
    """By consignor: commission, tax and net of its statement."""
    found = {}
    for consignor in sorted({lot.consignor for lot in case.lots if lot.consignor is not None}):
        items = [
            Item(str(n), ItemKind.SOLD, "", hammer_minor=lot.hammer,
                 commission_minor=commission(lot.hammer, case.commission))
            for n, lot in enumerate(case.lots) if lot.consignor == consignor
        ]  # fmt: skip
        sums = add_up(items, Tax(Regime.FULL, case.seller_rate_bp))
        found[consignor] = (sums.commission, sums.tax, sums.net)
    return found


# The model: fractions, and nothing of the product --------------------------------------------------------------------
def nearest(over: int, under: int) -> int:
    """The whole number nearest to a fraction; halves away from zero."""
    size = (2 * abs(over) + under) // (2 * under)
    return size if over >= 0 else -size


def banded(hammer: int, bands: Bands) -> int:
    """The fee in ten thousandths of the minor unit."""
    exact = below = 0
    for upto, rate in bands:
        slice_top = hammer if upto is None else min(hammer, upto)
        if slice_top > below:
            exact += (slice_top - below) * rate
            below = slice_top
    return exact


def bands_of(case: Case, lot: Lot) -> Bands:
    usual, early = lot.own or (case.bands, case.early_bands)
    return early if lot.early and early is not None else usual


def modelled(case: Case) -> dict[str, Any]:
    """What the spec says of it, counted exactly."""
    on_hammer, on_premium, on_charges = ADDED[case.regime.value]
    premiums = tuple(nearest(banded(lot.hammer, bands_of(case, lot)), 10_000) for lot in case.lots)
    hammers = sum(lot.hammer for lot in case.lots)
    taxed = sum(net for net, is_taxed in case.charges if is_taxed)
    base = on_hammer * hammers + on_premium * sum(premiums) + on_charges * taxed
    tax = nearest(base * case.rate_bp, 10_000)
    included = case.regime is Regime.MARGIN_INCLUDED
    memo = nearest(sum(premiums) * case.rate_bp, 10_000 + case.rate_bp) if included else 0
    total = hammers + sum(premiums) + sum(net for net, _ in case.charges) + tax
    moved: dict[str, int] = {"asset:buyer:1": total, "income:premium": memo - sum(premiums)}
    moved["income:charge"] = -sum(net for net, _ in case.charges)
    moved["income:sales"] = -sum(lot.hammer for lot in case.lots if lot.consignor is None)
    for consignor in (1, 2, 3):
        moved[f"liability:seller:{consignor}"] = -sum(lot.hammer for lot in case.lots if lot.consignor == consignor)
    moved[f"liability:tax:BE:{case.regime.value}"] = -tax
    moved["liability:tax:BE:memo"] = -memo
    kept = min(case.held, nearest(total * case.forfeit_bp, 10_000))
    due = total - sum(case.credits)
    return {
        "premiums": premiums, "tax_base": base, "tax": tax, "memo_tax": memo,
        "total": total, "due": max(0, due), "refund": max(0, -due), "total_text": _text(total, exponent(case.currency)),
        "moved": {account: amount for account, amount in moved.items() if amount},
        "credited": _model_credited(case, premiums, tax, memo, total), "nets": _model_nets(case),
        "forfeit": (kept, case.held - kept), "shares": _model_shares(case, kept, hammers),
    }  # fmt: skip


def _text(minor: int, places: int) -> str:
    digits = str(minor).rjust(places + 1, "0")
    return digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"


def _model_credited(
    case: Case, premiums: tuple[int, ...], tax: int, memo: int, total: int
) -> tuple[int, int, int, int] | None:
    if not any(lot.credited for lot in case.lots):
        return None
    on_hammer, on_premium, on_charges = ADDED[case.regime.value]
    stays = [(lot.hammer, fee) for lot, fee in zip(case.lots, premiums, strict=True) if not lot.credited]
    gone = [(lot.hammer, fee) for lot, fee in zip(case.lots, premiums, strict=True) if lot.credited]
    fees_left, taxed = sum(fee for _, fee in stays), sum(net for net, is_taxed in case.charges if is_taxed)
    base_left = on_hammer * sum(hammer for hammer, _ in stays) + on_premium * fees_left + on_charges * taxed
    first = sum(hammer + fee for hammer, fee in gone) + tax - nearest(base_left * case.rate_bp, 10_000)
    included = case.regime is Regime.MARGIN_INCLUDED
    memo_left = nearest(fees_left * case.rate_bp, 10_000 + case.rate_bp) if included else 0
    return first, memo - memo_left, total - first, memo_left


def _model_nets(case: Case) -> dict[int, tuple[int, int, int]]:
    found = {}
    for consignor in (1, 2, 3):
        mine = [lot.hammer for lot in case.lots if lot.consignor == consignor]
        if mine:
            fee = sum(nearest(banded(hammer, case.commission), 10_000) for hammer in mine)
            tax = nearest(fee * case.seller_rate_bp, 10_000)
            found[consignor] = (fee, tax, sum(mine) - fee - tax)
    return found


def _model_shares(case: Case, kept: int, hammers: int) -> dict[int, int]:
    """Cumulated exactly and rounded at each lot, so that the shares add up to the sellers' part."""
    part, reached, given = nearest(kept * case.seller_bp, 10_000), 0, 0
    found: dict[int, int] = {}
    for lot in case.lots:
        reached += lot.hammer
        upto = nearest(part * reached, hammers)
        if lot.consignor is not None and upto > given:
            found[lot.consignor] = found.get(lot.consignor, 0) + upto - given
        given = upto
    return found


# Floats, which must be seen to fail ----------------------------------------------------------------------------------
def floated(case: Case) -> int:
    """The total as somebody would reckon it with floats."""
    total = 0
    for lot in case.lots:
        fee, below = 0.0, 0
        for upto, rate in bands_of(case, lot):
            top = lot.hammer if upto is None else min(lot.hammer, upto)
            fee += max(0, top - below) * (rate / 10_000)
            below = max(below, top)
        total += lot.hammer + round(fee)
    on_hammer, on_premium, on_charges = ADDED[case.regime.value]
    hammers, taxed = sum(lot.hammer for lot in case.lots), sum(net for net, is_taxed in case.charges if is_taxed)
    base = on_hammer * hammers + on_premium * (total - hammers) + on_charges * taxed
    return total + sum(net for net, _ in case.charges) + round(base * (case.rate_bp / 10_000))


class Found(NamedTuple):
    cases: int
    wrong: int  # product against model
    unbalanced: int
    floats: int  # floats against model
    first: str  # the first case that differs


def compared(count: int, seed: int) -> Found:
    """This many random settlements, both ways."""
    wrong = unbalanced = floats = 0
    first = ""
    for case in cases(count, seed):
        ours, exact = settled(case), modelled(case)
        if ours != exact:
            wrong += 1
            first = first or repr(
                [(name, ours[name], exact[name]) for name in exact if ours[name] != exact[name]] + [case]
            )
        unbalanced += sum(ours["moved"].values()) != 0
        floats += floated(case) != exact["total"]
    return Found(count, wrong, unbalanced, floats, first)


def main(count: int = COUNT) -> list[dict[str, object]]:
    part, begun = 10_000, time.perf_counter()
    with ProcessPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as workers:
        parts = list(workers.map(compared, [part] * (count // part), range(SEED, SEED + count // part)))
    took = time.perf_counter() - begun
    total = sum(one.cases for one in parts)
    wrong, floats = sum(one.wrong + one.unbalanced for one in parts), sum(one.floats for one in parts)
    print(f"{total:,} settlements in {took:.0f} s: {wrong} differ from the exact model; with floats {floats:,} would")
    for one in [one.first for one in parts if one.first][:3]:
        print(one)
    return [
        {"name": "settlements against the exact model: differences", "value": wrong, "unit": "", "ok": wrong == 0},
        {"name": "the same with floats: differences", "value": floats, "unit": "", "ok": floats > 0},
    ]


if __name__ == "__main__":
    raise SystemExit(not all(fact["ok"] for fact in main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)))
