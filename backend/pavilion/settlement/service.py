"""Verbs of the cashier: money seen on a statement is entered by one person and confirmed by another."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import NotFound
from pavilion.settlement import (
    converting,
    correcting,
    invoicing,
    ordered,
    payouts,
    queries,
    refunding,
    reversing,
    stopping,
    waiving,
    wiring,
)
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import InvoiceState
from pavilion.settlement.wiring import Seen


async def enter_wire(
    session: AsyncSession,
    *,
    number: str,
    amount_minor: int,
    currency: str,
    value_date: date,
    bank_reference: str,
    actor: Actor,
    now: datetime,
) -> Proposal:
    """A transfer for this invoice waits for a second person who sees the same figures on the statement."""
    invoice = await queries.invoice_by_number(session, number)
    if invoice is None:
        raise NotFound()
    seen = Seen(invoice.entity, amount_minor, currency, value_date, bank_reference, invoice=number)
    return await wiring.enter(session, seen, actor=actor, now=now)


async def decide_stop(
    session: AsyncSession, stop: int, *, release: bool, reason: str, actor: Actor, now: datetime
) -> None:
    """The lot is settled all the same, or taken off its draft for good."""
    row = await stopping.decide(session, stop, release=release, reason=reason, actor=actor, now=now)
    if not release:
        await invoicing.take_off(session, row.lot)


async def mark_overdue(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    if invoice.state != InvoiceState.ISSUED:  # paid meanwhile
        return
    invoice.state = InvoiceState.OVERDUE
    events.record(session, "invoice:overdue", invoice.public_id, by=None, at=now, number=invoice.number)


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {
    **wiring.PROPOSAL_HANDLERS,
    **reversing.PROPOSAL_HANDLERS,
    **converting.PROPOSAL_HANDLERS,
    **refunding.PROPOSAL_HANDLERS,
    **payouts.PROPOSAL_HANDLERS,
    **correcting.PROPOSAL_HANDLERS,
    **waiving.PROPOSAL_HANDLERS,
    **ordered.PROPOSAL_HANDLERS,
}
