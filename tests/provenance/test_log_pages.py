"""The log as guests and other people's tools meet it."""

import gzip

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.kernel.tlog import (
    cosign,
    decode_bundle,
    leaf_hash,
    parse_checkpoint,
    parse_note,
    parse_policy,
    parse_tlog_proof,
    verify_inclusion,
)
from pavilion.provenance import log, monitoring
from pavilion.provenance.log_models import LogCosignature, LogHead
from pavilion.settings import Settings
from tests.make import NOON
from tests.provenance.logged import KGALE, SEED, WITNESS_KEYS, appended, signed, signer_with

HOME = "http://pavilion.test"


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(
        environment="test", public_url=HOME, data_dir=tmp_path, log_key=SEED.hex(), host_name="pavilion.example"
    )
    yield main.build_house(settings, engine, lambda: NOON)
    await engine.dispose()


@pytest.fixture
async def guest(house):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as client:
        yield client


async def filled(house, count):
    await appended(house.state.sessions, count)
    return await signed(house.state.sessions, signer=house.state.log_signer)


async def cosigned(house, checkpoint, keys):
    text = parse_note(checkpoint.note).text
    async with house.state.sessions.begin() as session:
        for key in keys:
            line = cosign(text, key, int(NOON.timestamp()))
            session.add(LogCosignature(size=checkpoint.size, witness=key.name, at=NOON, line=line))


async def test_checkpoint_tiles_and_policy_are_served_as_the_format_says(house, guest):
    assert (await guest.get("/log/checkpoint")).status_code == 404
    assert (await guest.get("/log/tile/0/000.p/1")).status_code == 404
    await filled(house, 257)
    answer = await guest.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=2"
    said = parse_checkpoint(parse_note(answer.text).text)
    assert (said.origin, said.size) == ("pavilion.example/origin", 257)
    tile, bundle = await guest.get("/log/tile/0/000"), await guest.get("/log/tile/entries/000")
    for one in (tile, bundle):
        assert one.headers["content-type"] == "application/octet-stream"
        assert one.headers["cache-control"] == "public, max-age=31536000, immutable"
    entries = decode_bundle(bundle.content)
    assert tile.content == b"".join(map(leaf_hash, entries)) and len(entries) == 256
    assert (await guest.get("/log/tile/0/001.p/1")).content == leaf_hash(
        decode_bundle((await guest.get("/log/tile/entries/001.p/1")).content)[0]
    )
    assert len((await guest.get("/log/tile/1/000.p/1")).content) == 32
    assert len((await guest.get("/log/tile/0/000.p/7")).content) == 7 * 32
    packed = await guest.get("/log/tile/entries/000", headers={"accept-encoding": "gzip"})
    plain = await guest.get("/log/tile/entries/000", headers={"accept-encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers and plain.content == packed.content == bundle.content
    assert gzip.compress(b"", mtime=0)
    policy = await guest.get("/log/policy")
    assert parse_policy(policy.text).satisfied_by(answer.text)


@pytest.mark.parametrize(
    "path",
    ["0/001", "0/001.p/2", "1/000", "1/000.p/2", "2/000.p/1", "0/002.p/1", "entries/001", "64/000", "0/0", "0/x000/000",
     "0/000.p/0", "0/000.p/256", "", "0/000/", "hash/0/000"],
)  # fmt: skip
async def test_a_tile_that_is_not_there_is_not_found(house, guest, path):
    await filled(house, 257)
    await appended(house.state.sessions, 300, 257)  # in the log, but under no checkpoint yet
    assert (await guest.get(f"/log/tile/{path}")).status_code == 404


async def test_a_monitor_follows_the_house_itself(house, guest):
    memory = monitoring.Memory()
    for count in (3, 300, 1):
        await filled(house, count)
        files = {}

        class Wanted(Exception):
            pass

        def fetch(url, files=files):
            if url not in files:
                raise Wanted(url)
            return files[url]

        while True:
            try:
                found = monitoring.look(f"{HOME}/log", memory, fetch, NOON)
                break
            except Wanted as wanted:
                answer = await guest.get(str(wanted))
                files[str(wanted)] = answer.content if answer.status_code == 200 else None
        memory = found.memory
        assert {entry.issuer for entry in found.new} == {KGALE}
    assert memory.size == 304


async def test_the_page_tells_who_watches_and_who_is_behind(house, guest):
    house.state.log_signer = signer_with(["https://w1.example", "https://w2.example", "https://w3.example"])
    empty = (await guest.get("/log")).text
    assert "The first entry stands here" in empty and "not heard yet" in empty
    first = await filled(house, 3)
    await cosigned(house, first, WITNESS_KEYS[:2])
    async with house.state.sessions.begin() as session:
        await log.cover(session, first.size, house.state.log_signer.policy, NOON)
    await cosigned(house, await filled(house, 40), WITNESS_KEYS[1:2])
    shown = (await guest.get("/log")).text
    for words in (
        "2 of 3",
        "has seen all",
        "40 behind",
        "not heard yet",
        "40 waiting",
        "waiting for witnesses",
        "w1.example+",
    ):
        assert words in shown, words
    assert f"pavilion monitor {HOME}/log" in shown and "pavilion.example/origin" in shown
    assert shown.index(">42<") < shown.index(">41<")
    chinese = (await guest.get("/log", headers={"accept-language": "zh"})).text
    assert "公开日志" in chinese and "落后 40 条" in chinese and "Witness" not in chinese.split("<main", 1)[1]


async def test_a_stopped_log_says_so_and_why(house, guest):
    await filled(house, 2)
    assert "log" not in (await guest.get("/readyz")).json()
    async with house.state.sessions.begin() as session:
        await log.halt(session, log.REWRITTEN, NOON)
        assert await session.get(LogHead, 1)
    shown = (await guest.get("/log")).text
    assert "no longer begins as it did" in shown and 'role="alert"' in shown
    ready = await guest.get("/readyz")
    assert (ready.status_code, ready.json()["log"]) == (200, log.REWRITTEN)


async def test_an_entry_is_found_by_its_number_and_gives_a_proof_without_its_salt(house, guest):
    await filled(house, 1200)
    moved = await guest.get("/log", params={"index": " 1,199 "})
    assert (moved.status_code, moved.headers["location"]) == (303, "/log/entries/1199")
    shown = (await guest.get("/log/entries/1199")).text
    assert "Entry 1,199" in shown and "seen by the witnesses" in shown and 'href="/log/entries/1198"' in shown
    assert 'href="/log/entries/1200"' not in shown
    answer = await guest.get("/log/entries/1199/proof")
    proof = parse_tlog_proof(answer.text)
    bundle = decode_bundle((await guest.get("/log/tile/entries/004.p/176")).content)
    said = parse_checkpoint(parse_note(proof.checkpoint).text)
    assert verify_inclusion(leaf_hash(bundle[175]), 1199, 1200, proof.hashes, said.root)
    assert proof.extra is None and "STONE" not in shown
    assert answer.headers["content-disposition"] == 'attachment; filename="entry-1199.tlog-proof"'


@pytest.mark.parametrize("index", ["1200", "-1", "x", "1e3", "9" * 30, "٣"])
async def test_a_number_that_no_entry_has_is_answered_calmly(house, guest, index):
    await filled(house, 12)
    answer = await guest.get("/log", params={"index": index})
    assert answer.status_code == 404 and "no entry of this number" in answer.text
    for path in (f"/log/entries/{index}", f"/log/entries/{index}/proof"):
        assert (await guest.get(path)).status_code == 404


async def test_a_house_without_a_key_has_no_log_to_show(house, guest):
    house.state.log_signer = None
    for path in ("/log", "/log/policy"):
        assert (await guest.get(path)).status_code == 404
