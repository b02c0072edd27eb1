"""Calls of the provider: each event once, its effect in the transaction that stores it (settlement spec 6.5)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
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
# Of these the call itself says too little: which charge was paid, what it belongs to.
READ = frozenset({
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "charge.refunded",
    "charge.dispute.created", "charge.dispute.closed",
})  # fmt: skip
REPEATED, UNKNOWN_TYPE = "repeated", "unknown_type"
TRIES = 5


class Overtaken(Exception):
    """Other news of the same object was taken up while this was being read: read again."""


async def take(sessions: Sessions, payments: Payments, told: Told, now: datetime, *, found: bool = False) -> str:
    """The event is stored with its effect, or had been; answers the effect as a code. ProviderUnreachable: nothing is
    stored, and the provider tells it again. `found`: by the nightly pass, not told."""
    for _ in range(TRIES):
        async with reading(sessions) as session:
            if await session.get(ProviderEvent, told.event) is not None:
                return REPEATED
            newest = await session.get(ProviderObject, told.object)
        seen = newest.created if newest else None
        said = await _said(payments, told, seen)
        try:
            async with sessions.begin() as session:
                return await _stored(session, told, said, seen, now, found=found)
        except Overtaken:
            continue
    raise ProviderUnreachable("overtaken")


async def _said(payments: Payments, told: Told, seen: datetime | None) -> Sequence[Said]:
    """What the object says: as it was told, or read again where later news was acted on, or the call is too short."""
    if told.type not in HANDLED or told.said is None:
        return ()
    late = seen is not None and seen >= told.created
    lacks = isinstance(told.said, Charged) and told.said.state == "succeeded" and told.said.charge is None
    if not late and not lacks and told.type not in READ:
        return (told.said,)
    return await read(payments, told.said, told.owner)


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
    session: AsyncSession, told: Told, said: Sequence[Said], seen: datetime | None, now: datetime, *, found: bool
) -> str:
    effect = UNKNOWN_TYPE
    if told.type in HANDLED:
        await _first_or_next(session, told, seen)
        effect = effects.NOTHING
    for one in said:
        effect = await effects.apply(session, one, now)
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = build(ProviderEvent).values(
        event=told.event, type=told.type, object=told.object, created=told.created, at=now, effect=effect,
        found=found, facts=_facts(said),
    )  # fmt: skip
    if await session.scalar(row.on_conflict_do_nothing().returning(ProviderEvent.event)) is None:
        raise Overtaken  # told twice at once: the other has done it
    return effect


async def _first_or_next(session: AsyncSession, told: Told, seen: datetime | None) -> None:
    """The object's row is ours until the end, and nobody acted on it since it was looked at."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = build(ProviderObject).values(object=told.object, created=told.created, state=told.type[:40])
    row = row.on_conflict_do_nothing(index_elements=["object"])
    first = await session.scalar(row.returning(ProviderObject.object))
    if seen is None and first is not None:
        return
    newest = await session.get_one(ProviderObject, told.object, with_for_update=True, populate_existing=True)
    if seen is None or newest.created != seen:
        raise Overtaken
    if told.created > newest.created:
        newest.created, newest.state = told.created, told.type[:40]


def _facts(said: Sequence[Said]) -> dict[str, object]:
    """Amounts and ids of what was acted on; nothing of a person or a card."""
    if not said:
        return {}
    last, kept = said[-1], ("amount_minor", "received_minor", "currency", "state", "kind", "ref", "charge", "payment")
    return {name: getattr(last, name) for name in kept if hasattr(last, name)}


async def count_refused(session: AsyncSession, reason: str, now: datetime) -> None:
    """One more call that day was turned away for this reason; nothing else of it is kept."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = build(WebhookCount).values(day=now.date().isoformat(), reason=reason, count=1)
    await session.execute(
        row.on_conflict_do_update(index_elements=["day", "reason"], set_={"count": WebhookCount.count + 1})
    )


async def refused(session: AsyncSession, day: str) -> dict[str, int]:
    rows = await session.execute(select(WebhookCount.reason, WebhookCount.count).where(WebhookCount.day == day))
    return dict(rows.all())
