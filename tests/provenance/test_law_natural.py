"""One catalogue, natural stones only: there is no field by which another could enter, and no way past the rules."""

import json
import re
from dataclasses import fields

import pytest

from pavilion.catalogue import nomenclature
from pavilion.catalogue.models import Stone
from pavilion.provenance import queries, service
from pavilion.provenance.claims import ListingClaim
from tests.make import NOON
from tests.provenance import stones

OTHER = re.compile(
    r"lab_?grown|laboratory|synthetic|simulant|cultured|cultivated|natural|培育|合成|人造", re.IGNORECASE
)


def test_no_column_and_no_claim_says_whether_a_stone_is_natural():
    assert [column.name for column in Stone.__table__.columns if OTHER.search(column.name)] == []
    assert [field.name for field in fields(ListingClaim) if OTHER.search(field.name)] == []


def test_no_word_of_the_catalogue_means_another_kind_of_stone():
    said = json.dumps({name: getattr(nomenclature, name) for name in dir(nomenclature) if name.isupper()}, default=str)
    assert re.findall(r"lab[ _-]?grown|laboratory[ _-](?:grown|created)|synthetic|moissanite|培育|合成", said) == []


SPOILED = {
    "the laboratory tested it otherwise": lambda e: stones.event(e, "TESTED_NATURAL").update(result="LAB_GROWN"),
    "the test found a simulant": lambda e: stones.event(e, "TESTED_NATURAL").update(result="SIMULANT"),
    "nobody tested it": lambda e: e.remove(stones.event(e, "TESTED_NATURAL")),
    "its report is of another type": lambda e: stones.report(e).update(type="LGDR"),
    "its report has another number": lambda e: stones.report(e).update(no="LG612345678", inscription="LG612345678"),
    "its girdle says so": lambda e: stones.report(e).update(inscription="LABORATORY GROWN GIA 6100000001"),
}


@pytest.mark.parametrize("how", SPOILED)
async def test_another_kind_of_stone_is_rejected_and_seen_by_nobody(sessions, tmp_path, how):
    events = stones.chain(1)
    SPOILED[how](events)
    claim = stones.claim(1)
    registry = stones.registry(tmp_path / "registry", (1, events))
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
        assert verdict.verdict == "rejected"
        assert {"NT-01", "NT-02"} & set(verdict.codes)
        assert not await queries.is_exposed(session, claim.stone)
