"""A lying log, served over real HTTP or handed over as bytes: the monitor finds each lie, or the proof does."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import uvicorn
from typer.testing import CliRunner

from pavilion.cli import app as cli
from pavilion.kernel.tiles import ENTRIES, grow
from pavilion.kernel.tlog import (
    CompactTree,
    SigningKey,
    TlogProof,
    Tree,
    checkpoint_text,
    cosign,
    encode_bundle,
    format_tlog_proof,
    leaf_hash,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
    sign_note,
    tile_path,
    tile_width,
    verify_inclusion,
)
from pavilion.provenance import log, monitoring
from pavilion.provenance.log import entries_of
from pavilion.provenance.monitoring import Alarm, Memory, Unknown, look
from pavilion.provenance.witness import view_path
from tests.make import NOON, SECOND
from tests.provenance.logged import KGALE, SIGNER, WITNESS_KEYS, leaves, signer_with

NOTHING = Memory()
HOME, URLS = "https://house.example/log", [f"https://w{k}.example" for k in (1, 2, 3)]
POLICY = signer_with(URLS, address=HOME).policy
ENTRIES_SAID = entries_of(leaves(700), bytes(16 * 700), NOON)
OTHERS = [*ENTRIES_SAID[:3], *entries_of(leaves(1, 9), bytes(16), NOON), *ENTRIES_SAID[4:]]


def published(size, entries=ENTRIES_SAID, at=NOON, key=SIGNER.key, witnesses=WITNESS_KEYS, views=None):
    """All files of an honest log of this size, by address."""
    said = entries[:size]
    tree, hashes = CompactTree(), [leaf_hash(entry) for entry in said]
    nodes = grow(tree, hashes)
    text = checkpoint_text(key.name, size, tree.root())
    note = sign_note(text, key)
    lines = [cosign(text, one, int(at.timestamp())) + "\n" for one in witnesses]
    files = {f"{HOME}/checkpoint": note + "".join(lines), f"{HOME}/policy": POLICY.text}
    for number in range(-(-size // 256)):
        width, first = tile_width(0, number, size), number * 256
        files[f"{HOME}/{tile_path(0, number, width)}"] = b"".join(hashes[first : first + width])
        files[f"{HOME}/{tile_path(ENTRIES, number, width)}"] = encode_bundle(said[first : first + width])
    if nodes:
        files[f"{HOME}/{tile_path(1, 0, len(nodes))}"] = b"".join(node.hash for node in nodes)
    for url, line in zip(URLS, lines, strict=False):
        files[f"{url}{view_path(key.name)}"] = note + line
    files |= views or {}
    return {address: text if isinstance(text, bytes) else text.encode() for address, text in files.items()}


def looked(files, memory=NOTHING, at=NOON):
    return look(HOME, memory, files.get, at)


def alarm(files, memory=NOTHING, at=NOON):
    with pytest.raises(Alarm) as said:
        looked(files, memory, at)
    return said.value.code


@pytest.mark.parametrize("sizes", [(1, 2, 3), (255, 256, 257), (5, 600), (256, 512, 700), (700, 700)])
def test_an_honest_log_is_followed_from_any_size_to_any_other(sizes):
    memory = Memory()
    for size in sizes:
        found = looked(published(size), memory)
        assert [entry.place for entry in found.new] == list(range(memory.size, size))
        assert (found.witnesses, found.asked, found.notes) == (("w1", "w2", "w3"), 3, ())
        memory = found.memory
        assert memory.size == size and memory.root == Tree(map(leaf_hash, ENTRIES_SAID[:size])).root()


def test_what_is_remembered_outlives_the_process(tmp_path):
    memory = looked(published(300)).memory
    monitoring.write_memory(tmp_path / "state", memory)
    assert monitoring.read_memory(tmp_path / "state") == memory
    assert monitoring.read_memory(tmp_path / "none") == Memory()
    for text in ("{}", "[]", '{"frontier":["x"],"size":1}', '{"size":3,"frontier":[]}', "{"):
        (tmp_path / "bad").write_text(text)
        with pytest.raises(ValueError, match=r".+"):
            monitoring.read_memory(tmp_path / "bad")


def test_a_fork_is_found_by_whoever_remembers_or_asks_a_witness():
    memory = looked(published(300)).memory
    assert alarm(published(300, OTHERS), memory) == monitoring.FORK
    assert alarm(published(600, OTHERS), memory) == monitoring.FORK
    other = published(300, OTHERS)
    for size in (200, 300, 300):
        view = {address: text for address, text in published(size, OTHERS).items() if address.startswith(URLS[1])}
        assert alarm(published(300, views=view)) == monitoring.FORK
        assert (
            alarm(published(size, views={a: t for a, t in other.items() if a.startswith(URLS[0])})) == monitoring.FORK
        )


def test_a_witness_ahead_of_what_is_published_shows_the_same_tree():
    ahead = published(600)
    view = {address: text for address, text in ahead.items() if address.startswith(URLS[1])}
    assert looked(ahead | published(300, views=view)).memory.size == 300
    assert alarm(published(300, views=view)) == monitoring.FORK, "and the log must be able to show it"


def test_a_log_that_goes_back_is_found():
    memory = looked(published(300)).memory
    assert alarm(published(299), memory) == monitoring.WENT_BACK
    assert alarm({}, memory) == monitoring.WENT_BACK
    truncated = published(600)
    del truncated[f"{HOME}/tile/entries/001"]
    assert alarm(truncated, memory) == monitoring.WENT_BACK


def test_an_unknown_key_or_too_few_witnesses_are_found():
    stranger = SigningKey(SIGNER.key.name, bytes(32))
    assert alarm(published(3, key=stranger)) == monitoring.UNKNOWN_KEY
    assert alarm(published(3, key=SigningKey("other.example/origin", bytes(32)))) == monitoring.UNKNOWN_KEY
    assert alarm(published(3) | {f"{HOME}/checkpoint": b"rubbish"}) == monitoring.UNKNOWN_KEY
    assert alarm(published(3, witnesses=WITNESS_KEYS[:1])) == monitoring.BELOW_QUORUM
    assert looked(published(3, witnesses=WITNESS_KEYS[:2])).witnesses == ("w1", "w2")


def test_the_keys_of_the_first_sight_or_those_given_are_the_ones_that_count():
    memory = looked(published(3)).memory
    stranger = SigningKey(SIGNER.key.name, bytes(32))
    new_policy = POLICY.text.replace(str(SIGNER.key.verifier), str(stranger.verifier)).encode()
    assert alarm(published(5, key=stranger) | {f"{HOME}/policy": new_policy}, memory) == monitoring.UNKNOWN_KEY
    pinned = monitoring.pinned(Memory(), POLICY.text)
    assert alarm(published(5, key=stranger) | {f"{HOME}/policy": new_policy}, pinned) == monitoring.UNKNOWN_KEY


def test_a_log_that_stands_still_is_found():
    files = published(3)
    memory = looked(files, at=NOON + monitoring.STALL).memory
    assert alarm(files, memory, NOON + monitoring.STALL + SECOND) == monitoring.STALLED
    for known, begun in ((memory, NOON - monitoring.STALL), (NOTHING, NOON)):
        monitoring.check_alive(known, begun, NOON + monitoring.STALL)
        with pytest.raises(Alarm, match="no sign of life"):
            monitoring.check_alive(known, begun, NOON + monitoring.STALL + SECOND)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [('"kind":"event"', '"kind":"rumour"', monitoring.UNKNOWN_KIND), ('"v":1', '"v":2', monitoring.BAD_ENTRY),
     ('"v":1', '"v":1,"x":1', monitoring.BAD_ENTRY), ('"v":1', '"v": 1', monitoring.BAD_ENTRY),
     ('"kind"', '"kind":"event","kind"', monitoring.BAD_ENTRY), ("T12:00:00Z", "T12:00:00.0Z", monitoring.BAD_ENTRY),
     ('"commit":"', '"commit":"A', monitoring.BAD_ENTRY), ('"v":1', '"v":true', monitoring.BAD_ENTRY)],
)  # fmt: skip
def test_an_entry_that_is_none_of_ours_is_found_though_it_is_signed(old, new, code):
    entries = [entry.decode().replace(old, new).encode() if k == 4 else entry for k, entry in enumerate(ENTRIES_SAID)]
    assert entries[4] != ENTRIES_SAID[4]
    assert alarm(published(9, entries)) == code


def test_a_log_without_policy_or_checkpoint_is_no_contradiction():
    assert looked({f"{HOME}/policy": POLICY.text.encode()}).notes == ("the log has no checkpoint yet",)
    for files in ({}, {f"{HOME}/policy": b"quorum none\n"}, {f"{HOME}/policy": b"x"}):
        with pytest.raises(Unknown):
            looked(files)


def test_a_witness_that_shows_nothing_or_rubbish_is_told_and_no_alarm():
    files = published(3)
    gone, rubbish = (f"{URLS[k]}{view_path(SIGNER.key.name)}" for k in (0, 1))
    del files[gone]
    files[rubbish] = b"rubbish"
    assert looked(files).notes == ("w1 shows no view of the log", "w2 shows something it did not sign")


def test_any_changed_byte_of_what_a_log_publishes_is_noticed():
    """Of checkpoint, tiles and entries; a line of one witness alone may be damaged and is then not counted."""
    honest = published(5, witnesses=WITNESS_KEYS[:2])
    for address in (f"{HOME}/checkpoint", f"{HOME}/tile/0/000.p/5", f"{HOME}/tile/entries/000.p/5"):
        data = honest[address]
        for place in range(len(data)):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            assert alarm(honest | {address: changed}), (address, place)
    big = published(300)
    address = f"{HOME}/tile/1/000.p/1"
    for place in range(32):
        data = bytearray(big[address])
        data[place] ^= 0x80
        assert alarm(big | {address: bytes(data)}) == monitoring.BAD_TILE


def test_any_changed_byte_of_a_proof_its_entry_or_salt_is_noticed():
    tree, [leaf] = Tree(map(leaf_hash, ENTRIES_SAID[:9])), leaves(1, 4)
    text = checkpoint_text(SIGNER.key.name, 9, tree.root())
    note = sign_note(text, SIGNER.key) + "".join(cosign(text, key, 1_700_000_000) + "\n" for key in WITNESS_KEYS[:2])
    proof = format_tlog_proof(TlogProof(4, tree.inclusion_proof(4), note)).encode()
    entry, salt = ENTRIES_SAID[4], bytes(16)

    def holds(proof, entry, salt):
        try:
            read = parse_tlog_proof(proof.decode())
        except ValueError:
            return False
        if not POLICY.satisfied_by(read.checkpoint):
            return False
        said = parse_checkpoint(parse_note(read.checkpoint).text)
        opens = log.sha256(salt + leaf.object).hexdigest() == json.loads(entry)["commit"]
        return opens and verify_inclusion(leaf_hash(entry), read.index, said.size, read.hashes, said.root)

    assert holds(proof, entry, salt)
    for place in range(len(proof)):
        assert not holds(proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :], entry, salt), place
    for place in range(len(entry)):
        changed = entry[:place] + bytes([entry[place] ^ 1]) + entry[place + 1 :]
        assert not verify_inclusion(leaf_hash(changed), 4, 9, tree.inclusion_proof(4), tree.root())
    for place in range(16):
        assert not holds(proof, entry, salt[:place] + b"\x01" + salt[place + 1 :])


def test_a_producer_sees_the_entries_made_in_its_name():
    stranger = "did:web:pavilion.example:did:stranger"
    entries = [*ENTRIES_SAID[:4], *entries_of(leaves(1, 4, issuer=stranger), bytes(16), NOON)]
    found = looked(published(5, entries)).new
    assert [entry.place for entry in monitoring.of_issuer(found, stranger)] == [4]
    assert len(monitoring.of_issuer(found, KGALE)) == 4
    assert str(found[0]).startswith("0 event 2026-03-02T12:00:00Z did:web:")


# -- the command, over a socket ---------------------------------------------------------------------------------------


class Server(uvicorn.Server):
    """Tells on which port it listens."""

    def __init__(self, app):
        super().__init__(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
        self.port = asyncio.get_running_loop().create_future()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.port.set_result(self.servers[0].sockets[0].getsockname()[1])


@asynccontextmanager
async def served(files):
    """These files on a port of this machine."""

    async def answer(scope, receive, send):
        data = files.get(scope["path"])
        fields = [(b"content-type", b"application/octet-stream")]
        await send({"type": "http.response.start", "status": 404 if data is None else 200, "headers": fields})
        await send({"type": "http.response.body", "body": data or b""})

    server = Server(answer)
    task = asyncio.create_task(server.serve())
    try:
        yield f"http://127.0.0.1:{await server.port}/log"
    finally:
        server.should_exit = True
        await task


async def run(*words):
    return await asyncio.to_thread(CliRunner().invoke, cli, ["monitor", *map(str, words)])


def beside(size, **said):
    """The log's own files, by path; its witnesses have no addresses here and are cosigning this very minute."""
    from pavilion.kernel.clock import utc_now

    policy = signer_with(["", "", ""], address="").policy.text
    files = published(size, at=utc_now(), **said) | {f"{HOME}/policy": policy.encode()}
    return {address.removeprefix("https://house.example"): data for address, data in files.items()}


async def test_the_command_ends_with_the_state_of_the_log(tmp_path):
    files, state = beside(260), tmp_path / "state"
    async with served(files) as address:
        first = await run(address, "--once", "--state", state, "--issuer", KGALE)
        assert first.exit_code == 0, first.output
        lines = first.stdout.splitlines()
        assert len(lines) == 261 and lines[-1].startswith("ok: 260 entries, 260 new, witnesses 3 of 3, root ")
        files |= beside(300)
        second = await run(address, "--once", "--state", state)
        assert second.exit_code == 0 and second.stdout.startswith("ok: 300 entries, 40 new")
        files |= beside(310, entries=OTHERS)
        third = await run(address, "--once", "--state", state)
        assert third.exit_code == 1 and third.stdout.startswith("ALARM FORK:") and third.stderr.count("---") == 2
        files.clear()
        assert (await run(address, "--once", "--state", state)).stdout.startswith("ALARM WENT-BACK:")
        assert (await run(address, "--once")).exit_code == 2
        (tmp_path / "policy").write_text(POLICY.text)
        files |= beside(5, key=SigningKey(SIGNER.key.name, bytes(32)))
        pinned = await run(address, "--once", "--policy", tmp_path / "policy")
        assert pinned.exit_code == 1 and "UNKNOWN-KEY" in pinned.stdout
        assert (await run(address, "--policy", tmp_path / "policy")).exit_code == 1, "following ends with the first lie"
    assert (await run(address, "--once")).exit_code == 2
    for words in (("nowhere",), (address, "--state", tmp_path), (address, "--policy", state), (address, "--every", 0)):
        assert (await run(*words, "--once")).exit_code == 3
