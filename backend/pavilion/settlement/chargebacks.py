"""A charge that its payer disputes: the provider takes the money back at once, and gives it back when we win."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.settlement import deposits, discrepancies, ledger, postings, queries, receiving, taken_by_bank
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import Disputed
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.reversing import reopen

OPEN, WON, LOST = "open", "won", "lost"


async def follow(session: AsyncSession, receipt: Receipt, found: Disputed, now: datetime) -> None:
    """Our books say of the dispute what the provider says. While it is open the receipt is not cleared; lost, the
    invoice is to be paid again and a refund that was not sent is owed no more; won, everything stands as before but the
    fee."""
    await _hold(session, receipt)
    row = await session.get(Dispute, found.id)
    if row is None:
        spare = await receiving.left_of(session, receipt)
        row = Dispute(provider_id=found.id, receipt_id=receipt.id, amount_minor=found.amount_minor)
        row.state, row.opened_at, row.closed_at = OPEN, now, None
        session.add(row)
        await session.flush()
        await _taken(session, receipt, found, spare, now)
        told = {"amount_minor": found.amount_minor, "currency": found.currency, "dispute": found.id}
        events.record(session, "dispute:opened", receipt.public_id, by=None, at=now, **told)
    if found.fee_minor:
        fee = postings.dispute_borne(receipt.entity, found.fee_minor)
        await ledger.post(
            session, key=f"dispute.fee:{found.id}", moves=fee, currency=found.currency, ref=found.id, at=now, by=None
        )
    if row.state != OPEN or found.state == OPEN:
        return
    if found.state == WON:
        await _given_back(session, receipt, found, now)
    else:
        await _owed_again(session, receipt, found, now)
    row.state, row.closed_at = found.state, now
    await session.flush()
    await taken_by_bank.end(session, receipt.id, now)
    events.record(session, f"dispute:{found.state}", receipt.public_id, by=None, at=now, dispute=found.id)


async def _taken(session: AsyncSession, receipt: Receipt, found: Disputed, spare: int, now: datetime) -> None:
    """The amount leaves what the receipt paid: invoices first, then a deposit as far as it is still there, then what
    waits unallocated; what has left the house meanwhile is the house's loss."""
    left, moves, number, house = found.amount_minor, list[postings.Move](), None, postings.stripe(receipt.entity)
    for invoice, paid in await _paid(session, receipt):
        if part := min(left, paid):
            assert invoice.number is not None
            moves += postings.chargeback_opened(invoice.company_id, invoice.number, receipt.entity, part)
            session.add(_taken_back(receipt, found, part, now, invoice_id=invoice.id))
            left, number = left - part, number or invoice.number
    for deposit, paid in await _put_down(session, receipt):
        found_there = await deposits.uncover(
            session, deposit.public_id, min(left, paid), key=f"dispute:{found.id}", by=None, now=now
        )
        for invoice in found_there.opened:
            await reopen(session, invoice, by=None, now=now)
        if part := found_there.there:
            moves += postings.opposite(postings.deposit_received(house, deposit.company_id, deposit.sale, part))
            session.add(_taken_back(receipt, found, part, now, deposit=deposit.public_id))
            left -= part
    free = max(0, min(left, spare))
    moves += postings.opposite(postings.unallocated_received(house, receipt.company_id, free))
    moves = postings.joined([*moves, *postings.dispute_borne(receipt.entity, left - free)])
    await ledger.post(
        session, key=f"dispute:{found.id}", moves=moves, currency=found.currency, ref=found.id, at=now, by=None
    )
    facts = {"amount_minor": found.amount_minor, "currency": found.currency, "receipt": receipt.public_id}
    await discrepancies.found(
        session, key=f"dispute:{found.id}", kind="dispute", subject=found.id, invoice=number, facts=facts, now=now
    )


async def _hold(session: AsyncSession, receipt: Receipt) -> None:
    """Nobody else acts on the receipt and on what it pays: invoices first, then deposits, then itself, in the order in
    which every act on them takes them."""
    await _paid(session, receipt)
    put = select(Allocation.deposit).where(Allocation.receipt_id == receipt.id, Allocation.deposit.is_not(None))
    for deposit in sorted(one for one in set(await session.scalars(put)) if one):
        await deposits.locked_with_invoices(session, deposit)
    await session.refresh(receipt, with_for_update=True)


async def _given_back(session: AsyncSession, receipt: Receipt, found: Disputed, now: datetime) -> None:
    await ledger.reverse(session, f"dispute:{found.id}", by=None, at=now)
    mine = select(Allocation).where(Allocation.receipt_id == receipt.id, Allocation.by == found.id[:40])
    for one in (await session.scalars(mine.order_by(Allocation.id))).all():
        back = Allocation(receipt_id=receipt.id, amount_minor=-one.amount_minor, by=one.by, at=now)
        back.invoice_id, back.deposit = one.invoice_id, one.deposit
        session.add(back)
        if one.deposit is not None:
            await deposits.recovered(session, one.deposit, by=None, now=now)
    await session.flush()
    for invoice, _ in reversed(await _paid(session, receipt)):
        await _settled(session, receipt, invoice, found, now)


async def _settled(session: AsyncSession, receipt: Receipt, invoice: Invoice, found: Disputed, now: datetime) -> None:
    """An invoice that was credited, or paid otherwise, while the dispute was open owes nothing of what came back: that
    waits unallocated. One that was opened again and is whole now is paid."""
    assert invoice.number is not None
    if (part := -await queries.open_minor(session, invoice)) > 0:
        session.add(_taken_back(receipt, found, part, now, invoice_id=invoice.id))
        freed = postings.opposite(
            postings.unallocated_matched(receipt.company_id, invoice.company_id, invoice.number, part)
        )
        key = f"dispute:{found.id}:freed:{invoice.number}"
        await ledger.post(session, key=key, moves=freed, currency=found.currency, ref=found.id, at=now, by=None)
    await receiving.paid_up(session, invoice, on=None, by=None, now=now)


async def _owed_again(session: AsyncSession, receipt: Receipt, found: Disputed, now: datetime) -> None:
    mine = select(Allocation.invoice_id).where(Allocation.receipt_id == receipt.id, Allocation.by == found.id[:40])
    rows = select(Invoice).where(Invoice.id.in_(mine)).order_by(Invoice.id).with_for_update()
    for invoice in (await session.scalars(rows)).all():
        await reopen(session, invoice, by=None, now=now)


def _taken_back(
    receipt: Receipt,
    found: Disputed,
    part: int,
    now: datetime,
    *,
    invoice_id: int | None = None,
    deposit: str | None = None,
) -> Allocation:
    row = Allocation(receipt_id=receipt.id, amount_minor=-part, by=found.id[:40], at=now)
    row.invoice_id, row.deposit = invoice_id, deposit
    return row


async def _paid(session: AsyncSession, receipt: Receipt) -> list[tuple[Invoice, int]]:
    """The invoices this receipt pays and how much, locked in the order of their ids, the newest first."""
    paid = func.sum(Allocation.amount_minor)
    wanted = select(Allocation.invoice_id, paid).where(
        Allocation.receipt_id == receipt.id, Allocation.invoice_id.is_not(None)
    )
    amounts = {one: int(amount) for one, amount in await session.execute(wanted.group_by(Allocation.invoice_id))}
    rows = select(Invoice).where(Invoice.id.in_(amounts)).order_by(Invoice.id).with_for_update()
    invoices = (await session.scalars(rows)).all()
    return [(invoice, amounts[invoice.id]) for invoice in reversed(invoices) if amounts[invoice.id] > 0]


async def _put_down(session: AsyncSession, receipt: Receipt) -> list[tuple[Deposit, int]]:
    paid = func.sum(Allocation.amount_minor)
    wanted = select(Allocation.deposit, paid).where(
        Allocation.receipt_id == receipt.id, Allocation.deposit.is_not(None)
    )
    amounts = {one: int(amount) for one, amount in await session.execute(wanted.group_by(Allocation.deposit))}
    rows = select(Deposit).where(Deposit.public_id.in_(amounts)).order_by(Deposit.id).with_for_update()
    return [(row, amounts[row.public_id]) for row in await session.scalars(rows) if amounts[row.public_id] > 0]
