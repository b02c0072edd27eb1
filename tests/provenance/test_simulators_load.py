"""Many stones at once: every registry is asked about each, and never by more than the limit at a time."""

import asyncio
from collections import Counter
from dataclasses import replace

import httpx2
import pytest

from pavilion.provenance.house import shipped_house
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import Answer, Status
from tests.make import NOON
from tests.provenance import simulated, stones

ROWS, HTTP_ROWS = 10_000, 300
NAMES = ("own-production", "laboratory", "kp", "warranty", "sanctions", "rjc", "match")


class Counting:
    """Answers after having let everybody else go first, and knows how many wait with it."""

    def __init__(self, name, events):
        self.name, self.events = name, events
        self.now, self.most, self.keys = 0, 0, Counter()

    async def confirm(self, claim, now):
        self.now += 1
        self.most = max(self.most, self.now)
        self.keys[claim.key] += 1
        await asyncio.sleep(0)
        self.now -= 1
        chain = self.events if self.name == "own-production" else ()
        fields = {"pieces": {}} if self.name == "kp" else {}
        return Answer(self.name, Status.FOUND, now, events=chain, fields=fields)


async def test_ten_thousand_rows_ask_every_registry_and_never_more_than_the_limit_at_once():
    counting = {name: Counting(name, tuple(simulated.chain(1))) for name in NAMES}
    house = Registries.of(*counting.values())
    claims = [stones.claim(n, kp_no=f"BW{n:06d}") for n in range(ROWS)]
    heard = await asyncio.gather(*(house.ask(claim, NOON) for claim in claims))
    assert {len(answers) for answers in heard} == {len(NAMES)}
    assert {answer.status for answers in heard for answer in answers} == {Status.FOUND}
    assert max(registry.most for registry in counting.values()) == shipped_house().in_flight
    for name in ("own-production", "laboratory"):
        assert len(counting[name].keys) == counting[name].keys.total() == ROWS
    assert len(counting["kp"].keys) == ROWS and counting["kp"].keys.total() < ROWS + 10
    assert counting["warranty"].keys.keys() == {"prod", "manu"}
    assert counting["warranty"].keys.total() < 10  # in hand after the first stone, for a while


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulated.folder_of(tmp_path_factory.mktemp("many"), HTTP_ROWS)


async def patient(tmp_path, address, folder):
    """A house that waits as long as a busy machine needs: here it counts who is asked at once, not how soon."""
    house = simulated.house(tmp_path, address, folder)
    await house.abide(replace(shipped_house(), timeout_ms=30_000))
    return house


async def test_three_hundred_rows_over_http_are_answered_and_bounded(tmp_path, folder):
    with simulated.running(folder) as address:
        house = await patient(tmp_path, address, folder)
        claims = [stones.claim(n, kp_no=f"BW{n:06d}") for n in range(1, HTTP_ROWS + 1)]
        heard = await asyncio.gather(*(house.ask(claim, NOON) for claim in claims))
        await house.close()
        state = httpx2.get(f"{address}/control").json()
    assert {answer.status for answers in heard for answer in answers} == {Status.FOUND}
    assert {len(answers) for answers in heard} == {len(NAMES)}
    assert max(one["most_at_once"] for one in state.values()) <= shipped_house().in_flight
    asked = {name: state[name]["questions"] for name in NAMES}
    assert asked["laboratory"] == asked["kp"] == asked["match"] == HTTP_ROWS
    assert max(asked["rjc"], asked["warranty"]) < 10  # in hand after the first stone, for a while


async def test_registries_that_need_a_tenth_of_a_second_are_asked_side_by_side_up_to_the_limit(tmp_path, folder):
    with simulated.running(folder) as address:
        simulated.order(address, "*", "delay", "100")
        house = await patient(tmp_path, address, folder)
        claims = [stones.claim(n, kp_no=f"BW{n:06d}") for n in range(1, 201)]
        heard = await asyncio.gather(*(house.ask(claim, NOON) for claim in claims))
        await house.close()
        state = httpx2.get(f"{address}/control").json()
    assert {answer.status for answers in heard for answer in answers} == {Status.FOUND}
    assert 10 <= state["laboratory"]["most_at_once"] <= shipped_house().in_flight, "in turn, it takes twenty seconds"
