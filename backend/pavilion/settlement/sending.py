"""Requests to the provider are sent after the commit of the act, with their own id as idempotency key. No network call
lies inside a transaction; whoever is killed at any point is followed by another who asks the same again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.settlement import discrepancies, effects, refunding
from pavilion.settlement.effects import PAGES
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent, ProviderCustomer
from pavilion.settlement.payments.port import (
    Charged,
    Checkout,
    Payments,
    ProviderRefused,
    ProviderUnreachable,
    Refunded,
    VirtualAccount,
)
from pavilion.settlement.receipt_models import Refund, Source
from pavilion.settlement.transfers import cash_key

LEASE = timedelta(minutes=1)  # longer than a call may take: nobody else asks meanwhile
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
PATIENCE = timedelta(hours=24)  # as long as the provider keeps a key
LOOK_AGAIN = timedelta(minutes=15)  # at a page nobody told us about
SHORTEST_PAGE = timedelta(minutes=31)  # the provider opens none for less than half an hour
MOST = 20  # requests a sweep takes up

Answer = Checkout | VirtualAccount | Charged | Refunded


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent, the same however often."""

    public_id: str
    kind: str
    ref: str
    entity: str
    currency: str
    amount_minor: int
    facts: Mapping[str, Any]
    expires_at: datetime | None
    company: str  # public id
    company_name: str
    company_id: int | None
    customer: str | None  # the provider's, once there is one
    method: str | None


async def tick(sessions: Sessions, payments: Payments | None, public_url: str, now: datetime) -> int:
    """What is due is sent, pages that nobody told us about are looked at; answers how many."""
    if payments is None:
        return 0
    async with reading(sessions) as session:
        due, waiting = await _due(session, now), await _waiting(session, now)
    for public_id in due:
        await send(sessions, payments, public_url, public_id, now)
    for public_id in waiting:
        await look(sessions, payments, public_id, now)
    return len(due) + len(waiting)


async def _due(session: AsyncSession, now: datetime) -> Sequence[str]:
    wanted = select(PaymentIntent.public_id).where(
        PaymentIntent.state.in_((IntentState.NEW, IntentState.SENT)), PaymentIntent.next_at <= now
    )
    return (await session.scalars(wanted.order_by(PaymentIntent.next_at).limit(MOST))).all()


async def _waiting(session: AsyncSession, now: datetime) -> Sequence[str]:
    wanted = select(PaymentIntent.public_id).where(
        PaymentIntent.state == IntentState.WAITING, PaymentIntent.next_at <= now,
        or_(PaymentIntent.kind.in_(PAGES), PaymentIntent.kind == IntentKind.CHARGE),
    )  # fmt: skip
    return (await session.scalars(wanted.order_by(PaymentIntent.next_at).limit(MOST))).all()


async def send(sessions: Sessions, payments: Payments, public_url: str, public_id: str, now: datetime) -> bool:
    """The request was answered now. Otherwise it stays as it is and is asked again with the same key."""
    request = await _claimed(sessions, public_id, now)
    if request is None:
        return False
    try:
        answer = await _ask(sessions, payments, public_url, request, now)
    except ProviderUnreachable as fault:
        await _not_reached(sessions, public_id, str(fault), now)
        return False
    except ProviderRefused as fault:
        async with sessions.begin() as session:
            await _refused(session, public_id, fault, now)
        return True
    async with sessions.begin() as session:
        await answered(session, public_id, answer, now)
    return True


async def _claimed(sessions: Sessions, public_id: str, now: datetime) -> Request | None:
    """The request as it will be sent, ours for as long as a call may take."""
    async with sessions.begin() as session:
        wanted = select(PaymentIntent).where(PaymentIntent.public_id == public_id).with_for_update(skip_locked=True)
        intent = await session.scalar(wanted)
        if intent is None or intent.state not in (IntentState.NEW, IntentState.SENT) or intent.next_at > now:
            return None
        if intent.sent_at is not None and now - intent.sent_at > PATIENCE:
            await _unknown(session, intent, now)
            return None
        if intent.sent_at is None and intent.expires_at is not None and intent.expires_at - now < SHORTEST_PAGE:
            await effects.end(session, intent, IntentState.EXPIRED, now)
            await effects.given_up(session, intent, now)
            return None
        intent.state, intent.sent_at = IntentState.SENT, intent.sent_at or now
        intent.attempts, intent.next_at = intent.attempts + 1, now + LEASE
        return await _request(session, intent)


async def _unknown(session: AsyncSession, intent: PaymentIntent, now: datetime) -> None:
    intent.state = IntentState.UNKNOWN
    facts = {"kind": intent.kind, "ref": intent.ref, "amount_minor": intent.amount_minor, "currency": intent.currency}
    await discrepancies.found(
        session,
        key=f"unknown:{intent.public_id}",
        kind="intent_unknown",
        subject=intent.public_id,
        facts=facts,
        now=now,
    )


async def _request(session: AsyncSession, intent: PaymentIntent) -> Request:
    company = await session.get(Company, intent.company_id) if intent.company_id else None
    known = await session.get(ProviderCustomer, (intent.company_id, intent.entity)) if company else None
    if intent.kind == IntentKind.REFUND and "charge" not in intent.facts and "customer" not in intent.facts:
        intent.facts = {**intent.facts, **await _way_back(session, intent, known)}
    return Request(
        public_id=intent.public_id,
        kind=intent.kind,
        ref=intent.ref,
        entity=intent.entity,
        currency=intent.currency,
        amount_minor=intent.amount_minor,
        facts=dict(intent.facts),
        expires_at=intent.expires_at,
        company=company.public_id if company else "",
        company_name=company.name if company else "",
        company_id=intent.company_id,
        customer=known.provider_id if known else None,
        method=known.method if known else None,
    )


async def _way_back(
    session: AsyncSession, intent: PaymentIntent, customer: ProviderCustomer | None
) -> Mapping[str, str | None]:
    """A card is paid back by its charge. A transfer too, once it was taken from the customer's cash balance; before, it
    goes back from there."""
    paid_by: str = intent.facts["paid_by"]
    if intent.facts["source"] != Source.TRANSFER:
        return {"charge": paid_by}
    taken = select(PaymentIntent.facts).where(
        PaymentIntent.kind == IntentKind.CHARGE, PaymentIntent.key == cash_key(paid_by),
        PaymentIntent.state == IntentState.SUCCEEDED,
    )  # fmt: skip
    facts = await session.scalar(taken)
    if facts and facts.get("charge"):
        return {"charge": facts["charge"]}
    return {"customer": customer.provider_id if customer else None}


async def _ask(sessions: Sessions, payments: Payments, public_url: str, request: Request, now: datetime) -> Answer:
    facts, key = request.facts, request.public_id
    match IntentKind(request.kind):
        case IntentKind.CHECKOUT | IntentKind.DEPOSIT | IntentKind.HOLD:
            return await _page(sessions, payments, public_url, request, now)
        case IntentKind.ACCOUNT:
            customer, country = await _customer(sessions, payments, request, now), entities()[request.entity].country
            return await payments.virtual_account(
                customer=customer, currency=request.currency, country=country, key=key
            )
        case IntentKind.CHARGE:
            method = "customer_balance" if facts.get("cash") else request.method
            if request.customer is None or method is None:
                raise ProviderRefused("no_method")
            return await payments.charge(
                customer=request.customer, method=method, amount_minor=request.amount_minor,
                currency=request.currency, ref=request.public_id, key=key,
            )  # fmt: skip
        case IntentKind.REFUND:
            return await _refund(payments, request)
        case IntentKind.CAPTURE:
            return await payments.capture(facts["payment"], amount_minor=request.amount_minor, key=key)
        case IntentKind.RELEASE_HOLD:
            return await payments.release_hold(facts["payment"], key=key)
        case IntentKind.EXPIRE:
            return await payments.expire(facts["checkout"], key=key)


async def _page(sessions: Sessions, payments: Payments, public_url: str, request: Request, now: datetime) -> Checkout:
    facts, here = request.facts, f"{public_url}/desk/payments/{request.public_id}"
    assert request.expires_at is not None, "a page has an end"
    return await payments.checkout(
        customer=await _customer(sessions, payments, request, now),
        amount_minor=request.amount_minor,
        currency=request.currency,
        title=str(facts.get("title") or request.ref),
        ref=request.public_id,
        methods=tuple(facts.get("methods") or ("card",)),
        success_url=f"{here}?back=paid",
        cancel_url=f"{here}?back=left",
        expires_at=request.expires_at,
        save_method=bool(facts.get("save")),
        hold=request.kind == IntentKind.HOLD,
        lang=str(facts.get("lang") or "en"),
        key=request.public_id,
    )


async def _refund(payments: Payments, request: Request) -> Refunded:
    facts = request.facts
    if charge := facts.get("charge"):
        return await payments.refund(
            charge=charge, amount_minor=request.amount_minor, ref=request.public_id, key=request.public_id
        )
    if facts.get("customer") is None:
        raise ProviderRefused("no_customer")
    return await payments.refund_cash(
        customer=facts["customer"], amount_minor=request.amount_minor, currency=request.currency,
        ref=request.public_id, key=request.public_id,
    )  # fmt: skip


async def _customer(sessions: Sessions, payments: Payments, request: Request, now: datetime) -> str:
    """The company at the provider, made there once per selling entity."""
    if request.customer is not None:
        return request.customer
    key = f"customer:{request.company}:{request.entity}"
    house = entities()[request.entity].name  # which of a company's customers this is: it has one with each house
    made = await payments.customer(name=request.company_name, about=house, ref=request.company, key=key)
    async with sessions.begin() as session:
        row = inserting(session, ProviderCustomer).values(
            company_id=request.company_id, entity=request.entity, provider_id=made, accounts={}, at=now
        )
        await session.execute(row.on_conflict_do_nothing())
        kept = await session.get(ProviderCustomer, (request.company_id, request.entity))
        return kept.provider_id if kept else made


async def _not_reached(sessions: Sessions, public_id: str, why: str, now: datetime) -> None:
    async with sessions.begin() as session:
        intent = await effects.intent_of(session, public_id)
        assert intent is not None
        if intent.state == IntentState.SENT:
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(intent.attempts - 1, 10))
            intent.next_at, intent.last_error = now + wait, why[:200]


async def _refused(session: AsyncSession, public_id: str, fault: ProviderRefused, now: datetime) -> None:
    intent = await effects.intent_of(session, public_id)
    assert intent is not None
    intent.last_error = fault.code[:200]
    if not await effects.end(session, intent, IntentState.FAILED, now):
        return
    events.record(session, "payment:refused", intent.public_id, by=None, at=now, kind=intent.kind, code=fault.code)
    await effects.given_up(session, intent, now)
    if intent.kind == IntentKind.REFUND:
        refund = await session.scalar(select(Refund).where(Refund.public_id == intent.key))
        if refund is not None:
            await refunding.failed(session, refund, reason=fault.code, now=now)


async def answered(session: AsyncSession, public_id: str, answer: Answer, now: datetime) -> None:
    """What the provider answered stands in our books."""
    intent = await effects.intent_of(session, public_id)
    assert intent is not None
    intent.last_error = ""
    match answer:
        case VirtualAccount():
            customer = await session.get_one(ProviderCustomer, (intent.company_id, intent.entity))
            customer.accounts = {**customer.accounts, answer.currency: dict(answer.lines)}
            await effects.end(session, intent, IntentState.SUCCEEDED, now)
        case Checkout() if intent.kind == IntentKind.EXPIRE:
            await effects.end(session, intent, IntentState.SUCCEEDED, now)
            await effects.page_ended(session, answer, now)
        case Checkout():
            intent.provider_id, intent.url = intent.provider_id or answer.id, answer.url
            intent.expires_at = answer.expires_at
            _waits(intent, now)
            await effects.page_ended(session, answer, now)
        case Charged():
            intent.provider_id = intent.provider_id or (answer.id if intent.kind == IntentKind.CHARGE else None)
            await effects.charged(session, answer, now)
            if intent.kind == IntentKind.CHARGE:
                _waits(intent, now)
            else:
                await effects.end(session, intent, IntentState.SUCCEEDED, now)
        case Refunded():
            await effects.refunded(session, answer, now)


def _waits(intent: PaymentIntent, now: datetime) -> None:
    if intent.state in (IntentState.NEW, IntentState.SENT, IntentState.UNKNOWN):
        intent.state, intent.next_at = IntentState.WAITING, now + LOOK_AGAIN


async def look(sessions: Sessions, payments: Payments, public_id: str, now: datetime) -> str:
    """A request whose outcome nobody told us is read again at the provider."""
    async with sessions.begin() as session:
        intent = await effects.intent_of(session, public_id)
        if intent is None or intent.state != IntentState.WAITING or intent.provider_id is None:
            return effects.NOTHING
        intent.next_at, kind, provider_id = now + LOOK_AGAIN, intent.kind, intent.provider_id
    try:
        if kind == IntentKind.CHARGE:
            said: tuple[Checkout | Charged, ...] = (await payments.read_payment(provider_id),)
        else:
            said = await read_page(payments, provider_id)
    except (ProviderUnreachable, ProviderRefused):
        return effects.NOTHING
    async with sessions.begin() as session:
        return [await effects.apply(session, one, now) for one in said][-1]


async def read_page(payments: Payments, checkout: str) -> tuple[Checkout | Charged, ...]:
    """A page and, once it has one, its payment."""
    page = await payments.read_checkout(checkout)
    return (page,) if page.payment is None else (page, await payments.read_payment(page.payment))
