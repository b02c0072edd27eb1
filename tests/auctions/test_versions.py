"""What was published is kept, its hash stands in the origin log, and anybody can check both without asking us."""

import hashlib
import json

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from pavilion.auctions.models import Sale
from pavilion.kernel.db import create_engine
from pavilion.kernel.merkle import leaf_hash, verify_inclusion
from pavilion.kernel.signing import parse_checkpoint, parse_note
from pavilion.kernel.tlogproof import parse_tlog_proof
from pavilion.main import build_web, sessions_of
from pavilion.provenance import log
from pavilion.provenance.checks_log import read_entry
from pavilion.provenance.log_queries import read_extra
from pavilion.settings import Settings
from tests.auctions import world
from tests.make import NOON


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", data_dir=tmp_path, data_key="22" * 32, log_key="33" * 32)
    app = build_web(settings, engine, lambda: NOON, None)
    yield app, sessions_of(settings, engine)
    await engine.dispose()


async def test_the_published_list_is_kept_logged_and_checked_offline(house):
    app, sessions = house
    made = await world.build(sessions, 3)
    sale = await world.draft(sessions, made)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pavilion.test") as guest:
        assert (await guest.get(f"/sales/{sale}/versions")).status_code == 404, "a draft has no versions"
        await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
        async with sessions.begin() as session:
            await log.sign(session, app.state.log_signer, NOON)
        page = (await guest.get(f"/sales/{sale}/versions")).text
        document = (await guest.get(f"/sales/{sale}/versions/1.json")).content
        entry = (await guest.get(f"/sales/{sale}/versions/1.entry.json")).content
        proof = parse_tlog_proof((await guest.get(f"/sales/{sale}/versions/1.tlog-proof")).text)
        front = (await guest.get(f"/sales/{sale}")).text
        assert (await guest.get(f"/sales/{sale}/versions/2.json")).status_code == 404
    sha256 = hashlib.sha256(document).hexdigest()
    assert sha256 in page and sha256 in front
    said = json.loads(document)
    assert [lot["number"] for lot in said["lots"]] == ["11", "12", "13"] and b"reserve" not in json.dumps(
        said["lots"]
    ).encode()
    async with sessions() as session:
        assert await session.scalar(world.select(Sale.snapshot_hash).where(Sale.public_id == sale)) == sha256
    extra, known = read_extra(proof.extra), read_entry(entry)
    assert known.kind == extra.kind == "decision"
    assert hashlib.sha256(extra.salt + document).hexdigest() == known.commit
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint).text)
    assert verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)


async def test_a_sale_published_again_has_another_version_and_none_is_ever_altered(house):
    _, sessions = house
    made = await world.build(sessions, 2)
    sale = await world.published(sessions, made)
    async with sessions.begin() as session:
        asked = await world.publishing.propose_unpublication(
            session, sale=sale, reason="typo", actor=made.curator, now=NOON
        )
        proposal = asked.public_id
    await world.decide(sessions, proposal, made.lead)
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    async with sessions() as session:
        kept = (await session.execute(text("select n, log_index from catalogue_versions order by n"))).all()
    assert kept == [(1, 0), (2, 1)]
    for statement in ("update catalogue_versions set document = '{}'", "delete from catalogue_versions"):
        with pytest.raises(DBAPIError):
            async with sessions.begin() as session:
                await session.execute(text(statement))
