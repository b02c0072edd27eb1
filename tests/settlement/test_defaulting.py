"""An invoice nobody pays: reminded, overdue, defaulted, a strike; then cured, or its lot offered to the next."""

import asyncio
import itertools
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts import strikes
from pavilion.accounts.models import Person
from pavilion.accounts.rules import VISITOR, Role
from pavilion.auctions import curation, reoffering
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding import queries as book_queries
from pavilion.bidding import showing
from pavilion.bidding.models import BookLot
from pavilion.bidding.vault import Vault
from pavilion.insight import archiving, result_sheets, results
from pavilion.insight.result_asking import Asked
from pavilion.kernel.db import sqlite_url
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import money_notices
from pavilion.notifications.wording import Author
from pavilion.settlement import (
    accepting,
    default_queries,
    defaulting,
    deposits,
    jobs,
    ledger,
    offering,
    queries,
    receiving,
    remedies,
    reversing,
    sellers,
    waiving,
)
from pavilion.settlement import settled as settling
from pavilion.settlement.default_models import LotOffer, LotRemedy, OfferKind, Remedy
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Receipt
from pavilion.settlement.stop_models import SettlementStop
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.auctions import world
from tests.bidding import house
from tests.conftest import opened
from tests.make import HOUR, NOON, SECOND
from tests.settlement.test_deposits import card

VAULT = Vault(house.DATA_KEY)
CLOSE = NOON + 5 * HOUR  # Monday 2 March: due on Thursday 5, default on Tuesday 10
AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
MAXIMA = (900_000, 700_000, 600_000)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


async def closed(room):
    room.clock.at = CLOSE

    async def ended():
        async with room.sessions() as session:
            told = {*await session.scalars(select(BookLot.state)), *await session.scalars(select(Lot.state))}
            return told <= {"sold", "passed"}  # and what the catalogue shows has followed

    await room.until(ended)


@asynccontextmanager
async def one_sold(url, sessions):
    """One lot, won by the first of three buyers and invoiced."""
    async with house.house(url, sessions, lots=1) as room:
        for buyer in (2, 1, 0):
            assert (await room.bid(buyer, MAXIMA[buyer])).result == "accepted"
        await closed(room)
        for _ in range(2):
            await jobs.bill_sold_lots(sessions, CLOSE)
        yield room


async def sold_already(url, sessions):
    async with one_sold(url, sessions) as room:
        return room


@pytest.fixture(scope="module")
def opening():
    return sold_already


@pytest.fixture
def sale(as_opened, database_url, sessions):
    return replace(as_opened, url=database_url, sessions=sessions)


@pytest.fixture
def sale_once(sqlite_opened, sqlite_database_url, sqlite_sessions):
    """Where both databases do the same."""
    return replace(sqlite_opened.made, url=sqlite_database_url, sessions=sqlite_sessions)


async def the_invoice(sessions, company=None):
    async with sessions() as session:
        wanted = select(Invoice).order_by(Invoice.id)
        return (await session.scalars(wanted if company is None else wanted.where(Invoice.company_id == company))).one()


async def staff(sessions, email, role):
    async with sessions.begin() as session:
        return await make.actor(session, email, (role,))


async def defaulted(sale):
    await defaulting.late(sale.sessions, at(10))
    return await the_invoice(sale.sessions)


async def chosen(sale, actor, choice, now, number=None):
    number = number or (await the_invoice(sale.sessions, sale.buyers[0].company_id)).number
    async with sale.sessions.begin() as session:
        return await remedies.choose(
            session, VAULT, number=number, lot=sale.lots[0], choice=choice, actor=actor, now=now
        )  # fmt: skip


async def offered(sessions):
    async with sessions() as session:
        return (await session.scalars(select(LotOffer).order_by(LotOffer.id))).all()


async def balanced(sessions):
    async with sessions() as session:
        return await ledger.proves(session)


async def happened(sessions, name):
    async with sessions() as session:
        return (await session.scalars(select(Event).where(Event.name == name).order_by(Event.id))).all()


async def test_an_unpaid_invoice_climbs_the_ladder_on_its_days_and_once(sale):
    ladder = defaulting.ladder(sale.sessions)
    steps = [(at(3), "issued"), (at(4), "issued"), (at(5), "issued"), (at(6), "overdue"), (at(9), "overdue")]
    for now, state in [*steps, (at(10), "defaulted"), (at(11), "defaulted")]:
        while await ladder.tick(now):
            pass
        assert (await the_invoice(sale.sessions)).state == state, now
    reminded = [event.facts["day"] for event in await happened(sale.sessions, defaulting.REMINDED)]
    assert reminded == ["2026-03-04", "2026-03-06"]
    assert len(await happened(sale.sessions, "invoice:overdue")) == 1
    assert len(await happened(sale.sessions, "invoice:defaulted")) == 1
    invoice = await the_invoice(sale.sessions)
    async with sale.sessions() as session:
        (strike,) = await strikes.open_strikes(session, sale.buyers[0].company_id)
        assert strike.invoice == invoice.number
        assert not await strikes.barred(session, sale.buyers[0].company_id)


async def test_a_day_begins_in_the_city_of_the_sale(sale_once):
    sale = sale_once
    late = datetime(2026, 3, 5, 22, 59, 59, tzinfo=UTC)  # the due day, a second before midnight in Brussels
    assert await defaulting.late(sale.sessions, late) == 0
    assert await defaulting.late(sale.sessions, late + SECOND) == 1


async def paid(sale, now, invoice, reference="B-1"):
    async with sale.sessions.begin() as session:
        row = await queries.invoice_by_number(session, invoice.number, lock=True)
        mails = [f"{name}.{reference.lower()}@pavilion.example" for name in ("tomas", "lou")]
        persons = [(await make.person(session, mail, (Role.CASHIER,))).id for mail in mails]
        receipt = receiving.wire(
            entity=row.entity, company_id=row.company_id, currency=row.currency, amount_minor=row.total_minor,
            value_date=date(2026, 3, 12), reference=reference, purpose=row.number, persons=tuple(persons), now=now,
        )  # fmt: skip
        await receiving.book(session, receipt, row, by=None)


async def test_a_sale_is_settled_when_it_is_paid_stated_and_nothing_can_be_offered_any_more(sale):
    async def settled(now):
        done = await settling.settle_all(sale.sessions, now)
        async with sale.sessions() as session:
            return (
                done,
                await session.scalar(select(Sale.state)),
                set(await session.scalars(select(Registration.state))),
            )

    open_ = (0, "closed", {"approved"})
    assert await settled(at(20)) == open_, "not paid"
    await paid(sale, at(4), await the_invoice(sale.sessions))
    assert await settled(at(20)) == open_, "the seller has no statement"
    async with sale.sessions.begin() as session:
        seller = await session.scalar(select(Lot.consignor_company_id))
        await sellers.issue(session, company_id=seller, sale=sale.sale, after=0, by="tomas", now=at(12))
    assert await settled(at(5)) == open_, "what passed could still be offered"
    assert await settled(at(20)) == (1, "settled", {"closed"})
    assert await settled(at(21)) == (0, "settled", {"closed"})


async def test_who_pays_after_all_is_cured_and_the_strike_goes(sale_once):
    sale = sale_once
    invoice = await defaulted(sale)
    await paid(sale, at(12), invoice)
    invoice = await the_invoice(sale.sessions)
    assert (invoice.state, invoice.outcome) == ("paid", "cured")
    async with sale.sessions() as session:
        assert await strikes.open_strikes(session, invoice.company_id) == []
        assert (await strikes.strikes_of(session, [invoice.number]))[invoice.number].how == "cured"
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    with pytest.raises(ActNotAllowed):
        await chosen(sale, clerk, Remedy.OFFER, at(12))


async def test_a_cure_that_the_bank_took_back_defaults_anew_and_is_cured_anew(sale_once):
    sale = sale_once
    invoice = await defaulted(sale)
    await paid(sale, at(11), invoice)
    one, other = [await staff(sale.sessions, f"{name}@pavilion.example", Role.CASHIER) for name in ("jo", "kim")]
    async with sale.sessions.begin() as session:
        receipt = await session.scalar(select(Receipt.public_id))
        said = await reversing.propose(session, receipt, reason="never came, says the bank", actor=one, now=at(12))
        await reversing.reverse(session, said, other, at(12))
    again = await the_invoice(sale.sessions)
    assert (again.state, again.outcome, again.paid_on) == ("overdue", "", None)
    # three business days to pay anew, from the day the money went
    for day, state in ((17, "overdue"), (18, "defaulted"), (19, "defaulted")):
        await defaulting.late(sale.sessions, at(day))
        assert (await the_invoice(sale.sessions)).state == state, day
    async with sale.sessions() as session:
        assert len(await strikes.open_strikes(session, invoice.company_id)) == 1
    await paid(sale, at(20), invoice, "B-2")
    async with sale.sessions() as session:
        assert await strikes.open_strikes(session, invoice.company_id) == []
        row = await queries.invoice_by_number(session, invoice.number)
        assert (row.state, row.outcome, await queries.open_minor(session, row)) == ("paid", "cured", 0)
    assert await balanced(sale.sessions)


async def test_the_underbidder_is_asked_as_if_the_defaulter_had_never_bid_and_buys_by_own_word(sale):
    await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    (offer,) = await offered(sale.sessions)
    second = sale.buyers[1]
    assert (offer.company_id, offer.price_minor, offer.expires_at) == (second.company_id, 650_000, at(12))
    invoice = await the_invoice(sale.sessions, sale.buyers[0].company_id)
    assert invoice.state == "cancelled"
    async with sale.sessions.begin() as session:
        assert await ledger.balance(session, f"asset:buyer:{invoice.company_id}", "USD") == 0
        with pytest.raises(NotFound):  # nobody else can take it, or see it
            await accepting.accept(session, offer.public_id, actor=sale.buyers[2], now=at(11))
    with pytest.raises(ActNotAllowed):
        await chosen(sale, clerk, Remedy.OFFER, at(11))

    async def accepted():
        async with sale.sessions.begin() as session:
            return await accepting.accept(session, offer.public_id, actor=second, now=at(11))

    bought, again = await asyncio.gather(accepted(), accepted())  # said twice in one moment, bought once
    assert bought.number == again.number
    assert (bought.state, bought.issued_on, bought.due_on) == ("issued", "2026-03-11", "2026-03-16")
    async with sale.sessions() as session:
        mine = await queries.invoice_by_number(session, bought.number)
        assert [line.amount_minor for line in mine.lines if line.kind == "hammer"] == [650_000]
        assert len((await session.scalars(select(Invoice))).all()) == 2
    with pytest.raises(ActNotAllowed):
        await chosen(sale, clerk, Remedy.RELOT, at(11))
    assert await balanced(sale.sessions)
    assert await jobs.bill_sold_lots(sale.sessions, at(11)) == 0


async def test_no_answer_is_a_no_and_the_next_pays_no_less_for_it(sale_once):
    sale = sale_once
    await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    assert await accepting.lapse(sale.sessions, at(12) - SECOND) == 0
    (offer,) = await offered(sale.sessions)
    async with sale.sessions.begin() as session:
        with pytest.raises(ActNotAllowed) as over:
            await accepting.accept(session, offer.public_id, actor=sale.buyers[1], now=at(12))
    assert over.value.facts["state"] == "lapsed"
    assert await accepting.lapse(sale.sessions, at(12)) == 1
    await chosen(sale, clerk, Remedy.OFFER, at(12))
    third = (await offered(sale.sessions))[1]
    assert (third.company_id, third.price_minor) == (sale.buyers[2].company_id, 600_000)  # the own maximum, no more
    async with sale.sessions.begin() as session:
        await accepting.decline(session, third.public_id, actor=sale.buyers[2], now=at(12))
    with pytest.raises(offering.NoBidder):
        await chosen(sale, clerk, Remedy.OFFER, at(12))
    await chosen(sale, clerk, Remedy.RETURN, at(12))
    async with sale.sessions() as session:
        made = (await session.scalars(select(LotRemedy).order_by(LotRemedy.id))).all()
    assert [one.choice for one in made] == ["offer", "offer", "return"]
    assert len({one.credit_note for one in made}) == 1


async def test_an_offer_that_nobody_answered_is_a_no_before_any_job_has_looked(sale_once):
    sale = sale_once
    await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    await chosen(sale, clerk, Remedy.OFFER, at(12))
    first, second = await offered(sale.sessions)
    assert (first.state, second.state, second.company_id) == ("lapsed", "open", sale.buyers[2].company_id)


async def test_two_buyers_who_accept_in_one_moment_buy_one_lot_once(sale):
    await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    (first,) = await offered(sale.sessions)
    async with sale.sessions.begin() as session:  # as two offers of a passed lot stand side by side
        third = await session.scalars(select(Registration).where(Registration.company_id == sale.buyers[2].company_id))
        row = (await session.scalars(select(Sale).where(Sale.public_id == sale.sale))).one()
        other = await offering.make(
            session, kind=OfferKind.PASSED, sale=row, lot=sale.lots[0], company_id=sale.buyers[2].company_id,
            registration=third.one().public_id, price_minor=600_000, by="cas", now=at(10),
        )  # fmt: skip

    async def accepted(offer, actor):
        async with sale.sessions.begin() as session:
            return await accepting.accept(session, offer.public_id, actor=actor, now=at(11))

    words = [accepted(first, sale.buyers[1]), accepted(other, sale.buyers[2])]
    said = await asyncio.gather(*words, return_exceptions=True)
    assert sorted(type(one).__name__ for one in said) == ["ActNotAllowed", "Invoice"]
    assert sorted(one.state for one in await offered(sale.sessions)) == ["accepted", "lapsed"]
    async with sale.sessions() as session:
        assert len((await session.scalars(select(Invoice))).all()) == 2  # the defaulter's and one buyer's
    assert await balanced(sale.sessions)


async def test_a_waiver_needs_two_persons_and_lets_the_company_back(sale_once):
    sale = sale_once
    invoice = await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    lead = await staff(sale.sessions, "lena@pavilion.example", Role.LEAD)
    async with sale.sessions.begin() as session:
        await strikes.strike(session, company_id=invoice.company_id, invoice="INV-ANT-2025-000001", now=at(10))
        assert await strikes.barred(session, invoice.company_id)
        said = {"number": invoice.number, "reason": "The bank confirmed its own mistake.", "actor": clerk}
        proposal = await waiving.propose(session, **said, now=at(10))
    async with sale.sessions.begin() as session:
        await accounts.decide(
            session, proposal_id=proposal.public_id, approve=True, actor=lead,
            handlers=waiving.PROPOSAL_HANDLERS, now=at(10) + timedelta(minutes=1),
        )  # fmt: skip
    async with sale.sessions() as session:
        assert not await strikes.barred(session, invoice.company_id)


async def test_a_barred_company_bids_no_more_from_the_next_batch_on_and_bids_again_once_it_is_mended(
    sqlite_template, tmp_path
):
    url = sqlite_url(shutil.copy(sqlite_template, tmp_path / "empty.db"))
    async with opened(url) as sessions, house.house(url, sessions, lots=1) as room:
        assert (await room.bid(0, 400_000)).result == "accepted"
        company, amounts = room.buyers[0].company_id, itertools.count(420_000, 20_000)

        async def answered(code):
            async def asked():
                return (await room.bid(0, next(amounts))).code == code

            await room.until(asked)

        async with sessions.begin() as session:
            for number in ("INV-ANT-2026-000001", "INV-ANT-2026-000002"):
                await strikes.strike(session, company_id=company, invoice=number, now=NOON)
                await strikes.strike(session, company_id=company, invoice=number, now=NOON)  # of one default, one
        await answered("banned")
        async with sessions.begin() as session:
            with pytest.raises(strikes.Banned):
                await strikes.refuse_barred(session, company)
            (lead,) = await default_queries.live_leads(session)
            assert (lead.live.company_id, lead.live.lot.public_id) == (company, room.lots[0])
            assert await strikes.cure(session, invoice="INV-ANT-2026-000001", by=None, now=NOON)
            assert not await strikes.cure(session, invoice="INV-ANT-2026-000001", by=None, now=NOON)
            assert (lead.why, await default_queries.live_leads(session)) == ("barred", [])
            gone = Deposit(
                public_id=ulid(NOON), company_id=company, sale=lead.live.sale.public_id, registration="R" * 26,
                entity="ANT", currency="USD", asked_minor=1, lots=[], factor=10, asked_at=NOON,
            )  # fmt: skip
            session.add(gone)
            assert [one.why for one in await default_queries.live_leads(session)] == ["deposit"]
        await answered(None)


async def test_buyers_are_told_of_money_and_offers_in_their_language_and_nobody_else_is(sale_once):
    sale = sale_once
    told = money_notices.hearing(sale.sessions)
    async with sale.sessions.begin() as session:
        for number, lang in ((0, "zh"), (1, "en")):
            person = await session.get_one(Person, sale.buyers[number].person_id)
            person.lang = lang
    await told.tick(CLOSE)
    invoice = await defaulted(sale)
    await told.tick(at(10))
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    await told.tick(at(10))
    await accepting.tick(sale.sessions, at(12) - HOUR)
    assert await accepting.remind(sale.sessions, at(12) - HOUR) == 0  # told once
    await told.tick(at(12) - HOUR)
    async with sale.sessions() as session:
        rows = (await session.scalars(select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id))).all()
        said = [(row, await AUTHOR.worded(session, row.payload, "mail")) for row in rows]
    heard = [(row.payload["notice"], row.payload["person"]) for row, _ in said]
    first, second = (sale.buyers[number].person_id for number in (0, 1))
    assert heard == [
        ("invoice_issued", first), ("invoice_overdue", first), ("invoice_defaulted", first),
        ("invoice_credited", first), ("offer_made", second), ("offer_lapsing", second),
    ]  # fmt: skip
    words = {row.payload["notice"]: one for row, one in said}
    assert words["invoice_issued"] is None and words["invoice_overdue"] is None  # no longer so
    assert invoice.number in words["invoice_defaulted"].subject and "违约" in words["invoice_defaulted"].subject
    assert words["offer_made"].subject.endswith("is offered to you")
    assert "12 Mar" in words["offer_made"].lines[0] and len(words["offer_made"].lines) == 1  # no sum unasked


async def test_a_default_keeps_the_deposit_and_its_lot_can_stand_in_a_later_sale(sale_once):
    sale, curator = sale_once, sale_once.world.curator
    invoice = await the_invoice(sale.sessions)
    async with sale.sessions.begin() as session:
        row = Deposit(public_id=ulid(NOON), company_id=invoice.company_id, sale=sale.sale, entity="ANT", currency="USD")
        row.registration, row.asked_minor, row.lots, row.factor = sale.registrations[0], 200_000, [], 10
        row.state, row.asked_at = "asked", NOON
        session.add(row)
        await session.flush()
        receipt = card(invoice.company_id, 200_000)
        await deposits.receive(session, row, receipt, by=None, now=NOON)
    async with sale.sessions.begin() as session:
        made = await curation.create_sale(session, values=world.settings(), actor=curator, now=NOON)
        next_sale = made.public_id
        with pytest.raises(ActNotAllowed):
            await reoffering.reoffer(session, lot=sale.lots[0], into=next_sale, actor=curator, now=at(9))
    await defaulted(sale)
    (told,) = await happened(sale.sessions, "invoice:defaulted")
    assert (told.facts["forfeited_minor"], told.facts["lots"]) == (200_000, sale.lots)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.RELOT, at(10))
    with pytest.raises(ActNotAllowed):
        await chosen(sale, clerk, Remedy.OFFER, at(10))
    async with sale.sessions.begin() as session:
        assert await deposits.held_minor(session, invoice.company_id, sale.sale) == 0
        assert await ledger.balance(session, "income:forfeit", "USD") == -200_000
        assert [one.lot.public_id for one in await reoffering.unsold_of(session, sale.sale)] == sale.lots
        new = await reoffering.reoffer(session, lot=sale.lots[0], into=next_sale, actor=curator, now=at(10))
        assert new.number_text.endswith("A")
    async with sale.sessions() as session:
        (strike,) = await strikes.open_strikes(session, invoice.company_id)  # the credit note does not mend it
    assert strike.invoice == invoice.number


async def test_what_cannot_be_paid_does_not_default_and_has_its_days_again_afterwards(sale_once):
    sale = sale_once
    invoice = await the_invoice(sale.sessions)
    async with sale.sessions.begin() as session:
        stop = SettlementStop(lot=sale.lots[0], sale=sale.sale, number="1", company_id=invoice.company_id)
        stop.destination, stop.reasons, stop.state, stop.reason, stop.made_at = "HK", [], "open", "", at(4)
        session.add(stop)
    await defaulting.late(sale.sessions, at(12))
    assert (await the_invoice(sale.sessions)).state == "overdue"
    async with sale.sessions.begin() as session:
        row = await session.scalar(select(SettlementStop).with_for_update())
        row.state, row.decided_at, row.decided_by = "released", at(12), "coen"
    await defaulting.late(sale.sessions, at(17))
    assert (await the_invoice(sale.sessions)).state == "overdue"
    await defaulting.late(sale.sessions, at(18))
    assert (await the_invoice(sale.sessions)).state == "defaulted"


async def test_a_lot_that_was_not_paid_stands_sold_nowhere_and_the_record_keeps_its_hammer(sale_once):
    sale = sale_once
    await archiving.tick(sale.sessions, CLOSE)
    async with sale.sessions() as session:
        shown = (await showing.sale_shown(session, sale.sale, VISITOR, None)).lots[0]
        (money,) = await results.sums(session, Asked(), ())
        hammer = await session.scalar(select(BookLot.price))
    assert (shown.state, shown.price, money.sold, money.hammer) == ("sold", hammer, 1, hammer)
    await defaulted(sale)
    clerk = await staff(sale.sessions, "cas@pavilion.example", Role.CASHIER)
    await chosen(sale, clerk, Remedy.OFFER, at(10))
    kept = results.Sums()
    async with sale.sessions() as session:
        await kept.of(session, Asked(), frozenset())
    assert await archiving.tick(sale.sessions, at(10)) == 1
    assert await archiving.tick(sale.sessions, at(10)) == 0
    async with sale.sessions() as session:
        found = await showing.sale_shown(session, sale.sale, VISITOR, None)
        (snapshot,) = (await book_queries.snapshot(session, sale.sale, at(10))).lots
        (money,), points = await kept.of(session, Asked(), frozenset())
        (row,), _ = await results.page_of(session, Asked({"state": ("cancelled",)}), None, 50, ())
        (line,) = await results.lines(session, [row], VISITOR, at(10))
    assert (found.lots[0].state, found.lots[0].price, found.sold, found.total) == ("cancelled", None, 0, 0)
    assert (snapshot.state, snapshot.price, snapshot.became) == ("sold", hammer, "cancelled")  # the book is untouched
    assert (money.sold, money.cancelled, money.hammer, money.premium, points) == (0, 1, 0, 0, [])
    assert result_sheets.facts(line)["hammer"] is None and str(hammer) not in result_sheets.texts(line)
    (offer,) = await offered(sale.sessions)
    async with sale.sessions.begin() as session:
        await accepting.accept(session, offer.public_id, actor=sale.buyers[1], now=at(11))
    assert await archiving.tick(sale.sessions, at(11)) == 1
    async with sale.sessions() as session:
        (money,), _ = await kept.of(session, Asked(), frozenset())
        (lot,) = (await showing.sale_shown(session, sale.sale, VISITOR, None)).lots
    assert (money.cancelled, money.sold_after, money.hammer, lot.state, lot.price) == (0, 1, 0, "sold_after", None)
