"""Which lots a statement's payment waits for, and why. A lot is named by its number; nothing here names a buyer."""

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.settlement import payouts, proceeds
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.clearing import cleared_on, disputed
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.receipt_models import Discrepancy
from pavilion.settlement.rules import InvoiceState, LineKind
from pavilion.settlement.seller_models import SellerStatement
from pavilion.settlement.seller_rules import ItemKind

WAITS = ("not_payable_yet", "discrepancy_open", "correction_waits", "not_cleared")  # states in which a lot is the cause
REASONS = ("discrepancy", "disputed", "not_cleared", "correction", "cleared_last")


class Cause(NamedTuple):
    """`day`: on which its money was cleared, where it is that which the day of payment was counted from. `note`: the
    credit note that came later."""

    number: str
    why: str
    day: date | None = None
    note: str = ""


async def causes(session: AsyncSession, statement: SellerStatement, state: str, now: datetime) -> list[Cause]:
    """In the order of the invoices' lines; none where no lot is the cause."""
    if state not in WAITS:
        return []
    numbers = await payouts.invoices_of(session, statement)
    lots = await _lots(session, statement.company_id, numbers)
    found = await _money(session, lots)
    proceeding = await proceeds.of_sale(session, statement.company_id, statement.sale, now)
    known = {line.lot: str(line.facts["number"]) for line, _ in lots}
    for item in proceeding.items if proceeding is not None else ():
        if item.kind == ItemKind.CORRECTION and item.lot in known:
            found.append(Cause(known[item.lot], "correction", note=item.label))
    if state == "not_payable_yet":
        found += await _last(session, statement, lots, {one.number for one in found})
    places = {str(line.facts["number"]): place for place, (line, _) in enumerate(lots)}
    return sorted(found, key=lambda one: places[one.number])


_Lots = Collection[tuple[InvoiceLine, Invoice]]


async def _lots(session: AsyncSession, company_id: int, numbers: Collection[str]) -> _Lots:
    wanted = select(InvoiceLine, Invoice).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    wanted = wanted.where(Invoice.number.in_(numbers), InvoiceLine.kind == LineKind.HAMMER)
    wanted = wanted.where(InvoiceLine.facts["consignor"].as_integer() == company_id)
    return [(line, invoice) for line, invoice in await session.execute(wanted.order_by(InvoiceLine.id))]


async def _money(session: AsyncSession, lots: _Lots) -> list[Cause]:
    """What of it is being checked, contested or not there."""
    invoices = {invoice.id: invoice for _, invoice in lots}
    checked = select(Discrepancy.invoice).where(Discrepancy.closed_at.is_(None))
    wrong = set(await session.scalars(checked.where(Discrepancy.invoice.in_([o.number for o in invoices.values()]))))
    contested = await disputed(session, invoices.values())
    there = await cleared_on(session, invoices.values(), 0)
    found = []
    for line, invoice in lots:
        why = (
            "discrepancy" if invoice.number in wrong
            else "disputed" if invoice.id in contested
            else "not_cleared" if invoice.id not in there and invoice.state != InvoiceState.CANCELLED
            else None
        )  # fmt: skip
        if why is not None:
            found.append(Cause(str(line.facts["number"]), why))
    return found


async def _last(session: AsyncSession, statement: SellerStatement, lots: _Lots, told: Collection[str]) -> list[Cause]:
    """The lots from whose money the day of payment was counted."""
    terms = await terms_of(session, statement.sale, statement.entity)
    days = await cleared_on(session, {invoice.id: invoice for _, invoice in lots}.values(), terms.holdback_days)
    last = max(days.values(), default=None)
    return [
        Cause(str(line.facts["number"]), "cleared_last", last)
        for line, invoice in lots
        if last is not None and days.get(invoice.id) == last and str(line.facts["number"]) not in told
    ]
