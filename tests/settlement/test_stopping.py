"""After the hammer: what no longer holds is neither issued nor captured until a person has decided."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from pavilion.accounts.rules import Role
from pavilion.auctions.models import Registration
from pavilion.bidding.models import BookLot
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed
from pavilion.settlement import invoicing, jobs, queries, service, sold, stopping
from pavilion.settlement.models import Invoice
from pavilion.settlement.stop_models import SettlementStop
from tests import make
from tests.bidding import house
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON

LATER = NOON + 5 * HOUR
REASON = "The certificate was shown to me in Antwerp."


async def two_sold(url, sessions):
    """Two lots under the hammer, one for each of two buyers."""
    async with house.house(url, sessions) as room:
        assert (await room.bid(0, 400_000, lot=0)).result == "accepted"
        assert (await room.bid(1, 500_000, lot=1)).result == "accepted"
        room.clock.at = LATER

        async def ended():
            async with sessions() as session:
                states = set(await session.scalars(select(BookLot.state)))
            return states == {"sold"}

        await room.until(ended)
        await stopping.follow(sessions, LATER)
        return room


@pytest.fixture(scope="module")
def opening():
    return two_sold


@pytest.fixture
def sale(as_opened, database_url, sessions):
    return replace(as_opened, url=database_url, sessions=sessions)


@pytest.fixture
async def decider(sessions):
    async with sessions.begin() as session:
        return await make.actor(session, "coen@pavilion.example", (Role.COMPLIANCE,))


async def lose(room, lot=0):
    async with room.sessions.begin() as session:
        await listing.revoke(session, room.world.stones[lot])


async def stops(sessions):
    async with sessions() as session:
        return (await session.scalars(select(SettlementStop).order_by(SettlementStop.id))).all()


async def invoiced(sessions):
    async with sessions() as session:
        drafts = [*await session.scalars(select(Invoice.public_id))]
        found = [await queries.invoice_by_public_id(session, one) for one in drafts]
        return {line.lot: invoice.state for invoice in found for line in invoice.lines if line.lot}


async def decide(sessions, actor, release, reason=REASON):
    async with sessions.begin() as session:
        stop = await session.scalar(select(SettlementStop.id).order_by(SettlementStop.id.desc()))
        await service.decide_stop(session, stop, release=release, reason=reason, actor=actor, now=LATER)


async def test_a_lot_that_lost_its_verdict_is_not_billed_and_the_others_are(sale, decider):
    await lose(sale)
    await jobs.bill_sold_lots(sale.sessions, LATER)
    assert set(await invoiced(sale.sessions)) == {sale.lots[1]}
    (stop,) = await stops(sale.sessions)
    assert (stop.lot, stop.state, [one["code"] for one in stop.reasons]) == (sale.lots[0], "open", ["ID-01"])
    assert await jobs.bill_sold_lots(sale.sessions, LATER) == 0  # it waits for a person, and nobody turns in circles
    await decide(sale.sessions, decider, release=True)
    await jobs.bill_sold_lots(sale.sessions, LATER)
    assert set(await invoiced(sale.sessions)) == set(sale.lots)
    assert len(await stops(sale.sessions)) == 1


async def test_a_cancelled_lot_is_never_billed(sale, decider):
    await lose(sale)
    await jobs.bill_sold_lots(sale.sessions, LATER)
    await decide(sale.sessions, decider, release=False)
    assert await jobs.bill_sold_lots(sale.sessions, LATER) == 0
    assert set(await invoiced(sale.sessions)) == {sale.lots[1]}


async def test_a_cancelled_lot_leaves_its_draft_and_the_rest_is_issued(sale, decider, sessions):
    async with sessions.begin() as session:
        found = await sold.of_sale(session, sale.sale)
        for buyer, lots in found.by_buyer.items():  # drafted before the verdict was lost
            await invoicing.add_lots(session, terms=found.terms, buyer=buyer, lots=lots, now=LATER)
    await lose(sale)
    await stopping.follow(sessions, LATER)
    await jobs.bill_sold_lots(sessions, LATER)
    assert await invoiced(sessions) == {sale.lots[0]: "draft", sale.lots[1]: "issued"}
    await decide(sessions, decider, release=False)
    assert await invoiced(sessions) == {sale.lots[1]: "issued"}


async def test_what_is_issued_already_is_not_captured(sale, decider):
    for _ in range(2):
        await jobs.bill_sold_lots(sale.sessions, LATER)
    assert set((await invoiced(sale.sessions)).values()) == {"issued"}
    await lose(sale)
    assert await stopping.follow(sale.sessions, LATER) == 1
    assert await stopping.follow(sale.sessions, LATER) == 0
    async with sale.sessions.begin() as session:
        cashier = await make.actor(session, "cas@pavilion.example", (Role.CASHIER,))
        invoice = await session.scalar(select(Invoice).where(Invoice.company_id == sale.buyers[0].company_id))
        said = {"number": invoice.number, "amount_minor": 100, "currency": "USD", "value_date": LATER.date()}
        with pytest.raises(stopping.SettlementStopped) as refused:
            await service.enter_wire(session, **said, bank_reference="REF 1", actor=cashier, now=LATER)
    assert refused.value.facts["codes"] == ["ID-01"]
    await decide(sale.sessions, decider, release=True)
    async with sale.sessions.begin() as session:
        await service.enter_wire(session, **said, bank_reference="REF 1", actor=cashier, now=LATER)


async def test_a_destination_closed_since_the_hammer_stops_too_with_rule_and_source(sale):
    async with sale.sessions.begin() as session:
        wanted = update(Registration).where(Registration.company_id == sale.buyers[1].company_id)
        await session.execute(wanted.values(destination="US"))
    await jobs.bill_sold_lots(sale.sessions, LATER)
    (stop,) = await stops(sale.sessions)
    assert (stop.lot, stop.destination) == (sale.lots[1], "US")
    assert stop.reasons[0]["entry"] == "US-RU-DIRECT" and stop.reasons[0]["source"].startswith("CBP")


async def test_only_compliance_decides_once_and_with_a_reason(sale, decider):
    await lose(sale)
    await jobs.bill_sold_lots(sale.sessions, LATER)
    with pytest.raises(NotAllowed):
        await decide(sale.sessions, sale.world.lead, release=True)
    with pytest.raises(BadInput):
        await decide(sale.sessions, decider, release=True, reason="ok")
    await decide(sale.sessions, decider, release=True)
    with pytest.raises(ActNotAllowed):
        await decide(sale.sessions, decider, release=False)
