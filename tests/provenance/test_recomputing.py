"""Every verdict can be given again from its documents alone, and no document can be changed without being seen."""

import json
from copy import deepcopy

import pytest
from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.provenance import service
from pavilion.provenance.gathering import Evidence, evidence_of
from pavilion.provenance.models import VerdictRecord
from pavilion.provenance.recomputing import NotRecomputable, recompute
from pavilion.provenance.registries.file import Fault
from pavilion.provenance.registries.port import plain_bytes
from tests import make
from tests.make import NOON
from tests.provenance import stones

WHY = "Seen the assessment of 2024 and of 2026; the year between is missing."


def changed(number, change):
    events = stones.chain(number)
    change(events)
    return number, events


@pytest.fixture
def registry(tmp_path):
    heavy = changed(2, lambda e: stones.event(e, "POLISHED").update(loss=760))
    stale = changed(3, lambda e: stones.event(e, "SOLD").update(sow_self_assessed="2024-09-01"))
    also = changed(7, lambda e: stones.event(e, "SOLD").update(sow_self_assessed="2024-09-01"))
    untested = changed(4, lambda e: e.remove(stones.event(e, "TESTED_NATURAL")))
    late = changed(5, lambda e: stones.event(e, "CUT").update(at="2025-01-01"))
    return stones.registry(tmp_path / "registry", (1, stones.chain(1)), heavy, stale, untested, late, also)


async def confirmed(sessions, registry, *claims, now=NOON):
    async with sessions.begin() as session:
        return await service.confirm(session, claims=claims, registry=registry, now=now, log=stones.LOG)


async def kept(sessions):
    """Every verdict with its documents."""
    async with sessions() as session:
        documents = [row.document.encode() for row in await session.scalars(select(VerdictRecord))]
        return [(document, await evidence_of(session, document)) for document in documents]


async def test_every_verdict_comes_out_as_it_was_given(sessions, registry):
    listed = [stones.claim(n) for n in (1, 2, 3, 4, 5, 99)]
    twin = stones.claim(1)
    other = stones.claim(1, rough_weight_mct=2651, text={"en": "a cultured diamond"})
    await confirmed(sessions, registry, *listed, twin, other)
    registry.fault = Fault.DOWN
    silent = stones.claim(6)
    await confirmed(sessions, registry, silent)
    await confirmed(sessions, registry, silent, now=NOON.replace(day=4))
    registry.fault = Fault.SWAPPED
    await confirmed(sessions, registry, stones.claim(2))
    found = await kept(sessions)
    verdicts = {json.loads(document)["verdict"] for document, _ in found}
    assert verdicts == {"verified", "rejected", "review", "pending"} and len(found) == 11
    for document, evidence in found:
        assert recompute(document, *evidence) == document


async def test_a_persons_decision_is_one_of_the_inputs(sessions, registry):
    claim, refused = stones.claim(3), stones.claim(7)
    await confirmed(sessions, registry, claim, refused)
    async with sessions.begin() as session:
        actor = await make.actor(session, roles=(Role.COMPLIANCE,))
        for one, accept in ((claim, True), (refused, False)):
            facts = {"codes": ["WA-02"], "reason": WHY, "actor": actor, "now": NOON, "log": stones.LOG}
            await service.decide_review(session, stone=one.stone, accept=accept, **facts)
    await confirmed(sessions, registry, claim, refused)  # it holds for the same inputs
    found = await kept(sessions)
    decided = [document for document, _ in found if len(json.loads(document)["inputs"]) == 3]
    assert sorted(json.loads(document)["verdict"] for document in decided) == 2 * ["rejected"] + 2 * ["verified"]
    for document, evidence in found:
        assert recompute(document, *evidence) == document
    document, evidence = next((d, e) for d, e in found if d in decided)
    without = plain_bytes({**json.loads(document), "inputs": json.loads(document)["inputs"][:2]})
    assert json.loads(recompute(without, *evidence))["verdict"] == "review"


@pytest.fixture
async def verified(sqlite_sessions, registry):
    await confirmed(sqlite_sessions, registry, stones.claim(1))
    ((document, evidence),) = await kept(sqlite_sessions)
    return document, evidence


async def test_no_document_may_be_missing_or_changed(verified):
    document, evidence = verified
    for part in ("inputs", "tables", "events"):
        for name, raw in getattr(evidence, part).items():
            for place in range(0, len(raw), max(1, len(raw) // 7)):
                other = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
                with pytest.raises(NotRecomputable):
                    recompute(document, *evidence._replace(**{part: {**getattr(evidence, part), name: other}}))
            less = {key: value for key, value in getattr(evidence, part).items() if key != name}
            with pytest.raises(NotRecomputable):
                recompute(document, *evidence._replace(**{part: less}))
    with pytest.raises(NotRecomputable):
        recompute(document, *evidence._replace(trust=b"[]"))


def resealed(document: bytes, evidence: Evidence, change) -> tuple[bytes, Evidence]:
    """The same verdict said to rest on another case, all hashes put right."""
    from hashlib import sha256

    said = json.loads(document)
    case = json.loads(evidence.inputs[said["inputs"][0]])
    change(case)
    raw = plain_bytes(case)
    name = sha256(raw).hexdigest()
    said["inputs"][0] = name
    return plain_bytes(said), evidence._replace(inputs={**evidence.inputs, name: raw})


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case["logged"].__setitem__(3, None),
        lambda case: (case["logged"].pop(6), case["events"].pop(6)),
        lambda case: case["known"].update(reports=["GIA:6100000001"]),
        lambda case: case["claim"]["listed"].update(color="F"),
        lambda case: case["answers"][0].update(status="mismatch"),
        lambda case: case["answers"].append(
            {"registry": "laboratory", "status": "unavailable", "mandatory": True, "why": "timeout", "fields": {}}
        ),
        lambda case: case.update(piece="R-1"),
        lambda case: case.update(awaits_log=True),
    ],
)
async def test_another_case_gives_another_verdict(verified, change):
    document, evidence = resealed(*verified, change)
    again = recompute(document, *evidence)
    assert again != document
    assert json.loads(again)["verdict"] != "verified"


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(ruleset="2020.1"),
        lambda said: said["inputs"].reverse(),
        lambda said: said["inputs"].append(said["inputs"][0]),
        lambda said: said.update(inputs=[]),
        lambda said: said["tables"].pop("law"),
        lambda said: said.update(as_of="soon"),
        lambda said: said.clear(),
    ],
)
async def test_what_is_no_verdict_is_refused(verified, change):
    document, evidence = verified
    said = deepcopy(json.loads(document))
    change(said)
    with pytest.raises(NotRecomputable):
        recompute(plain_bytes(said), *evidence)


async def test_a_verdict_that_does_not_follow_is_seen(verified):
    document, evidence = verified
    for lie in ({"grade": "A"}, {"findings": []}, {"verdict": "rejected", "grade": "-"}, {"stone": "0" * 26}, {"x": 1}):
        told = plain_bytes(json.loads(document) | lie)
        assert recompute(told, *evidence) != told
