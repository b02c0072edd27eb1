"""Money that nobody could place, matched by a cashier to the invoice it was meant for; what fits best comes first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.settlement import postings, queries, receiving, refunding, stopping
from pavilion.settlement.receipt_models import Receipt, Refund
from pavilion.settlement.rules import PAYABLE, InvoiceState

MOST_OFFERED = 5
REASON_LEAST = 10  # signs of a reason why another's money pays


@dataclass(frozen=True, slots=True)
class Owed:
    """An open invoice, as far as a match asks."""

    number: str
    company_id: int
    currency: str
    entity: str
    open_minor: int
    due_on: str
    company: str = ""


@dataclass(frozen=True, slots=True)
class Loose:
    """What is left of a receipt, as far as a match asks. `said`: all that the payer or the bank wrote."""

    company_id: int | None
    currency: str
    entity: str
    left_minor: int
    said: str


def suggest(money: Loose, invoices: Iterable[Owed]) -> list[Owed]:
    """The invoices it can pay, the likeliest first: named by the payer, then of exactly this amount, then the oldest
    due. Money of a known company pays nobody else's; another currency or selling entity never fits."""
    fits = [
        one
        for one in invoices
        if (one.currency, one.entity) == (money.currency, money.entity)
        and money.company_id in (None, one.company_id)
        and one.open_minor > 0
    ]
    said = _bare(money.said)

    def turn(one: Owed) -> tuple[bool, bool, bool, str, str]:
        named = bool(one.company) and _bare(one.company) in said
        return _bare(one.number) not in said, one.open_minor != money.left_minor, not named, one.due_on, one.number

    if money.company_id is None:  # of a stranger's money only what points somewhere is offered
        fits = [one for one in fits if not all(turn(one)[:3])]

    return sorted(fits, key=turn)[:MOST_OFFERED]


def _bare(text: str) -> str:
    """Letters and digits alone: banks drop dashes and put spaces where they please."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


async def match(
    session: AsyncSession,
    public_id: str,
    *,
    number: str,
    amount_minor: int | None,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> int:
    """As much of the receipt pays this invoice, or all that fits; answers how much. Of two who match at once, the
    second finds what the first has left. Money of an unknown payer pays a company's debt only for a reason that is kept
    with it."""
    invoice = await queries.invoice_by_number(session, number, lock=True)
    if invoice is None:
        raise BadInput(fields={"invoice": "invoice_unknown"})
    receipt = await locked(session, public_id)
    if receipt.currency != invoice.currency:
        raise BadInput(fields={"invoice": "other_currency"})
    if receipt.entity != invoice.entity:
        raise BadInput(fields={"invoice": "other_entity"})
    if receipt.company_id not in (None, invoice.company_id):
        raise BadInput(fields={"invoice": "other_company"})
    if InvoiceState(invoice.state) not in PAYABLE:
        raise ActNotAllowed(state=invoice.state)
    await stopping.refuse_stopped(session, invoice)
    most = min(await receiving.left_of(session, receipt), await queries.open_minor(session, invoice))
    if most <= 0:
        raise ActNotAllowed(state="nothing_left")
    amount = most if amount_minor is None else amount_minor
    if not 0 < amount <= most:
        raise BadInput(fields={"amount": "amount_invalid"})
    reason = reason.strip() if receipt.company_id is None else ""
    if receipt.company_id is None and len(reason) < REASON_LEAST:
        raise BadInput(fields={"reason": "third_party_reason"})
    await receiving.allocate(session, receipt, invoice, amount, by=actor.public_id, now=now, reason=reason)
    told = {"invoice": number, "amount_minor": amount, "currency": receipt.currency}
    events.record(session, "payment:matched", receipt.public_id, by=actor.public_id, at=now, **told)
    return amount


async def give_back(
    session: AsyncSession, public_id: str, *, actor: Actor, now: datetime, payee: str = "", payee_account: str = ""
) -> Sequence[Refund]:
    """All that is left of the receipt is owed back to who paid it. A wire of an unknown payer goes to the account that
    the statement named; where it named none, the account is said now."""
    receipt = await locked(session, public_id)
    left = await receiving.left_of(session, receipt)
    if left <= 0:
        raise ActNotAllowed(state="nothing_left")
    payee, payee_account = payee.strip(), payee_account.strip()
    if asks_account(receipt):
        wanted = {"payee": payee or receipt.sender, "payee_account": payee_account}
        if missing := {name: "missing" for name, value in wanted.items() if not value}:
            raise BadInput(fields=missing)
        payee = wanted["payee"]
    else:
        payee = payee_account = ""
    times = len((await session.scalars(select(Refund.id).where(Refund.receipt_id == receipt.id))).all())
    refunds = await refunding.owe(
        session,
        key=f"unallocated:{receipt.public_id}:{times}",
        company_id=receipt.company_id,
        entity=receipt.entity,
        currency=receipt.currency,
        amount_minor=left,
        reason="overpaid",
        ref=receipt.public_id,
        from_account=postings.unallocated(receipt.company_id),
        receipts=[receipt],
        by=actor.public_id,
        now=now,
    )
    for one in refunds:
        one.payee, one.payee_account = payee, payee_account
    return refunds


def asks_account(receipt: Receipt) -> bool:
    """Whether nobody knows yet where its money would go back to."""
    return receiving.by_wire(receipt) and receipt.company_id is None and not receipt.sender_account


async def locked(session: AsyncSession, public_id: str) -> Receipt:
    """The receipt, for this transaction alone to spend; taken after the invoice's row, never before."""
    wanted = select(Receipt).where(Receipt.public_id == public_id)
    receipt: Receipt | None = await session.scalar(wanted.with_for_update())
    if receipt is None:
        raise NotFound()
    return receipt
