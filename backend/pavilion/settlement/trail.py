"""Everything that happened to an invoice or a receipt, in one line of time: events, postings, two persons' acts."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person, Proposal
from pavilion.kernel.events import Event
from pavilion.settlement.accounts_of import kind_of
from pavilion.settlement.intent_models import PaymentIntent
from pavilion.settlement.models import Entry, Invoice, Posting
from pavilion.settlement.note_models import CreditNote
from pavilion.settlement.receipt_models import Allocation, Discrepancy, Receipt, Refund
from pavilion.settlement.wiring import subject_of

MOST = 1_000
# What facts are called, as `trail_…`; others are shown as they are named.
FACTS = (
    *("amount", "currency", "invoice", "invoice_currency", "state", "reason", "about", "lots", "number", "sale"),
    *("company_id", "unallocated", "receipt", "bank_reference", "value_date", "payer", "payer_name", "entity"),
    *("count", "refunds", "payees", "rate", "rate_source", "rate_on", "to", "into", "note", "total", "deposit", "kind"),
    *("open", "over", "rest", "sender", "sender_account"),
    *("scan", "outcome", "by_wire", "fee", "refunded", "received", "charge", "left", "asked", "registration"),
)


class Step(NamedTuple):
    """`kind`: event, posting or proposal; `name`: the event's or the proposal's, or the posting's key."""

    at: datetime
    kind: str
    name: str
    by: str
    facts: dict[str, Any]
    moves: tuple[tuple[str, str, int], ...] = ()  # account, currency, amount

    @property
    def code(self) -> str:
        """Under which its words stand."""
        if self.kind == "posting":
            return f"posting_{kind_of(self.name)}"
        return f"proposal_{self.name}" if self.kind == "proposal" else f"step_{self.name}"


class About(NamedTuple):
    """What belongs together: public ids and document numbers."""

    title: str
    name: str  # in the address of its trail
    href: str
    names: frozenset[str]


async def about_invoice(session: AsyncSession, invoice: Invoice) -> About:
    """The invoice with its notes, its receipts, their refunds, and what was asked of the provider."""
    names = {invoice.public_id, invoice.number or invoice.public_id}
    notes = await session.execute(
        select(CreditNote.public_id, CreditNote.number).where(CreditNote.invoice_id == invoice.id)
    )
    names |= {name for row in notes for name in row}
    paid = select(Allocation.receipt_id).where(Allocation.invoice_id == invoice.id)
    names |= set(await session.scalars(select(Receipt.public_id).where(Receipt.id.in_(paid))))
    number = invoice.number or invoice.public_id
    return About(number, number, f"/desk/invoices/{number}", frozenset(await _with_followers(session, names)))


async def about_receipt(session: AsyncSession, receipt: Receipt) -> About:
    """The receipt with its refunds and what does not agree about it."""
    name, title = receipt.public_id, receipt.reference or receipt.provider_ref or receipt.public_id
    names = frozenset(await _with_followers(session, {name})) | {subject_of(receipt.entity, receipt.reference)}
    return About(title, name, f"/staff/cashier/receipts/{name}", names)


async def steps(session: AsyncSession, about: About) -> list[Step]:
    """The first first; each posting with all its moves."""
    wanted = select(Event).where(Event.subject.in_(about.names)).order_by(Event.id.desc()).limit(MOST)
    rows = (await session.scalars(wanted)).all()
    found = [Step(one.at, "event", one.name, one.by or "", one.facts) for one in rows]
    coins = await _coins(session, {one.subject for one in rows})
    found = [one._replace(facts=_in(one.facts, coins.get(row.subject))) for one, row in zip(found, rows, strict=True)]
    found = found[::-1]  # of one instant, in the order they were told
    found += await _postings(session, about.names)
    found += await _proposals(session, about.names)
    found += await _of_strangers(session, about.names)
    named = await _people(session, {step.by for step in found})
    found = [step._replace(by=named.get(step.by, step.by)) for step in found]
    return sorted(found, key=lambda step: (step.at, ("proposal", "event", "posting").index(step.kind)))


async def _coins(session: AsyncSession, subjects: Collection[str]) -> dict[str, str]:
    """The currency of each receipt, invoice or refund that an event is about."""
    found: dict[str, str] = {}
    for kind in (Receipt, Invoice, Refund):
        rows = await session.execute(select(kind.public_id, kind.currency).where(kind.public_id.in_(subjects)))
        found |= dict(rows.all())
    return found


def _in(facts: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """An amount is told with its currency."""
    bare = currency and "currency" not in facts and any(name.endswith("_minor") for name in facts)
    return {**facts, "currency": currency} if bare else facts


async def _with_followers(session: AsyncSession, names: set[str]) -> set[str]:
    receipts = select(Receipt.id).where(Receipt.public_id.in_(names))
    refunds = select(Refund.public_id).where(or_(Refund.receipt_id.in_(receipts), Refund.ref.in_(names)))
    names |= set(await session.scalars(refunds))
    names |= set(await session.scalars(select(PaymentIntent.public_id).where(PaymentIntent.ref.in_(names))))
    odd = or_(Discrepancy.subject.in_(names), Discrepancy.invoice.in_(names))
    return names | set(await session.scalars(select(Discrepancy.public_id).where(odd)))


async def _postings(session: AsyncSession, names: Collection[str]) -> list[Step]:
    touched = select(Entry.txn_id).where(Entry.ref.in_(names)).distinct()
    rows = await session.execute(
        select(Posting, Entry)
        .join(Entry, Entry.txn_id == Posting.id)
        .where(Posting.id.in_(touched))
        .order_by(Posting.id.desc(), Entry.id)
        .limit(MOST * 4)
    )
    found: dict[int, Step] = {}
    for posting, entry in rows:
        step = found.get(posting.id) or Step(posting.at, "posting", posting.key, posting.by or "", {})
        move = (entry.account, entry.currency, entry.amount_minor)
        found[posting.id] = step._replace(moves=(*step.moves, move))
    return list(found.values())[::-1]


async def _proposals(session: AsyncSession, names: Collection[str]) -> list[Step]:
    """Acts of two persons: by their subject, or the invoice or receipt that their facts name."""
    named = [Proposal.facts[name].as_string().in_(names) for name in ("invoice", "receipt")]
    wanted = select(Proposal, Person.name).join(Person, Person.id == Proposal.proposed_by)
    rows = await session.execute(wanted.where(or_(Proposal.subject.in_(names), *named)).limit(MOST))
    return [Step(one.proposed_at, "proposal", one.kind, name, {"state": one.state, **one.facts}) for one, name in rows]


async def _of_strangers(session: AsyncSession, names: Collection[str]) -> list[Step]:
    """Why money of an unknown payer was let pay an invoice."""
    wanted = select(Allocation, Receipt, Invoice.number).join(Receipt, Receipt.id == Allocation.receipt_id)
    wanted = wanted.join(Invoice, Invoice.id == Allocation.invoice_id).where(Allocation.reason != "")
    rows = await session.execute(wanted.where(or_(Receipt.public_id.in_(names), Invoice.number.in_(names))))
    return [
        Step(
            one.at, "event", "payment:third_party", one.by or "",
            {"sender": receipt.sender, "invoice": number, "amount_minor": one.amount_minor,
             "currency": receipt.currency, "reason": one.reason},
        )
        for one, receipt, number in rows
    ]  # fmt: skip


async def _people(session: AsyncSession, ids: Collection[str]) -> dict[str, str]:
    rows = await session.execute(select(Person.public_id, Person.name).where(Person.public_id.in_(ids)))
    return {row.public_id: row.name for row in rows}
