"""What the buyers of the ended sale have paid when the demonstration opens: by card and into a virtual account at the
provider's double, by wire to the house's bank; one part is missing, one transfer names nobody."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx2
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company
from pavilion.demo import people
from pavilion.kernel.db import Sessions
from pavilion.settings import Settings
from pavilion.settlement import checkouts, queries, sending
from pavilion.settlement.intent_models import ProviderCustomer
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.connecting import connect
from pavilion.settlement.rules import InvoiceState
from pavilion.settlement.service import PROPOSAL_HANDLERS
from pavilion.settlement.wiring import Seen, enter

STRAY = 125_000
CASHIER, SECOND = "tomas@pavilion.example", "lena@pavilion.example"
ENTITY, CURRENCY = "ANT", "USD"
PATIENCE_S = 20


async def play(settings: Settings, sessions: Sessions, now: datetime) -> None:
    """Settlement is under way. Against a real provider only the wires are played: nobody pays there but a buyer."""
    bills = await _rivals_bills(sessions)
    await _wire(sessions, "", STRAY, "DEMO-7042", now - timedelta(hours=2), sender="Hanley Trust")
    if settings.stripe_url and bills:
        await _at_the_double(settings, sessions, bills[0], now)
    if len(bills) > 1:
        largest = bills[-1]
        part = largest.total_minor // 2
        if settings.stripe_url:
            await _at_the_double(settings, sessions, largest, now, part=part)
        rest = largest.total_minor - part
        await _wire(sessions, largest.number, rest, "DEMO-7043", now, confirmed=False, sender=largest.firm)
    for bill in bills[1:-1]:
        reference, at = f"DEMO-71{bill.number[-2:]}", now - timedelta(hours=3)
        await _wire(sessions, bill.number, bill.total_minor, reference, at, sender=bill.firm)


class Bill(NamedTuple):
    number: str
    total_minor: int
    company_id: int
    firm: str


async def _rivals_bills(sessions: Sessions) -> list[Bill]:
    """The smallest first. Those of the people who can sign in are theirs to pay."""
    wanted = select(Invoice.number, Invoice.total_minor, Invoice.company_id, Company.name)
    wanted = wanted.join(Company, Company.id == Invoice.company_id)
    wanted = wanted.where(Invoice.state == InvoiceState.ISSUED, Company.name.in_(people.RIVALS))
    async with sessions() as session:
        rows = await session.execute(wanted.order_by(Invoice.total_minor, Invoice.id))
        return [Bill(number or "", total, company, firm) for number, total, company, firm in rows]


async def _at_the_double(settings: Settings, sessions: Sessions, bill: Bill, now: datetime, *, part: int = 0) -> None:
    """The house asks as it always does, for a page or, where a part comes by transfer, for an account; the buyer's act
    is ordered at the double. What it tells us waits for the door to open, as after any interruption."""
    payments = connect(settings)
    if payments is None:
        return
    try:
        async with sessions.begin() as session:
            invoice = await queries.invoice_by_number(session, bill.number, lock=True)
            assert invoice is not None
            by_card = not part and (await checkouts.ways_of(session, invoice)).card
            intent = await checkouts.pay_invoice(session, invoice, by_card=by_card, save=False, lang="en", now=now)
            asked = intent.public_id
        await sending.send(sessions, payments, settings.public_url.rstrip("/"), asked, now)
        async with sessions() as session:
            if by_card:
                sent = await checkouts.of_company(session, bill.company_id, asked)
                order: dict[str, Any] = {"do": "pay", "session": sent.provider_id, "card": "good"}
            else:
                customer = await session.get_one(ProviderCustomer, (bill.company_id, ENTITY))
                order = {"do": "transfer", "customer": customer.provider_id, "currency": CURRENCY.lower()}
                order |= {"amount": part or bill.total_minor, "reference": bill.number, "sender": bill.firm}
        await _order(settings.stripe_url, order)
        if by_card:
            await sending.look(sessions, payments, asked, now)
    finally:
        await payments.close()


async def _order(double: str, said: dict[str, Any]) -> None:
    async with httpx2.AsyncClient(base_url=double, timeout=PATIENCE_S) as client:
        (await client.post("/control", json=said)).raise_for_status()


async def _wire(
    sessions: Sessions,
    invoice: str,
    amount: int,
    reference: str,
    at: datetime,
    *,
    sender: str,
    confirmed: bool = True,
) -> None:
    """A line of the bank statement, entered by the cashier and, as a rule, confirmed by the second person."""
    async with sessions.begin() as session:
        seen = Seen(ENTITY, amount, CURRENCY, at.date(), reference, invoice=invoice, sender=sender)
        tomas, lena = await people.actor(session, CASHIER), await people.actor(session, SECOND)
        proposal = await enter(session, seen, actor=tomas, now=at)
        if confirmed:
            await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=lena, handlers=PROPOSAL_HANDLERS, now=at
            )
