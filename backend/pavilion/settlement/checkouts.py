"""Paying an invoice or a deposit through the provider: by card on its page up to the ceiling, above it by transfer into
the company's virtual account (settlement spec 6.2, 6.3). No card is ever seen by this house."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.auctions.models import Sale
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal
from pavilion.settlement import deposits, intents, queries
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.deposit_models import Deposit, DepositState, takes_money
from pavilion.settlement.effects import PAGES
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent, ProviderCustomer
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.settlement.stopping import refuse_stopped
from pavilion.settlement.terms import Terms

ACCOUNT_CURRENCIES = frozenset({"EUR", "GBP", "JPY", "MXN", "USD"})  # in which the provider opens virtual accounts
LEAST = {"AED": 200, "GBP": 30, "HKD": 400}  # what the provider takes by card at the least; elsewhere:
LEAST_ELSEWHERE = 50
USABLE = timedelta(minutes=5)  # a page that ends sooner is not handed out again
BEFORE_END = timedelta(minutes=40)  # the provider opens no page for less than half an hour
OPEN = (IntentState.NEW, IntentState.SENT, IntentState.WAITING)


class PayByWire(Refusal):
    """Neither a page nor a virtual account can be had for this: the house's own bank account is on the invoice."""

    status, code = 409, "pay_by_wire"


class Ways(NamedTuple):
    """How this can be paid through the provider. `account`: where to transfer, once it is known."""

    amount_minor: int
    currency: str
    ref: str  # of what is paid, in our books
    reference: str  # what the payer writes
    title: str  # on the provider's page
    house: str  # the selling house whose account it is
    zone: str
    card: bool
    transfer: bool
    ceiling_minor: int
    account: Mapping[str, str]
    pending: str | None  # a page that waits, or a payment that is being confirmed: its public id
    until: datetime | None  # the end of that page
    auto: bool  # the sale's terms let a company agree to be charged at its close


async def ways_of(session: AsyncSession, invoice: Invoice) -> Ways:
    """Of an invoice, whatever its state: nothing to pay, no way."""
    terms = await terms_of(session, invoice.sale, invoice.entity)
    payable = InvoiceState(invoice.state) in PAYABLE
    left = max(0, await queries.open_minor(session, invoice)) if payable else 0
    reference = invoice.number or invoice.public_id
    return await _ways(
        session, terms, invoice.company_id, invoice.entity, invoice.currency, left, ref=reference, reference=reference
    )


async def ways_of_deposit(session: AsyncSession, deposit: Deposit) -> Ways:
    terms = await terms_of(session, deposit.sale, deposit.entity)
    held = await deposits.held_minor(session, deposit.company_id, deposit.sale)
    left = max(0, deposit.wanted_minor - held) if deposit.takes_money else 0
    return await _ways(
        session, terms, deposit.company_id, deposit.entity, deposit.currency, left,
        ref=deposit.public_id, reference=deposit.reference,
    )  # fmt: skip


async def _ways(
    session: AsyncSession,
    terms: Terms,
    company_id: int,
    entity: str,
    currency: str,
    left: int,
    *,
    ref: str,
    reference: str,
) -> Ways:
    customer = await session.get(ProviderCustomer, (company_id, entity))
    waits = select(PaymentIntent).where(_pages_of(ref), PaymentIntent.state.in_(OPEN))
    waiting: PaymentIntent | None = await session.scalar(waits.order_by(PaymentIntent.id.desc()).limit(1))
    return Ways(
        amount_minor=left,
        currency=currency,
        ref=ref,
        reference=reference,
        title=reference,
        house=entities()[entity].name,
        zone=entities()[entity].zone,
        card=LEAST.get(currency, LEAST_ELSEWHERE) <= left <= terms.card_ceiling_minor,
        transfer=left > 0 and currency in ACCOUNT_CURRENCIES,
        ceiling_minor=terms.card_ceiling_minor,
        account=(customer.accounts if customer else {}).get(currency, {}),
        pending=waiting.public_id if waiting else None,
        until=waiting.expires_at if waiting else None,
        auto=terms.auto_charge,
    )


def _why_no_card(ways: Ways) -> str:
    return "above_ceiling" if ways.amount_minor > ways.ceiling_minor else "too_little"


def _pages_of(ref: str) -> ColumnElement[bool]:
    return (PaymentIntent.ref == ref) & PaymentIntent.kind.in_(PAGES)


async def pay_invoice(
    session: AsyncSession, invoice: Invoice, *, by_card: bool, save: bool, lang: str, now: datetime
) -> PaymentIntent:
    """The request for a page that takes the whole balance, or for the account to transfer it to. One page per balance:
    asked again it is the same one. The invoice's row is locked by the caller."""
    if InvoiceState(invoice.state) not in PAYABLE:
        raise ActNotAllowed(state=invoice.state)
    await refuse_stopped(session, invoice)
    ways = await ways_of(session, invoice)
    if ways.amount_minor == 0:
        raise ActNotAllowed(state=invoice.state)
    if not by_card:
        return await ask_account(session, ways, invoice.company_id, invoice.entity, now)
    if not ways.card:
        raise ActNotAllowed(state=_why_no_card(ways))
    assert invoice.number is not None
    terms = await terms_of(session, invoice.sale, invoice.entity)
    return await _ask_page(
        session, IntentKind.CHECKOUT, ways, invoice.company_id, invoice.entity, terms, save=save, lang=lang, now=now
    )


async def pay_deposit(
    session: AsyncSession, deposit: Deposit, *, by_card: bool, save: bool, lang: str, now: datetime, by: str | None
) -> PaymentIntent:
    """The same for a deposit, whose row is locked by the caller. Nothing asked, or a barred company: refused. It is a
    captured charge, or a card's authorisation where the sale's terms say so."""
    left = await deposits.payable(session, deposit)
    ways = await ways_of_deposit(session, deposit)
    if left <= 0:
        raise ActNotAllowed(state=deposit.state)
    if not by_card:
        return await ask_account(session, ways, deposit.company_id, deposit.entity, now)
    if not ways.card:
        raise ActNotAllowed(state=_why_no_card(ways))
    terms = await terms_of(session, deposit.sale, deposit.entity)
    ways = ways._replace(title=await _titled(session, deposit, lang))
    kind = IntentKind.HOLD if deposit.by_hold else IntentKind.DEPOSIT
    intent = await _ask_page(
        session, kind, ways, deposit.company_id, deposit.entity, terms, save=save, lang=lang, now=now
    )
    if deposit.state == DepositState.ASKED:
        await deposits.pending(session, deposit, by=by, now=now)
    return intent


async def _titled(session: AsyncSession, deposit: Deposit, lang: str) -> str:
    """What the payer reads on the provider's page: what it is, and for which sale."""
    sale = (await session.scalars(select(Sale).where(Sale.public_id == deposit.sale))).one()
    return f"保证金：{sale.title_zh or sale.title_en}" if lang == "zh" else f"Deposit, {sale.title_en}"


async def ask_account(session: AsyncSession, ways: Ways, company_id: int, entity: str, now: datetime) -> PaymentIntent:
    """The company's virtual account in this currency, asked once; after a refusal anew."""
    if not ways.transfer:
        raise PayByWire()
    name = f"{company_id}:{entity}:{ways.currency}"
    tries = select(func.count()).where(
        PaymentIntent.kind == IntentKind.ACCOUNT, PaymentIntent.key.startswith(f"{name}:"),
        PaymentIntent.state.in_((IntentState.FAILED, IntentState.UNKNOWN)),
    )  # fmt: skip
    number = int(await session.scalar(tries) or 0)
    return await intents.ask(
        session, kind=IntentKind.ACCOUNT, key=f"{name}:{number}", ref=ways.ref, company_id=company_id,
        entity=entity, currency=ways.currency, amount_minor=0, facts={}, now=now,
    )  # fmt: skip


async def _ask_page(
    session: AsyncSession,
    kind: IntentKind,
    ways: Ways,
    company_id: int,
    entity: str,
    terms: Terms,
    *,
    save: bool,
    lang: str,
    now: datetime,
) -> PaymentIntent:
    known = select(PaymentIntent).where(_pages_of(ways.ref)).order_by(PaymentIntent.id)
    earlier = (await session.scalars(known)).all()
    for page in reversed(earlier):
        same = page.amount_minor == ways.amount_minor and bool(page.facts.get("save")) is save
        same = same and (page.facts.get("lang") == lang or page.state != IntentState.WAITING)
        ends = page.expires_at is None or page.expires_at > now + USABLE
        if same and ends and page.state in OPEN:
            return page
    await _expire(session, earlier, now)
    facts = {"title": ways.title, "lang": lang, "methods": ["card"], "save": save}
    return await intents.ask(
        session, kind=kind, key=f"{ways.ref}:{len(earlier) + 1}", ref=ways.ref, company_id=company_id,
        entity=entity, currency=ways.currency, amount_minor=ways.amount_minor, facts=facts, now=now,
        expires_at=now + max(timedelta(hours=terms.checkout_hours), BEFORE_END),
    )  # fmt: skip


async def _expire(session: AsyncSession, pages: Sequence[PaymentIntent], now: datetime) -> int:
    """Pages that must not be paid any more are closed at the provider."""
    waiting = [page for page in pages if page.state == IntentState.WAITING and page.provider_id]
    for page in waiting:
        await intents.ask(
            session, kind=IntentKind.EXPIRE, key=page.public_id, ref=page.ref, company_id=page.company_id,
            entity=page.entity, currency=page.currency, amount_minor=0, facts={"checkout": page.provider_id}, now=now,
        )  # fmt: skip
    return len(waiting)


async def close_all(sessions: Sessions, now: datetime) -> int:
    """Pages of invoices that are paid, cancelled or written off, and of deposits that are no longer asked, are closed;
    answers how many. Each is asked to close once."""
    asked = select(PaymentIntent.key).where(PaymentIntent.kind == IntentKind.EXPIRE)
    wanted = select(PaymentIntent).where(
        PaymentIntent.state == IntentState.WAITING, PaymentIntent.kind.in_(PAGES), PaymentIntent.public_id.not_in(asked)
    )
    paid = select(Invoice.number).where(Invoice.number.is_not(None), Invoice.state.not_in(PAYABLE))
    held = select(Deposit.public_id).where(~takes_money())
    wanted = wanted.where(PaymentIntent.ref.in_(paid.union(held))).limit(50)
    async with reading(sessions) as session:
        if not (rows := (await session.scalars(wanted)).all()):
            return 0
    async with sessions.begin() as session:
        return await _expire(session, rows, now)


async def of_company(session: AsyncSession, company_id: int | None, public_id: str) -> PaymentIntent:
    """A payment of the own company; of another it does not exist."""
    wanted = select(PaymentIntent).where(
        PaymentIntent.public_id == public_id,
        PaymentIntent.company_id == (company_id or 0),
        PaymentIntent.kind.in_(PAGES),
    )
    found: PaymentIntent | None = await session.scalar(wanted)
    if found is None:
        raise NotFound()
    return found
