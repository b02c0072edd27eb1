"""The claim table is what the appointments imply, whatever happened; what was rolled back never was."""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from pavilion.viewings import facts, service, sweeping, vectors
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentStone, Claim, WaitEntry
from pavilion.viewings.occupying import quantum
from pavilion.viewings.states import TRANSITIONS, AppointmentState, StoneFate
from pavilion.viewings.wishes import Code, Wish
from tests.luck import Random
from tests.make import NOON
from tests.viewings import contest
from tests.viewings.contest import FIRST, HOUR, MINUTE

ACTS = ("hold", "book", "ask", "join", "confirm", "approve", "cancel", "decline", "move", "come", "start", "finish",
        "wait", "wait", "end")  # fmt: skip
steps = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 999)), min_size=5, max_size=30)


@settings(max_examples=8)
@given(steps)
def test_after_any_sequence_of_acts_claims_are_what_the_appointments_imply(sequence):
    asyncio.run(lived(sequence))


async def lived(sequence):
    async with vectors.in_memory() as session:
        house, now = await contest.furnish(session, companies=4, desks=2, stones=2), NOON
        for n, (act, choice) in enumerate(sequence):
            now = await acted(session, house, act, Random(f"{n} {choice}"), f"k{n}", now)
            await session.flush()
            assert await contest.faults_of_claims(session, now + 5 * MINUTE) == []
            assert contest.overlaps(await contest.sat(session)) == []
        assert await broken_folds(session) == []


async def acted(session, house, act, luck, key, now):
    """One act of somebody; what time it is afterwards."""
    if act == "wait":
        later = FIRST - 20 * MINUTE - now  # to the first check-ins
        now += luck.choice((MINUTE, 7 * MINUTE, 20 * MINUTE, HOUR, max(later, 10 * MINUTE)))
        await sweeping.due(session, now)
        return now
    if act == "end":
        await service.end_stone(session, luck.choice(house.stones), StoneFate.SOLD, by="staff", now=now)
        return now
    wish = contest.wish(house, luck, slots=8)
    if act in ("hold", "book", "ask", "join"):
        await getattr(service, act)(session, wish, key=key, by="client", now=now)
        return now
    rows = (await session.scalars(select(Appointment).order_by(Appointment.id))).all()
    if not rows:
        return now
    row = luck.choice(rows)
    match act:
        case "move":
            desk = wish.desk if row.party and wish.party else None
            await service.reschedule(session, row, start=wish.start, end=wish.end, desk=desk, by="client", now=now)
        case "come":
            await service.check_in(session, row, by="staff", now=now)
        case _:
            await getattr(service, act)(session, row, by="client", now=now)
    return now


async def broken_folds(session):
    """Appointments whose state is not that of their last event, or that went a way that does not exist."""
    wrong = []
    for row in (await session.scalars(select(Appointment))).all():
        mine = select(AppointmentEvent).where(AppointmentEvent.appointment_id == row.id).order_by(AppointmentEvent.n)
        line = (await session.scalars(mine)).all()
        states = [AppointmentState(event.state) for event in line]
        wrong += [row.id] * ([event.n for event in line] != list(range(1, row.version + 1)))
        wrong += [row.id] * (states[-1] != row.state or line[-1].sequence != row.sequence)
        wrong += [(one, two) for one, two in pairwise(states)
                  if one != two and two not in TRANSITIONS[one]]  # fmt: skip
    offered = await session.scalars(
        select(WaitEntry).join(Appointment, Appointment.id == WaitEntry.appointment_id).where(
            WaitEntry.state == "offered", Appointment.state != "held")
    )  # fmt: skip
    return wrong + [entry.id for entry in offered]


async def test_what_is_rolled_back_never_was(sessions):
    async with sessions.begin() as session:
        house = await contest.furnish(session)
    wish = Wish(house.companies[0], "D0", FIRST, FIRST + HOUR, 2, ("S0", "S1"), quotas=("q",))
    async with sessions() as session:
        kept, _ = await service.book(session, wish, key="k", by="client", now=NOON)
        assert kept is not None and await session.scalar(select(func.count()).select_from(Claim)) > 0
        await session.rollback()
    async with sessions() as session:
        for table in (Appointment, AppointmentStone, AppointmentEvent, Claim):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
        assert await contest.faults_of_claims(session) == []


async def test_two_appointments_of_a_company_share_its_place_and_the_last_takes_it_away(sessions):
    async with sessions.begin() as session:
        house = await contest.furnish(session, rules={"desks_per_company": 3})
        made = []
        for desk in ("D0", "D1", "D2"):
            wish = Wish(house.companies[0], desk, FIRST, FIRST + HOUR)
            made.append((await service.book(session, wish, key=desk, by="client", now=NOON))[0])

        async def sharers():
            rows = select(Claim.sharers).where(Claim.resource.like("roomco:%"), Claim.quantum == quantum(FIRST))
            return list(await session.scalars(rows))

        assert await sharers() == [3]
        await service.cancel(session, made[1], by="client", staff=True, now=NOON)
        assert await sharers() == [2]
        for one in (made[0], made[2]):
            await service.cancel(session, one, by="client", staff=True, now=NOON)
        assert await sharers() == []


async def test_a_quota_is_taken_for_the_whole_party_or_not_at_all(sessions):
    async with sessions.begin() as session:
        house = await contest.furnish(session)
        starts = [FIRST + n * 2 * HOUR for n in range(8)]
        wishes = [Wish(house.companies[0], "D0", start, start + HOUR, 4, quotas=("q",)) for start in starts]
        made = [await service.book(session, one, key=f"{one.start}", by="client", now=NOON) for one in wishes]
        assert [answer.code for _, answer in made] == [Code.OK] * 7 + [Code.QUOTA_FULL]
        assert made[-1][1].facts == {"quota": "q"}
        assert await contest.faults_of_claims(session) == []


async def test_an_expired_hold_makes_room_in_the_same_transaction(sessions):
    async with sessions.begin() as session:
        house = await contest.furnish(session)
        wishes = [Wish(company, "D0", FIRST, FIRST + HOUR, 2, ("S0",)) for company in house.companies[:2]]
        first, _ = await service.hold(session, wishes[0], key="k", by="client", now=NOON)
        _, refused = await service.hold(session, wishes[1], key="k", by="client", now=NOON + 4 * MINUTE)
        assert (refused.code, refused.facts["retry_after"]) == (Code.DESK_TAKEN, 60)
        taken, answer = await service.book(session, wishes[1], key="k", by="client", now=NOON + 5 * MINUTE)
        assert answer.ok and taken is not None and first.state == AppointmentState.EXPIRED
        assert await contest.faults_of_claims(session) == []
        found = await facts.of_wish(session, wishes[0], NOON)
        assert {one.appointment_id for one in found.facts.rows.values() if one.appointment_id} == {taken.id}
