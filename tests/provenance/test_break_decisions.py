"""Two persons, a person and a look, a look and a clock that goes back: one word stands, and the record is whole."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.accounts.rules import Actor, Permission, Role
from pavilion.kernel.errors import Refusal
from pavilion.provenance import log, queries, service
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ExposedStone, ReviewDecision, VerdictRecord
from pavilion.provenance.reverifying import Pace, Sweep
from tests.make import HOUR, NOON, SECOND
from tests.provenance import stones

WHY = "Seen the assessment of 2024 and of 2026; the year between is missing."
PACE = Pace(live=timedelta(seconds=10), catalogue=timedelta(seconds=30))
OFFICERS = [
    Actor(n, f"{n:026d}", None, None, frozenset({Role.COMPLIANCE}), frozenset({Permission.ORIGIN_DECIDE}))
    for n in (1, 2, 3, 4)
]


@pytest.fixture
def registry(tmp_path):
    stale = stones.chain(1)
    stones.event(stale, "SOLD")["sow_self_assessed"] = "2024-09-01"
    return stones.registry(tmp_path / "registry", (1, stale), (2, stones.chain(2)))


@pytest.fixture
async def claim(sessions, registry):
    """A stone in review."""
    found = stones.claim(1)
    async with sessions.begin() as session:
        (told,) = await service.confirm(session, claims=[found], registry=registry, now=NOON, log=stones.LOG)
    assert told.verdict == "review"
    return found


async def decided(sessions, claim, officer, accept):
    try:
        async with sessions.begin() as session:
            await queries.standing(session, claim.stone)  # as a page does that first shows what it is about
            await asyncio.sleep(0)
            return await service.decide_review(
                session, stone=claim.stone, accept=accept, codes=["WA-02"], reason=WHY, actor=officer,
                now=NOON + SECOND, log=stones.LOG,
            )  # fmt: skip
    except Refusal as refused:
        return refused.code


async def count(sessions, model):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(model))


async def test_of_persons_who_decide_at_once_one_has_decided(sessions, claim):
    told = await asyncio.gather(*(decided(sessions, claim, one, n % 2 == 0) for n, one in enumerate(OFFICERS)))
    assert sorted(map(str, [one for one in told if isinstance(one, str)])) == ["not_in_review"] * 3
    assert await count(sessions, ReviewDecision) == 1
    assert await count(sessions, VerdictRecord) == 2
    async with sessions() as session:
        standing = await queries.standing(session, claim.stone)
        shown = await session.get(ExposedStone, claim.stone)
    assert (standing.verdict == "verified") == (shown is not None)


async def test_a_decision_and_a_new_look_at_the_same_stone_leave_one_truth(sessions, claim, registry):
    async def looked():
        dossiers = await service.ask([claim], registry, NOON + SECOND)
        async with sessions.begin() as session:
            await service.settle(session, dossiers=dossiers, now=NOON + SECOND, log=stones.LOG)

    await asyncio.gather(looked(), decided(sessions, claim, OFFICERS[0], True), looked())
    await looked()
    async with sessions() as session:
        standing = await queries.standing(session, claim.stone)
        history = await queries.history_of(session, claim.stone)
        shown = await session.get(ExposedStone, claim.stone)
    assert standing.verdict == "verified" and shown is not None, "the decision holds while nothing changed"
    assert standing.verdict_sha256 == history[0].sha256


async def test_a_clock_that_goes_back_an_hour_breaks_nothing(sessions, registry, claim):
    good = stones.claim(2)
    for now in (NOON, NOON - HOUR, NOON - 2 * HOUR, NOON + HOUR):
        async with sessions.begin() as session:
            (told,) = await service.confirm(session, claims=[good], registry=registry, now=now, log=stones.LOG)
            assert told.verdict == "verified"
        async with sessions.begin() as session:
            await log.sign(session, stones.LOG, now)
        while await Sweep(PACE).tick(sessions, registry, now, stones.LOG):
            pass
    async with sessions() as session:
        places = (await session.scalars(select(LogEntry.place).order_by(LogEntry.place))).all()
        assert await session.get(ExposedStone, good.stone) is not None
    assert list(places) == list(range(len(places)))
