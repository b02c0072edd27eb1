"""The ways of money that begin with a sale: deposits, defaults, goods, consignors; and all of them, by name."""

from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import select

from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import NotFound
from pavilion.settlement import (
    accepting,
    checkouts,
    deposits,
    handing_over,
    invoicing,
    payouts,
    releasing,
    remedies,
    sellers,
)
from pavilion.settlement.default_models import LotOffer, OfferState, Remedy
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.invoicing import Buyer
from pavilion.settlement.models import Invoice
from pavilion.settlement.seller_models import Payout, SellerStatement
from tests.faults import money_flows as flows
from tests.faults.money_flows import Flow, decides, issues, page, with_people
from tests.make import HOUR, NOON
from tests.settlement import releases, test_sellers
from tests.settlement.test_cash import Desk
from tests.settlement.test_defaulting import VAULT, at, one_sold
from tests.settlement.test_deposits import FIXED, agree, approved, ended, two_published
from tests.settlement.test_invoicing import TERMS, sold

# deposits


class Room(NamedTuple):
    desk: Desk
    sale: str
    buyer: Actor


async def published(house, _):
    return await two_published("", house.sessions)


def asked(**terms):
    async def begins(house, known):
        """A paddle waits for the deposit of its company."""
        made, sale = known
        await agree(house.sessions, sale, **FIXED, forfeit_bp=2_000, forfeit_wait_days=5, **terms)
        who, _ = await approved(house.sessions, made, sale)
        desk = await Desk(house.sessions).open()
        await with_people(house)
        return Room(desk, sale, who)

    return begins


async def bought(house, room):
    """A lot stands on a draft."""
    async with house.sessions.begin() as session:
        who = Buyer(room.buyer.company_id, "P-0101", "HK")
        await invoicing.add_lots(session, terms=replace(TERMS, sale=room.sale), buyer=who, lots=[sold()], now=NOON)
    return room


async def pays_deposit(session, *, now):
    deposit = await deposits.locked(session, await session.scalar(select(Deposit.public_id)))
    await checkouts.pay_deposit(session, deposit, by_card=True, save=False, lang="en", now=now, by=None)


async def put_down(house, room):
    await house.press(pays_deposit)
    await house.run()
    await house.order("pay", session=page)
    await house.run()


async def over(house, room):
    async def ends():
        await ended(house.sessions, room.sale)

    await house.act(ends)
    await house.run()


async def applied(house, room):
    """What was put down pays a part; the rest is paid by card."""
    await house.press(issues)
    await house.run()
    number = await flows.last(house.sessions, select(Invoice.number))
    await house.press(flows.pays, number=number or "")
    await house.run()
    await house.order("pay", session=page)
    await house.run()
    await over(house, room)


async def released(house, room):
    """Who bought nothing gets it back."""
    await over(house, room)


async def forfeited(house, room):
    """Not paid, a part is kept; the rest goes back after its days."""
    await house.press(issues)
    await over(house, room)
    for day in (10, 20):
        house.at(at(day))
        await house.run()


async def let_go(house, room):
    await put_down(house, room)
    await over(house, room)


async def captured(house, room):
    await house.press(issues)
    await over(house, room)


# defaults


class Lost(NamedTuple):
    desk: Desk
    sale: Any

    @property
    def lot(self):
        return self.sale.lots[0]


async def not_paid(house, _):
    async with one_sold(house.database, house.sessions) as sale:
        pass
    desk = await Desk(house.sessions).open()
    await with_people(house)
    house.at(at(10))
    await house.run()
    return Lost(desk, replace(sale, rooms=None))


def chooses(case, choice):
    async def acts(session, *, actor, now):
        number = await session.scalar(select(Invoice.number).order_by(Invoice.id).limit(1))
        await remedies.choose(session, VAULT, number=number, lot=case.lot, choice=choice, actor=actor, now=now)

    return acts


async def answers(session, verb, *, actor, now):
    """The bidder who was asked answers."""
    found = await session.scalar(
        select(LotOffer.public_id).where(LotOffer.state == OfferState.OPEN, LotOffer.company_id == actor.company_id)
    )
    if found is None:
        raise NotFound()
    await verb(session, found, actor=actor, now=now)


async def offered(house, case):
    """To the next, who says no; to the third, who buys and pays."""
    house.at(at(10) + HOUR)
    await house.press(chooses(case, Remedy.OFFER), actor=case.desk.tomas)
    await house.run()
    await house.press(flows.of(answers, accepting.decline), actor=case.sale.buyers[1])
    await house.run()
    await house.press(chooses(case, Remedy.OFFER), actor=case.desk.tomas)
    await house.run()
    await house.press(flows.of(answers, accepting.accept), actor=case.sale.buyers[2])
    await house.run()

    async def pays(session, *, now):
        number = await session.scalar(select(Invoice.number).order_by(Invoice.id.desc()).limit(1))
        await flows.pays(session, number=number, now=now)

    await house.press(pays)
    await house.run()
    await house.order("pay", session=page)
    await house.run()


def gone(choice):
    async def goes(house, case):
        house.at(at(10) + HOUR)
        await house.press(chooses(case, choice), actor=case.desk.tomas)
        await house.run()

    return goes


# goods


async def paid_stone(house, _):
    case = await releases.issued_sale(house.sessions)
    await releases.pay(house.sessions, case)
    await with_people(house)
    return case


def does(verb, case, *facts, **more):
    """One act of the release desk, as its route does it."""

    async def acts(session, *, now):
        row = await releases.loaded(session, case)
        invoice = await releases.release_queries.locked_invoice(session, row.id)
        if verb is releasing.prepare:
            await verb(session, invoice, *facts, by=releases.BY, now=now, **more)
            return
        (release,) = await releases.release_queries.of_invoice(session, invoice)
        await session.refresh(release, with_for_update=True)
        await verb(session, release, *facts, by=releases.BY, now=now, **more)

    return acts


async def handed_over(house, case):
    keys = {"house": releases.house()}
    await house.press(does(releasing.prepare, case, releases.SENT))
    await house.press(does(releasing.pick, case, case.stone))
    await house.press(does(releasing.weigh, case, case.stone, releases.MCT))
    await house.press(does(releasing.pack, case, carrier="Malca-Amit", insured_minor=2_000_000))
    await house.run()
    await house.press(does(releasing.release_it, case, **keys))
    seen = releases.Seen(airway_bill="176-1234 5675")
    await house.press(does(handing_over.hand_over, case, seen, **keys))
    await house.press(does(handing_over.received, case))
    await house.run()


# consignors


class Owed(NamedTuple):
    tomas: Actor
    cas: Actor
    company: int
    sale: str


async def sold_and_paid(house, _):
    """The consignor has named an account, and the buyer has paid."""
    seller = await test_sellers.House(house.sessions).open()
    await seller.pay(await seller.sell(1_000_000, 3_000_000))
    await seller.account()
    desk = await Desk(house.sessions).open()
    await with_people(house)
    return Owed(desk.tomas, desk.cas, seller.seller, test_sellers.SALE)


async def paid_out(house, case):
    house.at(test_sellers.LATER)
    await house.run()

    async def states(session, *, now):
        await sellers.issue(session, company_id=case.company, sale=case.sale, after=0, by="tomas", now=now)

    async def proposes(session, *, actor, now):
        number = await session.scalar(select(SellerStatement.number))
        await payouts.propose(session, number=number, actor=actor, now=now)

    async def transfers(session, *, actor, now):
        found = await session.scalar(select(Payout.public_id))
        await payouts.paid(session, found, bank_reference="B-77", actor=actor, now=now)

    await house.press(states)
    await house.run()
    await house.press(proposes, actor=case.tomas)
    await house.press(decides, actor=case.cas)
    await house.press(transfers, actor=case.tomas)
    await house.run()


ONE_INVOICE, PAID = (flows.INVOICE,), (flows.TWO_LOTS, flows.after(flows.by_card))
ASKED, BY_HOLD = (published, asked()), (published, asked(deposit_by_hold=True))
PUT_DOWN = flows.after(put_down)
HELD, AUTHORISED = (*ASKED, PUT_DOWN), (*BY_HOLD, PUT_DOWN)
NOT_PAID = (not_paid,)

FLOWS = (
    Flow("card", ONE_INVOICE, flows.card_and_night),
    Flow("card, nothing told", ONE_INVOICE, flows.found_by_night),
    Flow("transfer", ONE_INVOICE, flows.by_transfer),
    Flow("consent", (*ONE_INVOICE, flows.agreed_to_be_charged), flows.charged, ("consented charges",)),
    Flow("refund by card", PAID, flows.cancelled_lot),
    Flow("refund by wire", PAID, flows.fails_and_goes_by_wire),
    Flow("dispute won", PAID, flows.judged("win")),
    Flow("dispute lost", PAID, flows.judged("lose")),
    Flow("wire and back", ONE_INVOICE, flows.wired),
    Flow("wire matched, reversed", ONE_INVOICE, flows.matched_and_reversed),
    Flow("wire converted", ONE_INVOICE, flows.converted),
    Flow("invoice, note", (flows.not_issued,), flows.issued_and_cancelled, ("papers",)),
    Flow("write-off", ONE_INVOICE, flows.written_off, ("unpaid",)),
    Flow("deposit paid", ASKED, put_down),
    Flow("deposit applied", (*HELD, bought), applied, ("deposits released",)),
    Flow("deposit released", HELD, released, ("deposits released",)),
    Flow("deposit forfeited", (*HELD, bought), forfeited, ("unpaid", "deposits released")),
    Flow("hold let go", BY_HOLD, let_go, ("deposit holds", "deposits released")),
    Flow("hold captured", (*AUTHORISED, bought), captured, ("deposit holds",)),
    Flow("default, offer", NOT_PAID, offered, ("offers",)),
    Flow("default, next sale", NOT_PAID, gone(Remedy.RELOT)),
    Flow("default, return", NOT_PAID, gone(Remedy.RETURN)),
    Flow("release", (paid_stone,), handed_over, ("papers", "release papers")),
    Flow("payout", (sold_and_paid,), paid_out, ("papers", "statements set")),
)
