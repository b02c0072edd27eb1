"""A card's authorisation that ended at the provider before it was captured: it secures nothing any more."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import registering
from pavilion.auctions.models import Sale
from pavilion.kernel import events
from pavilion.settlement import deposit_days, deposits, discrepancies
from pavilion.settlement.deposit_models import Deposit, DepositState
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent

LAPSED = "lapsed"  # the member of the request's facts that says so
KIND = "hold_lapsed"


async def lapsed(session: AsyncSession, intent: PaymentIntent, now: datetime) -> bool:
    """Unless we let it go ourselves: the deposit counts no more, its paddle has no limit from now on, and it is asked
    once more while its sale lasts; company and staff are told. What was bid stands and is put to staff. The request
    itself had succeeded and stays so. Said twice, done once."""
    ours = select(PaymentIntent.id).where(
        PaymentIntent.kind == IntentKind.RELEASE_HOLD, PaymentIntent.ref == intent.ref
    )
    if intent.facts.get(LAPSED) or await session.scalar(ours.limit(1)) is not None:
        return False
    intent.facts = {**intent.facts, LAPSED: now.isoformat()}
    deposit = await deposits.locked(session, intent.ref)
    if deposit.state == DepositState.CLOSED or (await deposits.figures(session, deposit)).received:
        return False  # it is captured, paid otherwise, or not needed: nothing stood on it
    over = await session.scalar(select(Sale.state).where(Sale.public_id == deposit.sale)) in deposit_days.OVER
    deposit.state, deposit.held_at = (DepositState.CLOSED if over else DepositState.ASKED), None
    deposit.closed_at = now if over else None
    await session.flush()
    await registering.deposit_gone(session, registration=deposit.registration, by=None, now=now)
    events.record(session, "deposit:lapsed", deposit.public_id, by=None, at=now, **deposits.facts_of(deposit))
    facts = {"sale": deposit.sale, "amount_minor": deposit.asked_minor, "currency": deposit.currency}
    await discrepancies.found(
        session, key=f"{KIND}:{intent.public_id}", kind=KIND, subject=deposit.public_id, facts=facts, now=now
    )
    return True


async def standing(session: AsyncSession) -> list[str]:
    """The provider's names of authorisations on which the limit of a paddle stands now."""
    held = select(Deposit.public_id).where(Deposit.by_hold, Deposit.state == DepositState.HELD)
    wanted = select(PaymentIntent).where(
        PaymentIntent.kind == IntentKind.HOLD, PaymentIntent.state == IntentState.SUCCEEDED, PaymentIntent.ref.in_(held)
    )
    rows = await session.scalars(wanted.order_by(PaymentIntent.id))
    return [str(one.facts["payment"]) for one in rows if one.facts.get("payment") and LAPSED not in one.facts]
