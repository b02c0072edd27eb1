"""A stone of an appointment hangs on its exposure: what is not exposed is not put there, by the desk nor by hand; what
loses its exposure while somebody comes is kept as it was."""

import asyncio

import pytest
from alembic import command
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.models import Person
from pavilion.catalogue import service as catalogue
from pavilion.catalogue import snapshots
from pavilion.catalogue.models import Stone
from pavilion.kernel import migrating
from pavilion.kernel.db import create_engine
from pavilion.viewings import service
from pavilion.viewings.models import AppointmentEvent, AppointmentStone, WaitEntry
from pavilion.viewings.states import AppointmentState, StoneFate
from pavilion.viewings.stone_models import StoneEnd
from pavilion.viewings.wishes import Code, Wish
from tests.auctions import world
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.viewings import booked, contest
from tests.viewings.contest import FIRST

SAID = {"by": "client", "now": NOON}


@pytest.fixture
async def house(sessions):
    async with sessions.begin() as session:
        return await contest.furnish(session, companies=8, stones=8, rules={"cutoff_h": 0})


def wish(house, company, *stones, hour=0, desk="D0"):
    start = FIRST + hour * HOUR
    return Wish(house.companies[company], desk, start, start + HOUR, stones=stones)


async def lines(session, appointment):
    wanted = select(AppointmentStone).where(AppointmentStone.appointment_id == appointment.id)
    found = await session.scalars(wanted.order_by(AppointmentStone.place).execution_options(populate_existing=True))
    return [(one.stone, one.exposed_id, one.snapshot["weight_mct"], one.dropped) for one in found]


async def weighs(session, stone, weight):
    await session.execute(update(Stone).where(Stone.public_id == stone).values(weight_mct=weight))


async def test_a_stone_that_is_not_exposed_is_refused_whatever_way_it_comes_and_before_any_event_says_so(
    sessions, house
):
    async with sessions.begin() as session:
        first, _ = await service.book(session, wish(house, 0, "S1"), key="a", **SAID)
        asked, _ = await service.ask(session, wish(house, 1, "S2", hour=2), key="b", **SAID)
        entry, _ = await service.join(session, wish(house, 2, "S0"), key="c", **SAID)
        for stone in ("S0", "S2"):
            await listing.revoke(session, stone)
        for n, verb in enumerate((service.hold, service.book, service.ask)):
            made, answer = await verb(session, wish(house, 3, "S3", "S0", hour=4), key=f"d{n}", **SAID)
            assert (made, answer.code, answer.facts) == (None, Code.STONE_WITHDRAWN, {"stone": "S0"})
        assert (await service.approve(session, asked, **SAID)).code == Code.STONE_WITHDRAWN
        answer = await service.reschedule(
            session, first, start=first.starts_at, end=first.ends_at, stones=("S1", "S0"), **SAID
        )
        assert (answer.code, await lines(session, first)) == (Code.STONE_WITHDRAWN, [("S1", "S1", 1000, None)])
        assert (await service.cancel(session, first, **SAID)).ok, "and whoever waited has the turn"
        assert (await session.get_one(WaitEntry, entry.id)).skipped == Code.STONE_WITHDRAWN
        assert set(await session.scalars(select(AppointmentStone.stone))) == {"S1", "S2"}
        facts = {"appointment_id": first.id, "stone": "S0", "snapshot": {}, "place": 5}
        for link, refusal in ((None, "only an exposed"), ("S1", "only an exposed"), ("S0", "(?i)foreign key")):
            with pytest.raises(DBAPIError, match=refusal):
                async with session.begin_nested():
                    await session.execute(insert(AppointmentStone).values(exposed_id=link, **facts))
        with pytest.raises(DBAPIError, match="exposed_as_itself"):
            async with session.begin_nested():
                await session.execute(update(AppointmentStone).values(exposed_id="S3"))


async def test_what_stays_in_a_changed_appointment_is_kept_as_it_was_booked_and_what_comes_anew_as_it_is(
    sessions, house
):
    async with sessions.begin() as session:
        row, _ = await service.book(session, wish(house, 0, "S0", "S1"), key="a", **SAID)
        for stone in ("S0", "S2"):
            await weighs(session, stone, 1111)
        other = {"start": FIRST + 3 * HOUR, "end": FIRST + 4 * HOUR, **SAID}
        assert (await service.reschedule(session, row, stones=("S2", "S0"), **other)).ok
        assert await lines(session, row) == [("S2", "S2", 1111, None), ("S0", "S0", 1000, None)]
        await service.end_stone(session, "S0", StoneFate.WITHDRAWN, **SAID)
        assert (await service.reschedule(session, row, stones=("S2", "S1"), **other)).ok
        kept = [("S0", "S0", 1000, "stone_withdrawn"), ("S2", "S2", 1111, None), ("S1", "S1", 1000, None)]
        assert await lines(session, row) == kept
        await session.execute(delete(StoneEnd))
        assert (await service.reschedule(session, row, stones=("S1", "S0"), **other)).ok
        assert await lines(session, row) == [("S1", "S1", 1000, None), ("S0", "S0", 1111, None)]
        await listing.revoke(session, "S0")
        assert await lines(session, row) == [("S1", "S1", 1000, None), ("S0", None, 1111, None)]
        assert (await service.reschedule(session, row, **other)).code == Code.STONE_WITHDRAWN
        await service.end_stone(session, "S0", StoneFate.WITHDRAWN, **SAID)
        assert (await service.reschedule(session, row, **other)).ok, "it goes on without the stone"


async def test_a_held_place_that_lost_its_last_stone_is_booked_to_be_looked_at_and_says_so(sessions, house):
    async with sessions.begin() as session:
        row, _ = await service.hold(session, wish(house, 0, "S0"), key="a", **SAID)
        await service.end_stone(session, "S0", StoneFate.SOLD, **SAID)
        assert (await service.confirm(session, row, **SAID)).ok and (await service.confirm(session, row, **SAID)).ok
        assert (row.state, row.attention) == (AppointmentState.BOOKED, Code.STONE_SOLD)
        told = select(AppointmentEvent.kind, AppointmentEvent.state).where(AppointmentEvent.appointment_id == row.id)
        assert (await session.execute(told.order_by(AppointmentEvent.n))).all() == [
            ("held", "held"), ("attention", "held"), ("booked", "booked"), ("attention", "booked"),
        ]  # fmt: skip


async def test_of_a_booking_and_a_revocation_at_once_one_waits_and_no_line_stands_on_what_is_not_exposed(
    postgres_sessions,
):
    sessions = postgres_sessions
    async with sessions.begin() as session:
        house = await contest.furnish(session, companies=8, stones=8)

    async def book(n, *stones):
        async with sessions.begin() as session:
            wanted = wish(house, n, *stones, hour=2 * n)
            return (await service.book(session, wanted, key=f"k{n}", **SAID))[1].code

    async def revoke(*stones):
        async with sessions.begin() as session:
            for stone in stones:
                await listing.revoke(session, stone)

    async def waits(task):
        async with sessions() as session, asyncio.timeout(5):
            while not await session.scalar(text("select count(*) from pg_locks where not granted")):
                assert not task.done()
                await asyncio.sleep(0)

    async with sessions.begin() as session:
        await listing.revoke(session, "S0")
        late = asyncio.create_task(book(0, "S0", "S7"))
        await waits(late)
    assert await late == Code.STONE_WITHDRAWN
    async with sessions.begin() as session:
        assert (await service.book(session, wish(house, 1, "S1"), key="k", **SAID))[1].ok
        late = asyncio.create_task(revoke("S1"))
        await waits(late)
    await late
    pairs = [(f"S{2 * n}", f"S{2 * n + 1}") for n in (1, 2)]
    acts = [act for n, pair in enumerate(pairs) for act in (book(2 + n, *reversed(pair)), revoke(*pair))]
    codes = (await asyncio.gather(*acts))[::2]
    assert set(codes) <= {Code.OK, Code.STONE_WITHDRAWN}
    async with sessions() as session:
        found = list(await session.scalars(select(AppointmentStone)))
        assert len(found) == 1 + 2 * codes.count(Code.OK)
        assert {line.exposed_id for line in found} == {None}
        assert all(line.snapshot["public_id"] == line.stone for line in found)
        assert await contest.faults_of_claims(session) == []


async def test_lines_of_before_get_their_link_where_there_is_one_and_their_stone_as_it_was_then(database_url, sessions):
    made = await world.build(sessions, 2)
    buyer = await world.buyer(sessions)
    async with sessions.begin() as session:
        await booked.office(session, "ant")
        person = await session.get_one(Person, buyer.person_id)
        row = await booked.appointment(session, person, office="ant", state=AppointmentState.DONE)
        await booked.lines(session, row, made.stones)
        was = await snapshots.of_exposed(session, made.stones)
        for number in (1, 2):
            changed = [world.row(number, weight_mct=2000 + number, color="Z")]
            await catalogue.store_stones(
                session, changed, supplier_company_id=made.supplier.id, now=NOON + number * HOUR
            )
        await listing.revoke(session, made.stones[0])
    engine = create_engine(database_url)
    for act, revision in ((command.downgrade, "0025"), (command.upgrade, "0026")):
        async with engine.begin() as connection:
            await connection.run_sync(run, act, revision)
    await engine.dispose()
    async with sessions() as session:
        found = {line.stone: line for line in await session.scalars(select(AppointmentStone))}
        assert {stone: line.snapshot for stone, line in found.items()} == was
        assert [found[stone].exposed_id for stone in made.stones] == [None, made.stones[1]]
        with pytest.raises(DBAPIError, match="only an exposed"):
            await session.execute(
                insert(AppointmentStone).values(appointment_id=row.id, stone="S", snapshot={}, place=3)
            )


def run(connection, act, revision):
    config = migrating._config()
    config.attributes["connection"] = connection
    act(config, revision)
