"""What buyers offer for a passed lot: turn by turn, told to the two sides alone, and the lot sold once."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Role
from pavilion.auctions import curation, reoffering, sequels
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding.vault import Vault
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotDone, NotFound
from pavilion.kernel.events import Event
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import money_notices
from pavilion.notifications.wording import Author
from pavilion.settlement import accepting, agreed, approach_days, approaching, offering
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, OfferKind
from pavilion.settlement.models import Invoice
from pavilion.trading.turns import OfferExists, RoundChanged, Side
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.auctions import world
from tests.bidding import house
from tests.make import HOUR
from tests.settlement.test_defaulting import at, balanced, closed, happened

VAULT = Vault(house.DATA_KEY)
RESERVE = 500_000
AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
OPEN = at(3)  # the day after the close; the window ends on Monday the 9th


@asynccontextmanager
async def passed(url, sessions):
    """One lot below its reserve: three buyers bid, and none of them reached it."""
    async with house.house(url, sessions, lots=1, reserve=RESERVE) as room:
        for buyer, most in ((2, 400_000), (1, 425_000), (0, 450_000)):
            assert (await room.bid(buyer, most)).result == "accepted"
        await closed(room)
        yield room


async def passed_already(url, sessions):
    async with passed(url, sessions) as room:
        return room


@pytest.fixture(scope="module")
def opening():
    return passed_already


@pytest.fixture
def sale(as_opened, database_url, sessions):
    return replace(as_opened, url=database_url, sessions=sessions)


@pytest.fixture
def sale_once(sqlite_opened, sqlite_database_url, sqlite_sessions):
    """Where both databases do the same."""
    return replace(sqlite_opened.made, url=sqlite_database_url, sessions=sqlite_sessions)


async def cashier(sale):
    async with sale.sessions.begin() as session:
        return await make.actor(session, "cas@pavilion.example", (Role.CASHIER,))


async def owner(sale):
    """Somebody of the company whose lot it is."""
    async with sale.sessions.begin() as session:
        company = await session.scalar(select(Lot.consignor_company_id).where(Lot.public_id == sale.lots[0]))
        actor = await make.actor(session, "sam@owner.example", (Role.SUPPLIER,))
        person = (await session.scalars(select(Person).where(Person.public_id == actor.public_id))).one()
        person.company_id = company
    return replace(actor, company_id=company)


async def offered(sale, buyer, price, now=OPEN, days=3):
    async with sale.sessions.begin() as session:
        return await approaching.make(
            session, lot=sale.lots[0], price_minor=price, days=days, actor=sale.buyers[buyer], now=now
        )


async def countered(sale, row, side, actor, price, now=OPEN, approved=True, round_=None):
    said = {"side": side, "round_": round_ or row.round, "price_minor": price, "days": 3, "approved": approved}
    async with sale.sessions.begin() as session:
        return await approaching.counter(session, VAULT, row.public_id, **said, actor=actor, now=now)


async def accepted(sale, row, side, actor, now=OPEN, approved=True, round_=None):
    said = {"side": side, "round_": round_ or row.round, "approved": approved}
    async with sale.sessions.begin() as session:
        return await approaching.accept(session, VAULT, row.public_id, **said, actor=actor, now=now)


async def approaches(sale):
    async with sale.sessions() as session:
        return (await session.scalars(select(Approach).order_by(Approach.id))).all()


async def test_a_buyer_offers_the_seller_counters_and_the_buyer_takes_it_once(sale):
    clerk, first = await cashier(sale), sale.buyers[0]
    row = await offered(sale, 0, 420_000)
    assert (await offered(sale, 0, 420_000)).id == row.id  # said twice
    with pytest.raises(OfferExists):
        await offered(sale, 0, 430_000)
    with pytest.raises(ActNotAllowed):  # it is the seller's turn
        await accepted(sale, row, Side.BUYER, first)
    row = await countered(sale, row, Side.SELLER, clerk, 460_000)
    assert (row.round, row.turn, row.price_minor) == (2, "buyer", 460_000)
    with pytest.raises(RoundChanged):
        await accepted(sale, row, Side.BUYER, first, round_=1)
    words = [accepted(sale, row, Side.BUYER, first) for _ in range(2)]
    bought, again = await asyncio.gather(*words)
    assert (bought.number, bought.state) == (again.number, "issued")
    async with sale.sessions() as session:
        assert await sequels.of_lots(session, sale.lots) == {sale.lots[0]: "sold_after"}
        assert len((await session.scalars(select(Invoice))).all()) == 1
    assert await balanced(sale.sessions)
    with pytest.raises(ActNotAllowed):
        await offered(sale, 1, 470_000)


async def test_below_the_reserve_the_house_needs_the_owners_word_and_at_it_none(sale_once):
    sale, clerk = sale_once, await cashier(sale_once)
    low, high = await offered(sale, 0, RESERVE - 1), await offered(sale, 1, RESERVE)
    with pytest.raises(BadInput) as refused:
        await accepted(sale, low, Side.SELLER, clerk, approved=False)
    assert refused.value.fields == {"approved": "seller_not_asked"}
    assert (await accepted(sale, high, Side.SELLER, clerk, approved=False)).number
    assert [(one.state, one.consent) for one in await approaches(sale)] == [("lapsed", None), ("accepted", "reserve")]


async def test_the_owner_answers_in_person_and_strangers_find_nothing(sale_once):
    sale, sam = sale_once, await owner(sale_once)
    row = await offered(sale, 0, 200_000)
    for side, actor in ((Side.SELLER, sale.buyers[1]), (Side.BUYER, sale.buyers[1]), (Side.BUYER, sam)):
        with pytest.raises(NotFound):
            await accepted(sale, row, side, actor)
    assert (await accepted(sale, row, Side.SELLER, sam, approved=False)).number
    assert [one.consent for one in await approaches(sale)] == ["owner"]


async def test_nobody_offers_for_the_own_stone_nor_beyond_the_limit_nor_out_of_time(sale_once):
    sale = sale_once
    with pytest.raises(NotDone) as beyond:
        await offered(sale, 0, 45_000_000)  # with premium more than the limit
    assert beyond.value.code == "over_limit"
    for price, days, code in ((0, 3, "amount_invalid"), (10_000, 8, "offer_days_invalid")):
        with pytest.raises(BadInput) as refused:
            await offered(sale, 0, price, days=days)
        assert code in refused.value.fields.values()
    with pytest.raises(ActNotAllowed) as over:
        await offered(sale, 0, 420_000, now=at(10))
    assert over.value.facts["state"] == "window_over"
    async with sale.sessions.begin() as session:
        lot = (await session.scalars(select(Lot).where(Lot.public_id == sale.lots[0]))).one()
        held = await session.get_one(Company, lot.consignor_company_id)
        buyer = await session.get_one(Company, sale.buyers[0].company_id)
        held.owners, buyer.owners = ["Ada  Stone"], ["ada stone"]
    with pytest.raises(NotDone) as own:
        await offered(sale, 0, 420_000)
    assert own.value.code == "conflict_of_interest"
    async with sale.sessions.begin() as session:
        await session.execute(
            Registration.__table__.update()
            .where(Registration.company_id == sale.buyers[1].company_id)
            .values(state="suspended")
        )
    with pytest.raises(NotDone) as barred:
        await offered(sale, 1, 420_000)
    assert barred.value.code == "banned"


async def test_a_floor_of_the_terms_is_a_share_of_the_low_estimate_and_of_nothing_secret(sale_once):
    sale = sale_once
    async with sale.sessions.begin() as session:
        await agreed.set_terms(session, sale=sale.sale, facts={"approach_floor_bp": 5_000}, by="cas", now=OPEN)
        low = await session.scalar(select(Lot.low_minor).where(Lot.public_id == sale.lots[0]))
    with pytest.raises(BadInput) as refused:
        await offered(sale, 0, low // 2 - 1)
    assert refused.value.fields == {"price": "below_floor"}
    assert (await offered(sale, 0, low // 2)).state == "open"


async def test_an_offer_is_withdrawn_refused_or_lapses_and_a_new_one_can_follow(sale_once):
    sale, clerk, first = sale_once, await cashier(sale_once), sale_once.buyers[0]
    row = await offered(sale, 0, 420_000)
    for _ in range(2):
        async with sale.sessions.begin() as session:
            await approaching.withdraw(session, row.public_id, side=Side.BUYER, actor=first, now=OPEN)
    row = await offered(sale, 0, 430_000)
    async with sale.sessions.begin() as session:
        with pytest.raises(ActNotAllowed):  # the buyer spoke last
            await approaching.withdraw(session, row.public_id, side=Side.SELLER, actor=clerk, now=OPEN)
        await approaching.decline(session, row.public_id, side=Side.SELLER, round_=1, actor=clerk, now=OPEN)
    row = await offered(sale, 0, 440_000, days=1)
    assert await approach_days.tick(sale.sessions, at(4) - HOUR) == 0
    with pytest.raises(ActNotAllowed):
        await accepted(sale, row, Side.SELLER, clerk, now=at(4))
    row = await offered(sale, 0, 450_000, now=at(4))  # before any job has looked
    assert await approach_days.tick(sale.sessions, at(4)) == 0
    assert [one.state for one in await approaches(sale)] == ["withdrawn", "declined", "lapsed", "open"]


async def test_of_ten_proposals_the_last_is_only_answered(sale_once):
    sale, clerk, first = sale_once, await cashier(sale_once), sale_once.buyers[0]
    row = await offered(sale, 0, 100_000)
    for step in range(1, 10):
        side, actor = (Side.SELLER, clerk) if step % 2 else (Side.BUYER, first)
        row = await countered(sale, row, side, actor, 100_000 + step)
    with pytest.raises(ActNotAllowed) as last:
        await countered(sale, row, Side.BUYER, first, 400_000)
    assert last.value.facts["state"] == "last_round"
    bought = await accepted(sale, row, Side.BUYER, first)
    assert [line.amount_minor for line in bought.lines if line.kind == "hammer"] == [100_009]


async def test_two_yeses_in_one_moment_sell_the_lot_once_and_the_others_are_told(sale):
    clerk = await cashier(sale)
    rows = [await offered(sale, buyer, RESERVE + buyer) for buyer in range(2)]
    async with sale.sessions.begin() as session:
        third = await session.scalar(
            select(Registration.public_id).where(Registration.company_id == sale.buyers[2].company_id)
        )
        row = (await session.scalars(select(Sale).where(Sale.public_id == sale.sale))).one()
        made = await offering.make(
            session, kind=OfferKind.PASSED, sale=row, lot=sale.lots[0], company_id=sale.buyers[2].company_id,
            registration=third, price_minor=RESERVE, by="cas", now=OPEN,
        )  # fmt: skip

    async def taken():
        async with sale.sessions.begin() as session:
            return await accepting.accept(session, made.public_id, actor=sale.buyers[2], now=OPEN)

    words = [*(accepted(sale, one, Side.SELLER, clerk) for one in rows), taken()]
    said = await asyncio.gather(*words, return_exceptions=True)
    assert sorted(type(one).__name__ for one in said) == ["ActNotAllowed", "ActNotAllowed", "Invoice"]
    async with sale.sessions() as session:
        states = [*await session.scalars(select(Approach.state)), *await session.scalars(select(LotOffer.state))]
        assert len((await session.scalars(select(Invoice))).all()) == 1
    assert sorted(states) == ["accepted", "lapsed", "lapsed"]
    assert await balanced(sale.sessions)


async def test_a_stone_promised_elsewhere_in_the_same_moment_is_sold_once_and_its_offers_are_void(sale):
    clerk, row = await cashier(sale), await offered(sale, 0, RESERVE)
    async with sale.sessions() as session:
        (stone,) = await offering.stones_of(session, sale.lots[0])

    async def relotted():
        async with sale.sessions.begin() as session:
            await catalogue.commit_stone(
                session, stone=stone, kind=CommitmentKind.IN_SALE, ref="ANOTHERLOT", facts={}, by=None, now=OPEN
            )

    said = await asyncio.gather(accepted(sale, row, Side.SELLER, clerk), relotted(), return_exceptions=True)
    lost = [one for one in said if isinstance(one, NotAvailable)]
    assert len(lost) == 1
    await approach_days.tick(sale.sessions, OPEN)
    (row,) = await approaches(sale)
    async with sale.sessions() as session:
        sold = len((await session.scalars(select(Invoice))).all())
    assert (row.state, sold) == (("accepted", 1) if said[1] is not None else ("void", 0))


async def test_a_relotted_stone_voids_what_waits_once_its_new_sale_is_published(sale_once):
    sale, curator = sale_once, sale_once.world.curator
    await offered(sale, 0, 420_000)
    async with sale.sessions.begin() as session:
        made = await curation.create_sale(session, values=world.settings(), actor=curator, now=OPEN)
        new = await reoffering.reoffer(session, lot=sale.lots[0], into=made.public_id, actor=curator, now=OPEN)
    assert await approach_days.tick(sale.sessions, OPEN) == 0  # a draft promises nothing
    async with sale.sessions.begin() as session:
        (stone,) = await offering.stones_of(session, sale.lots[0])
        said = {"kind": CommitmentKind.IN_SALE, "ref": new.public_id, "facts": {}, "by": None, "now": OPEN}
        await catalogue.commit_stone(session, stone=stone, **said)
    assert await approach_days.tick(sale.sessions, OPEN) == 1
    assert [one.state for one in await approaches(sale)] == ["void"]
    assert len(await happened(sale.sessions, "approach:void")) == 1
    with pytest.raises(NotAvailable):
        await offered(sale, 1, 430_000)


async def test_each_side_is_told_in_its_language_and_no_amount_stands_in_an_event(sale_once):
    sale, clerk, sam = sale_once, await cashier(sale_once), await owner(sale_once)
    hearing = money_notices.hearing(sale.sessions)
    await hearing.tick(OPEN)
    async with sale.sessions.begin() as session:
        for person in await session.scalars(select(Person)):
            person.lang = "zh" if person.company_id == sam.company_id else "en"
    row = await offered(sale, 0, 423_456)
    await offered(sale, 1, 434_567)
    row = await countered(sale, row, Side.SELLER, clerk, 445_678)
    await accepted(sale, row, Side.BUYER, sale.buyers[0])
    await hearing.tick(OPEN)
    async with sale.sessions() as session:
        told = (await session.scalars(select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id))).all()
        letters = [(one.payload, await AUTHOR.worded(session, one.payload, "mail")) for one in told]
        for event in await session.scalars(select(Event).where(Event.name.startswith("approach:"))):
            assert not {"423456", "434567", "445678", "500000"} & set(map(str, event.facts.values()))
    heard = [(payload["notice"], payload["person"]) for payload, _ in letters if "approach" in payload["notice"]]
    first, second, seller = sale.buyers[0].person_id, sale.buyers[1].person_id, sam.person_id
    assert sorted(heard) == sorted([
        *[("approach_made", seller)] * 2, ("approach_countered", first), ("approach_taken", seller),
        ("approach_lapsed", second),
    ])  # fmt: skip
    words = {payload["notice"]: letter for payload, letter in letters}
    assert words["approach_made"] is None and words["approach_countered"] is None  # answered since
    assert "拍品" in words["approach_taken"].subject and "offer" in words["approach_lapsed"].subject
    assert len(words["approach_lapsed"].lines) == 1  # no sum unasked
