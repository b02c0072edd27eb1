"""A paper that contradicts the record, and a passport that is suspended in the very transaction of the verdict."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.kernel.errors import BadInput
from pavilion.kernel.events import Event
from pavilion.provenance import issuing, passport_queries, references, service, standing
from pavilion.provenance.references import Paper
from tests.make import NOON
from tests.provenance import issued, stones

LATER = NOON + timedelta(hours=1)


def report(country: str) -> Paper:
    return Paper("diamond-origin-report", "GIA", "6123456789", day="2026-02-20", stated_country=country)


@pytest.fixture
def registry(tmp_path):
    return stones.registry(tmp_path / "registry", (1, stones.chain(1)))


async def judged(sessions, registry, claim, now):
    """The verdict, and how the stone's passport stood before that transaction ended."""
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=now, log=stones.LOG)
        found = await passport_queries.latest(session, claim.stone)
        state = None if found is None else (await passport_queries.standing_of(session, found)).state
        return verdict, state


async def stated(sessions, claim, country):
    async with sessions.begin() as session:
        return await references.add(session, stone=claim.stone, paper=report(country), data=None, by="P" * 26, now=NOON)


async def test_a_report_that_states_another_country_contradicts_the_record(sessions, registry):
    claim, issuer = stones.claim(1), issued.issuer()
    verdict, _ = await judged(sessions, registry, claim, NOON)
    assert verdict.verdict == "verified"
    await issuing.brought_up(sessions, issuer, [claim.stone], NOON)
    await stated(sessions, claim, "BW")
    verdict, state = await judged(sessions, registry, claim, LATER)
    assert (verdict.verdict, state) == ("verified", "current")
    paper = await stated(sessions, claim, "RU")
    verdict, state = await judged(sessions, registry, claim, LATER)
    assert (verdict.verdict, state) == ("rejected", "suspended")
    (finding,) = [one for one in verdict.findings if one.code == "RG-02"]
    assert finding.params == {"registry": "GIA 6123456789", "fields": "mine_country"}
    async with sessions() as session:
        found = await passport_queries.latest(session, claim.stone)
        assert await standing.marked(session, 2) == [found.status_index]
    async with sessions.begin() as session:
        await references.withdraw(session, stone=claim.stone, public_id=paper.public_id, by="P" * 26, now=LATER)
    verdict, _ = await judged(sessions, registry, claim, LATER)
    assert verdict.verdict == "verified"
    await issuing.brought_up(sessions, issuer, [claim.stone], LATER)
    async with sessions() as session:
        found = await passport_queries.latest(session, claim.stone)
        assert (await passport_queries.standing_of(session, found)).state == "current"


def certificate(valid_to: str, number: str = "SD-000123") -> Paper:
    return Paper("sustainability-certificate", "Example Scheme", number, valid_to=valid_to)


async def listed(sessions, issuer, stone, now):
    """The certificates in the newest passport, and its number."""
    await issuing.tick(sessions, issuer, now)
    async with sessions() as session:
        found = await passport_queries.latest(session, stone)
        papers = found.content["credentialSubject"]["stone:reports"]
        return found.n, [one["number"] for one in papers if one["kind"] == "sustainability-certificate"]


async def test_a_certificate_whose_last_day_has_passed_leaves_the_passport_and_is_told_of_once(sessions):
    issuer = issued.issuer()
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
        for paper in (certificate("2026-03-02"), certificate("2026-03-03", "SD-2")):
            await references.add(session, stone=claim.stone, paper=paper, data=None, by="P" * 26, now=NOON)
    assert await listed(sessions, issuer, claim.stone, NOON) == (1, ["SD-000123", "SD-2"])
    assert await references.end_due(sessions, NOON + timedelta(hours=11)) == 0, "its last day is a day"
    after = NOON + timedelta(hours=12)
    assert [await references.end_due(sessions, after) for _ in range(2)] == [1, 0]
    assert await listed(sessions, issuer, claim.stone, after) == (2, ["SD-2"])
    async with sessions() as session:
        (told,) = (await session.scalars(select(Event).where(Event.name == references.ENDED))).all()
        assert (told.subject, told.facts["number"], told.facts["day"]) == (claim.stone, "SD-000123", "2026-03-02")
        (lapsed,) = await references.ended(session, claim.stone)
        assert lapsed.number == "SD-000123"
    async with sessions.begin() as session:
        await references.withdraw(session, stone=claim.stone, public_id=lapsed.public_id, by="P" * 26, now=after)
        assert not await references.ended(session, claim.stone), "whoever withdrew it knows"


async def test_a_stone_has_only_so_many_papers(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(references, "MOST", 2)
    claim = issued.claim()
    for _ in range(2):
        await stated(sqlite_sessions, claim, "BW")
    with pytest.raises(BadInput):
        await stated(sqlite_sessions, claim, "BW")
