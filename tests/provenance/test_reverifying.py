"""Whoever is exposed is looked at again, by turns and when something happened, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.kernel.events import Event, record
from pavilion.provenance import queries, reverifying, service
from pavilion.provenance.law_models import Recheck
from pavilion.provenance.models import ExposedStone, VerdictRecord
from pavilion.provenance.registries.file import Fault
from pavilion.provenance.reverifying import Pace, Sweep
from tests.make import HOUR, NOON, SECOND
from tests.provenance import stones

PACE = Pace(live=timedelta(seconds=10), catalogue=timedelta(seconds=30))
STOLEN = {"t": "STOLEN", "at": "2026-03-01", "by": "seller", "cc": "BE", "reference": "police 1"}


@pytest.fixture
def registry(tmp_path):
    return stones.registry(tmp_path / "registry", *((n, stones.chain(n)) for n in range(1, 4)))


@pytest.fixture
async def claims(sessions, registry):
    """Three exposed stones that were just looked at."""
    found = [stones.claim(n) for n in range(1, 4)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=found, registry=registry, now=NOON, log=stones.LOG)
    await Sweep(PACE).tick(sessions, registry, NOON, stones.LOG)
    return found


def with_bad_news(tmp_path, *bad):
    chains = [(n, [*stones.chain(n), {**STOLEN, "obj": stones.origin_id(n)}] if n in bad else stones.chain(n))
              for n in range(1, 4)]  # fmt: skip
    return stones.registry(tmp_path / "later", *chains)


async def exposed(sessions):
    async with sessions() as session:
        return set(await session.scalars(select(ExposedStone.stone)))


async def verdicts(sessions):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(VerdictRecord))


async def test_a_look_that_hears_the_same_writes_no_verdict(sessions, registry, claims):
    before = await verdicts(sessions)
    sweep = Sweep(PACE)
    assert await sweep.tick(sessions, registry, NOON + 29 * SECOND, stones.LOG) == 0
    assert await Sweep(PACE).tick(sessions, registry, NOON + 31 * SECOND, stones.LOG) == 3
    assert await verdicts(sessions) == before
    assert await exposed(sessions) == {claim.stone for claim in claims}


async def test_bad_news_takes_the_stone_out_of_sight_and_both_verdicts_stay(sessions, claims, tmp_path):
    later = NOON + 31 * SECOND
    await Sweep(PACE).tick(sessions, with_bad_news(tmp_path, 2), later, stones.LOG)
    assert await exposed(sessions) == {claims[0].stone, claims[2].stone}
    async with sessions() as session:
        history = await queries.history_of(session, claims[1].stone)
        told = await session.scalars(select(Event).where(Event.name == "stone:verdict_changed").order_by(Event.id))
        last = told.all()[-1]
    assert (history[0].verdict, history[-1].verdict) == ("rejected", "verified")
    assert (last.subject, last.facts["to"], "ID-06" in last.facts["codes"]) == (claims[1].stone, "rejected", True)


async def test_a_stone_that_fell_is_asked_about_again_and_comes_back_by_itself(sessions, claims, tmp_path):
    await Sweep(PACE).tick(sessions, with_bad_news(tmp_path, 2), NOON + 31 * SECOND, stones.LOG)
    assert claims[1].stone not in await exposed(sessions)
    found = {"t": "RECOVERED", "at": "2026-03-02", "by": "seller", "cc": "BE", "obj": stones.origin_id(2)}
    chains = [(n, stones.chain(n)) for n in (1, 3)]
    chains.append((2, [*stones.chain(2), {**STOLEN, "obj": stones.origin_id(2)}, found]))
    back = stones.registry(tmp_path / "back", *chains)
    later = Sweep(PACE)
    assert await later.tick(sessions, back, NOON + 32 * SECOND, stones.LOG) == 0, "not its turn"
    for seconds in (70, 72):  # the shown ones first, then those that fell
        await later.tick(sessions, back, NOON + seconds * SECOND, stones.LOG)
    assert await exposed(sessions) == {claim.stone for claim in claims}


async def test_a_stone_in_a_live_lot_has_its_turn_sooner(sessions, registry, claims):
    async def live(_session):
        return [claims[2].stone]

    assert await Sweep(PACE, live).tick(sessions, registry, NOON + 11 * SECOND, stones.LOG) == 1


async def test_after_a_day_every_stone_is_judged_anew(sessions, registry, claims):
    before = await verdicts(sessions)
    await Sweep(PACE).tick(sessions, registry, NOON + 25 * HOUR, stones.LOG)
    assert await verdicts(sessions) == before + 3


async def test_a_silent_registry_takes_nothing_away_for_a_day_and_everything_after(sessions, registry, claims):
    registry.fault = Fault.DOWN
    assert await Sweep(PACE).tick(sessions, registry, NOON + 31 * SECOND, stones.LOG) == 3
    assert len(await exposed(sessions)) == 3
    assert await Sweep(PACE).tick(sessions, registry, NOON + 40 * SECOND, stones.LOG) == 0  # asked again later
    await Sweep(PACE).tick(sessions, registry, NOON + 25 * HOUR, stones.LOG)
    assert await exposed(sessions) == set()


@pytest.mark.parametrize("name", ["trust:changed", "law:changed", "sanctions:updated"])
async def test_an_act_that_may_change_any_verdict_makes_all_due_at_once(sessions, registry, claims, name):
    await reverifying.follow(sessions, NOON)
    async with sessions.begin() as session:
        record(session, name, "x", by=None, at=NOON)
    before = await verdicts(sessions)
    assert await reverifying.follow(sessions, NOON + SECOND) == 1
    assert await reverifying.follow(sessions, NOON + SECOND) == 0
    assert await Sweep(PACE).tick(sessions, registry, NOON + SECOND, stones.LOG) == 3
    assert await verdicts(sessions) == before + 3
    assert await Sweep(PACE).tick(sessions, registry, NOON + SECOND, stones.LOG) == 0


async def test_a_siblings_event_makes_its_siblings_due(sessions, tmp_path):
    chains = [(n, stones.chain(n)) for n in (1, 2)]
    for _, events in chains:
        stones.event(events, "KP_EXPORT")["kp"]["no"] = stones.event(events, "KP_IMPORT")["kp_no"] = "BW000077"
    registry = stones.registry(tmp_path / "registry", *chains)
    found = [stones.claim(n) for n in (1, 2)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=found, registry=registry, now=NOON, log=stones.LOG)
    await Sweep(PACE).tick(sessions, registry, NOON, stones.LOG)
    await reverifying.follow(sessions, NOON)
    async with sessions.begin() as session:
        record(session, "stone:verdict_changed", found[0].stone, by=None, at=NOON)
    await reverifying.follow(sessions, NOON)
    async with sessions() as session:
        due = (await session.scalars(select(Recheck).where(Recheck.due_at.is_not(None)))).all()
    assert [(row.stone, row.why) for row in due] == [(found[1].stone, "sibling")]
