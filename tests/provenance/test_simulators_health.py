"""How the registries are doing, as staff see it: from the answers alone, on both databases."""

from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.provenance import registry_health, service
from pavilion.provenance.models import RegistryAnswer
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.connecting import in_this_process
from pavilion.provenance.registries.none import NoRegistry
from pavilion.provenance.registries.port import LABORATORY, NAMES, Reason
from pavilion.provenance.registry_health import Breaker
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD
from tests.provenance import simulated, stones

HOME = "http://pavilion.test"


def seconds(*before):
    return [NOON - timedelta(seconds=s) for s in before]


@pytest.mark.parametrize(
    ("reasons", "before", "state"),
    [
        ([], [], Breaker.ASKED),
        (["timeout"] * 4, [1, 2, 3, 4], Breaker.ASKED),
        (["timeout"] * 5, [1, 2, 3, 4, 5], Breaker.RESTING),
        (["http_5xx", "timeout", "timeout", "timeout", "timeout"], [1, 9, 18, 27, 31], Breaker.RESTING),
        (["timeout"] * 5, [1, 9, 18, 27, 32], Breaker.ASKED),  # not within half a minute
        (["timeout"] * 5, [15, 16, 17, 18, 19], Breaker.TRIED),
        (["breaker_open"] * 3 + ["timeout"] * 5, [1, 2, 3, 14, 15, 16, 17, 18], Breaker.RESTING),
        ([None] + ["timeout"] * 5, [1, 2, 3, 4, 5, 6], Breaker.ASKED),  # it has answered since
        (["schema"] * 9, range(1, 10), Breaker.ASKED),  # nonsense is no silence
    ],
)
def test_the_state_follows_from_the_latest_answers(reasons, before, state):
    assert registry_health.breaker_of(zip(seconds(*before), reasons, strict=True), NOON) is state


async def told(sessions, addresses=None):
    async with sessions() as session:
        lines = await registry_health.health(session, addresses or {}, NOON)
    return {line.name: line for line in lines}


async def test_nobody_has_been_asked_yet(sessions):
    lines = await told(sessions)
    assert tuple(lines) == NAMES
    assert {(line.last_at, line.pending, line.breaker, line.address) for line in lines.values()} == {
        (None, 0, Breaker.ASKED, None)
    }


async def test_counts_times_and_quota_are_those_of_the_answers(sessions, tmp_path):
    house = in_this_process(simulated.folder_of(tmp_path / "registry"))
    claims = [stones.claim(n, kp_no=f"BW{n:06d}") for n in (1, 2, 3)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=claims, registry=house, now=NOON, log=stones.LOG)
        for ms, quota in ((10, 7), (50, 5), (30, 6)):
            session.add(answer_row(LABORATORY, NOON - timedelta(days=1, seconds=quota), ms=ms, quota_left=quota))
    lines = await told(sessions)
    lab = lines[LABORATORY]
    assert (lab.today, lab.last_status, lab.last_at) == ({"found": 3}, "found", NOON)
    assert not lab.simulated and (await told(sessions, {LABORATORY: ""}))[LABORATORY].simulated
    assert lab.quota_left in range(99_990, 100_000)
    assert lab.median_ms is not None and lab.pending == 0
    assert lines["rjc"].today == {"found": 3} and lines["shared-producer"].today == {}


def answer_row(name, at, **more):
    said = {"status": "found", "differs": "", "simulated": True, "claim_sha256": "0" * 64, "stone": "S"}
    return RegistryAnswer(registry_name=name, at=at, **(said | more))


async def test_a_silent_registry_rests_and_its_stones_wait(sessions, tmp_path):
    house = Registries.of(in_this_process(simulated.folder_of(tmp_path / "r"))._registries["own-production"])
    silent = Registries.of(*house._registries.values(), NoRegistry(LABORATORY))
    claims = [stones.claim(n) for n in range(1, 6)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=claims, registry=silent, now=NOON, log=stones.LOG)
    lab = (await told(sessions))[LABORATORY]
    assert (lab.pending, lab.today, lab.breaker) == (5, {"unavailable": 5}, Breaker.RESTING)
    assert lab.last_reason == Reason.DOWN
    assert (await told(sessions))["own-production"].pending == 0


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    folder = simulated.folder_of(tmp_path / "registry")
    app = main.build_house(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON)
    async with app.state.sessions.begin() as session:
        claim = stones.claim(1, kp_no="BW000001")
        await service.confirm(session, claims=[claim], registry=in_this_process(folder), now=NOON, log=stones.LOG)
    yield app
    await engine.dispose()


async def test_staff_see_every_registry_in_both_languages(house):
    async with house.state.sessions.begin() as session:
        await make.person(session, "sana@pavilion.example", [Role.COMPLIANCE])
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as browser:
        assert (await browser.get("/staff/registries")).status_code in (303, 401, 403, 404)
        await browser.post("/sign-in", data={"email": "sana@pavilion.example", "password": PASSWORD})
        english = await browser.get("/staff/registries")
        browser.headers["accept-language"] = "zh"
        browser.cookies.set("lang", "zh")
        chinese = await browser.get("/staff/registries")
        assert "/staff/registries" in (await browser.get("/staff")).text
    assert english.status_code == chinese.status_code == 200
    for word in ("Sanctions list", "simulated", "asked as usual", "Laboratories", "in this process", "99,999"):
        assert word in english.text
    assert "制裁名单" in chinese.text or "Sanctions list" in chinese.text
