"""Every night the provider's own list of seven days is held against our journal, in both directions (settlement spec
6.6): what is missing here is applied by the same effects as a webhook; what is missing there, or differs, is put to a
person."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event, record
from pavilion.settlement import discrepancies, effects, emptying, lapsing, ledger, postings, sending, webhooks
from pavilion.settlement.intent_models import (
    Dispute,
    IntentState,
    PaymentIntent,
    ProviderCustomer,
    ProviderEvent,
)
from pavilion.settlement.models import Posting
from pavilion.settlement.payments.port import (
    BalanceLine,
    PaidOut,
    Payments,
    ProviderRefused,
    ProviderUnreachable,
    Said,
    Told,
)
from pavilion.settlement.receipt_models import Receipt, Refund, RefundState, Source

RECONCILED = "provider:reconciled"
NIGHT_HOUR = 2  # UTC
SPAN = timedelta(days=7)
EDGE = timedelta(days=1)  # the provider's list reaches further back than what is looked for in it
FRESH = timedelta(hours=1)  # what was booked just now may not stand in the list yet
PAUSE = timedelta(minutes=10)  # before a night that could not be finished is tried again


class Nightly:
    """The pass of every night; one that the provider does not answer is tried again."""

    def __init__(self, sessions: Sessions, payments: Payments | None) -> None:
        self._sessions, self._payments = sessions, payments
        self._done: date | None = None
        self._not_before: datetime | None = None

    async def tick(self, now: datetime) -> int:
        if self._payments is None or now.hour < NIGHT_HOUR or self._done == now.date():
            return 0
        if self._not_before is not None and now < self._not_before:
            return 0
        async with reading(self._sessions) as session:
            wanted = select(Event.at).where(Event.name == RECONCILED).order_by(Event.id.desc()).limit(1)
            last = await session.scalar(wanted)
        if last is not None and last.date() == now.date():
            self._done = now.date()
            return 0
        try:
            await reconcile(self._sessions, self._payments, now)
        except (ProviderUnreachable, ProviderRefused):
            self._not_before = now + PAUSE
            return 0
        self._done = now.date()
        return 1


async def reconcile(sessions: Sessions, payments: Payments, now: datetime) -> int:
    """Our books and the provider's list agree for these seven days, or what does not is open before a person. Answers
    how much was missing here."""
    applied, seen, payouts = 0, set(), []
    async for line in payments.movements(since=now - SPAN - EDGE):
        seen.add(line.source)
        if line.kind == "payout":
            payouts.append(line)
        else:
            applied += await _line(sessions, payments, line, now)
    async for cash in _cash(sessions, payments, now):
        seen.add(cash.object)
        applied += await _take(sessions, payments, cash, now)
    applied += await _open_pages(sessions, payments, now)
    for line in reversed(payouts):  # the oldest first, once all that they are made of is booked
        applied += await _line(sessions, payments, line, now)
    async with sessions.begin() as session:
        await _missing_there(session, seen, now)
        record(session, RECONCILED, "provider", by=None, at=now, applied=applied, lines=len(seen))
    return applied


async def _line(sessions: Sessions, payments: Payments, line: BalanceLine, now: datetime) -> int:
    """One movement there stands in our books too, with its fee."""
    said: Sequence[Said] = ()
    async with reading(sessions) as session:
        known = await _known(session, line)
    if not known:
        said = await _read(payments, line)
    async with sessions.begin() as session:
        effect = effects.NOTHING
        for one in said:
            if isinstance(one, PaidOut):
                effect = await effects.paid_out(session, one, now, at_night=True)
            else:
                effect = await effects.apply(session, one, now)
        await _fee(session, line, now)
        await _compare(session, line, now)
        if effect != effects.NOTHING:
            session.add(_marked(line, effect, now))
    return effect != effects.NOTHING


async def _known(session: AsyncSession, line: BalanceLine) -> bool:
    """Whether nothing has to be asked about it any more."""
    if await session.get(ProviderEvent, f"found:{line.id}") is not None:
        return True
    match line.kind:
        case "payment":
            wanted = select(Receipt.id).where(Receipt.provider_ref == line.source)
        case "refund":
            wanted = select(Refund.id).where(Refund.provider_ref == line.source, Refund.ended_at.is_not(None))
        case "refund_failure":
            wanted = select(Refund.id).where(
                Refund.provider_ref == line.source, Refund.state.in_((RefundState.FAILED, RefundState.REPLACED))
            )
        case "payout" if line.amount_minor < 0:
            wanted = select(Posting.id).where(Posting.key == f"payout:{line.source}")
        case "payout":
            wanted = select(Posting.id).where(Posting.key == f"reversal:payout:{line.source}")
        case "dispute":
            wanted = select(Dispute.receipt_id).where(
                Dispute.provider_id == line.source, *((Dispute.state != "open",) if line.amount_minor > 0 else ())
            )
        case _:
            return True
    return await session.scalar(wanted.limit(1)) is not None


async def _read(payments: Payments, line: BalanceLine) -> Sequence[Said]:
    match line.kind:
        case "payment":
            return (await payments.read_charge(line.source),)
        case "refund" | "refund_failure":
            return (await payments.read_refund(line.source),)
        case "dispute":
            found = await payments.read_dispute(line.source)
            return await payments.read_charge(found.charge), found
        case "payout":
            return (await payments.read_payout(line.source),)
    return ()


def _marked(line: BalanceLine, effect: str, now: datetime) -> ProviderEvent:
    facts = {"amount_minor": line.amount_minor, "currency": line.currency}
    return ProviderEvent(
        event=f"found:{line.id}"[:80], type=f"balance.{line.kind}", object=line.source, created=line.created, at=now,
        effect=effect, found=True, facts=facts,
    )  # fmt: skip


async def _fee(session: AsyncSession, line: BalanceLine, now: datetime) -> None:
    """What the provider keeps of a payment, or bills by itself. A dispute's fee is posted with the dispute."""
    fee = -line.amount_minor if line.kind == "fee" else line.fee_minor if line.kind == "payment" else 0
    if fee <= 0:
        return
    moves = postings.provider_fee(emptying.house_entity(await emptying.entity_of(session, line) or ""), fee)
    await ledger.post(
        session, key=f"fee:{line.id}", moves=moves, currency=line.currency, ref=line.source or line.id, at=now, by=None
    )


async def _compare(session: AsyncSession, line: BalanceLine, now: datetime) -> None:
    """The sums agree, or a person looks."""
    ours: tuple[int, str] | None = None
    if line.kind == "payment":
        rows = select(Receipt.amount_minor, Receipt.currency).where(Receipt.provider_ref == line.source)
        ours = (await session.execute(rows)).one_or_none()
    elif line.kind == "refund":
        rows = select(Refund.amount_minor, Refund.currency).where(Refund.provider_ref == line.source)
        ours = (await session.execute(rows)).one_or_none()
    elif line.kind == "other" and line.amount_minor != 0:
        facts = {"amount_minor": line.amount_minor, "currency": line.currency}
        await discrepancies.found(
            session, key=f"missing_here:{line.id}", kind="missing_here", subject=line.id, facts=facts, now=now
        )
    if ours is None or ours == (abs(line.amount_minor), line.currency):
        return
    facts = {"there_minor": abs(line.amount_minor), "there_currency": line.currency}
    facts |= {"amount_minor": ours[0], "currency": ours[1]}
    await discrepancies.found(
        session, key=f"amount_differs:{line.id}", kind="amount_differs", subject=line.source, facts=facts, now=now
    )


async def _cash(sessions: Sessions, payments: Payments, now: datetime) -> AsyncIterator[Told]:
    """Transfers into the virtual accounts, as if each had been told."""
    async with reading(sessions) as session:
        rows = await session.execute(select(ProviderCustomer.provider_id, ProviderCustomer.accounts))
    for customer in [one for one, accounts in rows if accounts]:
        async for cash in payments.cash_of(customer, since=now - SPAN - EDGE):
            yield Told(
                event=f"found:{cash.id}"[:80], type="customer_cash_balance_transaction.created", object=cash.id,
                created=cash.created, body={}, said=cash, owner=customer,
            )  # fmt: skip


async def _take(sessions: Sessions, payments: Payments, told: Told, now: datetime) -> int:
    async with reading(sessions) as session:
        if await session.scalar(select(ProviderEvent.event).where(ProviderEvent.object == told.object).limit(1)):
            return 0
    return await webhooks.take(sessions, payments, told, now, found=True) not in (effects.NOTHING, webhooks.REPEATED)


async def _open_pages(sessions: Sessions, payments: Payments, now: datetime) -> int:
    """Pages that should have ended by now are looked at, and authorisations that should still stand, whoever was to
    tell us."""
    wanted = select(PaymentIntent.public_id).where(
        PaymentIntent.state == IntentState.WAITING, PaymentIntent.made_at >= now - SPAN - EDGE
    )
    async with reading(sessions) as session:
        waiting = (await session.scalars(wanted.order_by(PaymentIntent.id))).all()
    effect = [await sending.look(sessions, payments, one, now) for one in waiting]
    async with reading(sessions) as session:
        holds = await lapsing.standing(session)
    for payment in holds:  # an authorisation may have ended there without a word
        said = await payments.read_payment(payment)
        async with sessions.begin() as session:
            effect.append(await effects.apply(session, said, now) if said.state == "cancelled" else effects.NOTHING)
    return len([one for one in effect if one != effects.NOTHING])


async def _missing_there(session: AsyncSession, seen: set[str], now: datetime) -> None:
    """What we booked as the provider's, and its list does not know."""
    booked = select(Receipt.provider_ref, Receipt.public_id, Receipt.amount_minor, Receipt.currency).where(
        Receipt.source != Source.WIRE, Receipt.provider_ref.is_not(None),
        Receipt.at >= now - SPAN, Receipt.at <= now - FRESH,
    )  # fmt: skip
    sent = select(Refund.provider_ref, Refund.public_id, Refund.amount_minor, Refund.currency)
    sent = sent.join(Receipt, Receipt.id == Refund.receipt_id).where(
        Refund.state == RefundState.SUCCEEDED, Refund.by_wire.is_(False), Refund.provider_ref.is_not(None),
        Receipt.source.in_((Source.CARD, Source.HOLD)),
        Refund.ended_at >= now - SPAN, Refund.ended_at <= now - FRESH,
    )  # fmt: skip
    for wanted in (booked, sent):
        for there, ours, amount, currency in (await session.execute(wanted)).all():
            if there in seen:
                continue
            facts = {"amount_minor": amount, "currency": currency, "there": there}
            await discrepancies.found(
                session, key=f"missing_there:{there}", kind="missing_there", subject=ours, facts=facts, now=now
            )
