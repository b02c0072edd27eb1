"""An invoice added up from its own lines: premium, tax, total, and what each line moves in the journal. No session."""

from collections.abc import Sequence
from typing import Any

from pavilion.auctions import fees
from pavilion.settlement import postings
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.postings import Billed, Move
from pavilion.settlement.rules import LineKind


def totals_of(invoice: Invoice) -> fees.Totals:
    """The invoice recomputed from its hammers, charges and credits alone."""
    of_kind = {kind: [line for line in invoice.lines if line.kind == kind] for kind in LineKind}
    return fees.totals(
        [
            fees.LotLine(line.amount_minor, bool(line.facts["early"]), _own_bands(line))
            for line in of_kind[LineKind.HAMMER]
        ],
        [fees.Charge(line.amount_minor, bool(line.facts["taxed"])) for line in of_kind[LineKind.CHARGE]],
        bands=bands_of(invoice.facts["bands"]) or (),
        early_bands=bands_of(invoice.facts["early_bands"]),
        tax=tax_of(invoice),
        credits=[line.amount_minor for line in of_kind[LineKind.CREDIT]],
    )


def tax_of(invoice: Invoice) -> fees.Tax:
    return fees.UNTAXED if invoice.regime is None else fees.Tax(fees.Regime(invoice.regime), invoice.rate_bp)


def tax_account(invoice: Invoice) -> str:
    return postings.tax(invoice.facts["seller"]["country"], str(invoice.regime))


def billed(invoice: Invoice, line: InvoiceLine, amount_minor: int) -> Billed:
    """This line, or a part of it, as the posting table asks for it; own goods have no consignor."""
    own = bool(line.facts.get("own"))
    consignor = line.facts["consignor"] if line.kind == LineKind.HAMMER and not own else None
    return Billed(line.kind, amount_minor, consignor, invoice.facts["seller"]["country"], str(invoice.regime))


def moves_of(invoice: Invoice) -> list[Move]:
    """The journal of an issue: the buyer owes the total; hammer belongs to the consignors, premium to the house."""
    assert invoice.number is not None
    lines = [billed(invoice, line, line.amount_minor) for line in invoice.lines if line.kind != LineKind.CREDIT]
    memo = {tax_account(invoice): invoice.memo_tax_minor} if invoice.memo_tax_minor else None
    return postings.invoice_issued(invoice.company_id, invoice.number, lines, memo_tax=memo)


def bands_of(said: Sequence[Sequence[Any]] | None) -> fees.Bands | None:
    return None if said is None else tuple((band[0], band[1]) for band in said)


def _own_bands(line: InvoiceLine) -> tuple[fees.Bands, fees.Bands | None] | None:
    own = line.facts.get("own_bands")
    return None if own is None else (bands_of(own[0]) or (), bands_of(own[1]))
