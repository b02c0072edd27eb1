"""A registry that keeps silent hides nothing that another says, and holds up no live lot."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.provenance import queries, service
from pavilion.provenance.law_models import Recheck
from pavilion.provenance.models import ExposedStone
from pavilion.provenance.registries.file import Fault
from pavilion.provenance.registries.orders import Mark
from pavilion.provenance.reverifying import LIVE_AGAIN, Pace, Sweep
from tests.make import HOUR, NOON, SECOND
from tests.provenance import simulated, stones

PACE = Pace(live=timedelta(seconds=10), catalogue=timedelta(seconds=30))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = simulated.folder_of(tmp_path_factory.mktemp("world") / "registry", 2)
    with simulated.running(folder) as address:
        yield address, folder


@pytest.fixture
async def house(world, tmp_path):
    """Asks nobody twice in a test: each look is by a house that has no answer in hand."""
    address, folder = world
    simulated.order(address, "*", "well")
    made = []

    def fresh():
        made.append(simulated.house(tmp_path, address, folder))
        return made[-1]

    yield fresh
    for one in made:
        await one.close()


@pytest.fixture
async def claims(sessions, house, world):
    found = [stones.claim(n) for n in (1, 2)]
    registries = house()
    await simulated.trusted(sessions, world[1])
    async with sessions.begin() as session:
        verdicts = await service.confirm(session, claims=found, registry=registries, now=NOON, log=stones.LOG)
    assert [one.verdict for one in verdicts] == ["verified"] * 2
    await Sweep(PACE).tick(sessions, registries, NOON, stones.LOG)
    return found


async def exposed(sessions):
    async with sessions() as session:
        return set(await session.scalars(select(ExposedStone.stone)))


@pytest.mark.parametrize("silent", ["kp", "warranty", "sanctions", "laboratory"])
async def test_a_theft_is_heard_of_though_another_registry_is_down(sessions, house, claims, world, silent):
    address = world[0]
    simulated.order(address, silent, "down")
    simulated.order(address, "own-production", Mark.STOLEN, claims[0].origin_id)
    assert await Sweep(PACE).tick(sessions, house(), NOON + 31 * SECOND, stones.LOG) == 2
    assert await exposed(sessions) == {claims[1].stone}, "silence alone takes nothing away"
    async with sessions() as session:
        assert "ID-06" in (await queries.standing(session, claims[0].stone)).codes


@pytest.mark.parametrize("silent", ["own-production", "kp"])
async def test_a_withdrawn_report_is_heard_of_though_another_registry_lies_garbled(
    sessions, house, claims, world, silent
):
    simulated.order(world[0], silent, "garble")
    simulated.order(world[0], "laboratory", Mark.WITHDRAWN, claims[1].report_no)
    await Sweep(PACE).tick(sessions, house(), NOON + 31 * SECOND, stones.LOG)
    assert await exposed(sessions) == {claims[0].stone}


async def test_a_live_lot_whose_registry_was_silent_is_looked_at_again_within_half_a_minute(sessions, tmp_path):
    registry = stones.registry(tmp_path / "registry", *((n, stones.chain(n)) for n in (1, 2)))
    found = [stones.claim(n) for n in (1, 2)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=found, registry=registry, now=NOON, log=stones.LOG)

    async def live(_session):
        return [found[0].stone]

    registry.fault = Fault.DOWN
    now, sweep = NOON + 31 * SECOND, Sweep(PACE, live)
    waits = {claim.stone: [] for claim in found}
    for _ in range(8):
        while await sweep.tick(sessions, registry, now, stones.LOG):
            pass
        async with sessions() as session:
            for row in await session.scalars(select(Recheck)):
                waits[row.stone].append(row.due_at - now)
        now += timedelta(seconds=30)
    assert max(waits[found[0].stone]) <= LIVE_AGAIN
    assert max(waits[found[1].stone]) > 2 * LIVE_AGAIN, "what nobody can bid on is asked about less and less"
    registry.fault = None
    async with sessions() as session:
        due = max(row.due_at for row in await session.scalars(select(Recheck)))
    while await sweep.tick(sessions, registry, due, stones.LOG):
        pass
    async with sessions() as session:
        assert {row.why for row in await session.scalars(select(Recheck))} == {""}


async def test_while_its_producer_is_silent_nobody_else_lists_the_same_stone(sessions, tmp_path):
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    first, second = stones.claim(1), stones.claim(1)

    async def verdict(claim, now):
        async with sessions.begin() as session:
            (told,) = await service.confirm(session, claims=[claim], registry=registry, now=now, log=stones.LOG)
        return told.verdict

    assert await verdict(first, NOON) == "verified"
    registry.fault = Fault.DOWN
    assert await verdict(first, NOON + 25 * HOUR) == "pending"
    registry.fault = None
    assert await verdict(second, NOON + 25 * HOUR) == "rejected"
    assert await verdict(first, NOON + 26 * HOUR) == "verified"
