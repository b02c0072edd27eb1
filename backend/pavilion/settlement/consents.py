"""A company lets the house charge its saved card at the close of one sale, up to the ceiling (settlement spec 6.2):
asked for where the terms of the sale allow it, given per sale, withdrawn at any time."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Sale
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.settlement import intents, queries
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.intent_models import ChargeConsent, IntentKind, PaymentIntent, ProviderCustomer
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.settlement.stopping import stops_of


class Given(NamedTuple):
    """What a company has agreed to; `card`: one is kept for it at the provider."""

    consent: ChargeConsent
    sale: Sale
    card: bool


async def give(session: AsyncSession, *, company_id: int, sale: str, entity: str, by: str, now: datetime) -> None:
    """The house may charge from now on. Only where the terms of the sale allow it."""
    if not (await terms_of(session, sale, entity)).auto_charge:
        raise ActNotAllowed(state="no_auto_charge")
    row = await session.get(ChargeConsent, (company_id, sale), with_for_update=True)
    if row is not None and row.withdrawn_at is None:
        return
    if row is None:
        session.add(ChargeConsent(company_id=company_id, sale=sale, given_by=by, given_at=now))
    else:
        row.given_by, row.given_at, row.withdrawn_at = by, now, None
    await session.flush()
    events.record(session, "charge:consented", sale, by=by, at=now, company_id=company_id)


async def withdraw(session: AsyncSession, *, company_id: int, sale: str, by: str, now: datetime) -> None:
    """Nothing is charged by itself any more."""
    row = await session.get(ChargeConsent, (company_id, sale), with_for_update=True)
    if row is None:
        raise NotFound()
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        events.record(session, "charge:withdrawn", sale, by=by, at=now, company_id=company_id)


async def of_company(session: AsyncSession, company_id: int | None) -> Sequence[Given]:
    wanted = select(ChargeConsent, Sale).join(Sale, Sale.public_id == ChargeConsent.sale)
    wanted = wanted.where(ChargeConsent.company_id == (company_id or 0)).order_by(ChargeConsent.given_at.desc())
    rows = (await session.execute(wanted)).all()
    kept = select(ProviderCustomer.entity).where(
        ProviderCustomer.company_id == (company_id or 0), ProviderCustomer.method.is_not(None)
    )
    cards = set(await session.scalars(kept))
    return [Given(consent, sale, sale.entity in cards) for consent, sale in rows]


async def charge_all(sessions: Sessions, now: datetime) -> int:
    """Invoices whose buyers agreed are charged, once each; answers how many. One that is refused stays to be paid."""
    asked = select(PaymentIntent.key).where(PaymentIntent.kind == IntentKind.CHARGE)
    wanted = (
        select(Invoice.number)
        .join(
            ChargeConsent,
            (ChargeConsent.company_id == Invoice.company_id) & (ChargeConsent.sale == Invoice.sale),
        )
        .join(
            ProviderCustomer,
            (ProviderCustomer.company_id == Invoice.company_id) & (ProviderCustomer.entity == Invoice.entity),
        )
        .where(
            Invoice.state == InvoiceState.ISSUED, ChargeConsent.withdrawn_at.is_(None),
            ProviderCustomer.method.is_not(None), Invoice.public_id.not_in(asked),
        )
    )  # fmt: skip
    async with reading(sessions) as session:
        numbers = (await session.scalars(wanted.order_by(Invoice.id).limit(50))).all()
    done = 0
    for number in numbers:
        async with sessions.begin() as session:
            done += await _charge(session, str(number), now)
    return done


async def _charge(session: AsyncSession, number: str, now: datetime) -> bool:
    invoice = await queries.invoice_by_number(session, number, lock=True)
    assert invoice is not None
    terms = await terms_of(session, invoice.sale, invoice.entity)
    left = await queries.open_minor(session, invoice)
    consent = await session.get(ChargeConsent, (invoice.company_id, invoice.sale))
    agreed = consent is not None and consent.withdrawn_at is None and terms.auto_charge
    stopped = await stops_of(session, {line.lot for line in invoice.lines if line.lot})
    payable = InvoiceState(invoice.state) in PAYABLE and not stopped
    if not agreed or not payable or not 0 < left <= invoice.total_minor <= terms.card_ceiling_minor:
        return False
    await intents.ask(
        session, kind=IntentKind.CHARGE, key=invoice.public_id, ref=number, company_id=invoice.company_id,
        entity=invoice.entity, currency=invoice.currency, amount_minor=left, facts={}, now=now,
    )  # fmt: skip
    return True
