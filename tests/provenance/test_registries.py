"""Signed event files: what the writer wrote is what the reader answers, and nothing else."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.provenance.house import shipped_house
from pavilion.provenance.registries.file import Fault, FileRegistry, RegistryUnreadable
from pavilion.provenance.registries.guarding import GuardedRegistry
from pavilion.provenance.registries.port import Answer, Claim, Reason, Status
from pavilion.provenance.registries.writing import RegistryWriter
from tests.make import NOON
from tests.provenance import stones

MANY = range(1, 41)


@pytest.fixture
def folder(tmp_path):
    stones.registry(tmp_path, *((n, stones.chain(n)) for n in MANY)).close()
    return tmp_path


def asking(number, **fields):
    return Claim("own-production", stones.origin_id(number), fields)


async def test_every_stone_is_found_by_its_origin_id(folder):
    registry = FileRegistry(folder)
    assert (registry.name, registry.count) == ("own-production", len(MANY))
    for number in MANY:
        answer = await registry.confirm(asking(number, report=f"GIA:{stones.report_no(number)}"), NOON)
        assert (answer.status, answer.stone, len(answer.events)) == (Status.FOUND, stones.origin_id(number), 11)
        assert [json.loads(body) for body in answer.bodies] == list(answer.events)
    for unknown in ("", "OP-00099", "op-00001", "OP-00001 ", "é" * 300, "../../etc/passwd"):
        assert (await registry.confirm(Claim("own-production", unknown), NOON)).status is Status.ABSENT
    registry.close()


async def test_a_registry_written_in_several_files_is_searched_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr("pavilion.provenance.registries.shelves.FILE_BYTES", 10_000)
    registry = stones.registry(tmp_path, *((n, stones.chain(n)) for n in MANY))
    assert len(list(tmp_path.glob("events-*.jsonl"))) > 5
    for number in MANY:
        assert (await registry.confirm(asking(number), NOON)).status is Status.FOUND


@pytest.mark.parametrize(
    ("fields", "differs"),
    [
        ({"report": "GIA:6100000001", "mine_country": "BW", "rough_weight_mct": 2650, "kp_no": "BW000001"}, ()),
        ({"report": "GIA:6100000002"}, ("report",)),
        ({"mine_country": "CA", "rough_weight_mct": 2651}, ("mine_country", "rough_weight_mct")),
        ({"kp_no": "BW000002"}, ("kp_no",)),
    ],
)
async def test_a_claim_is_compared_field_by_field(folder, fields, differs):
    answer = await FileRegistry(folder).confirm(asking(1, **fields), NOON)
    assert (answer.status is Status.MISMATCH, answer.differs) == (bool(differs), differs)


async def test_one_changed_byte_and_the_record_is_not_believed(folder):
    path = folder / "events-000.jsonl"
    raw = bytearray(path.read_bytes())
    raw[raw.index(b'"by":"prod"') + 6] = ord("x")
    path.write_bytes(bytes(raw))
    answer = await FileRegistry(folder).confirm(asking(1), NOON)
    assert (answer.status, answer.reason, answer.events) == (Status.UNAVAILABLE, Reason.BAD_SIGNATURE, ())


async def test_a_record_signed_by_another_key_is_not_believed(folder):
    path = folder / "registry.json"
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(RegistryUnreadable):
        FileRegistry(folder, key=key)
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"key": key.hex()}))
    with pytest.raises(RegistryUnreadable):
        FileRegistry(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v":1}', b"\xff\xfe", b'{"sig":"AA==","key":7}', b"{}" * 999])
def test_rubbish_is_no_registry(folder, content):
    (folder / "registry.json").write_bytes(content)
    with pytest.raises(RegistryUnreadable):
        FileRegistry(folder)


def test_a_folder_without_files_is_no_registry(tmp_path):
    with pytest.raises(RegistryUnreadable):
        FileRegistry(tmp_path / "nowhere")


async def test_an_empty_registry_knows_nothing(tmp_path):
    assert (await stones.registry(tmp_path).confirm(asking(1), NOON)).status is Status.ABSENT


async def test_files_cut_short_give_no_answer_to_believe(folder):
    path = folder / "events-000.jsonl"
    path.write_bytes(path.read_bytes()[:5000])
    reasons = {(await FileRegistry(folder).confirm(asking(n), NOON)).reason for n in MANY}
    assert reasons == {None, Reason.BAD_SIGNATURE}


async def test_a_signed_record_of_the_wrong_shape_is_no_answer(tmp_path):
    events = [*stones.chain(1), {"t": "VIEWED", "at": "2026-02-26", "weight": 1.5, "by": "x"}]
    registry = stones.registry(tmp_path, (1, events))
    assert (await registry.confirm(asking(1), NOON)).reason is Reason.SCHEMA


def test_no_stone_is_written_twice(tmp_path):
    with RegistryWriter(tmp_path, stones.KEY) as writer:
        writer.add("A-1", stones.chain(1))
        with pytest.raises(ValueError, match="already written"):
            writer.add("A-1", stones.chain(1))


def test_without_a_trust_table_the_registry_vouches_for_what_it_wrote(tmp_path):
    with RegistryWriter(tmp_path, stones.KEY) as writer:
        writer.add("A-1", stones.chain(1))
    rows = json.loads((tmp_path / "registry.json").read_text())["trust"]
    assert {"issuer": "GIA", "types": ["GRADED"], "lab": "GIA", "from": "2000-01-01", "to": None} in rows
    assert {"issuer": "kp-bw", "types": ["KP_EXPORT"], "cc": "BW", "from": "2000-01-01", "to": None} in rows


def test_the_same_claim_is_one_question():
    assert asking(1, a=1, b=2).sha256() == asking(1, b=2, a=1).sha256() != asking(1, a=1, b=3).sha256()


class Wavering:
    name = "own-production"

    def __init__(self):
        self.calls, self.down = 0, True

    async def confirm(self, claim, now):
        self.calls += 1
        if self.down:
            raise OSError("connection refused")
        return Answer(self.name, Status.FOUND, now)


async def test_after_five_failures_the_registry_is_left_in_peace_for_a_while(folder):
    seconds = [0.0]
    failing = FileRegistry(folder, fault=Fault.DOWN)
    guarded = GuardedRegistry(failing, clock=lambda: seconds[0])
    reasons = [(await guarded.confirm(asking(1), NOON)).reason for _ in range(shipped_house().breaker_failures + 2)]
    assert reasons == [Reason.DOWN] * shipped_house().breaker_failures + [Reason.BREAKER_OPEN] * 2
    seconds[0] += shipped_house().breaker_rest_s
    assert (await guarded.confirm(asking(1), NOON)).reason is Reason.DOWN
    assert (await guarded.confirm(asking(1), NOON)).reason is Reason.BREAKER_OPEN
    seconds[0] += shipped_house().breaker_rest_s
    failing.fault = None
    assert (await guarded.confirm(asking(1), NOON)).status is Status.FOUND
    assert (await guarded.confirm(asking(2), NOON)).status is Status.FOUND


async def test_a_registry_that_raises_is_an_answer_too():
    answer = await GuardedRegistry(Wavering()).confirm(asking(1), NOON + timedelta(1))
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, Reason.DOWN)
