"""Transfers into a company's virtual account at the provider (settlement spec 6.3)."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.kernel.ids import ulid
from pavilion.settlement import deposits, discrepancies, intents, queries, receiving
from pavilion.settlement.deposit_models import Deposit, takes_money
from pavilion.settlement.intent_models import IntentKind, ProviderCustomer
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import Cash
from pavilion.settlement.receipt_models import Receipt, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState

NOT_PLAIN = re.compile(r"[^0-9A-Z]")


def cash_key(transaction: str) -> str:
    """The act of taking a transfer from a customer's cash balance."""
    return f"cash:{transaction}"


async def book(session: AsyncSession, found: Cash, now: datetime) -> str:
    """The money stands in the books, once: on the invoice or deposit its reference names, else on the oldest due
    invoice in its currency, what is over unallocated. The provider is asked to move it from the customer's cash balance
    to ours: it keeps it for some weeks only."""
    if await session.scalar(select(Receipt.id).where(Receipt.provider_ref == found.id)) is not None:
        return "nothing"
    customer = await session.scalar(select(ProviderCustomer).where(ProviderCustomer.provider_id == found.customer))
    entity = customer.entity if customer else next(iter(entities()))
    receipt = Receipt(
        public_id=ulid(now),
        source=Source.TRANSFER,
        entity=entity,
        company_id=customer.company_id if customer else None,
        currency=found.currency,
        amount_minor=found.amount_minor,
        value_date=found.created.astimezone(ZoneInfo(entities()[entity].zone)).date().isoformat(),
        reference=found.reference,
        provider_ref=found.id,
        purpose="",
        at=now,
    )
    if customer is not None:
        await intents.ask(
            session, kind=IntentKind.CHARGE, key=cash_key(found.id), ref=receipt.public_id,
            company_id=customer.company_id, entity=entity, currency=found.currency, amount_minor=found.amount_minor,
            facts={"cash": found.id}, now=now,
        )  # fmt: skip
    else:
        await receiving.book(session, receipt, None, by=None)
        await _unexplained(session, found, "missing_here", None, now)
        return "discrepancy"
    if (deposit := await _deposit(session, customer, found)) is not None:
        receipt.purpose = deposit.public_id
        await deposits.receive(session, deposit, receipt, by=None, now=now)
        return "held"
    named, invoice = await _invoice(session, customer, found)
    receipt.purpose = (invoice.number if invoice else named) or ""
    await receiving.book(session, receipt, invoice, by=None)
    if named is not None and invoice is None:
        await _unexplained(session, found, await _why(session, customer, found, named), named, now)
        return "discrepancy"
    return "funded"


async def _why(session: AsyncSession, customer: ProviderCustomer, found: Cash, number: str) -> str:
    """Why this money does not pay the invoice that it names, as the kind of a discrepancy."""
    invoice = await queries.invoice_by_number(session, number)
    if invoice is None or InvoiceState(invoice.state) not in PAYABLE:
        return "invoice_closed"
    return "other_account" if invoice.entity != customer.entity else "currency_differs"


def named_in(reference: str, names: Sequence[str]) -> str | None:
    """The one of these names that the payer's reference contains, whatever he put between its parts. The longest first,
    so that a name that contains another is itself."""
    said = NOT_PLAIN.sub("", reference.upper())
    return next((name for name in sorted(names, key=lambda one: (-len(one), one)) if _plain(name) in said), None)


def _plain(name: str) -> str:
    return NOT_PLAIN.sub("", name.upper())


async def _deposit(session: AsyncSession, customer: ProviderCustomer, found: Cash) -> Deposit | None:
    wanted = select(Deposit).where(
        Deposit.company_id == customer.company_id,
        Deposit.entity == customer.entity,
        Deposit.currency == found.currency,
        takes_money(),
    )
    names = {name: one.public_id for one in await session.scalars(wanted) for name in (one.public_id, one.reference)}
    named = named_in(found.reference, list(names))
    return await deposits.locked(session, names[named]) if named else None


async def _invoice(session: AsyncSession, customer: ProviderCustomer, found: Cash) -> tuple[str | None, Invoice | None]:
    """The number the reference names, and the invoice to be paid: that one while it can be paid; the oldest due one
    where nothing is named."""
    mine = select(Invoice.number).where(Invoice.company_id == customer.company_id, Invoice.number.is_not(None))
    named = named_in(found.reference, [one for one in await session.scalars(mine) if one])
    if named is None:
        oldest = mine.where(
            Invoice.entity == customer.entity, Invoice.currency == found.currency, Invoice.state.in_(PAYABLE)
        )
        number = await session.scalar(oldest.order_by(Invoice.due_on, Invoice.id).limit(1))
    else:
        number = named
    if number is None:
        return None, None
    invoice = await queries.invoice_by_number(session, number, lock=True)
    assert invoice is not None
    fits = (invoice.entity, invoice.currency) == (customer.entity, found.currency)
    return named, invoice if fits and InvoiceState(invoice.state) in PAYABLE else None


async def _unexplained(session: AsyncSession, found: Cash, kind: str, invoice: str | None, now: datetime) -> None:
    facts = {"amount_minor": found.amount_minor, "currency": found.currency}
    await discrepancies.found(
        session, key=f"{kind}:{found.id}", kind=kind, subject=found.id, invoice=invoice, facts=facts, now=now
    )
