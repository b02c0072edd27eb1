"""Money in another currency than its invoice: converted by a rate that two persons recorded, through
`clearing:fx:{currency}` (settlement spec 3)."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT, exponent, half_up
from pavilion.settlement import ledger, matching, postings, queries, receiving, stopping
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Leaving, Receipt, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState

CONVERT = "payment.convert"
OLDEST = timedelta(days=400)  # of the day of a rate
_RATE = re.compile(r"(?P<whole>[0-9]{1,9})(?:\.(?P<part>[0-9]{1,10}))?")


def converted(amount_minor: int, currency: str, to: str, rate: str) -> int | None:
    """The amount in minor units of the other currency, each rounded once; `rate`: units of `to` for one of `currency`.
    None where the rate is no rate."""
    if (match := _RATE.fullmatch(rate)) is None:
        return None
    part = match["part"] or ""
    units = int(match["whole"] + part)
    if units == 0:
        return None
    return half_up(amount_minor * units * 10 ** exponent(to), 10 ** (len(part) + exponent(currency)))


async def propose(
    session: AsyncSession,
    public_id: str,
    *,
    to: str,
    rate: str,
    rate_source: str,
    rate_on: date,
    invoice: str = "",
    amount_minor: int | None = None,
    actor: Actor,
    now: datetime,
) -> Proposal:
    """What is left of the receipt, or as much of it, is to be converted once a second person has seen rate, source and
    day; an invoice named is paid by it at once."""
    receipt = await session.scalar(select(Receipt).where(Receipt.public_id == public_id))
    if receipt is None:
        raise NotFound()
    left = await receiving.left_of(session, receipt)
    if left <= 0:
        raise ActNotAllowed(state="nothing_left")
    amount = left if amount_minor is None else amount_minor
    rate, rate_source = rate.strip().lstrip("0") or "0", " ".join(rate_source.split())
    rate = f"0{rate}" if rate.startswith(".") else rate
    into = converted(amount, receipt.currency, to, rate) if to in CURRENCIES else None
    faults = {}
    if to not in CURRENCIES or to == receipt.currency:
        faults["to"] = "other_currency"
    elif into is None or not 0 < into <= MAX_AMOUNT:
        faults["rate"] = "rate_wrong"
    if not 0 < amount <= left:
        faults["amount"] = "amount_invalid"
    if not 2 <= len(rate_source) <= 80:
        faults["rate_source"] = "missing"
    if not (now - OLDEST).date() <= rate_on <= now.date():
        faults["rate_on"] = "value_date_wrong"
    if faults:
        raise BadInput(fields=faults)
    if invoice:
        await _invoice(session, receipt, invoice, to)
    facts: dict[str, Any] = {"receipt": receipt.public_id, "amount_minor": amount, "currency": receipt.currency}
    facts |= {"into_minor": into, "to": to, "rate": rate, "rate_source": rate_source, "rate_on": rate_on.isoformat()}
    facts |= {"invoice": invoice} if invoice else {}
    proposal = await accounts.propose(session, kind=CONVERT, subject=public_id, facts=facts, actor=actor, now=now)
    if proposal.facts != facts:
        raise ActNotAllowed(state="waiting")  # another conversion of it waits for its second person
    return proposal


async def convert(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """As much has left the receipt and stands as a new one in the other currency, in two postings, and pays the invoice
    that was named as far as that is open."""
    said, by = proposal.facts, actor.public_id
    invoice = await queries.invoice_by_number(session, said["invoice"], lock=True) if "invoice" in said else None
    receipt = await matching.locked(session, said["receipt"])
    if await receiving.left_of(session, receipt) < said["amount_minor"]:
        raise ActNotAllowed(state="nothing_left")
    assert actor.person_id is not None
    new = Receipt(
        public_id=ulid(now), source=Source.CONVERTED, entity=receipt.entity, company_id=receipt.company_id,
        currency=said["to"], amount_minor=said["into_minor"], value_date=said["rate_on"], reference=receipt.reference,
        purpose=said.get("invoice", ""), sender=receipt.sender, sender_account=receipt.sender_account,
        entered_by=proposal.proposed_by, confirmed_by=actor.person_id, at=now,
    )  # fmt: skip
    session.add(new)
    await session.flush()
    leaving = Leaving(receipt_id=receipt.id, amount_minor=said["amount_minor"], into_id=new.id, reason="", at=now)
    leaving.rate, leaving.rate_source, leaving.rate_on = said["rate"], said["rate_source"], said["rate_on"]
    leaving.proposed_by, leaving.agreed_by = proposal.proposed_by, actor.person_id
    session.add(leaving)
    key, whose = f"conversion:{new.public_id}", receipt.company_id
    out = postings.converted_from(whose, receipt.currency, said["amount_minor"])
    await ledger.post(
        session, key=f"{key}:from", moves=out, currency=receipt.currency, ref=receipt.public_id, at=now, by=by
    )
    arrived = postings.converted_to(whose, new.currency, new.amount_minor)
    await ledger.post(session, key=f"{key}:to", moves=arrived, currency=new.currency, ref=new.public_id, at=now, by=by)
    told = {name: said[name] for name in ("amount_minor", "currency", "into_minor", "to", "rate", "rate_source")}
    events.record(session, "payment:converted", receipt.public_id, by=by, at=now, into=new.public_id, **told)
    if invoice is None or InvoiceState(invoice.state) not in PAYABLE:
        return
    await stopping.refuse_stopped(session, invoice)
    if part := min(new.amount_minor, await queries.open_minor(session, invoice)):
        await receiving.allocate(session, new, invoice, part, by=by, now=now)


async def _invoice(session: AsyncSession, receipt: Receipt, number: str, to: str) -> Invoice:
    invoice = await queries.invoice_by_number(session, number)
    if invoice is None:
        raise BadInput(fields={"invoice": "invoice_unknown"})
    if invoice.currency != to:
        raise BadInput(fields={"to": "other_currency"})
    if invoice.entity != receipt.entity:
        raise BadInput(fields={"invoice": "other_entity"})
    if receipt.company_id not in (None, invoice.company_id):
        raise BadInput(fields={"invoice": "other_company"})
    return invoice


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {CONVERT: convert}
