"""Verbs of the cashier: money seen on a statement is entered by one person and confirmed by another."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound, Refusal
from pavilion.settlement import invoicing, queries, receiving, stopping
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Receipt, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState

WIRE = "payment.wire"


class DuplicateReference(Refusal):
    status, code = 409, "duplicate_reference"


class WrongCurrency(Refusal):
    status, code = 422, "wrong_currency"


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
    """The receipt waits for a second person who sees the same amount and reference on the statement."""
    invoice = await queries.invoice_by_number(session, number, lock=True)
    if invoice is None:
        raise NotFound()
    if currency != invoice.currency:
        raise WrongCurrency(currency=invoice.currency)
    if InvoiceState(invoice.state) not in PAYABLE:
        raise ActNotAllowed(state=invoice.state)
    await stopping.refuse_stopped(session, invoice)
    if not 0 < amount_minor <= await queries.open_minor(session, invoice):
        raise BadInput(fields={"amount": "amount_invalid"})
    if await _known(session, invoice.entity, bank_reference):
        raise DuplicateReference()
    facts = {
        "invoice": number,
        "amount_minor": amount_minor,
        "currency": currency,
        "value_date": value_date.isoformat(),
        "bank_reference": bank_reference,
    }
    return await accounts.propose(
        session, kind=WIRE, subject=f"{number} {bank_reference}", facts=facts, actor=actor, now=now
    )


async def confirm_wire(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Posted and counted against the invoice, which is paid when nothing is left open."""
    said = proposal.facts
    invoice = await queries.invoice_by_number(session, said["invoice"], lock=True)
    if invoice is None:
        raise NotFound()
    if InvoiceState(invoice.state) not in PAYABLE or said["amount_minor"] > await queries.open_minor(session, invoice):
        raise ActNotAllowed(state=invoice.state)
    await stopping.refuse_stopped(session, invoice)
    if await _known(session, invoice.entity, said["bank_reference"]):
        raise DuplicateReference()
    assert actor.person_id is not None
    receipt = receiving.wire(
        entity=invoice.entity,
        company_id=invoice.company_id,
        currency=said["currency"],
        amount_minor=said["amount_minor"],
        value_date=date.fromisoformat(said["value_date"]),
        reference=said["bank_reference"],
        purpose=invoice.number or "",
        persons=(proposal.proposed_by, actor.person_id),
        now=now,
    )
    await receiving.book(session, receipt, invoice, by=actor.public_id)


async def decide_stop(
    session: AsyncSession, stop: int, *, release: bool, reason: str, actor: Actor, now: datetime
) -> None:
    """The lot is settled all the same, or taken off its draft for good."""
    row = await stopping.decide(session, stop, release=release, reason=reason, actor=actor, now=now)
    if not release:
        await invoicing.take_off(session, row.lot)


async def _known(session: AsyncSession, entity: str, bank_reference: str) -> bool:
    wanted = select(Receipt.id).where(Receipt.entity == entity, Receipt.reference == bank_reference)
    return await session.scalar(wanted.where(Receipt.source == Source.WIRE).limit(1)) is not None


async def mark_overdue(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    if invoice.state != InvoiceState.ISSUED:  # paid meanwhile
        return
    invoice.state = InvoiceState.OVERDUE
    events.record(session, "invoice:overdue", invoice.public_id, by=None, at=now, number=invoice.number)


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {WIRE: confirm_wire}
