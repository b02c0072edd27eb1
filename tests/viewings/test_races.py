"""Many at once want the same: one has it, the others are told what is in their way, and nothing is left of them."""

import asyncio
import os
import signal
from collections import Counter
from functools import partial

import pytest
from sqlalchemy import func, select, text

from pavilion.kernel.errors import StaleVersion
from pavilion.kernel.events import Event
from pavilion.viewings import capacity, planning, service
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentStone, Claim
from pavilion.viewings.place_models import Office
from pavilion.viewings.wishes import Code, Wish
from tests.conftest import opened, run
from tests.luck import Random
from tests.make import NOON
from tests.viewings import contest

HOUR = contest.HOUR
START = contest.FIRST


@pytest.fixture
async def house(sessions):
    async with sessions.begin() as session:
        return await contest.furnish(session, companies=50, rules={"before": 5, "after": 10})


async def one(sessions, verb, *words, **more):
    async with sessions.begin() as session:
        return await verb(session, *words, by="client", now=NOON, **more)


async def count(sessions, table):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_of_fifty_who_confirm_at_once_one_has_the_place(sessions, house):
    wishes = [Wish(company, "D0", START, START + 2 * HOUR, stones=("S0",)) for company in house.companies]
    asked = [await one(sessions, service.ask, wish, key=f"k{n}") for n, wish in enumerate(wishes)]
    assert await count(sessions, Claim) == 0

    async def approve(appointment):
        async with sessions.begin() as session:
            mine = await session.get_one(Appointment, appointment.id)
            return await service.approve(session, mine, by="staff", now=NOON)

    answers = await asyncio.gather(*(approve(appointment) for appointment, _ in asked))
    assert Counter(answer.code for answer in answers) == {Code.OK: 1, Code.DESK_TAKEN: 49}
    assert {answer.facts["desk"] for answer in answers if not answer.ok} == {"D0"}
    async with sessions() as session:
        assert await contest.faults_of_claims(session) == []
        assert await session.scalar(select(func.count()).where(Appointment.state == "booked")) == 1
    # desk and stone each with both pads, a seat, the company's desk and its place in the room
    assert await count(sessions, Claim) == 2 * (25 + 26) + 3 * 24


async def test_of_twenty_who_race_for_a_desk_and_a_stone_one_has_both(sessions, house):
    """Half of them want the desk, half the stone at a desk of their own; the winner wants both."""
    everybody = house.companies[:20]
    wishes = [Wish(company, "D0", START, START + HOUR, stones=("S0",)) for company in everybody]
    made = await asyncio.gather(*(one(sessions, service.book, wish, key="k") for wish in wishes))
    assert Counter(answer.code for _, answer in made) == {Code.OK: 1, Code.DESK_TAKEN: 19}
    later = START + 4 * HOUR
    wishes = [Wish(company, f"D{n % 3}", later, later + HOUR, stones=("S0",)) for n, company in enumerate(everybody)]
    made = await asyncio.gather(*(one(sessions, service.book, wish, key="l") for wish in wishes))
    codes = Counter(answer.code for _, answer in made)
    assert codes[Code.OK] == 1 and codes[Code.STONE_TAKEN] + codes[Code.DESK_TAKEN] == 19 and codes[Code.STONE_TAKEN]
    assert {answer.facts.get("stone", "S0") for _, answer in made if not answer.ok} == {"S0"}
    for table in (Appointment, AppointmentEvent, AppointmentStone):
        assert await count(sessions, table) == 2
    async with sessions() as session:
        assert await contest.faults_of_claims(session) == []


async def test_a_double_click_keeps_one_place(sessions, house):
    wish = Wish(house.companies[0], "D0", START, START + HOUR)
    made = await asyncio.gather(*(one(sessions, service.hold, wish, key="same") for _ in range(5)))
    assert len({appointment.public_id for appointment, _ in made}) == 1
    assert {answer.code for _, answer in made} == {Code.OK}
    assert await count(sessions, Appointment) == 1
    _, other = await one(sessions, service.hold, Wish(house.companies[0], "D1", START, START + HOUR), key="same")
    assert (other.code, other.facts) == (Code.BAD_INPUT, {"fields": {"key": "key_reused"}})


async def test_hundreds_of_random_tries_leave_nothing_in_two_places(sessions, house):
    luck = Random(20)
    codes = Counter()
    for batch in range(8):
        now = (
            NOON + 2 * batch * contest.MINUTE
        )  # holds of the first batches lapse, and those who wait come to their turn
        tries = [contest.attempt(sessions, house, luck, f"{batch}-{n}", now) for n in range(20)]
        codes.update(await asyncio.gather(*tries))
    assert codes[Code.OK] > 10 and len(codes) > 5, codes
    async with sessions() as session:
        people = await contest.sat(session)
        assert contest.overlaps(people) == []
        assert await contest.faults_of_claims(session) == []
        told = await session.scalar(select(func.count()).where(Event.name.like("appointment:%")))
        assert told == await session.scalar(select(func.count()).select_from(AppointmentEvent))


async def test_a_memo_and_a_booking_of_the_same_stone_are_not_both_true(postgres_sessions):
    from pavilion.viewings import blocks

    async with postgres_sessions.begin() as session:
        house = await contest.furnish(session)

    async def memo(n):
        async with postgres_sessions.begin() as session:
            at = START + 6 * n * HOUR
            return await blocks.memo_out(session, "S0", frm=at, to=at + HOUR, company_id=None, by="staff", now=NOON)

    async def book(n):
        at = START + 6 * n * HOUR
        wish = Wish(house.companies[n], "D0", at, at + HOUR, stones=("S0",))
        _, answer = await one(postgres_sessions, service.book, wish, key="k")
        return answer

    acts = [act(n) for n in range(8) for act in (memo, book)]
    answers = await asyncio.gather(*acts)
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    assert all(memo.ok != book.ok for memo, book in pairs)
    assert {book.code for _, book in pairs} <= {Code.OK, Code.ON_MEMO}
    assert {memo.code for memo, _ in pairs} <= {Code.OK, Code.STONE_TAKEN}


async def test_a_change_of_hours_waits_for_who_books_and_then_sees_the_booking(postgres_sessions):
    """Else the booking would stand on a closed day, and nobody would be told."""
    async with postgres_sessions.begin() as session:
        house = await contest.furnish(session)
        office = await session.get_one(Office, "ant")
        closed = planning.DayChange(START.date())
        seen = capacity.digest(await capacity.dry_run(session, office, closed, NOON))

    async def close():
        async with postgres_sessions.begin() as session:
            office = await session.get_one(Office, "ant")
            return await capacity.apply(session, office, closed, seen=seen, by="staff", now=NOON)

    async with postgres_sessions.begin() as session:
        wish = Wish(house.companies[0], "D0", START, START + HOUR, stones=("S0",))
        _, answer = await service.book(session, wish, key="k", by="client", now=NOON)
        assert answer.ok
        closing = asyncio.create_task(close())
        waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        async with postgres_sessions() as other, asyncio.timeout(5):
            while not await other.scalar(waiting):
                assert not closing.done()
                await asyncio.sleep(0)
    with pytest.raises(StaleVersion):
        await closing


@pytest.mark.parametrize("database", ["sqlite_database_url", "postgres_url"])
def test_a_process_killed_between_its_claims_and_its_commit_leaves_nothing(database, request):
    url = request.getfixturevalue(database)
    house = run(in_house(url, contest.furnish))
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(in_house(url, partial(killed, house)))
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert run(in_house(url, partial(afterwards, house))) == (Code.OK, [], {house.companies[1]})


async def in_house(url, act):
    async with opened(url) as sessions, sessions.begin() as session:
        return await act(session)


async def killed(house, session):
    wish = Wish(house.companies[0], "D0", START, START + HOUR, 2, ("S0",), quotas=("q",))
    _, answer = await service.book(session, wish, key="k", by="client", now=NOON)
    if answer.ok and await session.scalar(select(func.count()).select_from(Claim)):
        os.kill(os.getpid(), signal.SIGKILL)


async def afterwards(house, session):
    wish = Wish(house.companies[1], "D0", START, START + HOUR, 2, ("S0",), quotas=("q",))
    _, answer = await service.book(session, wish, key="k", by="client", now=NOON)
    companies = set(await session.scalars(select(Appointment.company_id)))
    return answer.code, await contest.faults_of_claims(session), companies
