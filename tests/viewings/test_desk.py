"""At the desk: stones go out and come back weighed, and what differs is given to nobody until somebody looked."""

import json

import pytest
from sqlalchemy import func, select

from pavilion.kernel.errors import BadInput, KeyReused, NotFound
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.provenance.custody_keeping import NotOut, StoneIsOut, Weighed
from pavilion.provenance.handling import HouseHand
from pavilion.provenance.reported import about
from pavilion.viewings import board, desk, desk_acts, door, incidents, passes, queries
from pavilion.viewings.desk import CountDiffers, StonesStillOut, WeightDiffers, WeightUnlike
from pavilion.viewings.desk_models import Incident, Tray
from pavilion.viewings.door import Shown
from pavilion.viewings.incidents import IncidentClosed, SecondLookNeeded, StoneBlocked
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import AppointmentState as S
from tests.make import HOUR, NOON
from tests.viewings import desks
from tests.viewings.desks import MINUTE, START

HAND = HouseHand("did:web:pavilion.localhost", b"\x22" * 32)
LOOKED = "Weighed on the second scale: dust on the first."


async def seated(sessions, day, **more):
    public_id, visitor, token = await desks.booked(sessions, day, **more)
    async with sessions.begin() as session:
        found = await passes.read(session, day.ant, token, START)
        await door.admit(session, found.appointment, found.visitor, found.link, Shown(True), by="vic", now=START)
    return public_id, visitor


async def out(session, day, visit, stone, mct=1511, now=START, **more):
    row = await desks.of(session, day, visit)
    which = more or {"stone": stone}
    weighed = Weighed(mct, len(day.stones) if "tray" in which else 1)
    return await desk.hand_out(session, day.ant, row, weighed, **which, by="vic", to="ada", now=now)


async def back(session, day, visit, stone, mct, now=START + HOUR // 2, **more):
    row = await desks.of(session, day, visit)
    return await desk.take_in(session, day.ant, row, Weighed(mct), stone=stone, by="vic", now=now, **more)


async def on_board(session, day):
    return {one.state for one in (await board.day_of(session, day.ant, START.date(), day.staff, START)).trays}


async def test_a_viewing_from_the_first_stone_out_to_the_event_in_its_record(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    visit, _ = await desks.booked(sqlite_sessions, day), None
    async with sqlite_sessions.begin() as session:
        with pytest.raises(ViewingRefused):  # nobody is inside yet
            await out(session, day, visit[0], day.stones[0])
        found = await passes.read(session, day.ant, visit[2], START)
        await door.admit(session, found.appointment, found.visitor, found.link, Shown(True), by="vic", now=START)
    async with sqlite_sessions.begin() as session:
        row = await desks.of(session, day, visit[0])
        weighed = Weighed(1511)
        await desk.hand_out(session, day.ant, row, weighed, stone=day.stones[0], by="vic", to=visit[1], now=START)
        assert row.state == S.IN_PROGRESS
        with pytest.raises(StoneIsOut):
            await out(session, day, visit[0], day.stones[0])
        (link, _), *_ = (await queries.visitors_of(session, [row.id]))[row.id]
        with pytest.raises(door.HandsNotEmpty):  # nobody walks out with a stone
            await door.leave(session, row, link, by="vic", now=START)
        with pytest.raises(CountDiffers):  # one stone is one
            await desk.hand_out(
                session, day.ant, row, Weighed(1511, 2), stone=day.stones[1], by="vic", to="ada", now=START
            )
        with pytest.raises(NotFound):  # not of this appointment
            await out(session, day, visit[0], day.stones[2])
        with pytest.raises(StonesStillOut):
            await desk.finish(session, day.ant, row, hand=HAND, by="vic", now=START)
        taken = await back(session, day, visit[0], day.stones[0], 1510)
        assert (taken.difference, taken.incident) == (-1, None)
        with pytest.raises(NotOut):
            await back(session, day, visit[0], day.stones[0], 1510)
        await desk.finish(session, day.ant, row, hand=HAND, by="vic", now=START + HOUR // 2)
        assert row.state == S.DONE and (await passes.of_token(session, visit[2])).link.left_at is not None
    async with sqlite_sessions() as session:
        (event,) = await about(session, [day.stones[0]])
        said = json.loads(event.body)
        assert (said["t"], said["place"], said["mct_before"], said["mct_after"]) == ("VIEWED", "ant", 1511, 1510)
        assert visit[0] not in event.body and day.company.public_id not in event.body
        assert await about(session, [day.stones[1]]) == []  # it never left the safe


async def test_what_comes_back_lighter_opens_an_incident_and_rests_until_somebody_else_looked(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    visit, _ = await seated(sqlite_sessions, day)
    stone, other = day.stones[:2]
    async with sqlite_sessions.begin() as session:
        session.add(Tray(public_id=ulid(NOON), office_id="ant", label="T1", stones=[stone, other], made_at=NOON))
        await out(session, day, visit, stone)
        with pytest.raises(WeightDiffers):  # one more than what is allowed
            await back(session, day, visit, stone, 1509)
        with pytest.raises(WeightDiffers) as asked:
            await back(session, day, visit, stone, 1508)
        assert asked.value.facts["difference"] == -3
        taken = await back(session, day, visit, stone, 1508, as_it_is=True)
        assert taken.incident is not None
        told = await session.scalar(select(Event).where(Event.name == "incident:opened"))
        assert (told.facts["rule"], told.facts["tray"], told.facts["difference"]) == ("CU-04", "T1", -3)
        for which in (stone, other):  # the whole tray rests
            with pytest.raises(StoneBlocked):
                await out(session, day, visit, which)
        ref = taken.incident.public_id
        for by, words, fault in (("vic", LOOKED, SecondLookNeeded), ("joris", "ok", BadInput)):
            with pytest.raises(fault):
                await incidents.close(session, day.ant, ref, resolution=words, by=by, now=START)
        with pytest.raises(NotFound):
            await incidents.close(session, day.hkg, ref, resolution=LOOKED, by="joris", now=START)
        await incidents.close(session, day.ant, ref, resolution=LOOKED, by="joris", now=START + HOUR)
        with pytest.raises(IncidentClosed):
            await incidents.close(session, day.ant, ref, resolution=LOOKED, by="joris", now=START)
        await out(session, day, visit, other, now=START + HOUR)


async def test_a_stone_that_weighs_other_than_its_record_goes_out_only_on_somebodys_word(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    visit, _ = await seated(sqlite_sessions, day)
    stone = day.stones[0]  # listed at 1.511
    async with sqlite_sessions.begin() as session:
        row = await desks.of(session, day, visit)
        with pytest.raises(WeightUnlike):
            await out(session, day, visit, stone, 1509)
        with pytest.raises(WeightUnlike):
            await out(session, day, visit, stone, 1522)
        strange = {"stone": stone, "as_it_is": True, "by": "vic", "to": "ada", "now": START}
        await desk.hand_out(session, day.ant, row, Weighed(1530), **strange)
        await back(session, day, visit, stone, 1530)
        assert (await desk.expected(session, day.ant, [stone]))[stone] == (1529, 1531)  # as it was last weighed here


async def test_an_office_says_itself_what_a_scale_may_differ(sqlite_sessions):
    day = await desks.build(sqlite_sessions, rules={"allowed_mct": 3})
    visit, _ = await seated(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        await out(session, day, visit, day.stones[0])
        assert (await back(session, day, visit, day.stones[0], 1514)).incident is None
        assert await session.scalar(select(func.count(Incident.id))) == 0


async def test_a_tray_goes_out_whole_and_its_stones_with_it(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    visit, _ = await seated(sqlite_sessions, day, stones=day.stones)
    async with sqlite_sessions.begin() as session:
        tray = Tray(public_id=ulid(NOON), office_id="ant", label="T1", stones=day.stones, made_at=NOON)
        session.add(tray)
        await session.flush()
        row = await desks.of(session, day, visit)
        with pytest.raises(CountDiffers):
            await desk.hand_out(
                session, day.ant, row, Weighed(3036, 2), tray=tray.public_id, by="vic", to="ada", now=START
            )
        await out(session, day, visit, None, 3036, tray=tray.public_id)
        assert await on_board(session, day) == {"out"}
        with pytest.raises(StoneIsOut):
            await out(session, day, visit, day.stones[0])
        with pytest.raises(WeightDiffers):  # a stone is missing
            await desk.take_in(session, day.ant, row, Weighed(3036, 2), tray=tray.public_id, by="vic", now=START)
        taken = await desk.take_in(
            session, day.ant, row, Weighed(2024, 2), tray=tray.public_id, as_it_is=True, by="vic", now=START
        )
        assert taken.incident is not None and taken.incident.kind == "count"
        assert await on_board(session, day) == {"blocked"}
        await desk.finish(session, day.ant, row, hand=HAND, by="vic", now=START + MINUTE)
        bodies = [json.loads(event.body) for event in await about(session, day.stones)]
        assert len(bodies) == 3 and not any("mct_before" in body for body in bodies)


async def test_an_act_that_arrives_twice_is_done_once_and_a_refused_one_is_looked_at_anew(sqlite_sessions):
    done = []

    async def act():
        done.append(1)
        if len(done) == 1:
            raise NotOut
        return {"done": "in"}

    async def send(kind="in", **asked):
        async with sqlite_sessions.begin() as session:
            return await desk_acts.once(session, "key-key-key", kind, asked, act, now=NOON)

    with pytest.raises(NotOut):
        await send(stone="A")
    assert [await send(stone="A"), await send(stone="A")] == [{"done": "in"}] * 2 and len(done) == 2
    for kind, stone in (("in", "B"), ("out", "A")):
        with pytest.raises(KeyReused):
            await send(kind, stone=stone)
