"""Transfers that stand on a bank statement: entered by one person, confirmed by another who sees the same figures, and
only then booked (settlement spec 6.7)."""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor, ProposalState
from pavilion.auctions.entities import entities
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT
from pavilion.settlement import deposits, discrepancies, queries, receiving, stopping
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Leaving, Receipt, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState

WIRE = "payment.wire"
REMEMBERED = timedelta(days=90)
OLDEST = timedelta(days=400)  # of a value date
REFERENCE_MOST = 60
SENDER_MOST, ACCOUNT_MOST = 140, 40
FIGURES = ("entity", "amount_minor", "currency", "value_date", "payer", "invoice", "deposit", "sender")


class DuplicateReference(Refusal):
    status, code = 409, "duplicate_reference"


class WrongCurrency(Refusal):
    status, code = 422, "wrong_currency"


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of a bank statement as a cashier reads it. `invoice`, `deposit`: what the payer meant, if that is known;
    `payer`: the company, if that is; `sender`: who sent it, as the statement names them, with the account or its last
    signs."""

    entity: str
    amount_minor: int
    currency: str
    value_date: date
    bank_reference: str
    invoice: str = ""
    deposit: str = ""
    payer: int | None = None
    scan: str | None = None
    sender: str = ""
    sender_account: str = ""


async def enter(session: AsyncSession, seen: Seen, *, actor: Actor, now: datetime) -> Proposal:
    """The transfer waits for a second person who sees the same figures on the statement. Entered twice alike, it is
    one; entered with other figures, or booked within 90 days, its reference is a duplicate."""
    meant, payer, shown = await _checked(session, seen, now)
    if await known(session, seen.entity, seen.bank_reference, now):
        raise DuplicateReference()
    facts: dict[str, Any] = {
        "entity": seen.entity,
        "amount_minor": seen.amount_minor,
        "currency": seen.currency,
        "value_date": seen.value_date.isoformat(),
        "bank_reference": tidy(seen.bank_reference),
        "payer": payer,
        "payer_name": shown,
        "scan": seen.scan,
        "sender": " ".join(seen.sender.split()),
        "sender_account": " ".join(seen.sender_account.split()),
    }
    facts |= {"invoice": seen.invoice} if seen.invoice else {}
    facts |= {"deposit": seen.deposit} if seen.deposit else {}
    facts |= await _stood(session, seen, meant)
    subject = subject_of(seen.entity, seen.bank_reference)
    proposal = await accounts.propose(session, kind=WIRE, subject=subject, facts=facts, actor=actor, now=now)
    if any(proposal.facts.get(name) != facts.get(name) for name in FIGURES):
        raise DuplicateReference()  # another cashier entered this line otherwise, and it waits
    return proposal


async def confirm(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Booked: on its invoice or deposit as far as that is open, the rest unallocated. Of two who confirm one reference
    at once, the second finds it booked."""
    said = proposal.facts
    await one_at_a_time(session, f"wire:{proposal.subject}")
    if await known(session, said["entity"], said["bank_reference"], now):
        raise DuplicateReference()
    assert actor.person_id is not None
    receipt = receiving.wire(
        entity=said["entity"],
        company_id=said["payer"],
        currency=said["currency"],
        amount_minor=said["amount_minor"],
        value_date=date.fromisoformat(said["value_date"]),
        reference=said["bank_reference"],
        purpose=said.get("invoice") or said.get("deposit") or "",
        persons=(proposal.proposed_by, actor.person_id),
        now=now,
    )
    receipt.scan_sha256 = said.get("scan")
    receipt.sender, receipt.sender_account = said.get("sender", ""), said.get("sender_account", "")
    if "deposit" in said:
        deposit = await deposits.locked(session, said["deposit"])
        await deposits.receive(session, deposit, receipt, by=actor.public_id, now=now)
    elif "invoice" in said:
        await _book_on(session, receipt, said["invoice"], actor, now)
    else:
        await receiving.book(session, receipt, None, by=actor.public_id)


async def known(session: AsyncSession, entity: str, bank_reference: str, now: datetime) -> bool:
    """Whether a transfer with this reference was booked for the entity within 90 days and not taken back since."""
    gone = exists().where(Leaving.receipt_id == Receipt.id, Leaving.into_id.is_(None))
    wanted = select(Receipt.id).where(Receipt.entity == entity, Receipt.source == Source.WIRE, ~gone)
    said = tidy(bank_reference)
    written = [said, said.upper(), said.lower()]  # a database may know the cases of a to z alone
    alike = or_(func.upper(Receipt.reference) == said.upper(), Receipt.reference.in_(written))
    wanted = wanted.where(alike, Receipt.at > now - REMEMBERED)
    return await session.scalar(wanted.limit(1)) is not None


def tidy(bank_reference: str) -> str:
    """One way of writing it: full-width signs as plain ones, one space where there are several, nothing unseen."""
    plain = unicodedata.normalize("NFKC", bank_reference)
    return " ".join("".join(sign for sign in plain if unicodedata.category(sign) != "Cf").split())


def value_date_right(day: date, now: datetime) -> bool:
    return (now - OLDEST).date() <= day <= now.date() + timedelta(days=1)  # a zone may be a day ahead


async def _stood(session: AsyncSession, seen: Seen, meant: Invoice | Deposit | None) -> dict[str, Any]:
    """What was open of the invoice when the line was entered, and how much of the money is more than that."""
    if not isinstance(meant, Invoice):
        return {}
    left = await queries.open_minor(session, meant) if InvoiceState(meant.state) in PAYABLE else 0
    over = max(seen.amount_minor - max(left, 0), 0) if seen.currency == meant.currency else seen.amount_minor
    return {"open_minor": left, "invoice_currency": meant.currency, "over_minor": over}


async def _checked(
    session: AsyncSession, seen: Seen, now: datetime
) -> tuple[Invoice | Deposit | None, int | None, str]:
    """What it pays, the payer's company and its name, once the line can be booked as it was read."""
    if seen.currency not in CURRENCIES:
        raise WrongCurrency(currency=seen.currency)
    faults = {}
    if seen.entity not in entities():
        faults["entity"] = "missing"
    if not 0 < seen.amount_minor <= MAX_AMOUNT:
        faults["amount"] = "amount_invalid"
    if not value_date_right(seen.value_date, now):
        faults["value_date"] = "value_date_wrong"
    if not 0 < len(tidy(seen.bank_reference)) <= REFERENCE_MOST:
        faults["bank_reference"] = "missing"
    if seen.invoice and seen.deposit:
        faults["invoice"] = "one_purpose"
    if len(seen.sender) > SENDER_MOST or len(seen.sender_account) > ACCOUNT_MOST:
        faults["sender"] = "too_long"
    if faults:
        raise BadInput(fields=faults)
    meant = await _meant(session, seen)
    if meant is not None and seen.payer not in (None, meant.company_id):
        raise BadInput(fields={"payer": "other_company"})
    if meant is not None and meant.entity != seen.entity:
        raise BadInput(fields={"entity": "other_entity"})
    payer = meant.company_id if meant is not None else seen.payer
    if payer is None:
        return meant, None, ""
    company = await session.get(Company, payer)
    if company is None:
        raise BadInput(fields={"payer": "missing"})
    return meant, payer, company.name


async def _meant(session: AsyncSession, seen: Seen) -> Invoice | Deposit | None:
    if seen.deposit:
        return await deposits.locked(session, seen.deposit)
    if not seen.invoice:
        return None
    invoice = await queries.invoice_by_number(session, seen.invoice, lock=True)
    if invoice is None:
        raise NotFound()
    if InvoiceState(invoice.state) in PAYABLE:
        await stopping.refuse_stopped(session, invoice)
    return invoice


async def _book_on(session: AsyncSession, receipt: Receipt, number: str, actor: Actor, now: datetime) -> None:
    """Money of another currency, or for an invoice that takes none any more, is kept unallocated and said to be so."""
    invoice = await queries.invoice_by_number(session, number, lock=True)
    if invoice is None:
        raise NotFound()
    payable = InvoiceState(invoice.state) in PAYABLE
    if payable:
        await stopping.refuse_stopped(session, invoice)
    await receiving.book(session, receipt, invoice, by=actor.public_id)
    if payable and receipt.currency == invoice.currency:
        return
    await discrepancies.found(
        session,
        key=f"receipt:{receipt.public_id}",
        kind="currency_differs" if payable else "invoice_closed",
        subject=receipt.public_id,
        invoice=number,
        facts={
            "amount_minor": receipt.amount_minor,
            "currency": receipt.currency,
            "invoice_currency": invoice.currency,
            "state": invoice.state,
        },
        now=now,
    )


def subject_of(entity: str, bank_reference: str) -> str:
    """Under which the acts of two persons about one line of the statement stand."""
    return f"{entity} {tidy(bank_reference).upper()}"[:80]


async def waiting(session: AsyncSession, now: datetime) -> list[Proposal]:
    """Entered and not yet confirmed, the first first."""
    wanted = select(Proposal).where(Proposal.kind == WIRE, Proposal.state == ProposalState.OPEN)
    return list((await session.scalars(wanted.where(Proposal.expires_at > now).order_by(Proposal.id))).all())


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {WIRE: confirm}
