"""What a consignor gets: statements and payouts, on both databases."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.accounts.service import SameApprover
from pavilion.auctions.models import Lot
from pavilion.kernel.errors import BadInput, NotAllowed, NotDone, NotFound
from pavilion.settlement import (
    agreed,
    crediting,
    deposits,
    holding_up,
    invoicing,
    jobs,
    ledger,
    payouts,
    postings,
    proceeds,
    receiving,
    sellers,
)
from pavilion.settlement import service as settlement
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import HouseCompany, Invoice
from pavilion.settlement.receipt_models import Discrepancy
from pavilion.settlement.seller_models import SellerAccount, SellerStatement
from tests import make
from tests.bidding import house as books_house
from tests.make import NOON, PASSWORD
from tests.settlement.test_defaulting import CLOSE, closed
from tests.settlement.test_deposits import card

SALE = "S" * 26
DAY = timedelta(days=1)
LATER = NOON + 30 * DAY
TERMS = SaleTerms(
    sale=SALE, title_en="Spectral IV", title_zh="光谱 IV", currency="USD", entity="ANT", zone="Europe/Brussels",
    bands=((None, 2_000),), early_bands=None,
)  # fmt: skip
AGREED = {"commission": [[1_000_000, 1_000], [None, 500]]}


class House:
    """A consignor of Antwerp and a buyer of Hong Kong, and the sale they meet in."""

    def __init__(self, sessions):
        self.sessions = sessions

    async def open(self, country="BE", **terms):
        async with self.sessions.begin() as session:
            self.seller = (await make.company(session, "Scheldt Rough", country)).id
            self.other = (await make.company(session, "Other Rough", country)).id
            self.buyer = (await make.company(session, "Lumen Trading", "HK")).id
            await agreed.set_terms(session, sale=SALE, facts=AGREED | terms, by="lena", now=NOON)
        return self

    async def sell(self, *hammers, sale=SALE, consignor=None):
        lots = [
            SoldLot(
                uuid4().hex[:26], str(n), f"Stone {n}", f"石 {n}", {"species": "sapphire"}, hammer, False,
                consignor or self.seller, NOON,
            )
            for n, hammer in enumerate(hammers, 1)
        ]  # fmt: skip
        async with self.sessions.begin() as session:
            draft = await invoicing.add_lots(
                session, terms=TERMS, buyer=Buyer(self.buyer, "P-0417", "HK"), lots=lots, now=NOON
            )
            return (await invoicing.issue(session, draft, NOON)).id

    async def loaded(self, session, invoice):
        wanted = select(Invoice).where(Invoice.id == invoice).options(selectinload(Invoice.lines))
        return (await session.scalars(wanted.with_for_update(of=Invoice))).one()

    async def pay(self, invoice, now=NOON + DAY):
        async with self.sessions.begin() as session:
            row = await self.loaded(session, invoice)
            a = await make.person(session, f"a-{uuid4().hex[:8]}@pavilion.example", (Role.CASHIER,))
            b = await make.person(session, f"b-{uuid4().hex[:8]}@pavilion.example", (Role.CASHIER,))
            receipt = receiving.wire(
                entity="ANT", company_id=self.buyer, currency="USD", amount_minor=row.total_minor,
                value_date=now.date(), reference=uuid4().hex, purpose=row.number, persons=(a.id, b.id), now=now,
            )  # fmt: skip
            await receiving.book(session, receipt, row, by="a")

    async def state(self, now=LATER, after=0, sale=SALE):
        async with self.sessions.begin() as session:
            return await sellers.issue(session, company_id=self.seller, sale=sale, after=after, by="tomas", now=now)

    async def draft(self, now=LATER):
        async with self.sessions() as session:
            return await sellers.draft(session, self.seller, SALE, now)

    async def credit(self, invoice, now=LATER, lots=None):
        async with self.sessions.begin() as session:
            row = await self.loaded(session, invoice)
            await crediting.credit(session, row, lots=lots, lines=None, reason="test", by="tomas", now=now)

    async def account(self, now=NOON, confirmed=True):
        async with self.sessions.begin() as session:
            firm = await session.get_one(Company, self.seller)
            sam = await make.actor(session, f"sam-{uuid4().hex[:8]}@scheldt.example", (Role.SUPPLIER,), firm)
            row = await payouts.name_account(
                session, holder="Scheldt Rough", number="BE68 5390 0754 7034", bic="GEBABEBB", currency="USD",
                actor=sam, now=now,
            )  # fmt: skip
            if confirmed:
                assert await payouts.confirm_account(session, row.public_id, password=PASSWORD, actor=sam, now=now)
            return row

    async def cashier(self, session):
        return await make.actor(session, f"c-{uuid4().hex[:8]}@pavilion.example", (Role.CASHIER,))

    async def propose(self, statement, now=LATER):
        async with self.sessions.begin() as session:
            return await payouts.propose(
                session, number=statement.number, actor=await self.cashier(session), now=now
            )  # fmt: skip

    async def approve(self, proposal, now=LATER):
        async with self.sessions.begin() as session:
            await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=await self.cashier(session),
                handlers=settlement.PROPOSAL_HANDLERS, now=now,
            )  # fmt: skip

    async def send(self, statement, reference="B-1", now=LATER):
        async with self.sessions.begin() as session:
            (row,) = [one for one in await session.scalars(select(payouts.Payout)) if one.state == "approved"]
            return await payouts.paid(
                session, row.public_id, bank_reference=reference, actor=await self.cashier(session), now=now
            )  # fmt: skip

    async def balance(self, account):
        async with self.sessions() as session:
            return await ledger.balance(session, account, "USD")


@pytest.fixture
async def house(sqlite_sessions):
    return await House(sqlite_sessions).open()


@pytest.fixture
async def on_both(sessions):
    return await House(sessions).open()


async def test_a_statement_says_hammer_commission_by_bands_tax_and_net(house):
    await house.pay(await house.sell(1_000_000, 3_000_000))
    row = await house.state()
    assert (row.number, row.gross_minor, row.commission_minor) == ("SST-ANT-2026-000001", 4_000_000, 100_000 + 200_000)
    assert (row.tax_minor, row.net_minor) == (63_000, 4_000_000 - 300_000 - 63_000)  # 21 % for a consignor of Belgium
    assert [item["commission_minor"] for item in row.facts["items"]] == [100_000, 200_000]
    assert row.payable_on == "2026-04-01"  # the day of the statement: ten business days from the payment are over
    assert await house.balance(f"liability:seller:{house.seller}") == -row.net_minor
    assert await house.balance("income:commission") == -300_000
    assert await house.balance("liability:tax:BE:full") == -63_000


async def test_the_money_is_payable_some_business_days_after_it_was_cleared(house):
    await house.pay(await house.sell(1_000_000))
    assert (await house.state(now=NOON + 2 * DAY)).payable_on == "2026-03-17"


async def test_unpaid_lots_wait_and_stand_on_a_later_statement(house):
    paid, unpaid = await house.sell(1_000_000), await house.sell(500_000)
    await house.pay(paid)
    first = await house.state()
    assert [item["hammer_minor"] for item in first.facts["items"]] == [1_000_000]
    assert [(one["hammer_minor"], one["state"]) for one in first.facts["waiting"]] == [(500_000, "overdue")]
    with pytest.raises(sellers.NothingToState):
        await house.state(after=1)
    for state, said in (("written_off", "written_off"), ("overdue", "overdue")):  # whether that is paid nobody has said
        async with house.sessions.begin() as session:
            (await house.loaded(session, unpaid)).state = state
        async with house.sessions() as session:
            found = await proceeds.of_sale(session, house.seller, SALE, LATER)
        assert ([one.state for one in found.waiting], found.items) == ([said], ())
    await house.pay(unpaid)
    second = await house.state(after=1)
    assert (second.number, second.gross_minor) == ("SST-ANT-2026-000002", 500_000)


async def test_the_same_click_twice_states_once(on_both):
    house = on_both
    await house.pay(await house.sell(1_000_000))
    rows = await asyncio.gather(*(house.state() for _ in range(4)))
    assert {row.number for row in rows} == {"SST-ANT-2026-000001"}
    assert await house.balance("income:commission") == -100_000


async def test_a_credit_note_after_the_statement_takes_hammer_and_commission_back(house):
    invoice = await house.sell(1_000_000)
    await house.pay(invoice)
    first = await house.state()
    await house.credit(invoice)
    second = await house.state(after=1)
    items = [(item["kind"], item["hammer_minor"], item["commission_minor"]) for item in second.facts["items"]]
    assert items == [("correction", -1_000_000, -100_000), ("carried", 0, 0)]
    assert (second.carried_minor, second.net_minor) == (first.net_minor, 0)
    assert await house.balance(f"liability:seller:{house.seller}") == 0
    assert await house.balance("income:commission") == 0


async def test_a_lot_credited_before_any_statement_never_stands_on_one(house):
    invoice = await house.sell(1_000_000)
    await house.pay(invoice)
    await house.credit(invoice)
    with pytest.raises(sellers.NothingToState):
        await house.pay(await house.sell(300_000))
        await house.state(after=0)
        await house.state(after=1)
    assert (await house.draft()).items == ()
    assert await house.balance(f"liability:seller:{house.seller}") == -(300_000 - 30_000 - 6_300)


async def test_a_paid_statement_that_is_taken_back_leaves_a_debt_that_the_next_one_carries(on_both):
    house = on_both
    invoice = await house.sell(1_000_000)
    await house.pay(invoice)
    first = await house.state()
    await house.account()
    await house.approve(await house.propose(first))
    await house.send(first)
    await house.credit(invoice)
    second = await house.state(after=1)
    assert second.net_minor == -first.net_minor
    await house.pay(await house.sell(5_000_000))
    third = await house.state(after=2)
    assert (third.carried_minor, third.gross_minor) == (second.net_minor, 5_000_000)
    await house.approve(await house.propose(third))
    await house.send(third, "B-2")
    assert await house.balance(f"liability:seller:{house.seller}") == 0


async def test_goods_of_the_house_have_no_statement(house):
    async with house.sessions.begin() as session:
        session.add(HouseCompany(company_id=house.seller, entity="ANT"))
    with pytest.raises(NotFound):
        await house.draft()
    async with house.sessions() as session:
        assert await sellers.pending(session) == []


async def test_a_consignor_whose_tax_nobody_decided_waits(sqlite_sessions):
    house = await House(sqlite_sessions).open(country="FR")
    await house.pay(await house.sell(1_000_000))
    with pytest.raises(invoicing.TaxUndecided):
        await house.state()


async def test_who_has_something_to_be_stated_is_listed_until_it_is(on_both):
    house = on_both
    invoice = await house.sell(1_000_000)
    for expected in ([(house.seller, SALE)], []):
        async with house.sessions() as session:
            assert await sellers.pending(session) == expected
        if expected:
            await house.pay(invoice)
            await house.state()
    await house.credit(invoice)
    async with house.sessions() as session:
        assert await sellers.pending(session) == [(house.seller, SALE)]


async def test_a_consignor_is_paid_by_two_persons_and_once(house):
    await house.pay(await house.sell(1_000_000))
    row = await house.state()
    await house.account()
    proposal = await house.propose(row)
    async with house.sessions.begin() as session:
        proposer = await accounts_actor(session, proposal.proposed_by)
        with pytest.raises(SameApprover):
            await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=proposer,
                handlers=settlement.PROPOSAL_HANDLERS, now=LATER,
            )  # fmt: skip
    await house.approve(proposal)
    assert await house.balance("asset:bank:ANT") == 1_200_000  # nothing has moved before the transfer is made
    sent = await house.send(row)
    async with house.sessions.begin() as session:
        await payouts.paid(
            session, sent.public_id, bank_reference="B-1", actor=await house.cashier(session), now=LATER
        )  # fmt: skip
    assert await house.balance(f"liability:seller:{house.seller}") == 0
    assert await house.balance("asset:bank:ANT") == 1_200_000 - row.net_minor
    with pytest.raises(NotDone, match="payout_exists"):
        await house.propose(row)


async def accounts_actor(session, person_id):
    from pavilion.accounts import queries

    return queries.as_actor(await queries.person_with_rights(session, person_id))


async def test_a_transfer_that_came_back_is_taken_back_and_can_be_made_anew(house):
    await house.pay(await house.sell(1_000_000))
    row = await house.state()
    await house.account()
    await house.approve(await house.propose(row))
    sent = await house.send(row)
    for _ in range(2):
        async with house.sessions.begin() as session:
            await payouts.cancel(
                session, sent.public_id, reason="closed account", actor=await house.cashier(session), now=LATER
            )  # fmt: skip
    assert await house.balance(f"liability:seller:{house.seller}") == -row.net_minor
    await house.approve(await house.propose(row))
    with pytest.raises(payouts.PayoutReference):
        await house.send(row, "B-1")
    await house.send(row, "B-2")
    assert await house.balance(f"liability:seller:{house.seller}") == 0


async def test_what_stands_in_the_way_of_a_payment_is_named(on_both):
    house = on_both
    invoice = await house.sell(1_000_000)
    await house.pay(invoice)
    early = await house.state(now=NOON + 2 * DAY)

    async def refused(code, now=LATER):
        with pytest.raises(NotDone, match=code):
            await house.propose(early, now)

    async def waits_for(now=LATER):
        async with house.sessions() as session:
            row = await session.get_one(SellerStatement, early.id)
            return await holding_up.causes(session, row, await payouts.fault_of(session, row, now) or "", now)

    await refused("not_payable_yet", NOON + 2 * DAY)
    (last,) = await waits_for(NOON + 2 * DAY)
    assert (last.number, last.why) == ("1", "cleared_last") and last.day is not None
    await refused("account_not_confirmed")
    assert await waits_for() == []
    await house.account(LATER - timedelta(hours=47))
    await refused("account_not_confirmed")
    now = LATER + DAY
    async with house.sessions.begin() as session:
        number = (await house.loaded(session, invoice)).number
        session.add(
            Discrepancy(
                public_id="D" * 26, key="d", kind="amount", invoice=number, subject="x", facts={}, opened_at=NOON
            )
        )
    await refused("discrepancy_open", now)
    assert [(one.number, one.why) for one in await waits_for(now)] == [("1", "discrepancy")]
    async with house.sessions.begin() as session:
        await session.execute(update(Discrepancy).values(closed_at=NOON))
    proposal = await house.propose(early, now)
    await house.credit(invoice, now)
    assert [(one.number, one.why) for one in await waits_for(now)] == [("1", "correction")]
    with pytest.raises(NotDone, match="correction_waits"):
        await house.approve(proposal, now)


async def test_money_of_a_deposit_in_dispute_is_not_the_consignors_yet(house):
    async with house.sessions.begin() as session:
        row = Deposit(public_id="D" * 26, company_id=house.buyer, sale=SALE, entity="ANT", currency="USD")
        row.registration, row.asked_minor, row.lots, row.factor = "R" * 26, 2_000_000, [], 10
        row.state, row.asked_at = "asked", NOON
        session.add(row)
        await session.flush()
        receipt = card(house.buyer, 1_200_000)
        await deposits.receive(session, row, receipt, by=None, now=NOON)
    await house.sell(1_000_000)  # the deposit pays all of it
    assert len((await house.draft()).items) == 1
    async with house.sessions.begin() as session:
        dispute = Dispute(provider_id="dp_1", receipt_id=receipt.id, amount_minor=1_200_000)
        dispute.state, dispute.opened_at = "open", NOON
        session.add(dispute)
    said = await house.draft()
    assert (said.items, [one.state for one in said.proceeds.waiting]) == ((), ["not_cleared"])


async def test_an_account_is_sealed_checked_and_confirmed_by_the_password(house):
    row = await house.account(confirmed=False)
    assert b"7034" not in row.sealed and row.tail == "7034"
    async with house.sessions.begin() as session:
        firm = await session.get_one(Company, house.seller)
        sam = await make.actor(session, "sam@scheldt.example", (Role.SUPPLIER,), firm)
        assert await payouts.confirm_account(session, row.public_id, password="wrong", actor=sam, now=NOON) is None
        assert await payouts.account_of(session, house.seller, "USD") is None
        assert await payouts.account_number(session, row) == "BE68539007547034"
        stranger = await make.actor(session, "eve@other.example", (Role.SUPPLIER,), await make.company(session, "Eve"))
        with pytest.raises(NotFound):
            await payouts.confirm_account(session, row.public_id, password=PASSWORD, actor=stranger, now=NOON)
        buyer = await make.actor(session, "bo@other.example", (Role.BUYER,), await make.company(session, "Bo"))
        with pytest.raises(NotAllowed):
            await payouts.confirm_account(session, row.public_id, password=PASSWORD, actor=buyer, now=NOON)
        with pytest.raises(BadInput) as fault:
            await payouts.name_account(
                session, holder="S", number="BE68539007547035", bic="X", currency="USD", actor=sam, now=NOON
            )
        assert fault.value.fields == {"number": "account_number_invalid", "bic": "bic_invalid"}


async def test_a_newly_confirmed_account_ends_the_one_before_it(house):
    first = await house.account()
    second = await house.account(NOON + DAY)
    async with house.sessions() as session:
        assert (await session.get_one(SellerAccount, first.id)).ended_at == NOON + DAY
        found = await payouts.account_of(session, house.seller, "USD")
    assert found is not None and found.public_id == second.public_id


async def test_the_database_keeps_a_statement_that_adds_up_and_nothing_else(on_both):
    house = on_both
    from sqlalchemy.exc import DBAPIError

    await house.pay(await house.sell(1_000_000))
    row = await house.state()
    with pytest.raises(DBAPIError, match="append only"):
        async with house.sessions.begin() as session:
            await session.execute(update(SellerStatement).values(net_minor=1))
    with pytest.raises(DBAPIError, match="net_adds_up"):
        async with house.sessions.begin() as session:
            values = {c.key: getattr(row, c.key) for c in SellerStatement.__table__.columns if c.key != "id"}
            wrong = values | {"public_id": "W" * 26, "number": "X", "net_minor": row.net_minor + 1}
            session.add(SellerStatement(**wrong))


async def test_a_share_of_a_forfeit_stands_on_one_statement(house):
    invoice = await house.sell(1_000_000)
    async with house.sessions.begin() as session:
        number = (await house.loaded(session, invoice)).number
        await ledger.post(
            session, key="in", moves=postings.deposit_received("asset:bank:ANT", house.buyer, SALE, 50_000),
            currency="USD", ref="D", at=NOON, by=None,
        )  # fmt: skip
        await ledger.post(
            session, key=f"deposit:forfeited:{number}",
            moves=postings.forfeited(house.buyer, SALE, 50_000, {house.seller: 30_000}),
            currency="USD", ref=number, at=NOON, by=None,
        )  # fmt: skip
    row = await house.state()
    assert (row.forfeits_minor, row.gross_minor, row.net_minor) == (30_000, 0, 30_000)
    with pytest.raises(sellers.NothingToState):
        await house.state(after=1)
    await house.credit(invoice)  # the sale is cancelled: what the consignor keeps is the share
    assert await house.balance(f"liability:seller:{house.seller}") == -30_000


async def test_an_unsold_lot_is_stated_with_its_charge_once_the_days_of_offers_are_over(
    sqlite_database_url, sqlite_sessions
):
    async with books_house.house(sqlite_database_url, sqlite_sessions, lots=2, reserve={1: 500_000}) as room:
        for lot in (0, 1):
            assert (await room.bid(0, 450_000, lot=lot)).result == "accepted"
        await closed(room)
        for _ in range(2):
            await jobs.bill_sold_lots(sqlite_sessions, CLOSE)
    async with sqlite_sessions.begin() as session:
        facts = {"unsold_charge_minor": 5_000, "passed_offer_days": 2}  # the sale's own rules say five
        await agreed.set_terms(session, sale=room.sale, facts=facts, by="lena", now=CLOSE)
        lots = (await session.scalars(select(Lot).order_by(Lot.id))).all()
        (seller,) = {lot.consignor_company_id for lot in lots}
    for day, items in ((9, []), (10, [("unsold", 5_000)])):  # the fifth business day after Monday the 2nd is the 9th
        async with sqlite_sessions() as session:
            assert await sellers.pending(session) == [(seller, room.sale)]
            found = await proceeds.of_sale(session, seller, room.sale, NOON.replace(day=day))
        assert [(item.kind, item.charge_minor) for item in found.items] == items
        assert [one.lot for one in found.waiting] == [room.lots[0]]
    async with sqlite_sessions.begin() as session:
        row = await sellers.issue(
            session, company_id=seller, sale=room.sale, after=0, by="tomas", now=NOON.replace(day=10)
        )  # fmt: skip
    assert (row.charges_minor, row.net_minor) == (5_000, -5_000 - row.tax_minor)
    assert row.facts["items"][0]["lot"] == room.lots[1]
