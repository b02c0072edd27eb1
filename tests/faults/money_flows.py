"""The ways of money, each from what it begins with to its end, as people, the provider and the worker go it."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import NotFound
from pavilion.settlement import (
    agreed,
    checkouts,
    consents,
    converting,
    correcting,
    crediting,
    invoicing,
    matching,
    queries,
    refunding,
    reversing,
    service,
    wiring,
)
from pavilion.settlement.intent_models import Dispute, PaymentIntent, ProviderCustomer
from pavilion.settlement.invoicing import Buyer
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Receipt, Refund
from pavilion.settlement.wiring import Seen
from tests import make
from tests.faults.mortal import SLOW, House
from tests.make import HOUR, NOON
from tests.settlement.test_cash import TOTAL, Desk
from tests.settlement.test_crediting import ONE, TWO
from tests.settlement.test_defaulting import at
from tests.settlement.test_invoicing import TERMS, buyer, sold

WHY = "The stone was damaged before the hand-over."
DAY = timedelta(days=1)
BEGINS = NOON + HOUR


# What stands when a flow begins, from what stood before; answers what is to be known of it.
Stage = Callable[[House, Any], Awaitable[Any]]


# What the worker does in most flows.
ALWAYS = (
    *("goods", "money told", "payments asked", "told by the provider", "provider", "books proved", "stops"),
    "orders billed",
)


class Flow(NamedTuple):
    """`work`: what the worker does in it besides, by name."""

    name: str
    begins: tuple[Stage, ...]
    goes: Callable[[House, Any], Awaitable[None]]
    work: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Papers are set on its way."""
        return not SLOW.isdisjoint(self.work)


# what people and the provider look up before they act


async def last(sessions, wanted):
    async with sessions() as session:
        return await session.scalar(wanted)


async def page(sessions):
    return await last(sessions, select(PaymentIntent.provider_id).where(
        PaymentIntent.state == "waiting").order_by(PaymentIntent.id.desc()).limit(1))  # fmt: skip


async def charge(sessions):
    return await last(sessions, select(Receipt.provider_ref).where(Receipt.provider_ref.is_not(None)).limit(1))


async def dispute(sessions):
    return await last(sessions, select(Dispute.provider_id))


async def customer(sessions):
    return await last(sessions, select(ProviderCustomer.provider_id))


async def refund(sessions):
    return await last(sessions, select(PaymentIntent.provider_id).where(PaymentIntent.kind == "refund"))


# what people do


async def pays(session, *, number, by_card=True, save=False, now):
    invoice = await queries.invoice_by_number(session, number, lock=True)
    await checkouts.pay_invoice(session, invoice, by_card=by_card, save=save, lang="en", now=now)


async def decides(session, *, actor, now):
    """The second person, who decides what waits."""
    wanted = select(Proposal.public_id).where(Proposal.state == "open").order_by(Proposal.id.desc()).limit(1)
    if (found := await session.scalar(wanted)) is None:
        raise NotFound()  # somebody has decided it
    await accounts.decide(
        session, proposal_id=found, approve=True, actor=actor, handlers=service.PROPOSAL_HANDLERS, now=now
    )


async def refunds(session, verb, *, actor, now, **said):
    """A person does this with what is to go back."""
    found = await session.scalar(select(Refund.public_id).order_by(Refund.id.desc()).limit(1))
    await verb(session, [found] if verb is refunding.propose else found, actor=actor, now=now, **said)


async def with_money(session, verb, *, actor, now, **said):
    """A person does this with the money that lies unallocated."""
    found = await session.scalar(select(Receipt.public_id).order_by(Receipt.id).limit(1))
    await verb(session, found, actor=actor, now=now, **said)


def of(act, verb):
    async def acts(session, **said):
        await act(session, verb, **said)

    return acts


# invoices


class Case(NamedTuple):
    desk: Desk
    number: str
    lots: tuple[str, ...] = (ONE, TWO)


async def with_people(house):
    """Whoever is to be told of it is there to be told."""
    async with house.sessions.begin() as session:
        manned = select(Person.company_id).where(Person.company_id.is_not(None))
        for firm in (await session.scalars(select(Company).where(Company.id.not_in(manned)))).all():
            await make.person(session, f"buyer{firm.id}@lumen.example", (Role.BUYER, Role.SUPPLIER), firm)
    await house.run()


async def drafted(house, *hammers, country="HK"):
    desk = await Desk(house.sessions).open()
    async with house.sessions.begin() as session:
        who = await buyer(session, country)
        lots = [sold(lot, hammer) for lot, hammer in zip((ONE, TWO), hammers or (1_000_000,), strict=False)]
        return desk, await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=lots, now=NOON)


def issued(*hammers, country="HK"):
    async def begins(house, _):
        """One invoice, not paid."""
        desk, draft = await drafted(house, *hammers, country=country)
        async with house.sessions.begin() as session:
            number = (await invoicing.issue(session, await crediting.locked(session, draft.id), NOON)).number
        await with_people(house)
        return Case(desk, number)

    return begins


def after(goes):
    """What stands when that has gone."""

    async def begins(house, known):
        await goes(house, known)
        return known

    return begins


async def by_card(house, case):
    await house.press(pays, number=case.number)
    await house.run()
    await house.order("pay", session=page)
    await house.run()


async def card_and_night(house, case):
    await by_card(house, case)
    house.at(BEGINS + DAY)
    await house.run()


async def found_by_night(house, case):
    """Nothing is told; the pass of the night finds that it was paid."""
    await house.order("post", stopped=1)
    await by_card(house, case)
    house.at(BEGINS + DAY)
    await house.run()


async def by_transfer(house, case):
    await house.press(pays, number=case.number, by_card=False)
    await house.run()
    more = {"currency": "usd", "amount": TOTAL + 700, "reference": case.number}
    await house.order("transfer", customer=customer, **more)
    await house.run()


async def agreed_to_be_charged(house, case):
    """A card is kept since the first invoice, and the second stands."""
    async with house.sessions.begin() as session:
        await agreed.set_terms(session, sale=TERMS.sale, facts={"auto_charge": True}, by="p", now=NOON)
        invoice = await queries.invoice_by_number(session, case.number)
        facts = {"company_id": invoice.company_id, "sale": invoice.sale, "entity": "ANT"}
        await consents.give(session, **facts, by="p", now=NOON)
        await pays(session, number=case.number, save=True, now=NOON)
    await house.run()
    await house.order("pay", session=page)
    await house.run()
    async with house.sessions.begin() as session:
        who = Buyer(facts["company_id"], "P-0417", "HK")
        await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=[sold(TWO, 900_000)], now=NOON)
    return case


async def charged(house, case):
    await house.press(issues)
    await house.run()


async def issues(session, *, now):
    """A cashier issues the draft there is."""
    found = await session.scalar(select(Invoice.id).where(Invoice.state == "draft"))
    if found is None:
        raise NotFound()
    await invoicing.issue(session, await crediting.locked(session, found), now)


async def cancelled_lot(house, case):
    """Two persons take a lot back; what was paid for it goes back by two more."""
    said = {"number": case.number, "lots": [ONE], "again": True, "reason": WHY}
    await house.press(correcting.propose_cancel, actor=case.desk.tomas, **said)
    await house.press(decides, actor=case.desk.lena)
    await house.press(of(with_money, matching.give_back), actor=case.desk.tomas)
    await house.press(of(refunds, refunding.propose), actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.cas)
    await house.run()


async def fails_and_goes_by_wire(house, case):
    """The provider could not pay it back: it goes by wire, by two persons."""
    said = {"number": case.number, "lots": [TWO], "again": False, "reason": WHY}
    await house.press(correcting.propose_cancel, actor=case.desk.tomas, **said)
    await house.press(decides, actor=case.desk.lena)
    await house.press(of(with_money, matching.give_back), actor=case.desk.tomas)
    await house.press(of(refunds, refunding.propose), actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.cas)
    await house.run()
    await house.order("fail_refund", refund=refund)
    await house.run()
    await house.press(of(refunds, refunding.replace), actor=case.desk.tomas)
    await house.press(of(refunds, refunding.propose), actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.cas)
    await house.press(of(refunds, refunding.carried_out), actor=case.desk.tomas, bank_reference="OUT-1")


def judged(word):
    async def disputed(house, case):
        await house.order("dispute", charge=charge)
        await house.run()
        await house.order(word, dispute=dispute)
        await house.run()

    return disputed


# wires


async def enters(session, *, amount, actor, now, number="", currency="USD"):
    seen = Seen("ANT", amount, currency, date(2026, 3, 2), "B-1", invoice=number)
    await wiring.enter(session, seen, actor=actor, now=now)


async def wired(house, case):
    """Too much comes; the rest goes back by wire."""
    await house.press(enters, amount=TOTAL + 300_000, number=case.number, actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.lena)
    await house.press(of(with_money, matching.give_back), actor=case.desk.tomas)
    await house.press(of(refunds, refunding.propose), actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.cas)
    await house.press(of(refunds, refunding.carried_out), actor=case.desk.tomas, bank_reference="OUT-1")
    await house.run()


async def matched_and_reversed(house, case):
    said = {"number": case.number, "amount_minor": None, "reason": "its parent company, by its letter of today"}
    await house.press(enters, amount=TOTAL + 5, actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.lena)
    await house.press(of(with_money, matching.match), actor=case.desk.tomas, **said)
    await house.run()
    reason = {"reason": "never came, says the bank"}
    await house.press(of(with_money, reversing.propose), actor=case.desk.tomas, **reason)
    await house.press(decides, actor=case.desk.lena)
    await house.run()


async def converted(house, case):
    await house.press(enters, amount=2_000_000, currency="JPY", number=case.number, actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.lena)
    rate = {"to": "USD", "rate": "0.00655", "rate_source": "ECB", "rate_on": NOON.date(), "invoice": case.number}
    await house.press(of(with_money, converting.propose), actor=case.desk.tomas, **rate)
    await house.press(decides, actor=case.desk.lena)
    await house.run()


# documents


async def not_issued(house, _):
    desk, _ = await drafted(house, 1_000_000, 2_000_000, country="BE")
    await with_people(house)
    return Case(desk, "")


async def issued_and_cancelled(house, case):
    """Number and papers; then a note takes it back, and the lots stand on a new draft."""
    await house.press(issues)
    await house.run()

    async def proposes(session, *, actor, now):
        number = await session.scalar(select(Invoice.number).where(Invoice.number.is_not(None)))
        said = {"number": number, "lots": None, "again": True, "reason": WHY}
        await correcting.propose_cancel(session, actor=actor, now=now, **said)

    await house.press(proposes, actor=case.desk.tomas)
    await house.press(decides, actor=case.desk.lena)
    await house.run()


async def written_off(house, case):
    """Reminded, overdue, defaulted, each on its day; then given up by two persons."""
    for day in (4, 6, 10):
        house.at(at(day))
        await house.run()
    said = {"number": case.number, "reason": WHY}
    await house.press(correcting.propose_write_off, actor=case.desk.tomas, **said)
    await house.press(decides, actor=case.desk.lena)
    await house.run()


INVOICE, TWO_LOTS = issued(), issued(1_000_000, 800_000)
