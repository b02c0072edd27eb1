"""Signatures checked in a process of their own: the same dossiers as without it, also when the process is gone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.issuers import IssuerKeys, SimulatedIssuers
from pavilion.provenance.issuers_process import Check, CheckingProcess
from pavilion.provenance.opening import Opener
from pavilion.provenance.registries.port import Answer, Status

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ISSUERS = SimulatedIssuers(b"a seed for tests")
KEYS = IssuerKeys([ISSUERS.row("kgale"), ISSUERS.row("tapi")])
GOOD = ISSUERS.sign({"t": "MINED", "at": "2026-01-12", "by": "kgale", "cc": "BW", "out": {"R": 2650}})
FORGED = {**GOOD, "cc": "ZA"}
UNSIGNED = {name: value for name, value in GOOD.items() if name != "sig"}
WORDS = {"t": "MINED", "at": "never", "by": 3}


def chains():
    for number, events in enumerate([(GOOD,), (FORGED,), (UNSIGNED,), (WORDS,), (GOOD, FORGED), (7,), ()]):
        claim = ListingClaim(stone=f"S{number}", origin_registry="own-production", origin_id=f"O{number}")
        yield claim, (Answer("own-production", Status.FOUND, NOW, events=events, stone="P", keys=KEYS),)


@pytest.fixture
def aside():
    return Opener(aside=True)


async def test_a_process_aside_finds_what_would_be_found_here(aside):
    claims, answers = zip(*chains(), strict=True)
    try:
        told = await aside.open(claims, answers)
        assert told == await Opener().open(claims, answers)
        signed = [[event.signed for event in one.events] for one in told[:5]]
        assert signed == [[True], [False], [False], [], [True, False]]
        assert await aside.open(claims, answers) == told
    finally:
        await aside.close()


async def test_a_process_that_is_gone_leaves_no_signature_unchecked(aside):
    claims, answers = zip(*chains(), strict=True)
    try:
        first = await aside.open(claims, answers)
        aside._process._process.kill()
        assert await aside.open(claims, answers) == first
    finally:
        await aside.close()


def test_the_process_answers_signature_by_signature():
    process = CheckingProcess()
    key, good = KEYS.find("kgale#1"), Opener()._checked([(replace(next(chains())[1][0]),)])
    assert good[0][0]["ok"] is True
    try:
        assert process.holding([]) == []
        assert process.holding([Check(key.public, b"\0" * 64, b"text")] * 3) == [False] * 3
        assert process.holding([Check(b"\xff" * 32, b"\0" * 64, b"")]) == [False]
    finally:
        process.close()
