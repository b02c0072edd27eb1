"""Calls of the provider: each event once, its effect in the transaction that stores it (settlement spec 6.5)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, inserting
from pavilion.settlement import effects
from pavilion.settlement.intent_models import ProviderEvent, ProviderObject, WebhookCount
from pavilion.settlement.payments.port import (
    Cash,
    Charged,
    Checkout,
    Disputed,
    PaidOut,
    Payments,
    ProviderUnreachable,
    Refunded,
    Said,
    Told,
)
from pavilion.settlement.sending import read_page

HANDLED = frozenset({
    *(f"checkout.session.{act}" for act in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")),
    *(f"payment_intent.{act}" for act in ("succeeded", "payment_failed", "partially_funded", "canceled")),
    "payment_intent.amount_capturable_updated", "customer_cash_balance_transaction.created",
    "charge.refunded", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.closed", "payout.paid", "payout.failed",
})  # fmt: skip
# Of these the call itself says too little: which charge was paid, what it belongs to, what a payout is made of.
READ = frozenset({
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "charge.refunded",
    "charge.dispute.created", "charge.dispute.closed", "payout.paid",
})  # fmt: skip
REPEATED, UNKNOWN_TYPE = "repeated", "unknown_type"
TRIES = 5


class ToRead(Exception):
    """The object has to be read at the provider before its news can be acted on: the call says too little, or later
    news was acted on already. `seen`: how late the newest was."""

    def __init__(self, seen: datetime | None) -> None:
        super().__init__()
        self.seen = seen


async def take(sessions: Sessions, payments: Payments, told: Told, now: datetime, *, found: bool = False) -> str:
    """The event is stored with its effect, or had been; answers the effect as a code. ProviderUnreachable: nothing is
    stored, and the provider tells it again. `found`: by the nightly pass, not told."""
    said: Sequence[Said] | None = None
    seen: datetime | None = None
    for _ in range(TRIES):
        try:
            async with sessions.begin() as session:
                return await _stored(session, told, said, seen, now, found=found)
        except ToRead as late:
            assert told.said is not None
            said, seen = await read(payments, told.said, told.owner), late.seen
    raise ProviderUnreachable("overtaken")


def _says_enough(told: Told) -> bool:
    """Whether the call alone says what happened, if nothing later was acted on."""
    lacks = isinstance(told.said, Charged) and told.said.state == "succeeded" and told.said.charge is None
    return not lacks and told.type not in READ


async def read(payments: Payments, said: Said, owner: str = "") -> Sequence[Said]:
    """The object as it is now, after what it belongs to."""
    match said:
        case Checkout():
            return await read_page(payments, said.id)
        case Charged():
            if said.charge == said.id:
                return (await payments.read_charge(said.id),)
            return (await payments.read_payment(said.id),)
        case Refunded():
            return (await payments.read_refund(said.id),)
        case Cash():
            return (await payments.read_cash(owner or said.customer, said.id),)
        case Disputed():
            return await payments.read_charge(said.charge), await payments.read_dispute(said.id)
        case PaidOut():
            return (await payments.read_payout(said.id),)


async def _stored(
    session: AsyncSession, told: Told, said: Sequence[Said] | None, seen: datetime | None, now: datetime, *, found: bool
) -> str:
    """`said`: the object as it was read when the newest news of it was `seen`; none: it was not read."""
    effect = UNKNOWN_TYPE
    if told.type in HANDLED and told.said is not None:
        if await _repeated(session, told, said is not None, seen):
            return REPEATED
        said = (told.said,) if said is None else said
        for one in said:
            effect = await effects.apply(session, one, now)
    row = inserting(session, ProviderEvent).values(
        event=told.event, type=told.type, object=told.object, created=told.created, at=now, effect=effect,
        found=found, facts=_facts(said or ()),
    )  # fmt: skip
    stored = await session.scalar(row.on_conflict_do_nothing().returning(ProviderEvent.event))
    return effect if stored is not None else REPEATED


async def _repeated(session: AsyncSession, told: Told, was_read: bool, seen: datetime | None) -> bool:
    """Whether this event was stored before. Otherwise the object is ours until the end of the transaction, and what is
    known of it is enough to act on; ToRead if it is not. Who is first for an object needs to look at nothing else."""
    row = inserting(session, ProviderObject).values(object=told.object, created=told.created, state=told.type[:40])
    row = row.on_conflict_do_nothing(index_elements=["object"])
    if await session.scalar(row.returning(ProviderObject.object)) is not None:
        if not was_read and not _says_enough(told):
            raise ToRead(None)
        return False
    newest = await session.get_one(ProviderObject, told.object, with_for_update=True)
    if await session.scalar(select(ProviderEvent.event).where(ProviderEvent.event == told.event)) is not None:
        return True
    if newest.created != seen if was_read else newest.created >= told.created or not _says_enough(told):
        raise ToRead(newest.created)
    if told.created > newest.created:
        newest.created, newest.state = told.created, told.type[:40]
    return False


def _facts(said: Sequence[Said]) -> dict[str, object]:
    """Amounts and ids of what was acted on; nothing of a person or a card."""
    if not said:
        return {}
    last, kept = said[-1], ("amount_minor", "received_minor", "currency", "state", "kind", "ref", "charge", "payment")
    return {name: getattr(last, name) for name in kept if hasattr(last, name)}


async def count_refused(session: AsyncSession, reason: str, now: datetime) -> None:
    """One more call that day was turned away for this reason; nothing else of it is kept."""
    row = inserting(session, WebhookCount).values(day=now.date().isoformat(), reason=reason, count=1)
    await session.execute(
        row.on_conflict_do_update(index_elements=["day", "reason"], set_={"count": WebhookCount.count + 1})
    )


async def refused(session: AsyncSession, day: str) -> dict[str, int]:
    rows = await session.execute(select(WebhookCount.reason, WebhookCount.count).where(WebhookCount.day == day))
    return dict(rows.all())
