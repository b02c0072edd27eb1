"""A viewing opens the lot to bids above the gate: in its own transaction, and in the running sale at once."""

from datetime import timedelta

from sqlalchemy import select

from pavilion.accounts.models import Person
from pavilion.bidding.request_models import Viewing
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings import following, gating, service
from pavilion.viewings.models import AppointmentStone
from pavilion.viewings.states import AppointmentState, ViewingMode
from tests.auctions import world
from tests.bidding.house import house
from tests.make import HOUR, NOON
from tests.viewings import booked

GATE = {"viewing_gate": {"gate_bp": 10_000, "lots": "all"}}
LOW = 500_000


async def seen(session, buyer, stones, **changes):
    """Somebody of the buyer's company had an appointment with these stones."""
    if await session.get(booked.Office, "ant") is None:
        await booked.office(session, "ant")
    person = await session.scalar(select(Person).where(Person.company_id == buyer.company_id))
    said = {"office": "ant", "state": AppointmentState.DONE, "start": NOON, "mode": ViewingMode.IN_PERSON} | changes
    row = await booked.appointment(session, person, **said)
    await booked.lines(session, row, stones)
    return row


async def test_a_bid_above_the_gate_is_refused_until_the_stone_was_seen(database_url, sessions):
    async with house(database_url, sessions, lots=2, options=GATE) as place:
        writer, lot = place.rooms.engine.writers[place.sale], place.lots[0]
        assert (await place.bid(0, LOW)).result == "accepted"
        refused = await place.bid(1, LOW + 100_000)
        assert (refused.result, refused.code) == ("refused", "viewing_required")
        async with sessions.begin() as session:
            said = {"mode": ViewingMode.REMOTE, "state": AppointmentState.IN_PROGRESS}
            row = await seen(session, place.buyers[1], place.world.stones[:1], **said)
            for _ in range(2):
                assert (await service.finish(session, row, by="01DESK", now=place.clock())).ok
            assert await gating.open_gates(session, row, by="01DESK", now=place.clock()) == [lot]
        await place.until(lambda: place.buyers[1].company_id in writer.facts.lots[lot].viewed, 1)
        assert (await place.bid(1, LOW + 100_000)).result == "accepted"
        assert (await place.bid(1, LOW + 100_000, lot=1)).code == "viewing_required"
        assert (await place.bid(0, LOW + 300_000)).code == "viewing_required"  # what one has seen another has not
        async with sessions() as session:
            rows = (await session.execute(select(Viewing.lot, Viewing.kind, Viewing.by))).all()
            told = select(Event.id).where(Event.name == "viewing:recorded")
            assert (rows, len((await session.scalars(told)).all())) == ([(lot, "remote", "01DESK")], 1)


async def test_what_was_never_handed_out_was_not_seen(sessions):
    made = await world.build(sessions, 3)
    sale = await world.draft(sessions, made, options=GATE)
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    _, second, _ = await world.order(sessions, sale)
    buyer = await world.buyer(sessions, 1)
    async with sessions.begin() as session:
        row = await seen(session, buyer, made.stones[:2])
        session.add(
            CustodyEntry(
                public_id=ulid(NOON), stone=made.stones[1], holder="viewer", place="ant", ref=row.public_id,
                out_mct=1010, out_by="01DESK", out_to="Ada", opened_at=NOON, closed_at=NOON,
            )
        )  # fmt: skip
        dropped = await seen(session, buyer, made.stones[2:])
        for line in await session.scalars(
            select(AppointmentStone).where(AppointmentStone.appointment_id == dropped.id)
        ):
            line.dropped, line.dropped_at = "stone_withdrawn", NOON
        await session.flush()
        assert await gating.open_gates(session, row, by="01DESK", now=NOON) == [second]
        assert await gating.open_gates(session, dropped, by="01DESK", now=NOON) == []


async def test_a_viewing_counts_for_the_lot_that_is_published_after_it(sessions):
    made = await world.build(sessions, 2)
    sale = await world.draft(sessions, made, options=GATE)
    buyer = await world.buyer(sessions, 1)
    async with sessions.begin() as session:
        row = await seen(session, buyer, made.stones[:1])
        assert await gating.open_gates(session, row, by="01DESK", now=NOON) == []
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    assert await following.follow(sessions, NOON + HOUR) > 0
    async with sessions() as session:
        (lot, _) = await world.order(sessions, sale)
        assert (await session.scalars(select(Viewing.lot))).all() == [lot]
        assert await following.follow(sessions, NOON + timedelta(hours=2)) == 0
