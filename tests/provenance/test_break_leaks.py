"""What origin spec 15 keeps from strangers stays with us, whatever they guess or read off public papers."""

import json

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.provenance import service
from pavilion.provenance.models import ChainEvent, VerdictInput, VerdictRecord
from pavilion.settings import Settings
from tests.make import NOON
from tests.provenance import stones

HOME = "http://pavilion.test"
NAMES = ("trust", "law", "inputs", "keys", "rules", "kp", "labs")


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    app = main.build_house(
        Settings(environment="test", public_url=HOME, data_dir=tmp_path),
        engine := create_engine(sqlite_database_url),
        lambda: NOON,
    )
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with app.state.sessions.begin() as session:
        await service.confirm(session, claims=[stones.claim(1)], registry=registry, now=NOON, log=stones.LOG)
    yield app
    await engine.dispose()


async def test_the_hashes_in_a_public_verdict_open_nothing_but_tables(house):
    """`verdict.json` names its inputs; the case among them holds certificates, claims and near matches."""
    async with house.state.sessions() as session:
        verdict = json.loads(await session.scalar(select(VerdictRecord.document)))
        inputs = dict((await session.execute(select(VerdictInput.sha256, VerdictInput.document))).all())
        events = (await session.scalars(select(ChainEvent.sha256))).all()
    trust = verdict["tables"]["trust"]
    assert trust in inputs and set(verdict["inputs"]) <= set(inputs)
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as stranger:
        told = await stranger.get(f"/tables/trust/{trust}")
        assert (told.status_code, told.text) == (200, inputs[trust])
        for sha256 in {*inputs, *events, verdict["stone"]} - {trust}:
            for name in NAMES:
                assert (await stranger.get(f"/tables/{name}/{sha256}")).status_code == 404, (name, inputs[sha256][:80])
            assert (await stranger.get(f"/epcis/events/{sha256}")).status_code == 404
