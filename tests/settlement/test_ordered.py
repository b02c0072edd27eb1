"""An order at a fixed price is billed, paid, handed out and stated to its seller; two persons call it off."""

import pytest
from sqlalchemy import select, update

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.accounts.service import SameApprover
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.provenance import custody_keeping, issuing
from pavilion.provenance.custody_keeping import Load, Weighed
from pavilion.settlement import document, handing_over, ledger, ordered, queries, sellers, service, stopping
from pavilion.settlement.models import Invoice
from pavilion.settlement.seller_models import SellerStatement
from pavilion.trading import placing
from pavilion.trading.models import Order
from tests import make
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.provenance import issued
from tests.settlement import releases
from tests.trading.market import PRICE, Market


@pytest.fixture
async def market(sessions):
    return await Market(sessions).open(availability="guaranteed")


async def told(market, now=NOON):
    while await ordered.follow(market.sessions, now):
        pass


async def invoice_of(market, order):
    async with market.sessions() as session:
        return await session.scalar(select(Invoice).where(Invoice.sale == order.public_id).order_by(Invoice.id.desc()))


async def with_origin(market):
    """The first stone has the chain, the passport and the weight that let it leave."""
    stone = market.stones[0]
    async with market.sessions.begin() as session:
        await issued.keep(session, issued.claim(stone))
        await session.execute(update(Stone).where(Stone.public_id == stone).values(exposed_id=stone))
    while await issuing.tick(market.sessions, issued.issuer(), NOON):
        pass
    async with market.sessions.begin() as session:
        entry = await custody_keeping.hand_out(
            session, Load((stone,)), Weighed(releases.MCT), holder="viewer", place="ant", ref="A-1", by="vic",
            to="wen", now=NOON,
        )  # fmt: skip
        await custody_keeping.hand_in(session, entry, Weighed(releases.MCT), by="wen", to="vic", now=NOON)


async def test_an_order_is_billed_paid_handed_out_and_stated(market):
    await with_origin(market)
    order = await market.buy()
    await told(market)
    invoice = await invoice_of(market, order)
    assert (invoice.state, invoice.total_minor, (await market.loaded(order)).state) == ("issued", PRICE, "invoiced")
    async with market.sessions() as session:
        paper = document.data_of(await queries.invoice_by_public_id(session, invoice.public_id), releases.TONGUES["en"])
    assert [row["word"] for row in paper["totals"]] == ["Price", "Tax"] and "Paddle" not in str(paper["buyer"])
    case = releases.Case(invoice.public_id, market.stones[0], market.seller)
    await releases.paid(market.sessions, case)
    await told(market, NOON + HOUR)
    assert (await market.loaded(order)).state == "paid"
    await releases.handed(market.sessions, case)
    await told(market, NOON + 3 * HOUR)
    assert (await market.loaded(order)).state == "shipped"
    await releases.act(market.sessions, case, handing_over.received)
    await told(market, NOON + 4 * HOUR)
    assert (await market.loaded(order)).state == "completed"
    async with market.sessions.begin() as session:
        (due,) = await sellers.pending(session)
        assert due == (market.seller, order.public_id)
        said = await sellers.issue(session, company_id=market.seller, sale=due.sale, after=0, by="tomas", now=NOON)
        assert isinstance(said, SellerStatement) and (said.gross_minor, said.net_minor) == (PRICE, PRICE)
        assert said.facts["sale"]["title_en"].startswith("Order ")
        assert await ledger.proves(session)
    names = [event.name for event in await market.events(*(f"order:{state}" for state in placing.OrderState))]
    assert names == [f"order:{state}" for state in ("placed", "confirmed", "invoiced", "paid", "shipped", "completed")]


async def test_until_its_owner_confirms_it_is_a_draft(sqlite_sessions):
    market = await Market(sqlite_sessions).open()
    order = await market.buy()
    await told(market)
    assert (await invoice_of(market, order)).state == "draft"
    await market.answer(order, yes=False)
    await told(market)
    assert await invoice_of(market, order) is None
    again = await market.buy()
    await market.answer(again, yes=True)
    await told(market)
    assert (await market.loaded(again)).invoice == (await invoice_of(market, again)).number


async def cancelled(market, order, now=NOON + HOUR):
    async with market.sessions.begin() as session:
        tomas, lena = [await make.actor(session, f"{n}@pavilion.example", (Role.CASHIER,)) for n in ("tomas", "lena")]
        asked = await placing.propose_cancel(
            session, order=order.public_id, reason="The stone was sold at the counter.", actor=tomas, now=now
        )
    for who in (tomas, lena):
        async with market.sessions.begin() as session:
            try:
                await accounts.decide(
                    session, proposal_id=asked.public_id, approve=True, actor=who, now=now,
                    handlers=service.PROPOSAL_HANDLERS,
                )  # fmt: skip
            except SameApprover:
                assert who is tomas


async def test_two_persons_call_off_what_is_not_paid_by_a_credit_note(market):
    order = await market.buy()
    with pytest.raises(BadInput):
        async with market.sessions.begin() as session:
            await placing.propose_cancel(session, order=order.public_id, reason="no", actor=market.wen, now=NOON)
    await told(market)
    await cancelled(market, order)
    await told(market)
    row = await market.loaded(order)
    assert (row.state, row.reason) == ("cancelled", "The stone was sold at the counter.")
    assert ((await invoice_of(market, order)).state, await market.promised()) == ("cancelled", None)
    async with market.sessions() as session:
        assert await ledger.proves(session)
        assert await ledger.balance(session, f"asset:buyer:{market.wen.company_id}", "USD") == 0
    again = await market.buy(now=NOON + 2 * HOUR)
    await told(market)
    assert (await invoice_of(market, again)).state == "issued"


async def test_what_is_paid_is_not_called_off(sqlite_sessions):
    market = await Market(sqlite_sessions).open(availability="guaranteed")
    order = await market.buy()
    await told(market)
    await releases.pay(sqlite_sessions, releases.Case((await invoice_of(market, order)).public_id, "", 0))
    with pytest.raises(ActNotAllowed):
        await cancelled(market, order)
    await told(market)
    assert [one.state for one in await market.all(Order)] == ["paid"]
    assert (await market.promised())[0] == "sold"


async def test_an_invoice_taken_back_by_another_act_calls_the_order_off(sqlite_sessions):
    market = await Market(sqlite_sessions).open(availability="guaranteed")
    order = await market.buy()
    await told(market)
    found = await invoice_of(market, order)
    async with sqlite_sessions.begin() as session:
        invoice = await ordered.crediting.locked(session, found.id)
        await ordered.crediting.credit(session, invoice, reason="default", by="tomas", now=NOON)
    await told(market)
    assert ((await market.loaded(order)).state, await market.promised()) == ("cancelled", None)


@pytest.mark.parametrize("release", [True, False])
async def test_what_lost_its_origin_before_the_invoice_waits_for_a_person(sqlite_sessions, release):
    market = await Market(sqlite_sessions).open()
    order = await market.buy()
    await market.answer(order, yes=True)
    async with sqlite_sessions.begin() as session:
        await listing.revoke(session, market.stones[0])
    await told(market)
    assert (await invoice_of(market, order)).state == "draft"
    async with sqlite_sessions.begin() as session:
        cato = await make.actor(session, "cato@pavilion.example", (Role.COMPLIANCE,))
        (stop,) = await stopping.all_stops(session)
        said = "The registry was down; the paper is here."
        await service.decide_stop(session, stop.id, release=release, reason=said, actor=cato, now=NOON)
    await told(market)
    assert (await market.loaded(order)).state == ("invoiced" if release else "cancelled")
    assert (await market.promised() is not None) is release


async def test_an_undecided_tax_leaves_a_draft_and_is_tried_again(sqlite_sessions):
    market = await Market(sqlite_sessions).open(availability="guaranteed")
    await with_origin(market)
    french = await market.buyer("a@paris.example", "FR")
    order = await market.buy(french, destination="FR")
    following = ordered.Following(sqlite_sessions)
    while await following.tick(NOON):
        pass
    assert (await invoice_of(market, order)).state == "draft"
    await market.change(french.company_id, tax_no="FR12345678901")
    await following.tick(NOON + HOUR)
    assert ((await invoice_of(market, order)).state, (await market.loaded(order)).state) == ("issued", "invoiced")
