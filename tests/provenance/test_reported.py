"""What parties report themselves counts: a stone reported as stolen is gone until it is reported as back."""

import hashlib

import pytest

from pavilion.accounts.rules import RIGHTS, Actor, Role
from pavilion.provenance import epcis, gathering, queries, reporting, reverifying, service, trust_table
from pavilion.provenance.issuers import SimulatedIssuers
from pavilion.provenance.law_models import Recheck
from pavilion.provenance.recomputing import recompute
from tests.make import HOUR, NOON
from tests.provenance import stones

ISSUERS = SimulatedIssuers(hashlib.sha256(stones.KEY.private_bytes_raw()).digest())
IDS = epcis.Ids("https://pavilion.example")
PIA = Actor(1, "pia", 1, "approved", frozenset({Role.PRODUCER}), RIGHTS[Role.PRODUCER])


@pytest.fixture
def registry(tmp_path):
    return stones.registry(tmp_path / "registry", (1, stones.chain(1)), (2, stones.chain(2)))


async def judged(sessions, registry, claim, now=NOON):
    async with sessions.begin() as session:
        (told,) = await service.confirm(session, claims=[claim], registry=registry, now=now, log=stones.LOG)
    async with sessions() as session:
        row = await queries.verdict_of(session, claim.stone)
        document = (await queries.document_of(session, row)).encode()
        assert recompute(document, *await gathering.evidence_of(session, document)) == document
    return told.verdict, [code for code in told.codes if code == "ID-06"]


async def trusted(sessions):
    """The producer may sign anything, with the key it also signs with in the registry."""
    rows = [{"issuer": "prod", "types": ["*"], "from": "2020-01-01", "to": None}, *stones.trust()]
    async with sessions.begin() as session:
        two = {"proposed_by": "cato", "approved_by": "imre", "reason": "for tests", "now": NOON - HOUR}
        await trust_table.adopt(session, trust=rows, keys=[ISSUERS.row("prod")], **two)


async def reported(sessions, kind, piece, at):
    """As the party that mined it signs and sends it."""
    event = ISSUERS.sign({"t": kind, "at": at, "by": "prod", "cc": "BW", "obj": piece, "reason": "seen missing"})
    async with sessions.begin() as session:
        document = epcis.document([epcis.told(event, IDS)], IDS, NOON)
        await reporting.capture(session, document, ids=IDS, house="did:web:pavilion.localhost", actor=PIA, now=NOON)


@pytest.mark.parametrize("which", ["stone", "rough"])
async def test_a_stone_reported_as_stolen_is_gone_and_one_reported_as_back_is_there_again(sessions, registry, which):
    await trusted(sessions)
    claim, other = stones.claim(1), stones.claim(2)
    assert await judged(sessions, registry, claim) == ("verified", [])
    await judged(sessions, registry, other)
    mined = stones.event(stones.chain(1), "MINED")
    piece = claim.origin_id if which == "stone" else next(iter(mined["out"]))
    await reverifying.follow(sessions, NOON)
    await reported(sessions, "STOLEN", piece, "2026-02-27T10:00:00Z")
    await reverifying.follow(sessions, NOON)
    async with sessions() as session:
        due = await session.get(Recheck, claim.stone)
        assert due.why == "reported" and await session.get(Recheck, other.stone) is None
    assert await judged(sessions, registry, claim, NOON + HOUR) == ("rejected", ["ID-06"])
    assert await judged(sessions, registry, other, NOON + HOUR) == ("verified", [])
    await reported(sessions, "RECOVERED", piece, "2026-02-28T10:00:00Z")
    assert await judged(sessions, registry, claim, NOON + 2 * HOUR) == ("verified", [])
