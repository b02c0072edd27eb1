"""Booked transfers taken back by two persons: what never came, or came otherwise, leaves every account it went to."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.settlement import correcting, deposits, ledger, postings, queries, receiving, undoing
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Allocation, Leaving, Receipt, Source
from pavilion.settlement.rules import InvoiceState, Outcome, state_on

REVERSE = "payment.reverse"
REASON_LEAST, REASON_MOST = 10, 2_000


async def propose(session: AsyncSession, public_id: str, *, reason: str, actor: Actor, now: datetime) -> Proposal:
    """The booked transfer is to be taken back, once a second person agrees."""
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_length"})
    receipt = await _receipt(session, public_id)
    await _refuse_spent(session, receipt)
    facts: dict[str, Any] = {"amount_minor": receipt.amount_minor, "currency": receipt.currency}
    facts |= {"receipt": receipt.public_id, "bank_reference": receipt.reference, "value_date": receipt.value_date}
    return await accounts.propose(
        session, kind=REVERSE, subject=public_id, facts=facts, actor=actor, now=now, reason=reason
    )


async def reverse(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The receipt pays nothing any more: its invoices are owed again, its deposit is asked again, the bank has not got
    it. What was refunded or converted from it cannot be taken back; what a deposit no longer has neither."""
    allocated = await _allocated(session, proposal.facts["receipt"])
    invoices = await _invoices(session, [invoice for invoice, _ in allocated if invoice is not None])
    for deposit in sorted(deposit for _, deposit in allocated if deposit is not None):
        await deposits.locked_with_invoices(session, deposit)  # before the receipt, as every act on them does
    receipt = await _receipt(session, proposal.facts["receipt"], lock=True)
    await _refuse_spent(session, receipt)
    allocated = await _allocated(session, receipt.public_id)  # as it stands now that the rows are ours
    moves: list[postings.Move] = []
    house, by, person = receiving.house_account(receipt), actor.public_id, actor.person_id
    assert person is not None
    for (invoice_id, deposit_id), part in sorted(allocated.items(), key=str):
        row = Allocation(receipt_id=receipt.id, invoice_id=invoice_id, deposit=deposit_id, amount_minor=-part)
        row.by, row.at = by, now
        session.add(row)
        if invoice_id is not None:
            invoice = invoices[invoice_id]
            assert invoice.number is not None
            moves += postings.payment(house, invoice.company_id, invoice.number, part)
        elif deposit_id is not None:
            emptied, opened = await _from_deposit(session, receipt, deposit_id, part, by, now)
            moves += postings.deposit_received(house, emptied.company_id, emptied.sale, part)
            invoices |= {invoice.id: invoice for invoice in opened}
    left = receipt.amount_minor - sum(allocated.values())
    moves += postings.unallocated_received(house, receipt.company_id, left)
    moves = postings.opposite(postings.joined(moves))
    leaving = Leaving(receipt_id=receipt.id, amount_minor=receipt.amount_minor, reason=proposal.reason, at=now)
    leaving.proposed_by, leaving.agreed_by = proposal.proposed_by, person
    leaving.rate = leaving.rate_source = leaving.rate_on = ""
    session.add(leaving)
    key, ref = f"receipt.reversed:{receipt.public_id}", receipt.public_id
    await ledger.post(session, key=key, moves=moves, currency=receipt.currency, ref=ref, at=now, by=by)
    told = {"amount_minor": receipt.amount_minor, "currency": receipt.currency, "reason": proposal.reason}
    events.record(session, "payment:reversed", receipt.public_id, by=by, at=now, **told)
    for invoice in invoices.values():
        await reopen(session, invoice, by=by, now=now)


async def reopen(session: AsyncSession, invoice: Invoice, *, by: str | None, now: datetime) -> bool:
    """A paid invoice of which something is owed again is as it was before: issued, or overdue after its due day. What
    is owed again of one that was written off is written off too."""
    left = await queries.open_minor(session, invoice)
    if invoice.state == InvoiceState.WRITTEN_OFF and left > 0:
        await correcting.bear(session, invoice, left, by=by, now=now)
        return False
    if invoice.state != InvoiceState.PAID or left <= 0:
        return False
    invoice.state = state_on(InvoiceState.ISSUED, invoice.due_day, queries.local_day(invoice, now))
    invoice.paid_on, invoice.outcome = None, Outcome.NONE
    await session.flush()
    events.record(session, "invoice:reopened", invoice.public_id, by=by, at=now, number=invoice.number)
    await undoing.undone(session, invoice, by=by, now=now)
    return True


async def _receipt(session: AsyncSession, public_id: str, *, lock: bool = False) -> Receipt:
    wanted = select(Receipt).where(Receipt.public_id == public_id)
    receipt: Receipt | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    if receipt is None:
        raise NotFound()
    return receipt


async def _refuse_spent(session: AsyncSession, receipt: Receipt) -> None:
    if receipt.source != Source.WIRE:
        raise ActNotAllowed(state=receipt.source)
    gone = await session.scalar(select(Leaving).where(Leaving.receipt_id == receipt.id).limit(1))
    if gone is not None:
        raise ActNotAllowed(state="reversed" if gone.into_id is None else "converted")
    if await queries.refunded_minor(session, receipt):
        raise ActNotAllowed(state="refunded")


async def _allocated(session: AsyncSession, public_id: str) -> dict[tuple[int | None, str | None], int]:
    """What the receipt pays of each invoice and deposit now."""
    wanted = select(Allocation).join(Receipt, Receipt.id == Allocation.receipt_id)
    found: dict[tuple[int | None, str | None], int] = defaultdict(int)
    for row in await session.scalars(wanted.where(Receipt.public_id == public_id)):
        found[row.invoice_id, row.deposit] += row.amount_minor
    return {where: amount for where, amount in found.items() if amount}


async def _invoices(session: AsyncSession, ids: list[int]) -> dict[int, Invoice]:
    """The rows, locked in the order of their ids."""
    wanted = select(Invoice).where(Invoice.id.in_(ids)).options(selectinload(Invoice.lines)).order_by(Invoice.id)
    rows = await session.scalars(wanted.with_for_update(of=Invoice))
    return {row.id: row for row in rows}


async def _from_deposit(
    session: AsyncSession, receipt: Receipt, public_id: str, part: int, by: str | None, now: datetime
) -> tuple[Deposit, Sequence[Invoice]]:
    """The deposit that the part was taken from, and the invoices that owe again what the deposit had paid of them."""
    deposit = await deposits.locked(session, public_id)
    found = await deposits.uncover(session, public_id, part, key=f"reversed:{receipt.public_id}", by=by, now=now)
    if found.there < part:
        raise ActNotAllowed(state=deposit.state)
    return deposit, found.opened


async def is_reversed(session: AsyncSession, receipt: Receipt) -> bool:
    gone = exists().where(Leaving.receipt_id == receipt.id, Leaving.into_id.is_(None))
    return bool(await session.scalar(select(gone)))


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {REVERSE: reverse}
