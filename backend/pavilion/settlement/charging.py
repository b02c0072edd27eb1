"""What a cashier changes of a draft before its issue: charges, the tax treatment, whether it waits (spec 1 and 2)."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.auctions.fees import Regime, Tax
from pavilion.bidding.models import BookState, SaleBook
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound, StaleVersion
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.settlement import invoicing
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.rules import InvoiceState, LineKind

KINDS = ("shipping", "insurance", "certificate", "storage", "duty")
NEVER_TAXED = frozenset({"duty"})  # paid for the buyer, not earned
WITH_RATE = frozenset({Regime.FULL, Regime.MARGIN, Regime.MARGIN_INCLUDED})
MOST_CHARGES, MOST_RATE_BP = 20, 5_000
TEXT_MOST, REASON_LEAST = 120, 10


async def draft(session: AsyncSession, public_id: str) -> Invoice:
    """The draft, for this transaction alone to change; what is issued is never edited."""
    wanted = select(Invoice).where(Invoice.public_id == public_id).options(selectinload(Invoice.lines))
    found = await session.scalar(wanted.with_for_update(of=Invoice).execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    if found.state != InvoiceState.DRAFT:
        raise ActNotAllowed(state=found.state)
    return found


async def add(
    session: AsyncSession,
    invoice: Invoice,
    *,
    kind: str,
    amount_minor: int | None,
    taxed: bool,
    text_en: str,
    text_zh: str,
    key: str,
    by: str | None,
    now: datetime,
) -> None:
    """The charge stands on the draft, its tax and total counted anew; sent twice under one key, it stands once."""
    charges = [line for line in invoice.lines if line.kind == LineKind.CHARGE]
    if any(line.facts.get("key") == key for line in charges):
        return
    faults = {}
    if kind not in KINDS:
        faults["kind"] = "invoice_choice_unknown"
    if amount_minor is None or not 0 < amount_minor <= MAX_AMOUNT - 2 * invoice.total_minor:
        faults["amount"] = "amount_invalid"
    if max(len(text_en), len(text_zh)) > TEXT_MOST:
        faults["text_en"] = "invoice_text_too_long"
    if len(charges) >= MOST_CHARGES:
        faults["kind"] = "charge_too_many"
    if faults or amount_minor is None:
        raise BadInput(fields=faults)
    place = max((line.place for line in invoice.lines), default=0) + 1
    facts = {"charge": kind, "taxed": taxed and kind not in NEVER_TAXED, "key": key}
    line = InvoiceLine(invoice_id=invoice.id, place=place, kind=LineKind.CHARGE, lot=None, facts=facts)
    line.text_en, line.text_zh, line.amount_minor = text_en, text_zh, amount_minor
    session.add(line)
    await session.flush()
    await invoicing.retotal(session, invoice)
    told: dict[str, Any] = {"charge": kind, "amount_minor": amount_minor, "taxed": facts["taxed"]}
    events.record(session, "invoice:charged", invoice.public_id, by=by, at=now, **told)


async def remove(session: AsyncSession, invoice: Invoice, line_id: int, *, by: str | None, now: datetime) -> None:
    """The charge is gone from the draft; removed twice, removed once."""
    known = [line for line in invoice.lines if line.id == line_id and line.kind == LineKind.CHARGE]
    if not known:
        return
    told: dict[str, Any] = {"charge": known[0].facts["charge"], "amount_minor": known[0].amount_minor}
    await session.execute(delete(InvoiceLine).where(InvoiceLine.id == line_id))
    await invoicing.retotal(session, invoice)
    events.record(session, "invoice:uncharged", invoice.public_id, by=by, at=now, **told)


async def decide_tax(
    session: AsyncSession,
    invoice: Invoice,
    *,
    regime: str,
    rate_bp: int | None,
    text: str,
    reason: str,
    by: str | None,
    now: datetime,
) -> None:
    """A named person has decided the treatment, with a reason; the table is not asked again for this draft."""
    faults = {}
    if regime not in list(Regime):
        faults["regime"] = "invoice_choice_unknown"
    elif Regime(regime) in WITH_RATE and (rate_bp is None or not 0 < rate_bp <= MOST_RATE_BP):
        faults["rate"] = "tax_rate_wrong"
    elif Regime(regime) not in WITH_RATE and rate_bp:
        faults["rate"] = "tax_rate_not_asked"
    elif regime == Regime.REVERSE and not invoicing.both_numbers(invoice):
        faults["regime"] = "numbers_wrong"
    if len(text) > TEXT_MOST:
        faults["text"] = "invoice_text_too_long"
    if not REASON_LEAST <= len(reason.strip()) <= 2_000:
        faults["reason"] = "reason_needed"
    if faults:
        raise BadInput(fields=faults)
    said = {"by": by, "at": now.isoformat(), "reason": reason.strip(), "text": text.strip()}
    invoicing.decide(invoice, Tax(Regime(regime), rate_bp or 0), said)
    await invoicing.retotal(session, invoice)
    told: dict[str, Any] = {"regime": regime, "rate_bp": rate_bp or 0, "reason": reason.strip()}
    events.record(session, "invoice:tax_decided", invoice.public_id, by=by, at=now, **told)


async def wait(session: AsyncSession, invoice: Invoice, waits: bool, *, by: str | None, now: datetime) -> None:
    """The draft is issued by a person only, or by itself again once the sale has closed."""
    if bool(invoice.facts.get("waits")) == waits:
        return
    kept = {name: said for name, said in invoice.facts.items() if name != "waits"}
    invoice.facts = {**kept, "waits": True} if waits else kept
    events.record(session, "invoice:waits", invoice.public_id, by=by, at=now, waits=waits)


async def issue(
    session: AsyncSession, invoice: Invoice, *, seen_minor: int | None = None, by: str | None, now: datetime
) -> Invoice:
    """Issued now, by a person who saw this total. While the sale runs more lots may join the draft: not yet."""
    if seen_minor is not None and seen_minor != invoice.total_minor:  # another cashier changed it meanwhile
        raise StaleVersion(total_minor=invoice.total_minor)
    state = await session.scalar(select(SaleBook.state).where(SaleBook.sale == invoice.sale))
    if state is not None and state != BookState.CLOSED:
        raise ActNotAllowed(state="sale_open")
    issued = await invoicing.issue(session, invoice, now)
    events.record(session, "invoice:issued_by_hand", invoice.public_id, by=by, at=now, number=issued.number)
    return issued


async def waiting(session: AsyncSession) -> list[Invoice]:
    """Every draft, the oldest first."""
    wanted = select(Invoice).where(Invoice.state == InvoiceState.DRAFT).options(selectinload(Invoice.lines))
    return list(await session.scalars(wanted.order_by(Invoice.id).limit(200)))
