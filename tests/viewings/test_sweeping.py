"""What time alone brings, told by the worker's tick; and stones and offices with their spans."""

from datetime import timedelta

from sqlalchemy import func, select

from pavilion.kernel.events import Event
from pavilion.viewings import blocks, regimes, service, sweeping, vectors
from pavilion.viewings.models import Appointment, Claim, WaitEntry
from pavilion.viewings.occupying import quantum
from pavilion.viewings.place_models import Quota, Regime
from pavilion.viewings.wishes import Code, Wish
from tests.make import NOON
from tests.viewings import contest
from tests.viewings.contest import DAY, FIRST, HOUR, MINUTE


async def test_the_tick_lets_holds_lapse_gives_missed_places_up_and_offers_both(sessions):
    async with sessions.begin() as session:
        house = await contest.furnish(session)
        one, two, three, four = house.companies[:4]
        await service.hold(session, Wish(one, "D0", FIRST, FIRST + HOUR), key="a", by="c", now=NOON)
        await service.book(session, Wish(two, "D1", FIRST, FIRST + HOUR), key="b", by="c", now=NOON)
        await service.join(session, Wish(three, "D0", FIRST, FIRST + HOUR), key="c", by="c", now=NOON)
        later = Wish(four, "D1", FIRST + 20 * MINUTE, FIRST + HOUR)
        await service.join(session, later, key="d", by="c", now=NOON)
    assert await sweeping.tick(sessions, NOON + 299 * timedelta(seconds=1)) == 0
    assert await sweeping.tick(sessions, NOON + 6 * MINUTE) == 1
    assert await states(sessions) == ["expired", "booked", "held"]
    async with sessions() as session:
        offer = await session.scalar(select(Appointment).where(Appointment.state == "held"))
        assert offer.expires_at == NOON + 6 * MINUTE + 2 * HOUR  # from when it could be told
        await service.confirm(session, offer, by="c", now=NOON + 7 * MINUTE)
        await session.commit()
    # late by seven seconds, yet the place was free from the quarter on
    assert await sweeping.tick(sessions, FIRST + 15 * MINUTE + timedelta(seconds=7)) == 2
    assert await states(sessions) == ["expired", "no_show", "no_show", "held"]
    async with sessions() as session:
        gone = (await session.scalars(select(Appointment).where(Appointment.state == "no_show"))).all()
        assert {row.freed_at for row in gone} == {FIRST + 15 * MINUTE}
        left = select(func.max(Claim.quantum)).where(Claim.appointment_id.in_([row.id for row in gone]))
        assert await session.scalar(left) == quantum(FIRST + 15 * MINUTE) - 1
        assert await contest.faults_of_claims(session, FIRST) == []
    assert await sweeping.tick(sessions, FIRST + 16 * MINUTE) == 0


async def states(sessions):
    async with sessions() as session:
        return list(await session.scalars(select(Appointment.state).order_by(Appointment.id)))


async def test_skipped_wishes_say_why_and_leaving_ends_waiting(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session)
        one, two, three = house.companies[:3]
        mine, _ = await service.book(session, Wish(one, "D0", FIRST, FIRST + HOUR), key="a", by="c", now=NOON)
        await service.book(session, Wish(two, "D1", FIRST, FIRST + HOUR), key="b", by="c", now=NOON)
        entry, answer = await service.join(session, Wish(three, "D1", FIRST, FIRST + HOUR), key="c", by="c", now=NOON)
        again, same = await service.join(session, Wish(three, "D1", FIRST, FIRST + HOUR), key="c", by="c", now=NOON)
        assert again is entry and same == answer
        none, other = await service.join(session, Wish(three, "D0", FIRST, FIRST + HOUR), key="c", by="c", now=NOON)
        assert (none, other.facts) == (None, {"fields": {"key": "key_reused"}})
        await service.cancel(session, mine, by="c", staff=True, now=NOON)
        assert (entry.skipped, entry.skipped_at) == (Code.DESK_TAKEN, NOON)
        assert (await service.leave(session, entry, by="c", now=NOON)).ok
        assert (await service.leave(session, entry, by="c", now=NOON)).code is Code.WRONG_STATE
        told = list(await session.scalars(select(Event.name).where(Event.name.like("waitlist:%")).order_by(Event.id)))
        assert told == ["waitlist:joined", "waitlist:skipped", "waitlist:gone"]
        for bad in ("", "k" * 59):
            refused = await service.join(session, Wish(three, "D1", FIRST, FIRST + HOUR), key=bad, by="c", now=NOON)
            assert refused[1].code is Code.BAD_INPUT
        for end in (FIRST, FIRST + 26 * HOUR):
            refused = await service.join(session, Wish(three, "D1", FIRST, end), key="z", by="c", now=NOON)
            assert refused[1].code is Code.BAD_INPUT
        assert await session.scalar(select(func.count()).select_from(WaitEntry)) == 1


async def test_an_exclusive_hold_lets_its_company_alone_and_ends(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session)
        one, two = house.companies[:2]
        span = {"frm": NOON, "to": FIRST + DAY, "by": "staff", "now": NOON}
        assert (await blocks.stone_hold(session, "S0", company_id=one, **span)).ok
        assert (await blocks.stone_hold(session, "S0", company_id=two, **span)).code is Code.STONE_ON_HOLD
        wish = Wish(two, "D0", FIRST, FIRST + HOUR, stones=("S0",))
        _, refused = await service.book(session, wish, key="k", by="c", now=NOON)
        assert refused.code is Code.STONE_ON_HOLD
        ended = await blocks.stone_hold_end(session, "S0", company_id=two, by="staff", now=NOON)
        assert ended.code is Code.UNKNOWN_REFERENCE
        assert (await blocks.stone_hold_end(session, "S0", company_id=one, by="staff", now=NOON)).ok
        assert (await service.book(session, wish, key="k", by="c", now=NOON))[1].ok
        beyond = await blocks.memo_out(session, "S1", frm=NOON, to=NOON - DAY, company_id=None, by="staff", now=NOON)
        assert beyond.code is Code.BAD_INPUT


async def test_a_regime_is_set_as_it_can_be_meant_and_taken_back(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session)
        span = {"frm": NOON, "to": FIRST + DAY, "by": "staff", "now": NOON}
        for bad, code in (
            ({"factor_pct": 0}, Code.BAD_INPUT), ({"factor_pct": 101}, Code.BAD_INPUT),
            ({"gap_min": -5}, Code.BAD_INPUT), ({"gap_min": 7}, Code.NOT_ON_GRID), ({"companies": 0}, Code.BAD_INPUT),
            ({"to": NOON}, Code.BAD_INPUT),
        ):  # fmt: skip
            assert (await regimes.set_regime(session, "ant", **span | bad))[1].code is code
        assert (await regimes.set_regime(session, "xyz", **span))[1].code is Code.UNKNOWN_REFERENCE
        regime, answer = await regimes.set_regime(session, "ant", factor_pct=50, declaration=True, **span)
        assert answer.ok and await session.scalar(select(func.count()).select_from(Regime)) == 1
        wish = Wish(house.companies[0], "D0", FIRST, FIRST + HOUR, 4)
        _, refused = await service.book(session, wish, key="k", by="c", now=NOON)
        assert refused.code is Code.ROOM_FULL
        assert (await regimes.end_regime(session, regime, by="staff", now=NOON)).ok
        made, answer = await service.book(session, wish, key="k", by="c", now=NOON)
        assert answer.ok and made is not None


async def test_staff_lets_somebody_in_without_a_fresh_declaration_and_says_why(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session)
        await regimes.set_regime(session, "ant", frm=NOON, to=FIRST + DAY, declaration=True, by="staff", now=NOON)
        wish = Wish(house.companies[0], "D0", FIRST, FIRST + HOUR)
        made, _ = await service.book(session, wish, key="k", by="c", now=NOON)
        refused = await service.check_in(session, made, by="staff", now=FIRST)
        assert refused.code is Code.DECLARATION_MISSING
        assert (await service.check_in(session, made, by="staff", override="tested at the door", now=FIRST)).ok
        await session.flush()
        told = await session.scalar(select(Event).where(Event.name == "appointment:checked_in"))
        assert (told.facts["reason"], told.facts["overridden"]) == ("tested at the door", True)
        assert (await service.start(session, made, by="staff", now=FIRST)).facts["state"] == "in_progress"
        assert (await service.finish(session, made, by="staff", now=FIRST + 2 * HOUR)).ok
        assert made.freed_at is None and made.finished_at == FIRST + 2 * HOUR


async def test_who_comes_a_minute_after_the_place_was_given_up_sits_down_whatever_pad_lies_before(sessions):
    """What is still claimed of the minutes that are taken again, the pad before included, is their own."""
    async with sessions.begin() as session:
        house = await contest.furnish(session, rules={"before": 10, "after": 5, "grace": 12})
        wish = Wish(house.companies[0], "D0", FIRST, FIRST + HOUR, 2, ("S0",))
        made, _ = await service.book(session, wish, key="k", by="c", now=NOON)
        came = FIRST + 13 * MINUTE  # free from the quarter on, and the step that has begun is the one before it
        answer = await service.check_in(session, made, by="staff", now=came)
        assert (answer.code, answer.facts.get("state"), made.freed_at) == (Code.OK, "checked_in", None)
        assert await contest.faults_of_claims(session, came) == []
        later = Wish(house.companies[1], "D0", FIRST + 30 * MINUTE, FIRST + HOUR)
        assert (await service.book(session, later, key="l", by="c", now=came))[1].code is Code.DESK_TAKEN


async def test_a_hold_that_ended_a_moment_ago_counts_nowhere_before_the_tick_comes_by(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session, rules={"company_day_limit": 1, "company_hours": 1})
        one, two = house.companies[:2]
        hold = Wish(one, "D0", FIRST, FIRST + HOUR, 2, ("S0",), quotas=("q",))
        await service.hold(session, hold, key="a", by="c", now=NOON)
        (await session.get_one(Quota, "q")).cap = 2
        later = Wish(one, "D1", FIRST + 3 * HOUR, FIRST + 4 * HOUR)
        other = Wish(two, "D2", FIRST, FIRST + HOUR, 2, quotas=("q",))
        memo = {"frm": FIRST, "to": FIRST + HOUR, "company_id": None, "by": "staff"}

        async def answers(now):
            said = [(await service.book(session, wish, key=f"{now}", by="c", now=now))[1] for wish in (later, other)]
            return [(await blocks.memo_out(session, "S0", **memo, now=now)).code, *(one.code for one in said)]

        before = await answers(NOON + 5 * MINUTE - timedelta(seconds=1))
        assert before == [Code.STONE_TAKEN, Code.COMPANY_DAY_LIMIT, Code.QUOTA_FULL]
        assert await answers(NOON + 5 * MINUTE) == [Code.OK, Code.OK, Code.OK]
        assert await contest.faults_of_claims(session) == []


async def test_nobody_waits_for_a_time_that_has_begun(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        house = await contest.furnish(session)
        for n, start in enumerate((FIRST, FIRST + 5 * MINUTE)):
            wish = Wish(house.companies[n], "D0", start, start + HOUR)
            await service.join(session, wish, key="k", by="c", now=NOON)
    assert await sweeping.tick(sqlite_sessions, FIRST - timedelta(seconds=1)) == 0
    assert await sweeping.tick(sqlite_sessions, FIRST) == 1
    assert await sweeping.tick(sqlite_sessions, FIRST) == 0
    async with sqlite_sessions() as session:
        assert list(await session.scalars(select(WaitEntry.state).order_by(WaitEntry.id))) == ["gone", "waiting"]
        told = await session.scalar(select(Event.facts).where(Event.name == "waitlist:gone"))
        assert told["cause"] == "over"


async def test_a_move_settles_what_was_wrong_with_the_place_and_keeps_an_agreed_wall_time_that_it_does_not_change():
    async with vectors.in_memory() as session:
        house = await contest.furnish(session)
        wish = Wish(house.companies[0], "D0", FIRST, FIRST + HOUR, stones=("S0",))
        made, _ = await service.book(session, wish, key="k", by="c", now=NOON)
        made.wall, made.tz_version = agreed = "2026-03-04T10:00", "2025a"
        for code, desk, start, left in (
            ("clock_moved", "D1", FIRST, "clock_moved"), ("outside_window", "D1", FIRST, None),
            ("stone_sold", "D0", FIRST, "stone_sold"), ("late_cancel_asked", "D1", FIRST, "late_cancel_asked"),
            ("clock_moved", "D1", FIRST + HOUR, None),
        ):  # fmt: skip
            assert (made.wall, made.tz_version) == agreed
            made.attention = code
            moved = await service.reschedule(session, made, start=start, end=start + HOUR, desk=desk, by="c", now=NOON)
            assert moved.ok and made.attention == left
        assert made.wall == "2026-03-04T10:00" and made.tz_version != "2025a"  # ten it is, an hour later than eight UTC
