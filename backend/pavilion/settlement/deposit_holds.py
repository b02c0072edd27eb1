"""Deposits as a card's authorisation, for sales that end within days (settlement spec 4; off by default): it gives the
limit, is captured for who bought, and let go for everybody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Sale
from pavilion.kernel.db import Sessions, reading
from pavilion.settlement import deposit_days, deposits, intents, receiving
from pavilion.settlement.deposit_models import Deposit, DepositState
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent
from pavilion.settlement.lapsing import LAPSED
from pavilion.settlement.rules import PAYABLE, InvoiceState

ENDS = (IntentKind.CAPTURE, IntentKind.RELEASE_HOLD)


class Hold(NamedTuple):
    deposit: str
    payment: str  # the provider's name of the authorisation
    over: bool  # the sale


async def follow(sessions: Sessions, now: datetime) -> int:
    """Each authorisation has given its limit; after the close it is captured or let go, and what was captured pays the
    invoices that were issued meanwhile."""
    done = 0
    for hold in await _holds(sessions):
        async with sessions.begin() as session:
            done += await _step(session, hold, now)
    return done


async def _holds(sessions: Sessions) -> Sequence[Hold]:
    wanted = select(Deposit.public_id, PaymentIntent.facts, Sale.state).join(Sale, Sale.public_id == Deposit.sale)
    wanted = wanted.join(PaymentIntent, PaymentIntent.ref == Deposit.public_id)
    ended = select(PaymentIntent.id).where(PaymentIntent.ref == Deposit.public_id, PaymentIntent.kind.in_(ENDS))
    lasts = or_(Deposit.state != DepositState.CLOSED, ~ended.correlate(Deposit).exists())
    wanted = wanted.where(Deposit.by_hold, lasts)
    wanted = wanted.where(PaymentIntent.kind == IntentKind.HOLD, PaymentIntent.state == IntentState.SUCCEEDED)
    async with reading(sessions) as session:
        rows = (await session.execute(wanted.order_by(PaymentIntent.id))).all()
    rows = [row for row in rows if LAPSED not in row.facts]  # the newest that still stands
    found = {deposit: (str(facts.get("payment", "")), state in deposit_days.OVER) for deposit, facts, state in rows}
    return [Hold(deposit, payment, over) for deposit, (payment, over) in found.items() if payment]


async def _step(session: AsyncSession, hold: Hold, now: datetime) -> int:
    deposit, invoices = await deposits.locked_with_invoices(session, hold.deposit)
    there = await deposits.held_minor(session, deposit.company_id, deposit.sale)
    if not hold.over:
        if deposit.state not in (DepositState.ASKED, DepositState.PENDING):
            return 0
        if await strikes.barred(session, deposit.company_id, entities()[deposit.entity].strikes):
            return 0
        await deposits.secured(session, deposit, by=None, now=now)
        return 1
    if there > 0:
        paid = 0
        for invoice in invoices:
            if InvoiceState(invoice.state) in PAYABLE and await deposits.apply(session, invoice, now=now):
                paid += await receiving.paid_up(session, invoice, on=None, by=None, now=now)
        return paid
    if (await deposits.figures(session, deposit)).received:
        return 0
    bought = await deposit_days.needed(session, deposit, now)
    kind = IntentKind.CAPTURE if bought else IntentKind.RELEASE_HOLD
    asked = select(PaymentIntent.id).where(PaymentIntent.ref == deposit.public_id, PaymentIntent.kind == kind)
    if await session.scalar(asked) is not None:
        return 0
    await intents.ask(
        session,
        kind=kind,
        key=deposit.public_id,
        ref=deposit.public_id,
        company_id=deposit.company_id,
        entity=deposit.entity,
        currency=deposit.currency,
        amount_minor=deposit.asked_minor if bought else 0,
        facts={"payment": hold.payment},
        now=now,
    )
    return 1
