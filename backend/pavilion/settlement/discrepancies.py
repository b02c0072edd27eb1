"""What the books and the provider, or the payer and the invoice, do not agree on: found once, open until a person has
looked. An open one blocks the seller's payment of its invoice (settlement spec 6.6)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.db import inserting
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.ids import ulid
from pavilion.settlement.receipt_models import Discrepancy

# Each has its words as `discrepancy_<kind>`; what the facts say stands beside them.
KINDS = (
    "missing_here",  # the provider knows a movement that the journal does not
    "missing_there",  # the journal knows one that the provider does not
    "amount_differs",
    "currency_differs",
    "other_account",  # for an open invoice, into the account of another selling house than its own
    "invoice_closed",  # money came for an invoice that is cancelled, paid or written off
    "deposit_closed",  # money came for a deposit that is not asked any more, or of a company that is barred
    "contradiction",  # news that would take a state back
    "intent_unknown",  # asked of the provider for a day without an answer
    "refund_failed",
    "refund_twice",  # the provider paid back what was replaced by another refund
    "dispute",
    "gone_unpaid",  # an invoice is owed again whose goods have left the house
    "payout_failed",
    "payout_unexplained",  # whose money a part of it was, nobody says
    "deposit_stuck",  # it should go back after its sale, and cannot
    "hold_lapsed",  # a card's authorisation that a deposit stood on ended at the provider
    "transfer_not_taken",  # it is booked, and still lies on the buyer's own account at the provider
    "provider_refused",  # what the house wanted to take at the provider, it did not get
    "balance_differs",  # a kept balance is not what its entries add up to
)


async def found(
    session: AsyncSession,
    *,
    key: str,
    kind: str,
    subject: str,
    invoice: str | None = None,
    facts: dict[str, Any],
    now: datetime,
) -> bool:
    """True when it is opened now; found again under the same key, open or closed, it is still that one. `invoice`: the
    number of the invoice whose seller waits meanwhile. Facts are codes, ids and amounts, nothing of a person."""
    row = inserting(session, Discrepancy).values(
        public_id=ulid(now), key=key, kind=kind, subject=subject, invoice=invoice, facts=facts, opened_at=now, word=""
    )
    public_id = await session.scalar(
        row.on_conflict_do_nothing(index_elements=["key"]).returning(Discrepancy.public_id)
    )
    if public_id is None:
        return False
    events.record(session, "discrepancy:found", public_id, by=None, at=now, kind=kind, about=subject, invoice=invoice)
    return True


async def close(session: AsyncSession, public_id: str, *, word: str, by: str, now: datetime) -> Discrepancy:
    """A person has looked and says what it was; nothing is blocked by it any more."""
    wanted = select(Discrepancy).where(Discrepancy.public_id == public_id).with_for_update()
    row: Discrepancy | None = await session.scalar(wanted)
    if row is None:
        raise NotFound()
    if row.closed_at is not None:
        raise ActNotAllowed(state="closed")
    row.closed_at, row.closed_by, row.word = now, by, word
    events.record(session, "discrepancy:closed", row.public_id, by=by, at=now, kind=row.kind, invoice=row.invoice)
    return row


async def open_on(session: AsyncSession, invoices: Collection[str]) -> set[str]:
    """Those of these invoices, by number, on which something is still unexplained."""
    wanted = select(Discrepancy.invoice).where(Discrepancy.invoice.in_(invoices), Discrepancy.closed_at.is_(None))
    return {number for number in await session.scalars(wanted) if number}
