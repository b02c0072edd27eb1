"""Cancelling, writing off and correcting issued invoices: by two persons, or by the day the law sets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions import sequels
from pavilion.auctions.entities import entities
from pavilion.auctions.fees import Regime, Tax
from pavilion.auctions.sequel_models import After
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.settlement import (
    agreed,
    crediting,
    invoicing,
    ledger,
    postings,
    queries,
    rebilling,
)
from pavilion.settlement.models import BilledLot, Invoice, Posting
from pavilion.settlement.release_models import Goods, Release
from pavilion.settlement.rules import PAYABLE, InvoiceState

CANCEL, WRITE_OFF = "invoice.cancel", "invoice.write_off"
REASON_LEAST, REASON_MOST = 10, 2_000
SUBJECT_LOTS = 54  # letters of lots in the subject of a proposal: two lots, beside the number


async def propose_cancel(
    session: AsyncSession,
    *,
    number: str,
    lots: Sequence[str] | None,
    again: bool,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Proposal:
    """A credit note of the whole invoice, or of these lots, waits for a second person who sees its sum. `again`: the
    same lots then stand on a new draft. Only what is not paid is cancelled as a whole; lots can come back later too."""
    invoice = await _of(session, number)
    allowed = PAYABLE if lots is None else crediting.CREDITABLE
    if InvoiceState(invoice.state) not in allowed:
        raise ActNotAllowed(state=invoice.state)
    if not REASON_LEAST <= len(reason.strip()) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_needed"})
    amount = await crediting.would_credit(session, invoice, lots=lots)
    if amount == 0:
        raise ActNotAllowed(state=invoice.state)
    taken = sorted(set(lots or ()))
    facts = {
        "invoice": invoice.number,
        "lots": None if lots is None else taken,
        "again": again,
        "amount_minor": amount,
        "currency": invoice.currency,
    }
    named = f"{invoice.number} {_short(' '.join(taken))}".strip()
    return await _propose(session, CANCEL, named, facts, reason, actor, now)


async def cancel(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The credit note is issued as both persons saw it."""
    said = proposal.facts
    invoice = await _of(session, said["invoice"])
    allowed = PAYABLE if said["lots"] is None else crediting.CREDITABLE
    if InvoiceState(invoice.state) not in allowed:
        raise ActNotAllowed(state=invoice.state)
    if said["amount_minor"] != await crediting.would_credit(session, invoice, lots=said["lots"]):
        raise ActNotAllowed(state="changed")
    note = await crediting.credit(
        session, invoice, lots=said["lots"], reason=proposal.reason, by=actor.public_id, now=now
    )
    lots = await crediting.lots_of(session, note)
    if said["again"]:
        await rebilling.bill_again(session, invoice, lots, charges=said["lots"] is None, now=now)
        return
    for lot in lots:
        await sequels.became(session, lot=lot, sale=invoice.sale, what=After.CANCELLED, by=actor.public_id, now=now)


def _short(named: str) -> str:
    """Two different choices of lots never stand under one subject."""
    return named if len(named) <= SUBJECT_LOTS else f"lots {sha256(named.encode()).hexdigest()[:24]}"


async def _propose(
    session: AsyncSession, kind: str, subject: str, facts: dict[str, Any], reason: str, actor: Actor, now: datetime
) -> Proposal:
    """Asked twice alike, it is one; asked otherwise while one waits, it is refused."""
    reason = reason.strip()
    proposal = await accounts.propose(
        session, kind=kind, subject=subject, facts=facts, actor=actor, now=now, reason=reason
    )
    if proposal.facts != facts or proposal.reason != reason:
        raise ActNotAllowed(state="waiting")
    return proposal


async def propose_write_off(
    session: AsyncSession, *, number: str, reason: str, actor: Actor, now: datetime
) -> Proposal:
    """What is left open of a defaulted invoice is given up when a second person agrees."""
    invoice = await _of(session, number)
    if invoice.state != InvoiceState.DEFAULTED:
        raise ActNotAllowed(state=invoice.state)
    if not REASON_LEAST <= len(reason.strip()) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_needed"})
    left = await queries.open_minor(session, invoice)
    facts = {"invoice": invoice.number, "amount_minor": left, "currency": invoice.currency}
    return await _propose(session, WRITE_OFF, number, facts, reason, actor, now)


async def write_off(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The house bears what is left; the invoice is closed, its strike stands."""
    invoice = await _of(session, proposal.facts["invoice"])
    left = await queries.open_minor(session, invoice)
    if invoice.state != InvoiceState.DEFAULTED or invoice.number is None:
        raise ActNotAllowed(state=invoice.state)
    if left != proposal.facts["amount_minor"]:
        raise ActNotAllowed(state="changed")
    await bear(session, invoice, left, by=actor.public_id, now=now)
    invoice.state = InvoiceState.WRITTEN_OFF
    told = {"number": invoice.number, "amount_minor": left}
    events.record(session, "invoice:written_off", invoice.public_id, by=actor.public_id, at=now, **told)


async def bear(session: AsyncSession, invoice: Invoice, amount_minor: int, *, by: str | None, now: datetime) -> None:
    """So much of what the invoice owes is the house's loss. What had been paid of a written off invoice and was taken
    back since is one more: the first stands under the invoice's id, each later one with its turn."""
    assert invoice.number is not None
    key = f"write_off:{invoice.public_id}"
    times = await session.scalar(select(func.count(Posting.id)).where(Posting.key.startswith(key, autoescape=True)))
    await ledger.post(
        session,
        key=f"{key}:{times}" if times else key,
        moves=postings.written_off(invoice.company_id, invoice.number, amount_minor),
        currency=invoice.currency,
        ref=invoice.number,
        at=now,
        by=by,
    )


async def correct_exports(sessions: Sessions, now: datetime) -> int:
    """Lots invoiced as export that were handed over so long ago without proof that they left: credited, and invoiced
    with the selling entity's own tax."""
    async with reading(sessions) as session:
        found = await _unproved(session, now)
    done = 0
    for release in found:
        async with sessions.begin() as session:
            done += await _correct(session, release, now)
    return done


async def _unproved(session: AsyncSession, now: datetime) -> Sequence[int]:
    wanted = select(Release, Invoice).join(Invoice, Invoice.id == Release.invoice_id)
    wanted = wanted.where(Invoice.regime == Regime.EXPORT, Invoice.state.in_(crediting.CREDITABLE))
    wanted = wanted.where(Release.handed_at.is_not(None), Release.export_proof_at.is_(None))
    wanted = wanted.where(Invoice.id.in_(select(BilledLot.invoice_id)))
    late = []
    for release, invoice in await session.execute(wanted.order_by(Release.id)):
        terms = await agreed.terms_of(session, invoice.sale, invoice.entity)
        if release.handed_at is not None and release.handed_at + timedelta(days=terms.export_proof_days) <= now:
            late.append(release.id)
    return late


async def _correct(session: AsyncSession, release_id: int, now: datetime) -> int:
    release = await session.get_one(Release, release_id, with_for_update=True)
    invoice = await crediting.locked(session, release.invoice_id)
    tax = _at_home(invoice, now)
    handed = select(Goods.lot).where(Goods.release == release.public_id)
    wanted = select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id, BilledLot.lot.in_(handed))
    lots = (await session.scalars(wanted.order_by(BilledLot.lot))).all()
    if not lots or tax is None or release.export_proof_at is not None:
        return 0
    if await rebilling.open_draft(session, invoice) is not None:  # is issued first, or taken off; then it is our turn
        return 0
    await crediting.credit(session, invoice, lots=lots, reason=crediting.EXPORT_UNPROVED, by=None, now=now)
    draft = await rebilling.bill_again(session, invoice, lots, charges=False, now=now)
    invoicing.decide(draft, tax, {"reason": crediting.EXPORT_UNPROVED, "at": now.isoformat(), "by": None})
    await invoicing.retotal(session, draft)
    await invoicing.issue(session, draft, now)
    await rebilling.pay_from(session, invoice, draft, now)
    return 1


def _at_home(invoice: Invoice, now: datetime) -> Tax | None:
    """What the sale is taxed with where the seller is, once it is no export."""
    entity = entities()[invoice.entity]
    day = now.astimezone(ZoneInfo(entity.zone)).date()
    tax = entity.tax(entity.country, has_tax_no=False, on=day)
    return tax if tax is not None and tax.rate_bp else None


async def _of(session: AsyncSession, number: str) -> Invoice:
    found = await queries.invoice_by_number(session, number)
    if found is None:
        raise NotFound()
    return await crediting.locked(session, found.id)


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {CANCEL: cancel, WRITE_OFF: write_off}
