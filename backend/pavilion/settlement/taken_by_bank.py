"""Refunds whose money the payer's own bank took back before we sent it: nothing of them is owed any more."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.ids import ulid
from pavilion.settlement import ledger, postings
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Entry, Posting
from pavilion.settlement.receipt_models import BY_BANK, Refund, RefundState

LOST = "lost"
UNSENT = or_(
    Refund.state.in_((RefundState.DECIDED, RefundState.FAILED)),
    Refund.by_wire & (Refund.state == RefundState.SENT),  # agreed, and no transfer was recorded
)


async def end(session: AsyncSession, receipt_id: int | None, now: datetime) -> None:
    """What is still owed back of a payment whose dispute was lost, its payer has already: as far as the house bore that
    dispute, the debt ends. What the provider was asked to send and has not answered waits for its word. The receipt's
    row, or the refund's, is locked by the caller; said twice, done once."""
    if receipt_id is None:
        return
    lost = select(Dispute).where(Dispute.receipt_id == receipt_id, Dispute.state == LOST)
    for dispute in (await session.scalars(lost.order_by(Dispute.opened_at, Dispute.provider_id))).all():
        room = await _borne(session, dispute)
        owed = select(Refund).where(Refund.receipt_id == receipt_id, UNSENT).order_by(Refund.id).with_for_update()
        for refund in (await session.scalars(owed)).all() if room > 0 else ():
            room -= await _ended(session, refund, dispute, room, now)


async def _borne(session: AsyncSession, dispute: Dispute) -> int:
    """What the house bears of it: what had left the invoices, and is not made up by a refund that ended."""
    keys = or_(
        Posting.key == f"dispute:{dispute.provider_id}",
        Posting.key.startswith(f"dispute.refund:{dispute.provider_id}:", autoescape=True),
    )
    wanted = select(func.coalesce(func.sum(Entry.amount_minor), 0)).join(Posting, Posting.id == Entry.txn_id)
    return int(await session.scalar(wanted.where(keys, Entry.account == postings.DISPUTES)) or 0)


async def _ended(session: AsyncSession, refund: Refund, dispute: Dispute, room: int, now: datetime) -> int:
    part = min(room, refund.amount_minor)
    if part <= 0:
        return 0
    if rest := refund.amount_minor - part:  # the bank took less: of the rest it is as it was
        session.add(_rest_of(refund, rest, now))
    refund.amount_minor, refund.state, refund.note, refund.ended_at = part, RefundState.REPLACED, BY_BANK, now
    await session.flush()
    await ledger.post(
        session,
        key=f"dispute.refund:{dispute.provider_id}:{refund.public_id}",
        moves=postings.refund_charged_back(refund.company_id, part),
        currency=refund.currency,
        ref=refund.public_id,
        at=now,
        by=None,
    )
    told = {"amount_minor": part, "currency": refund.currency, "about": refund.ref, "dispute": dispute.provider_id}
    events.record(session, "refund:charged_back", refund.public_id, by=None, at=now, **told)
    return part


def _rest_of(refund: Refund, rest: int, now: datetime) -> Refund:
    root, _, times = refund.key.partition("~")
    return Refund(
        public_id=ulid(now), key=f"{root}~{int(times or 0) + 1}", receipt_id=refund.receipt_id,
        company_id=refund.company_id, entity=refund.entity, currency=refund.currency, amount_minor=rest,
        reason=refund.reason, ref=refund.ref, state=refund.state, by_wire=refund.by_wire, bank_reference="",
        payee=refund.payee, payee_account=refund.payee_account, note=refund.note,
        decided_by=refund.decided_by, decided_at=refund.decided_at, ended_at=refund.ended_at,
    )  # fmt: skip
