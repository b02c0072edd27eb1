"""Who may know what of a stone's record: nothing that is for compliance or holders leaves by a side door."""

import pytest

from pavilion.catalogue import answering
from pavilion.provenance import disclosure, issuing, passport_queries, queries
from pavilion.provenance.claims import Verdict
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.rules import CODES
from tests.make import NOON
from tests.provenance import issued, stones

RESEMBLING = {"code": "SN-04", "severity": "hold", "link": 2, "params": {"party": "kgale", "event": "SOLD_ROUGH"}}
OLD_REPORT = {"code": "GR-07", "severity": "warn", "link": None, "params": {"report": "2020-01-01"}}
ASSESSED = {"code": "WA-02", "severity": "hold", "link": 4, "params": {"seller": "kgale", "day": "2026-01-01"}}


def opened():
    return [event["t"] for event in stones.chain(1) if disclosure.is_open(event["t"], event)]


def test_of_a_whole_chain_everyone_reads_what_names_no_party_between():
    assert set(opened()) <= {"MINED", "TESTED_NATURAL", "GRADED"} and "GRADED" in opened()
    assert not [kind for kind in ("SOLD_ROUGH", "SOLD", "TRANSFERRED", "VIEWED", "LISTED") if disclosure.is_told(kind)]


@pytest.mark.parametrize("more", [{"usd": 1}, {"invoice": "K-1"}, {"site": {"geo": "1,2"}}, {"note": "x"}])
def test_one_word_more_and_an_event_stays_closed(more):
    graded = next(event for event in stones.chain(1) if event["t"] == "GRADED")
    assert disclosure.is_open("GRADED", graded) and not disclosure.is_open("GRADED", graded | more)


def test_a_verdict_whose_findings_name_parties_or_lists_is_not_for_everyone():
    assert disclosure.is_open_verdict([OLD_REPORT])
    assert not disclosure.is_open_verdict([RESEMBLING]) and not disclosure.is_open_verdict([ASSESSED])
    assert disclosure.is_told_to_holders([ASSESSED]) and not disclosure.is_told_to_holders([RESEMBLING])


def test_whether_a_name_was_like_one_on_a_list_is_told_to_compliance_alone():
    row = StoneVerdict(findings=[RESEMBLING, OLD_REPORT])
    told = {line.code: line.outcome for line in queries.rule_by_rule(row, inside=False)}
    inside = {line.code: line.outcome for line in queries.rule_by_rule(row, inside=True)}
    assert told.keys() == set(CODES) - {"SN-04", "SN-05"} and told["GR-07"] == "warn"
    assert inside["SN-04"] == Severity.HOLD and inside.keys() == set(CODES)


async def test_a_passport_says_nothing_of_it(sessions):
    async with sessions.begin() as session:
        said = await issued.keep(session, issued.claim())
        await issued.judge(session, said, findings=[RESEMBLING, OLD_REPORT])
    while await issuing.tick(sessions, issued.issuer(), NOON):
        pass
    async with sessions() as session:
        made = await passport_queries.latest(session, said.stone)
    assert made.content["credentialSubject"]["stone:origin"]["findings"] == [{"code": "GR-07", "severity": "warn"}]
    assert "SN-04" not in made.document


def test_a_supplier_is_told_that_somebody_looks_and_not_why():
    answer = {"issues": [], "outcome": None}
    finding = Finding("SN-04", Severity.HOLD, None, {"party": "kgale"})
    answering.judged(answer, Verdict("S", "review", "-", (finding,), "00" * 32), exposed=False, silent=())
    assert "kgale" not in str(answer) and "SN-04" not in str(answer)
    assert [issue["code"] for issue in answer["issues"]] == ["origin_in_review"]
