"""The papers of law in the invoice pack: only for whom they are asked, and only where the facts are whole."""

import io

import pytest
from pypdf import PdfReader

from pavilion.provenance import documents, eligibility, service
from pavilion.settlement import invoicing, jobs, legal, queries
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests.make import NOON
from tests.provenance import stones
from tests.settlement.test_invoicing import TERMS, buyer, sold

TONGUES = pages_of(static.frontend()).tongues


@pytest.fixture
async def stone(sessions, tmp_path):
    claim = stones.claim(1)
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    return claim.stone


async def pack(sessions, stone, country, lang="en"):
    """The texts of the papers that stand beside the issued invoice."""
    async with sessions.begin() as session:
        who = await buyer(session, country, "BE0999999922" if country == "BE" else "")
        lots = [sold(stones=[stone])]
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=lots, now=NOON)
        name = (await invoicing.issue(session, draft, NOON)).public_id
    await jobs.set_papers(sessions, NOON, TONGUES)
    async with sessions() as session:
        invoice = await queries.invoice_by_public_id(session, name)
        papers = await legal.kept(session, invoice, lang)
    return {one.kind: "".join(page.extract_text() for page in PdfReader(io.BytesIO(one.pdf)).pages) for one in papers}


async def test_a_buyer_in_the_union_has_the_due_diligence_statement(sessions, stone):
    (text,) = (await pack(sessions, stone, "BE")).values()
    for fact in ("GIA 6100000001", "Botswana", "2025-12-29", "BW000001", "Belgium", "natural diamond"):
        assert fact in text


async def test_a_buyer_in_the_united_states_has_the_importers_text_word_for_word(sessions, stone):
    papers = await pack(sessions, stone, "US", "zh")
    assert set(papers) == {documents.US_CERT}
    words = " ".join(papers[documents.US_CERT].split())
    assert "I certify that the non-industrial diamonds in this shipment were not mined" in words
    assert "俄罗斯联邦" in words


async def test_where_no_law_asks_there_is_no_paper(sessions, stone):
    assert await pack(sessions, stone, "HK") == {}


async def test_a_stone_without_the_facts_gets_no_paper_and_is_closed_there(sessions, tmp_path):
    bare = [event for event in stones.chain(2) if event["t"] != "GRADED"]
    registry = stones.registry(tmp_path / "registry", (2, bare))
    claim = stones.claim(2)
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    async with sessions() as session:
        case = (await eligibility.cases_of(session, [claim.stone], NOON.date()))[claim.stone]
        assert documents.statement(case) == ("report",)
        assert documents.provided(case) == frozenset()
        found = await eligibility.of_stone(session, claim.stone, "BE", NOON.date())
    assert [one.code for one in found] == ["SN-03"]
    assert await pack(sessions, claim.stone, "BE") == {}


async def test_set_again_the_pack_stays_as_it_was_given(sessions, stone):
    await pack(sessions, stone, "BE")
    assert await jobs.set_papers(sessions, NOON, TONGUES) == 0
