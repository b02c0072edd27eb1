"""When the money of an invoice counts as cleared: paid in full, no chargeback open, the days of waiting over."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Entry, Invoice
from pavilion.settlement.postings import BUYERS
from pavilion.settlement.receipt_models import Allocation
from pavilion.settlement.rules import InvoiceState

OPEN = "open"


async def cleared_on(session: AsyncSession, invoices: Collection[Invoice], holdback_days: int) -> dict[int, date]:
    """The day from which the money of each of these invoices is cleared, by the invoice's id; those whose money is not
    all there, or in dispute, are not in it. `holdback_days`: calendar days after the payment."""
    paid = {one.id: one for one in invoices if one.state == InvoiceState.PAID and one.number is not None}
    if not paid:
        return {}
    blocked = await disputed(session, invoices)
    owed = select(Entry.ref).where(
        Entry.ref.in_([one.number for one in paid.values()]), Entry.account.startswith(BUYERS)
    )
    owing = set(await session.scalars(owed.group_by(Entry.ref).having(func.sum(Entry.amount_minor) > 0)))
    return {
        key: date.fromisoformat(one.paid_on or one.issued_on or "") + timedelta(days=holdback_days)
        for key, one in paid.items()
        if key not in blocked and one.number not in owing
    }


async def disputed(session: AsyncSession, invoices: Collection[Invoice]) -> set[int]:
    """Which of these invoices, by their ids, were paid with money whose payer contests it now. They are neither settled
    nor to be paid: their stones stay until it is decided."""
    paid = {one.id for one in invoices if one.state == InvoiceState.PAID}
    if not paid:
        return set()
    at_once = select(Allocation.invoice_id).join(Dispute, Dispute.receipt_id == Allocation.receipt_id)
    found = set(await session.scalars(at_once.where(Dispute.state == OPEN, Allocation.invoice_id.in_(paid))))
    by_deposit = select(Invoice.id).join(
        Deposit, (Deposit.company_id == Invoice.company_id) & (Deposit.sale == Invoice.sale)
    )
    by_deposit = by_deposit.join(Allocation, Allocation.deposit == Deposit.public_id)
    by_deposit = by_deposit.join(Dispute, Dispute.receipt_id == Allocation.receipt_id)
    by_deposit = by_deposit.where(Dispute.state == OPEN, Invoice.id.in_(paid), Invoice.credits_minor > 0)
    return {one for one in found | set(await session.scalars(by_deposit)) if one is not None}
