"""Money that reached the house: booked once, on the invoice it is meant for; what is left over waits unallocated."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding import service as bidding
from pavilion.kernel import events
from pavilion.kernel.ids import ulid
from pavilion.settlement import curing, ledger, postings, queries
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.receipt_models import Allocation, Leaving, Receipt, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState, Outcome, outcome_on


def house_account(receipt: Receipt) -> str:
    """Where the money lies: at the bank, or still with the payment provider."""
    return postings.bank(receipt.entity) if by_wire(receipt) else postings.stripe(receipt.entity)


def by_wire(receipt: Receipt) -> bool:
    """Whether it lies at the bank, and goes back from there."""
    return receipt.source in (Source.WIRE, Source.CONVERTED)


async def book(session: AsyncSession, receipt: Receipt, invoice: Invoice | None, *, by: str | None) -> Receipt:
    """The receipt stands in the journal, on the invoice as far as that is open, the rest unallocated. The invoice's
    row is locked by the caller; a receipt is booked once."""
    session.add(receipt)
    await session.flush()
    part = open_minor = 0
    if invoice is not None and invoice.currency == receipt.currency and InvoiceState(invoice.state) in PAYABLE:
        open_minor = await queries.open_minor(session, invoice)
        part = min(receipt.amount_minor, open_minor)
    rest = receipt.amount_minor - part
    house = house_account(receipt)
    moves = postings.unallocated_received(house, receipt.company_id, rest)
    if invoice is not None and invoice.number is not None and part:
        session.add(Allocation(receipt_id=receipt.id, invoice_id=invoice.id, amount_minor=part, by=by, at=receipt.at))
        moves = postings.payment(house, invoice.company_id, invoice.number, part) + moves
    await ledger.post(
        session,
        key=f"receipt:{receipt.public_id}",
        moves=postings.joined(moves),
        currency=receipt.currency,
        ref=receipt.public_id,
        at=receipt.at,
        by=by,
    )
    told = {"invoice": invoice.number if invoice is not None and part else None, "unallocated_minor": rest}
    events.record(session, "payment:booked", receipt.public_id, by=by, at=receipt.at, **told)
    if invoice is not None and part and part == open_minor:
        await _settled(session, invoice, on=None, by=by, now=receipt.at)
    return receipt


async def allocate(
    session: AsyncSession,
    receipt: Receipt,
    invoice: Invoice,
    amount_minor: int,
    *,
    by: str | None,
    now: datetime,
    reason: str = "",
) -> None:
    """A part of what the receipt left unallocated pays this invoice. The caller has locked both rows and checked that
    as much is left on either side; the guarded account refuses more."""
    assert receipt.currency == invoice.currency and invoice.number is not None and amount_minor > 0
    allocation = Allocation(receipt_id=receipt.id, invoice_id=invoice.id, amount_minor=amount_minor, by=by, at=now)
    allocation.reason = reason
    session.add(allocation)
    await session.flush()
    await ledger.post(
        session,
        key=f"allocation:{allocation.id}",
        moves=postings.unallocated_matched(receipt.company_id, invoice.company_id, invoice.number, amount_minor),
        currency=receipt.currency,
        ref=receipt.public_id,
        at=now,
        by=by,
    )
    await paid_up(session, invoice, on=None, by=by, now=now)


async def left_of(session: AsyncSession, receipt: Receipt) -> int:
    """What of the receipt pays nothing yet and was neither sent back, converted nor taken back, in minor units."""
    used = await session.scalar(
        select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(Allocation.receipt_id == receipt.id)
    )
    gone = await session.scalar(
        select(func.coalesce(func.sum(Leaving.amount_minor), 0)).where(Leaving.receipt_id == receipt.id)
    )
    return receipt.amount_minor - int(used or 0) - int(gone or 0) - await queries.refunded_minor(session, receipt)


async def paid_up(session: AsyncSession, invoice: Invoice, *, on: date | None, by: str | None, now: datetime) -> bool:
    """The invoice is paid once nothing is left open: in time, late, or cured after its default. `on`: the local day
    that counts, else today in the sale's zone."""
    if InvoiceState(invoice.state) not in PAYABLE or await queries.open_minor(session, invoice) != 0:
        return False
    await _settled(session, invoice, on=on, by=by, now=now)
    return True


async def _settled(session: AsyncSession, invoice: Invoice, *, on: date | None, by: str | None, now: datetime) -> None:
    day = on or queries.local_day(invoice, now)
    invoice.outcome = outcome_on(InvoiceState(invoice.state), invoice.due_day, day)
    invoice.state, invoice.paid_on = InvoiceState.PAID, day.isoformat()
    with session.no_autoflush:  # what is written with the act is written at its end, in one go
        lots = sorted(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id)))
    for lot in lots:
        await bidding.lot_paid(session, sale=invoice.sale, lot=lot, now=now)
    facts = {"sale": invoice.sale, "lots": lots, "number": invoice.number, "company_id": invoice.company_id}
    events.record(session, "invoice:paid", invoice.public_id, by=by, at=now, outcome=invoice.outcome, **facts)
    if invoice.outcome == Outcome.CURED:
        events.record(session, "invoice:cured", invoice.public_id, by=by, at=now, **facts)
        await curing.cured(session, invoice, by=by, now=now)


def wire(
    *,
    entity: str,
    company_id: int | None,
    currency: str,
    amount_minor: int,
    value_date: date,
    reference: str,
    purpose: str,
    persons: tuple[int, int],
    now: datetime,
) -> Receipt:
    """A transfer that two persons saw on a statement; not yet booked."""
    return Receipt(
        public_id=ulid(now),
        source=Source.WIRE,
        entity=entity,
        company_id=company_id,
        currency=currency,
        amount_minor=amount_minor,
        value_date=value_date.isoformat(),
        reference=reference,
        purpose=purpose,
        entered_by=persons[0],
        confirmed_by=persons[1],
        at=now,
    )
