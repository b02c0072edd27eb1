"""What the provider's news does to our books: one function per object, the same for a webhook, for the answer to our
own request and for what the nightly pass finds. Each makes true what the object says; said again it does nothing, and
the order in which objects speak does not change where things end (settlement spec 6.5)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.ids import ulid
from pavilion.settlement import (
    chargebacks,
    deposits,
    discrepancies,
    emptying,
    lapsing,
    receiving,
    refunding,
    transfers,
)
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent, ProviderCustomer
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import Cash, Charged, Checkout, Disputed, PaidOut, Refunded, Said
from pavilion.settlement.receipt_models import Allocation, Receipt, Refund, Source
from pavilion.settlement.rules import PAYABLE, InvoiceState

LIVE = (IntentState.NEW, IntentState.SENT, IntentState.WAITING, IntentState.UNKNOWN)
FOR_DEPOSITS = (IntentKind.DEPOSIT, IntentKind.HOLD, IntentKind.CAPTURE)
PAGES = (IntentKind.CHECKOUT, IntentKind.DEPOSIT, IntentKind.HOLD)

# What an effect was, as a code.
NOTHING, PAID, HELD, AUTHORISED, FAILED, EXPIRED = "nothing", "paid", "held", "authorised", "failed", "expired"
REFUNDED, DISPUTED, FUNDED, PAID_OUT, DISCREPANCY = "refunded", "disputed", "funded", "paid_out", "discrepancy"


async def intent_of(session: AsyncSession, public_id: str) -> PaymentIntent | None:
    """Our request, for this transaction alone to change."""
    if not public_id:
        return None
    wanted = select(PaymentIntent).where(PaymentIntent.public_id == public_id).with_for_update()
    found: PaymentIntent | None = await session.scalar(wanted)
    return found


async def end(session: AsyncSession, intent: PaymentIntent, state: IntentState, now: datetime) -> bool:
    """The request has come to its end. A state never goes back: what contradicts an end is put to a person."""
    if intent.state in LIVE:
        intent.state, intent.next_at = state, now
        return True
    if intent.state != state:
        facts = {"state": intent.state, "told": state.value, "kind": intent.kind, "ref": intent.ref}
        key = f"contradiction:{intent.public_id}:{state.value}"
        await discrepancies.found(
            session, key=key, kind="contradiction", subject=intent.public_id, facts=facts, now=now
        )
    return False


async def apply(session: AsyncSession, said: Said, now: datetime) -> str:
    """What this object says is true in our books; answers what that changed, as a code."""
    match said:
        case Charged():
            return await charged(session, said, now)
        case Checkout():
            return await page_ended(session, said, now)
        case Refunded():
            return await refunded(session, said, now)
        case Cash():
            return await funded(session, said, now)
        case Disputed():
            return await disputed(session, said, now)
        case PaidOut():
            return await paid_out(session, said, now)


async def charged(session: AsyncSession, found: Charged, now: datetime) -> str:
    intent = await intent_of(session, found.ref)
    if found.state == "succeeded":
        if not found.by_transfer and not (intent is not None and intent.facts.get("cash")):
            return await _received(session, found, intent, now)
        if intent is not None:  # that money stands in our books since it reached the customer's balance
            await end(session, intent, IntentState.SUCCEEDED, now)
            intent.facts = {**intent.facts, "charge": found.charge}
        return NOTHING
    if intent is None:
        return NOTHING
    if found.state == "authorised" and intent.kind == IntentKind.HOLD:
        if await end(session, intent, IntentState.SUCCEEDED, now):
            intent.facts = {**intent.facts, "payment": found.id}
            events.record(session, "deposit:authorised", intent.ref, by=None, at=now, amount_minor=found.amount_minor)
        return AUTHORISED
    ends = {"failed": IntentState.FAILED, "cancelled": IntentState.CANCELLED}
    if found.state in ends and intent.kind == IntentKind.CHARGE:
        if await end(session, intent, ends[found.state], now):
            await given_up(session, intent, now)
        return FAILED
    if found.state == "cancelled" and intent.kind == IntentKind.HOLD and intent.state == IntentState.SUCCEEDED:
        return DISCREPANCY if await lapsing.lapsed(session, intent, now) else NOTHING
    return NOTHING  # on the provider's page another card may be tried


async def _received(session: AsyncSession, found: Charged, intent: PaymentIntent | None, now: datetime) -> str:
    """A charge stands in the books, once: on what it was asked for, or unallocated where it does not fit."""
    assert found.charge is not None, "a payment that succeeded has a charge"
    receipt = await session.scalar(select(Receipt).where(Receipt.provider_ref == found.charge))
    if receipt is None:
        effect = await _book(session, _receipt(found, intent, now), found, intent, now)
    else:
        effect = await _refunded_elsewhere(session, receipt, found, now)
    if intent is not None:
        await end(session, intent, IntentState.SUCCEEDED, now)
        if intent.facts.get("save") and found.method:
            await _keep_method(session, intent, found.method)
    return effect


def _receipt(found: Charged, intent: PaymentIntent | None, now: datetime) -> Receipt:
    entity = emptying.house_entity(intent.entity if intent else "")
    held = intent is not None and intent.kind in (IntentKind.HOLD, IntentKind.CAPTURE)
    return Receipt(
        public_id=ulid(now),
        source=Source.HOLD if held else Source.CARD,
        entity=entity,
        company_id=intent.company_id if intent else None,
        currency=found.currency,
        amount_minor=found.received_minor,
        value_date=found.created.astimezone(ZoneInfo(entities()[entity].zone)).date().isoformat(),
        reference=found.id,
        provider_ref=found.charge,
        purpose=intent.ref if intent else "",
        at=now,
    )


async def _book(
    session: AsyncSession, receipt: Receipt, found: Charged, intent: PaymentIntent | None, now: datetime
) -> str:
    fault = _fault(found, intent)
    if intent is None or fault is not None:
        await receiving.book(session, receipt, None, by=None)
        await _differs(session, found, intent, fault or "missing_here", now)
        return DISCREPANCY
    if intent.kind in FOR_DEPOSITS:
        deposit = await deposits.locked(session, intent.ref)
        await deposits.receive(session, deposit, receipt, by=None, now=now)
        return HELD
    invoice = await session.scalar(select(Invoice).where(Invoice.number == intent.ref).with_for_update())
    payable = invoice is not None and InvoiceState(invoice.state) in PAYABLE
    await receiving.book(session, receipt, invoice if payable else None, by=None)
    if payable:
        return PAID
    await _differs(session, found, intent, "invoice_closed", now)
    return DISCREPANCY


def _fault(found: Charged, intent: PaymentIntent | None) -> str | None:
    """Why this money is not what was asked for, as the kind of a discrepancy."""
    if intent is None:
        return "missing_here"
    if found.currency != intent.currency:
        return "currency_differs"
    if intent.kind == IntentKind.HOLD and found.received_minor < intent.amount_minor:
        return None  # a part of what was authorised is captured
    return "amount_differs" if found.received_minor != intent.amount_minor else None


async def _differs(
    session: AsyncSession, found: Charged, intent: PaymentIntent | None, kind: str, now: datetime
) -> None:
    facts = {"amount_minor": found.received_minor, "currency": found.currency, "payment": found.id}
    if intent is not None:
        facts |= {"asked_minor": intent.amount_minor, "asked_currency": intent.currency}
    invoice = intent.ref if intent is not None and intent.kind not in FOR_DEPOSITS else None
    await discrepancies.found(
        session, key=f"{kind}:{found.charge}", kind=kind, subject=str(found.charge), invoice=invoice, facts=facts,
        now=now,
    )  # fmt: skip


async def _refunded_elsewhere(session: AsyncSession, receipt: Receipt, found: Charged, now: datetime) -> str:
    """More went back there than we ever asked for: somebody refunded on the provider's own pages."""
    wanted = select(Refund.amount_minor).where(Refund.receipt_id == receipt.id, Refund.by_wire.is_(False))
    asked = sum(await session.scalars(wanted))
    if found.refunded_minor <= asked:
        return NOTHING
    facts = {"amount_minor": found.refunded_minor, "asked_minor": asked, "currency": found.currency}
    await discrepancies.found(
        session, key=f"refunded:{found.charge}:{found.refunded_minor}", kind="missing_here",
        subject=str(found.charge), facts=facts, now=now,
    )  # fmt: skip
    return DISCREPANCY


async def _keep_method(session: AsyncSession, intent: PaymentIntent, method: str) -> None:
    customer = await session.get(ProviderCustomer, (intent.company_id, intent.entity))
    if customer is not None:
        customer.method = method


async def page_ended(session: AsyncSession, found: Checkout, now: datetime) -> str:
    """A page that can be paid no more. What was paid on one is told by its payment."""
    intent = await intent_of(session, found.ref)
    if intent is None or intent.kind not in PAGES or found.paid:
        return NOTHING
    if intent.provider_id is None:
        intent.provider_id = found.id
    if found.state != "expired":
        return NOTHING
    if await end(session, intent, IntentState.EXPIRED, now):
        await given_up(session, intent, now)
    return EXPIRED


async def given_up(session: AsyncSession, intent: PaymentIntent, now: datetime) -> None:
    """A deposit whose payment came to nothing is asked as before; who agreed to be charged hears that the card was
    refused; a transfer that cannot be taken from its buyer's account, and a hold that cannot be captured, are put to a
    person."""
    if intent.kind in (IntentKind.DEPOSIT, IntentKind.HOLD):
        deposit = await deposits.locked(session, intent.ref)
        await deposits.not_paid(session, deposit, by=None, now=now)
    elif intent.kind == IntentKind.CHARGE and not intent.facts.get("cash"):
        told = {"number": intent.ref, "company_id": intent.company_id}
        events.record(session, "invoice:charge_refused", intent.key, by=None, at=now, **told)
    elif intent.kind == IntentKind.CHARGE:
        await _not_taken(session, intent, now)
    elif intent.kind == IntentKind.CAPTURE:
        facts = {"kind": intent.kind, "ref": intent.ref, "amount_minor": intent.amount_minor}
        await discrepancies.found(
            session, key=f"provider_refused:{intent.public_id}", kind="provider_refused", subject=intent.public_id,
            facts={**facts, "currency": intent.currency, "code": intent.last_error}, now=now,
        )  # fmt: skip


async def _not_taken(session: AsyncSession, intent: PaymentIntent, now: datetime) -> None:
    """The transfer is booked and has paid, so nobody is asked for it again; but it still lies on the buyer's account at
    the provider, and the sellers of what it paid wait until a person has looked."""
    receipt = select(Receipt.id).where(Receipt.public_id == intent.ref).scalar_subquery()
    paid = select(Invoice.number).join(Allocation, Allocation.invoice_id == Invoice.id)
    paid = paid.where(Allocation.receipt_id == receipt).distinct().order_by(Invoice.number)
    facts = {"amount_minor": intent.amount_minor, "currency": intent.currency, "code": intent.last_error}
    for number in list(await session.scalars(paid)) or [None]:
        await discrepancies.found(
            session, key=f"transfer_not_taken:{intent.public_id}:{number or ''}", kind="transfer_not_taken",
            subject=intent.ref, invoice=number, facts=facts, now=now,
        )  # fmt: skip


async def refunded(session: AsyncSession, found: Refunded, now: datetime) -> str:
    intent = await intent_of(session, found.ref)
    wanted = select(Refund).where(Refund.public_id == intent.key) if intent is not None else None
    refund: Refund | None = None if wanted is None else await session.scalar(wanted)
    if intent is None or refund is None:
        facts = {"amount_minor": found.amount_minor, "currency": found.currency, "charge": found.charge}
        await discrepancies.found(
            session, key=f"refund:{found.id}", kind="missing_here", subject=found.id, facts=facts, now=now
        )
        return DISCREPANCY
    await end(session, intent, IntentState.SUCCEEDED, now)  # the request; what became of the money the refund says
    intent.provider_id = intent.provider_id or found.id
    if (found.amount_minor, found.currency) != (refund.amount_minor, refund.currency):
        facts = {"amount_minor": found.amount_minor, "asked_minor": refund.amount_minor, "currency": found.currency}
        await discrepancies.found(
            session, key=f"amount_differs:{found.id}", kind="amount_differs", subject=found.id, facts=facts, now=now
        )
        return DISCREPANCY
    if found.state == "succeeded":
        await refunding.confirmed(session, refund, provider_ref=found.id, by=None, now=now)
        return REFUNDED
    if found.state == "failed":
        await refunding.failed(session, refund, reason=found.reason or "failed", now=now)
        return FAILED
    return NOTHING


async def funded(session: AsyncSession, found: Cash, now: datetime) -> str:
    """A transfer reached a customer's virtual account."""
    if found.kind == "reversed":
        facts = {"amount_minor": found.amount_minor, "currency": found.currency}
        await discrepancies.found(
            session, key=f"reversed:{found.id}", kind="missing_here", subject=found.id, facts=facts, now=now
        )
        return DISCREPANCY
    if found.kind != "funded" or found.amount_minor == 0:
        return NOTHING
    return await transfers.book(session, found, now)


async def disputed(session: AsyncSession, found: Disputed, now: datetime) -> str:
    receipt = await session.scalar(select(Receipt).where(Receipt.provider_ref == found.charge))
    if receipt is None:
        facts = {"amount_minor": found.amount_minor, "currency": found.currency, "charge": found.charge}
        await discrepancies.found(
            session, key=f"dispute:{found.id}", kind="missing_here", subject=found.id, facts=facts, now=now
        )
        return DISCREPANCY
    if receipt.currency != found.currency:  # nothing of the invoice is moved in another currency than its own
        facts = {"amount_minor": found.amount_minor, "currency": found.currency, "asked_currency": receipt.currency}
        key = f"currency_differs:{found.id}"
        await discrepancies.found(session, key=key, kind="currency_differs", subject=found.id, facts=facts, now=now)
        return DISCREPANCY
    await chargebacks.follow(session, receipt, found, now)
    return DISPUTED


async def paid_out(session: AsyncSession, found: PaidOut, now: datetime, *, at_night: bool = False) -> str:
    """Our balance there has reached our bank, or came back from it. `at_night`: all else of that day is booked, and
    what cannot be explained now is put to a person."""
    if found.state == "waiting":
        return NOTHING
    if found.state == "failed":
        await emptying.came_back(session, found, now)
        facts = {"amount_minor": found.amount_minor, "currency": found.currency}
        await discrepancies.found(
            session, key=f"payout_failed:{found.id}", kind="payout_failed", subject=found.id, facts=facts, now=now
        )
        return FAILED
    share = await emptying.share_of(session, found, whole_day=at_night)
    if share.rest and not at_night:
        return NOTHING  # a charge of it may not have been told yet
    new = await emptying.arrived(session, found, share, now)
    return DISCREPANCY if share.rest else PAID_OUT if new else NOTHING
