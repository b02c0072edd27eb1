"""May the stone be sold there on that day? Facts of the kept chain, the law of the table, and nothing else."""

import json
from dataclasses import replace
from datetime import date

import pytest

from pavilion.provenance import eligibility, service
from pavilion.provenance.eligibility import ELIGIBLE, Closed
from pavilion.provenance.law_models import GrandfatherClaim
from pavilion.provenance.vectors import facts_of, patched
from tests.make import NOON
from tests.provenance import stones

DAY = date(2026, 4, 1)


def facts(**patch):
    return replace(facts_of(patched(stones.BASE, patch)), market=None)


def test_a_stone_with_its_papers_is_eligible_wherever_somebody_has_looked():
    for destination in ("US", "BE", "HK", "JP"):
        assert eligibility.eligibility(facts(), destination, DAY) == ELIGIBLE


def test_a_country_that_nobody_reviewed_is_closed():
    assert eligibility.eligibility(facts(), "BR", DAY) == (Closed("SN-00", "", ""),)


def test_a_closed_destination_names_rule_entry_and_source():
    russian = facts(**{"events/0/cc": "RU"})
    (found,) = eligibility.eligibility(russian, "US", DAY)
    assert (found.code, found.entry) == ("SN-01", "US-RU-THIRD-500")
    assert found.source.startswith("CBP CSMS")
    assert eligibility.eligibility(russian, "HK", DAY) == ELIGIBLE


def test_the_day_decides():
    russian = facts(**{"events/0/cc": "RU"})
    assert eligibility.eligibility(russian, "US", date(2024, 2, 29)) == ELIGIBLE
    assert eligibility.eligibility(russian, "US", date(2024, 3, 1))[0].entry == "US-RU-THIRD-1000"


def test_an_origin_that_nobody_knows_is_not_known_to_be_another():
    rootless = replace(facts(), events=())
    assert {found.entry for found in eligibility.eligibility(rootless, "US", DAY)} == {
        "US-RU-DIRECT",
        "US-RU-THIRD-500",
    }
    assert eligibility.eligibility(rootless, "HK", DAY) == ELIGIBLE


@pytest.fixture
async def kept(sessions, tmp_path):
    """Stones with their chains in the book: one from Botswana, one from the banned origin, one without a report."""
    russian = json.loads(
        json.dumps(stones.chain(2)).replace(
            '"MINED", "at": "2025-12-29", "by": "prod", "cc": "BW"',
            '"MINED", "at": "2025-12-29", "by": "prod", "cc": "RU"',
        )
    )
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)), (2, russian))
    claims = [stones.claim(1), stones.claim(2)]
    async with sessions.begin() as session:
        await service.confirm(session, claims=claims, registry=registry, now=NOON, log=stones.LOG)
    return [claim.stone for claim in claims]


async def test_many_stones_are_asked_at_once(sessions, kept):
    async with sessions() as session:
        found = await eligibility.closed(session, kept, NOON.date(), {"BR", "HK"})
    assert {cc: why.code for cc, why in found[kept[0]].items()} == {"BR": "SN-00"}
    assert found[kept[1]]["US"].code == found[kept[1]]["BE"].code == found[kept[1]]["JP"].code == "SN-01"
    assert "HK" not in found[kept[1]]


async def test_a_stone_of_which_nothing_is_kept_is_closed_where_origin_is_asked(sessions, kept):
    async with sessions() as session:
        found = await eligibility.closed(session, [stones.claim(9).stone], NOON.date())
    assert {why.entry for why in next(iter(found.values())).values()} >= {"US-RU-DIRECT", "EU-RU-DIRECT"}


async def test_an_accepted_claim_lifts_the_ban_where_the_law_says_so(sessions, kept):
    said = {"claimed": True, "date": "2023-11-02", "place": "AE", "evidence": ["ab" * 32]}
    async with sessions.begin() as session:
        session.add(GrandfatherClaim(stone=kept[1], document=said, reason="stock of 2023", by="P-1", at=NOON))
    async with sessions() as session:
        assert (await eligibility.of_stone(session, kept[1], "BE", NOON.date()))[0].code == "SN-01"  # mined in 2026
