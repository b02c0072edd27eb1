"""One changed byte anywhere in a bundle is never VALID; neither is one in a proof, a salt, an entry or a tile.

`python -m tests.provenance.test_fuzz_verify` tries one bit of every byte, `... 8` every bit.
"""

import json
import sys

import pytest

from pavilion.kernel.base64url import from_base64url
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import Tree, leaf_hash
from pavilion.kernel.tiles import decode_bundle, encode_bundle
from pavilion.provenance import bundle, proofs, verifying
from pavilion.provenance.verifying_forms import Unreadable, anchors_of
from tests.luck import Random
from tests.provenance import sealed
from tests.provenance.sealed import NOW, WITNESSES, Sealed

MADE = Sealed(cosigners=WITNESSES)
MEMBERS = dict(bundle.read(MADE.packed()).members)
SMALL, SAMPLE = 700, 260
SIGNED = [name for name in MEMBERS if name not in ("MANIFEST", "README.txt", "rules.json")]
PINS = anchors_of({"policy": sealed.policy().encode(), "did.json": sealed.did_document()})


def is_valid(data, pins=None, **how):
    try:
        report = verifying.verify(data, offline=True, now=NOW, **({"policy": pins} if pins else {}), **how)
    except Unreadable:
        return False
    assert report.exit in (0, 1, 2) and (report.exit == 0) == report.verdict.startswith("VALID")
    return report.exit == 0


def places(name, length):
    """Every byte of a small member; a fixed sample of a large one."""
    if length <= SMALL:
        return range(length)
    return sorted(Random(name).sample(range(length), SAMPLE))


def flipped(data, at, bit):
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


def changes(name, data, bits=0):
    """A sample of changed bytes, or of every byte so many bits."""
    rolls = Random(name + "bits")
    for at in range(len(data)) if bits else places(name, len(data)):
        for bit in rolls.sample(range(8), bits or 1):
            yield at, flipped(data, at, bit)


def test_the_unchanged_bundle_is_valid():
    assert is_valid(MADE.packed()) and is_valid(MADE.packed(), PINS)


@pytest.mark.parametrize("name", MEMBERS)
def test_one_changed_byte_of_a_member_is_never_valid(name):
    """As it lies in the zip: nobody who changes a byte on the disk writes a new list of files."""
    for at, data in changes(name, MEMBERS[name]):
        assert not is_valid(bundle.written(MEMBERS | {name: data})), (name, at)


def reach(name):
    """What an attacker may change who also writes a new MANIFEST, and which check must see it."""
    for at, data in changes(name, MEMBERS[name]):
        members = {one: content for one, content in (MEMBERS | {name: data}).items() if one != "MANIFEST"}
        yield at, bundle.written(members | {"MANIFEST": bundle.manifest(members)})


@pytest.mark.parametrize("name", [name for name in SIGNED if name.partition("/")[0] not in ("did", "policy")])
def test_a_new_list_of_files_hides_no_changed_byte_of_what_is_signed_hashed_or_committed_to(name):
    if name.endswith(".tlog-proof"):
        for at, data in reach(name):
            # Only the third cosignature of a checkpoint that needs two may be turned into one that nobody knows.
            text = MEMBERS[name]
            assert not is_valid(data, PINS) or at >= text.index(b"\xe2\x80\x94 witness"), (name, at)
        return
    for at, data in reach(name):
        assert not is_valid(data, PINS), (name, at)


def test_bytes_around_the_members_change_nothing_that_counts():
    """Of the zip itself only dates and attributes may change; then every member is still what it was."""
    data = MADE.packed()
    for at in Random("zip").sample(range(len(data)), 500):
        changed = flipped(data, at, 3)
        if is_valid(changed):
            assert bundle.read(changed).members == MEMBERS


def test_one_changed_byte_of_a_proof_its_salt_or_its_entry_is_never_valid():
    entry, proof = MADE.parts.proofs["verdict"]
    assert is_valid(proof, PINS, entry=entry)
    until = proof.index(b"\xe2\x80\x94 witness")
    for at, data in changes("proof", proof[:until], bits=8):
        extra = proof.index(b"extra "), proof.index(b"\nindex")
        if not extra[0] <= at < extra[1]:  # without the object nobody can tell what the salt opens
            assert not is_valid(data + proof[until:], PINS, entry=entry), at
    for at, data in changes("entry", entry, bits=8):
        assert not is_valid(proof, PINS, entry=data), at


STRANGE = (None, 0, -1, 2**53 - 1, "", "x", [], {}, [[]], {"a": 1}, True, [None], "2026-99-99T00:00:00Z", "did:web:x")


def strange(document, path=()):
    """The document with each member in turn left out, or turned into something of another kind."""
    place = document
    for step in path:
        place = place[step]
    names = place if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else ()
    for name in names:
        yield from strange(document, (*path, name))
        for value in STRANGE:
            changed = json.loads(json.dumps(document))
            inner = changed
            for step in path:
                inner = inner[step]
            inner[name] = value
            yield changed
    if path and isinstance(place, dict):
        for name in place:
            changed = json.loads(json.dumps(document))
            inner = changed
            for step in path:
                inner = inner[step]
            del inner[name]
            yield changed


@pytest.mark.parametrize("name", ["passport.json", "verdict.json", f"did/{sealed.HOST}.json"])
def test_members_of_other_kinds_are_answered_for_and_never_crash_the_verifier(name):
    original = json.loads(MEMBERS[name])
    for document in strange(original):
        members = {one: data for one, data in MEMBERS.items() if one != "MANIFEST"} | {name: canonical(document)}
        data = bundle.written(members | {"MANIFEST": bundle.manifest(members)})
        assert not is_valid(data, PINS) or name.startswith("did/") or document == original


def test_a_status_list_of_another_shape_is_answered_for():
    listed = json.loads(from_base64url(MADE.parts.status[1].decode().split(".")[1]))
    for document in strange(listed):
        token = proofs.sign_jwt(document, sealed.SIGNER).encode()
        is_valid(MADE.packed(status=MADE.parts.status | {1: token}))


def test_a_changed_byte_of_a_tile_of_entries_gives_another_root():
    entries = [f'{{"n":{n}}}'.encode() for n in range(20)]
    tile, root = encode_bundle(entries), Tree(map(leaf_hash, entries)).root()
    for _, data in changes("tile", tile, bits=8):
        try:
            found = decode_bundle(data)
        except ValueError:
            continue
        assert Tree(map(leaf_hash, found)).root() != root


def main(bits: int) -> int:
    """Every byte of every member, with the old list of files."""
    tried = 0
    for name, content in MEMBERS.items():
        for at, data in changes(name, content, bits):
            assert not is_valid(bundle.written(MEMBERS | {name: data})), (name, at)
            tried += 1
        sys.stdout.write(f"{name}: {len(content)} bytes, {tried} changes so far, none valid\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
