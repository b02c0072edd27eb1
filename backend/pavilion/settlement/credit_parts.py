"""What a credit note takes back of an invoice, to the last cent; pure.

The tax goes with the lines that bear it: what is left of it is always the tax on what is left of its base, rounded once
as on the invoice, so that several notes together never take back a cent more or less than the whole.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pavilion.auctions import fees
from pavilion.settlement.rules import LineKind

OF_LOTS = (LineKind.HAMMER, LineKind.PREMIUM)
NAMEABLE = (*OF_LOTS, LineKind.CHARGE)  # the tax follows them, a credit was paid and comes back as money


class Billed(NamedTuple):
    """A line of an issued invoice, with what earlier notes took back of it."""

    id: int
    kind: str
    lot: str | None
    amount_minor: int
    credited_minor: int = 0
    taxed: bool = True  # of a charge

    @property
    def left(self) -> int:
        return self.amount_minor - self.credited_minor


class Parts(NamedTuple):
    """By the line's id, in the order of the invoice; nothing stands here with zero unless the whole line was zero."""

    lines: tuple[tuple[int, int], ...]
    memo_tax_minor: int
    whole: bool  # nothing is left of the invoice
    freed: tuple[str, ...]  # lots of which nothing is left

    @property
    def total_minor(self) -> int:
        return sum(amount for _, amount in self.lines)


def of_lots(lines: Sequence[Billed], lots: Collection[str]) -> dict[int, int]:
    """What is left of these lots; with the last lot goes what was charged for their way."""
    standing = {line.lot for line in lines if line.kind == LineKind.HAMMER and line.left and line.lot}
    last = standing <= set(lots)
    return {
        line.id: line.left
        for line in lines
        if line.left
        and ((line.kind in OF_LOTS and line.lot in lots) or (line.kind == LineKind.CHARGE and last and standing))
    }


def of_all(lines: Sequence[Billed]) -> dict[int, int]:
    return {line.id: line.left for line in lines if line.kind in NAMEABLE and line.left}


def parts(
    lines: Sequence[Billed], taken: Mapping[int, int], tax: fees.Tax, *, memo_tax_minor: int, memo_credited_minor: int
) -> Parts:
    """The named amounts with their part of the tax. The caller has checked that none is more than what is left."""
    after = [line._replace(credited_minor=line.credited_minor + taken.get(line.id, 0)) for line in lines]
    tax_left = fees.tax_on(tax, _base(after, tax))
    found = []
    for line in lines:
        part = max(0, line.left - tax_left) if line.kind == LineKind.TAX else taken.get(line.id, 0)
        if part:
            found.append((line.id, part))
    memo_left = min(memo_tax_minor - memo_credited_minor, fees.memo_tax(tax, _sum(after, (LineKind.PREMIUM,))))
    freed = {line.lot for line in lines if line.kind == LineKind.HAMMER and line.lot and line.left}
    freed -= {line.lot for line in after if line.kind == LineKind.HAMMER and line.left}
    return Parts(
        lines=tuple(found),
        memo_tax_minor=memo_tax_minor - memo_credited_minor - memo_left,
        whole=not any(line.left for line in after if line.kind in NAMEABLE),
        freed=tuple(sorted(lot for lot in freed if lot)),
    )


def _base(lines: Iterable[Billed], tax: fees.Tax) -> int:
    charges = sum(line.left for line in lines if line.kind == LineKind.CHARGE and line.taxed)
    return fees.tax_base(tax, _sum(lines, (LineKind.HAMMER,)), _sum(lines, (LineKind.PREMIUM,)), charges)


def _sum(lines: Iterable[Billed], kinds: tuple[LineKind, ...]) -> int:
    return sum(line.left for line in lines if line.kind in kinds)
