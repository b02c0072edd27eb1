"""A deposit is asked, held, applied, given back and forfeited; not a cent of it is anywhere twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.accounts import service as accounts
from pavilion.accounts import strikes
from pavilion.accounts.models import Proposal
from pavilion.auctions import registering
from pavilion.auctions.deposits import DepositRule
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.service import proposal_handlers
from pavilion.bidding import showing
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.ids import ulid
from pavilion.settlement import (
    chargebacks,
    checkouts,
    defaulting,
    deposit_days,
    deposit_holds,
    deposits,
    intents,
    invoicing,
    jobs,
    ledger,
    postings,
    queries,
    reconciling,
    sending,
)
from pavilion.settlement.agreed import set_terms
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.deposit_rules import share_out, split
from pavilion.settlement.intent_models import PaymentIntent
from pavilion.settlement.invoicing import Buyer
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import Disputed
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund, Source
from pavilion.settlement.terms import Terms
from tests.auctions import world
from tests.bidding import house
from tests.luck import Random
from tests.make import HOUR, NOON
from tests.settlement.test_invoicing import TERMS, sold
from tests.settlement.test_provider import URL
from tests.settlement.test_stripe_adapter import hear, there  # noqa: F401 - a fixture

LATER = NOON + 5 * HOUR
FIXED = {"deposit_fixed_minor": 600_000}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same
_numbers = count(1)


async def agree(sessions, sale, **facts):
    async with sessions.begin() as session:
        await set_terms(session, sale=sale, facts=facts or FIXED, by="lena", now=NOON)


async def approved(sessions, made, sale, limit=None, number=1, **said):
    buyer = await world.buyer(sessions, number)
    name = await world.applied(sessions, sale, buyer, **said)
    async with sessions.begin() as session:
        row = await registering.approve(
            session, registration=name, limit_minor=limit, actor=made.registrar, now=NOON
        )  # fmt: skip
    await deposit_days.ask_all(sessions, NOON)
    return buyer, row


async def deposit_of(sessions, buyer):
    async with sessions() as session:
        return await session.scalar(select(Deposit).where(Deposit.company_id == buyer.company_id))


async def registration_of(sessions, buyer):
    async with sessions() as session:
        return await session.scalar(select(Registration).where(Registration.company_id == buyer.company_id))


def card(company_id, amount_minor, **changes):
    facts = {
        "public_id": ulid(NOON), "source": Source.CARD, "entity": "ANT", "company_id": company_id, "currency": "USD",
        "amount_minor": amount_minor, "value_date": "2026-03-02", "reference": "", "purpose": "", "at": NOON,
        "provider_ref": f"ch_{next(_numbers)}",
    }  # fmt: skip
    return Receipt(**facts | changes)


async def pay(sessions, buyer, amount_minor=600_000, **changes):
    async with sessions.begin() as session:
        row = await session.scalar(select(Deposit).where(Deposit.company_id == buyer.company_id).with_for_update())
        return await deposits.receive(session, row, card(buyer.company_id, amount_minor, **changes), by=None, now=NOON)


async def figures(sessions, buyer):
    """Read anew, with what must always hold checked."""
    async with sessions() as session:
        row = await session.scalar(select(Deposit).where(Deposit.company_id == buyer.company_id))
        found = await deposits.figures(session, row)
        assert found.received == found.applied + found.refunded + found.forfeited + found.held
        assert found.held == await deposits.held_minor(session, row.company_id, row.sale) >= 0
        owed = sum(await session.scalars(select(Refund.amount_minor).where(Refund.ref == row.public_id)))
        assert found.refunded == owed
        assert await ledger.proves(session)
    return found


async def billed(sessions, buyer, sale, hammer=1_000_000, lot="L" * 26, **detail):
    """An issued invoice of the sale, and what the deposit paid of it."""
    async with sessions.begin() as session:
        draft = await invoicing.add_lots(
            session, terms=replace(TERMS, sale=sale), buyer=Buyer(buyer.company_id, "P-0101", "HK"),
            lots=[sold(lot, hammer, **detail)], now=NOON,
        )  # fmt: skip
        await invoicing.issue(session, draft, NOON)
        return draft.number, await deposits.apply(session, draft, now=NOON)


async def ended(sessions, sale):
    async with sessions.begin() as session:
        await session.execute(update(Sale).where(Sale.public_id == sale).values(state="closed"))


async def two_published(_url, sessions):
    """A sale as published by two persons, and the people who did it."""
    made = await world.build(sessions, 2)
    return made, await world.published(sessions, made)


@pytest.fixture(scope="module")
def opening():
    return two_published


@pytest.fixture
def made(as_opened):
    return as_opened[0]


@pytest.fixture
def published(as_opened):
    return as_opened[1]


@pytest.fixture
async def sale(sessions, published):
    """Published; each of its paddles puts down 6,000.00."""
    await agree(sessions, published)
    return published


def test_the_deposit_follows_the_terms():
    rate = DepositRule(rate_bp=1_000)
    assert rate.asked([10_000_000, 5_000_005]) == 1_500_001 and rate.asked([100]) == 500_000
    assert replace(rate, max_minor=700_000).asked([90_000_000]) == 700_000
    assert DepositRule().asked([10_000_000]) == 0 and not DepositRule().asks
    assert DepositRule(rate_bp=1_000, fixed_minor=5).asked([10_000_000]) == 5
    assert DepositRule(fixed_minor=5).limit(5) == 50


def test_what_registering_reads_is_what_the_terms_say():
    usual = Terms()
    for name in ("rate_bp", "fixed_minor", "min_minor", "max_minor", "factor"):
        assert getattr(DepositRule(), name) == getattr(usual, f"deposit_{name}")


def test_the_sellers_part_adds_up_by_hammer():
    assert split(600_000, 1_275_000, 10_000) == (600_000, 0) and split(600_000, 400_000, 5_000) == (200_000, 400_000)
    assert share_out(100, 5_000, [(7, 1), (8, 1), (7, 1)]) == {7: 34, 8: 16}
    assert share_out(100, 10_000, [(None, 1), (8, 1)]) == {8: 50} and share_out(100, 10_000, []) == {}
    for hammers in ([(1, 3), (2, 3), (3, 3)], [(1, 999_999), (2, 1)], [(1, 0), (2, 0)]):
        parts = share_out(1_000_001, 3_333, hammers)
        assert sum(parts.values()) == (333_300 if sum(h for _, h in hammers) else 0)


@ON_SQLITE
async def test_where_nothing_is_due_nothing_is_asked(sessions, made, published):
    sale = published
    buyer, row = await approved(sessions, made, sale, limit=5_000_000)
    assert (row.limit_minor, row.awaits_deposit, row.deposit_minor) == (5_000_000, False, None)
    assert await deposit_of(sessions, buyer) is None
    with pytest.raises(BadInput):
        await approved(sessions, made, sale, limit=None, number=2)


async def test_a_paddle_has_its_limit_once_the_whole_deposit_is_held(sessions, made, sale):
    buyer, row = await approved(sessions, made, sale)
    assert (row.state, row.limit_minor, row.granted_minor) == ("approved", 0, 6_000_000)
    await pay(sessions, buyer, 599_999)
    assert (await deposit_of(sessions, buyer)).state == "asked"
    assert (await registration_of(sessions, buyer)).limit_minor == 0
    await pay(sessions, buyer, 2)
    assert (await deposit_of(sessions, buyer)).state == "held"
    assert (await registration_of(sessions, buyer)).limit_minor == 6_000_000
    assert await figures(sessions, buyer) == (600_000, 0, 0, 0, 600_000)
    async with sessions() as session:
        assert await ledger.balance(session, postings.unallocated(buyer.company_id), "USD") == -1


async def test_the_database_gives_no_limit_before_the_deposit(sessions, made, sale):
    await approved(sessions, made, sale)
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(text("update registrations set limit_minor = 1"))


@ON_SQLITE
async def test_the_deposit_is_counted_from_the_lots_the_company_marks(sessions, made, published):
    sale = published
    await agree(sessions, sale, deposit_rate_bp=1_000, deposit_min_minor=1_000)
    lots = await world.order(sessions, sale)
    buyer, row = await approved(sessions, made, sale, lots=lots)
    assert (row.deposit_minor, row.granted_minor) == (100_000, 1_000_000)  # 10 % of twice 5,000.00
    assert (await deposit_of(sessions, buyer)).lots == sorted(lots)
    with pytest.raises(BadInput):
        await world.applied(sessions, sale, await world.buyer(sessions, 2), lots=["X" * 26])


@ON_SQLITE
async def test_more_than_ten_times_the_deposit_needs_a_lead(sessions, made, sale):
    asked = await world.applied(sessions, sale, await world.buyer(sessions))
    facts = {"registration": asked, "actor": made.registrar, "now": NOON}
    async with sessions.begin() as session:
        proposal = await registering.approve(session, limit_minor=6_000_001, **facts)
        assert isinstance(proposal, Proposal)
    async with sessions.begin() as session:
        await accounts.decide(
            session, proposal_id=proposal.public_id, approve=True, actor=made.lead, handlers=proposal_handlers,
            now=NOON + timedelta(minutes=1),
        )  # fmt: skip
        row = await session.scalar(select(Registration))
        assert (row.state, row.limit_minor, row.granted_minor) == ("approved", 0, 6_000_001)
        lower = await registering.set_limit(session, limit_minor=5_000_000, **facts)
        assert (lower.limit_minor, lower.granted_minor) == (0, 5_000_000)


@ON_SQLITE
async def test_money_that_cannot_be_the_deposit_waits_unallocated(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer, 600_000, currency="EUR")
    async with sessions.begin() as session:
        for number in ("INV-1", "INV-2"):
            await strikes.strike(session, company_id=buyer.company_id, invoice=number, now=NOON)
    await pay(sessions, buyer)
    assert await figures(sessions, buyer) == (0, 0, 0, 0, 0)
    async with sessions() as session:
        found = (await session.scalars(select(Discrepancy).order_by(Discrepancy.id))).all()
        assert [one.kind for one in found] == ["currency_differs", "deposit_closed"]
        for currency in ("EUR", "USD"):
            assert await ledger.balance(session, postings.unallocated(buyer.company_id), currency) == -600_000
        with pytest.raises(strikes.Banned):
            await deposits.payable(session, await session.scalar(select(Deposit)))


@ON_SQLITE
async def test_a_payment_on_its_way_is_pending_until_it_fails(sessions, made, sale):
    await approved(sessions, made, sale)
    async with sessions.begin() as session:
        row = await session.scalar(select(Deposit))
        assert await deposits.payable(session, row) == 600_000
        await deposits.pending(session, row, by=None, now=NOON)
        assert row.state == "pending"
        await deposits.not_paid(session, row, by=None, now=NOON)
        assert row.state == "asked"


async def test_the_first_invoice_takes_what_it_needs_and_the_next_what_is_left(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    first, part = await billed(sessions, buyer, sale, 400_000)
    assert part == 510_000  # hammer and premium: all of it
    _, rest = await billed(sessions, buyer, sale, 1_000_000, "M" * 26)
    assert rest == 90_000
    assert await figures(sessions, buyer) == (600_000, 600_000, 0, 0, 0)
    async with sessions.begin() as session:
        again = await queries.invoice_by_number(session, first, lock=True)
        assert await deposits.apply(session, again, now=NOON) == 510_000
        assert await queries.open_minor(session, again) == 0
        with pytest.raises(ActNotAllowed):
            await deposits.payable(session, await session.scalar(select(Deposit)))
    await figures(sessions, buyer)


@ON_SQLITE
async def test_one_deposit_that_cannot_go_back_holds_up_no_other(sessions, made, sale):
    stuck, _ = await approved(sessions, made, sale)
    free, _ = await approved(sessions, made, sale, number=2)
    for one in (stuck, free):
        await pay(sessions, one)
    async with sessions.begin() as session:  # money lies there of which no payment knows
        moves = postings.deposit_received("asset:bank:ANT", stuck.company_id, sale, 5)
        about = {"currency": "USD", "ref": "x", "at": NOON, "by": None}
        await ledger.post(session, key="receipt:unknown", moves=moves, **about)
    await ended(sessions, sale)
    assert [await deposit_days.release_all(sessions, LATER) for _ in range(2)] == [1, 0]
    assert [(await deposit_of(sessions, one)).state for one in (stuck, free)] == ["held", "closed"]
    async with sessions() as session:
        (found,) = (await session.scalars(select(Discrepancy))).all()
    assert (found.kind, found.facts["code"], found.facts["amount_minor"]) == (
        "deposit_stuck", "refund_too_large", 600_005,
    )  # fmt: skip


async def test_after_the_close_a_loser_gets_all_of_it_back_once(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    assert await deposit_days.release_all(sessions, NOON) == 0
    await ended(sessions, sale)
    assert await deposit_days.release_all(sessions, LATER) == 1
    assert await deposit_days.release_all(sessions, LATER) == 0
    assert await figures(sessions, buyer) == (600_000, 0, 600_000, 0, 0)
    assert (await deposit_of(sessions, buyer)).state == "closed"
    await pay(sessions, buyer)  # came too late: it is kept apart, and not lost
    assert await figures(sessions, buyer) == (600_000, 0, 600_000, 0, 0)
    async with sessions() as session:
        (refund,) = (await session.scalars(select(Refund))).all()
        assert (refund.reason, refund.state, refund.amount_minor) == ("deposit_released", "sent", 600_000)
        assert await ledger.balance(session, postings.unallocated(buyer.company_id), "USD") == -600_000


@ON_SQLITE
async def test_a_deposit_never_paid_is_asked_no_more(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await ended(sessions, sale)
    assert await deposit_days.release_all(sessions, LATER) == 1
    assert (await deposit_of(sessions, buyer)).state == "closed"
    assert await figures(sessions, buyer) == (0, 0, 0, 0, 0)


async def test_a_default_keeps_the_terms_part_and_the_rest_waits_its_days(sessions, made, sale):
    await agree(sessions, sale, **FIXED, forfeit_bp=2_000, forfeit_wait_days=5)
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    number, part = await billed(sessions, buyer, sale)
    assert part == 600_000
    for _ in range(2):  # said twice, done once
        async with sessions.begin() as session:
            invoice = await queries.invoice_by_number(session, number, lock=True)
            found = await deposits.forfeit(session, invoice=invoice, forfeit_bp=2_000, seller_bp=5_000, now=NOON)
            assert found == (255_000, 345_000, {7: 127_500})
            assert await queries.open_minor(session, invoice) == invoice.total_minor == 1_275_000
    assert await figures(sessions, buyer) == (600_000, 0, 0, 255_000, 345_000)
    async with sessions() as session:
        assert await ledger.balance(session, "income:forfeit", "USD") == -127_500
        assert await ledger.balance(session, "liability:seller:7", "USD") == -1_127_500
    await ended(sessions, sale)
    assert await deposit_days.release_all(sessions, NOON + timedelta(days=6)) == 0
    assert await deposit_days.release_all(sessions, NOON + timedelta(days=7)) == 1  # five business days
    assert await figures(sessions, buyer) == (600_000, 0, 345_000, 255_000, 0)


@ON_SQLITE
async def test_where_the_terms_keep_nothing_all_of_it_goes_back_after_the_wait(sessions, made, sale):
    await agree(sessions, sale, **FIXED, forfeit_bp=0, forfeit_wait_days=5)
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    await billed(sessions, buyer, sale)
    await ended(sessions, sale)
    await defaulting.late(sessions, NOON + timedelta(days=8))
    assert await deposit_days.release_all(sessions, NOON + timedelta(days=12)) == 0
    assert await deposit_days.release_all(sessions, NOON + timedelta(days=16)) == 1
    assert await figures(sessions, buyer) == (600_000, 0, 600_000, 0, 0)


@ON_SQLITE
async def test_what_a_credit_note_frees_is_deposit_again(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    number, _ = await billed(sessions, buyer, sale)
    for _ in range(2):
        async with sessions.begin() as session:
            invoice = await queries.invoice_by_number(session, number, lock=True)
            await deposits.give_back(session, invoice, 200_000, key="CN-1", by=None, now=NOON)
            assert await queries.open_minor(session, invoice) == 875_000
            assert await deposits.applied_minor(session, invoice) == 400_000
    assert await figures(sessions, buyer) == (600_000, 400_000, 0, 0, 200_000)


@ON_SQLITE
async def test_a_chargeback_ends_the_limit_until_it_is_won(sessions, made, sale):
    """Told as it comes, twice: the applied part is owed again, the paddle has no limit, and then all is as before."""
    buyer, _ = await approved(sessions, made, sale)
    receipt = await pay(sessions, buyer)
    number, _ = await billed(sessions, buyer, sale, 400_000)
    for state in ("open", "open", "won", "won"):
        async with sessions.begin() as session:
            row = await session.get(Receipt, receipt.id)
            said = Disputed("dp_1", row.provider_ref, 600_000, 0, "USD", state)
            await chargebacks.follow(session, row, said, NOON)
        async with sessions() as session:
            invoice = await queries.invoice_by_number(session, number)
            assert (await queries.open_minor(session, invoice), invoice.state) == (510_000, "issued")
        gone = state == "open"
        assert await figures(sessions, buyer) == ((0, 0, 0, 0, 0) if gone else (600_000, 0, 0, 0, 600_000))
        assert (await registration_of(sessions, buyer)).limit_minor == (0 if gone else 6_000_000)
        assert (await deposit_of(sessions, buyer)).state == ("asked" if gone else "held")


@ON_SQLITE
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_happens_to_a_deposit_every_cent_of_it_is_in_one_place(sessions, made, sale, seed):
    """Payments, invoices, credit notes, defaults and what banks take back, in any order."""
    luck, numbers, receipts = Random(seed), [], []
    buyer, _ = await approved(sessions, made, sale)
    for turn in range(30):
        act = luck.choice(("pay", "bill", "credit", "forfeit", "chargeback", "won"))
        before = await figures(sessions, buyer)
        if act == "pay":
            receipts.append((await pay(sessions, buyer, luck.randint(1, 900_000))).id)
        elif act == "bill":
            numbers.append((await billed(sessions, buyer, sale, luck.randint(1, 400_000), f"{turn:026d}"))[0])
        elif numbers and act in ("credit", "forfeit"):
            async with sessions.begin() as session:
                invoice = await queries.invoice_by_number(session, luck.choice(numbers), lock=True)
                amount = luck.randint(1, 500_000)
                if act == "credit":
                    await deposits.give_back(session, invoice, amount, key=str(turn), by=None, now=NOON)
                else:
                    bp = {"forfeit_bp": luck.randint(0, 10_000), "seller_bp": luck.randint(0, 10_000)}
                    await deposits.forfeit(session, invoice=invoice, now=NOON, **bp)
        elif receipts and act in ("chargeback", "won"):
            async with sessions.begin() as session:
                row = await session.get(Receipt, luck.choice(receipts))
                state = "open" if act == "chargeback" else "won"
                said = Disputed(f"dp_{row.id}", row.provider_ref, row.amount_minor, 0, "USD", state)
                await chargebacks.follow(session, row, said, NOON)
        after = await figures(sessions, buyer)
        assert min(after) >= 0, (turn, act, before, after)


async def test_two_payments_of_one_deposit_in_the_same_moment_hold_it_once(sessions, made, sale):
    """As do two looks after the close: one gives it back, the other finds it closed."""
    buyer, _ = await approved(sessions, made, sale)
    await asyncio.gather(*(pay(sessions, buyer) for _ in range(4)))
    assert await figures(sessions, buyer) == (600_000, 0, 0, 0, 600_000)
    async with sessions() as session:
        assert await ledger.balance(session, postings.unallocated(buyer.company_id), "USD") == -1_800_000
    await ended(sessions, sale)
    done = await asyncio.gather(*(deposit_days.release_all(sessions, LATER) for _ in range(4)))
    assert sum(done) == 1
    assert await figures(sessions, buyer) == (600_000, 0, 600_000, 0, 0)


async def test_an_invoice_issued_twice_in_the_same_moment_takes_the_deposit_once(sessions, made, sale):
    buyer, _ = await approved(sessions, made, sale)
    await pay(sessions, buyer)
    async with sessions.begin() as session:
        draft = await invoicing.add_lots(
            session, terms=replace(TERMS, sale=sale), buyer=Buyer(buyer.company_id, "P-0101", "HK"),
            lots=[sold(hammer_minor=300_000)], now=NOON,
        )  # fmt: skip
        public_id = draft.public_id

    async def issue():
        async with sessions.begin() as session:
            await invoicing.issue(session, await queries.invoice_by_public_id(session, public_id), NOON)

    await asyncio.gather(issue(), issue(), return_exceptions=True)
    assert await figures(sessions, buyer) == (600_000, 382_500, 0, 0, 217_500)


@pytest.mark.parametrize("bought", [True, False])
@ON_SQLITE
async def test_an_authorised_card_gives_the_limit_and_is_captured_only_of_who_bought(sessions, made, sale, bought):
    await agree(sessions, sale, **FIXED, deposit_by_hold=True)
    buyer, _ = await approved(sessions, made, sale)
    async with sessions.begin() as session:
        row = await session.scalar(select(Deposit))
        hold = await intents.ask(
            session, kind="hold", key="h", ref=row.public_id, company_id=buyer.company_id, entity="ANT",
            currency="USD", amount_minor=600_000, facts={"payment": "pi_1"}, now=NOON,
        )  # fmt: skip
        hold.state = "succeeded"
    assert [await deposit_holds.follow(sessions, NOON) for _ in range(2)] == [1, 0]
    assert (await registration_of(sessions, buyer)).limit_minor == 6_000_000
    assert await figures(sessions, buyer) == (0, 0, 0, 0, 0)
    if bought:
        assert (await billed(sessions, buyer, sale, 400_000))[1] == 0  # nothing is there yet
    await ended(sessions, sale)
    for _ in range(2):  # in whatever order the two looks come
        await deposit_days.release_all(sessions, LATER)
        await deposit_holds.follow(sessions, LATER)
    async with sessions() as session:
        asked = (await session.scalars(select(PaymentIntent).where(PaymentIntent.kind != "hold"))).all()
    (one,) = [(one.kind, one.amount_minor, one.facts["payment"]) for one in asked]
    assert one == (("capture", 600_000, "pi_1") if bought else ("release_hold", 0, "pi_1"))
    assert (await deposit_of(sessions, buyer)).state == ("held" if bought else "closed")
    if bought:
        await pay(sessions, buyer, source=Source.HOLD)
        assert await deposit_holds.follow(sessions, LATER) == 1
        await deposit_days.release_all(sessions, LATER)
        assert await figures(sessions, buyer) == (600_000, 510_000, 90_000, 0, 0)


@pytest.mark.parametrize("lapses", ["", "told", "untold", "anew"])
@ON_SQLITE
async def test_a_hold_goes_from_the_providers_page_to_a_captured_deposit(sessions, made, sale, there, lapses):  # noqa: F811
    double, payments = there
    await agree(sessions, sale, **FIXED, deposit_by_hold=True)
    buyer, _ = await approved(sessions, made, sale)
    async with sessions.begin() as session:
        row = await deposits.locked(session, (await deposit_of(sessions, buyer)).reference)
        page = await checkouts.pay_deposit(session, row, by_card=True, save=False, lang="zh", now=NOON, by=None)
    assert await sending.send(sessions, payments, URL, page.public_id, NOON)
    async with sessions() as session:
        held = await session.get_one(PaymentIntent, page.id)
    double.do("pay", session=held.provider_id)
    assert "authorised" in await hear(sessions, double, payments)
    assert await deposit_holds.follow(sessions, NOON) == 1
    assert (await registration_of(sessions, buyer)).limit_minor == 6_000_000
    async with sessions() as session:
        held = await session.get_one(PaymentIntent, page.id)
    if lapses:  # the provider keeps no authorisation for long
        await payments.release_hold(held.facts["payment"], key="there")
        if lapses == "untold":
            for call in double.due():
                double.answered(call, 200)
            night = NOON + timedelta(hours=14)
            assert [await reconciling.reconcile(sessions, payments, night) for _ in range(2)] == [1, 0]
        else:
            assert "discrepancy" in await hear(sessions, double, payments)
        assert [await deposit_holds.follow(sessions, NOON) for _ in range(2)] == [0, 0]
        assert (await registration_of(sessions, buyer)).limit_minor == 0
        assert (await deposit_of(sessions, buyer)).state == "asked"
    if lapses == "anew":
        async with sessions.begin() as session:
            row = await deposits.locked(session, (await deposit_of(sessions, buyer)).reference)
            page = await checkouts.pay_deposit(session, row, by_card=True, save=False, lang="zh", now=NOON, by=None)
        assert await sending.send(sessions, payments, URL, page.public_id, NOON)
        async with sessions() as session:
            held = await session.get_one(PaymentIntent, page.id)
        double.do("pay", session=held.provider_id)
        await hear(sessions, double, payments)
        assert await deposit_holds.follow(sessions, NOON) == 1
        assert (await registration_of(sessions, buyer)).limit_minor == 6_000_000
    assert (await billed(sessions, buyer, sale, 400_000))[1] == 0
    await ended(sessions, sale)
    await deposit_holds.follow(sessions, LATER)
    await sending.tick(sessions, payments, URL, LATER)
    await hear(sessions, double, payments)
    await deposit_holds.follow(sessions, LATER)
    async with sessions() as session:
        found = sorted(await session.scalars(select(Discrepancy.kind)))
    assert found == (["hold_lapsed"] if lapses else [])
    there = (600_000, 510_000, 0, 0, 90_000) if lapses in ("", "anew") else (0, 0, 0, 0, 0)
    assert await figures(sessions, buyer) == there


async def test_the_room_knows_a_held_deposit_at_once_and_the_close_settles_it(database_url, sessions, made, sale):
    async with house.at_sale(database_url, sessions, made, sale) as room:
        for number in (1, 2, 3):
            buyer, row = await approved(sessions, room.world, room.sale, number=number)
            room.buyers.append(buyer)
            room.registrations.append(row.public_id)
        await room.until(lambda: refused_with(room, "over_limit"))
        assert await why_not(sessions, room) == "deposit_not_held"
        for buyer in room.buyers[:2]:
            await pay(sessions, buyer)
        await room.until(lambda: accepted(room))
        assert (await room.bid(2, 500_000)).code == "over_limit"
        room.clock.at = LATER
        await room.until(lambda: closed(room), seconds=10)
        await jobs.bill_sold_lots(sessions, LATER)
        async with sessions.begin() as session:
            invoice = await queries.invoice_by_public_id(session, await session.scalar(select(Invoice.public_id)))
            await deposits.apply(session, invoice, now=LATER)
        while await deposit_days.release_all(sessions, LATER):
            pass
        taken = min(invoice.total_minor, 600_000)
        assert await figures(sessions, room.buyers[0]) == (600_000, taken, 600_000 - taken, 0, 0)
        assert await figures(sessions, room.buyers[1]) == (600_000, 0, 600_000, 0, 0)
        assert await figures(sessions, room.buyers[2]) == (0, 0, 0, 0, 0)
        assert {(await deposit_of(sessions, buyer)).state for buyer in room.buyers} == {"closed"}


async def why_not(sessions, room):
    """What the page of a lot says to the first buyer."""
    async with sessions() as session:
        sale = await showing.sale_shown(session, room.sale, room.buyers[0], None)
        return (await showing.purse_of(session, sale, room.buyers[0], None, room.clock())).why


async def refused_with(room, code):
    return (await room.bid(0)).code == code


async def accepted(room):
    return (await room.bid(0)).result == "accepted"


async def closed(room):
    return await room.sale_state() == "closed"
