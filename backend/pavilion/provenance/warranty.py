"""Warranty statements on every sale of diamonds (WA) and claims of membership (RJ)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from pavilion.provenance.facts import Happening, day_or_none
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.grading import later_by_years
from pavilion.provenance.lineage import Case

TERMS_YEARS = (1, 3)


def warranties(case: Case) -> Iterator[Finding]:
    if case.facts.is_diamond:
        for event in case.chain:
            if _needs_statement(event):
                yield from _stated(case, event)
                yield from _assessed(case, event)
    yield from _memberships(case)


def _needs_statement(event: Happening) -> bool:
    if event.kind == "SOLD":
        return event.more.get("b2c") is not True
    return event.kind == "SOLD_ROUGH" or (event.kind == "TRANSFERRED" and bool(event.more.get("memo")))


def _stated(case: Case, event: Happening) -> Iterator[Finding]:
    text = event.text("sow")
    scope = "rough" if event.kind == "SOLD_ROUGH" else "polished"
    if event.kind == "TRANSFERRED" and case.polished.isdisjoint(event.objects):
        scope = "rough"
    rows = case.tables.warranties.get(text or "", ())
    if not any(scope in row.scopes and row.span.holds(event.day) for row in rows):
        facts = {"text": text or "", "day": str(event.day), "seller": event.by or ""}
        yield Finding("WA-01", Severity.BLOCK, event.place, facts)


def _assessed(case: Case, event: Happening) -> Iterator[Finding]:
    assessed = event.day_of("sow_self_assessed")
    fresh = assessed is not None and 0 <= (event.day - assessed).days <= case.limits.assessed_days
    if not fresh or not _borne_out(case, event.by, assessed):
        facts = {"assessed": str(assessed or ""), "day": str(event.day), "seller": event.by or ""}
        yield Finding("WA-02", Severity.HOLD, event.place, facts)


def _borne_out(case: Case, seller: str | None, assessed: date | None) -> bool:
    """The register, where it was asked, knows the seller as registered and as assessed on that day or since."""
    company = case.facts.elsewhere.companies.get(seller or "")
    if company is None or assessed is None:
        return True  # nobody was asked; or the register does not know the seller, which is another rule's finding
    last = day_or_none(company.get("self_assessed"))
    return company.get("registered") is True and last is not None and assessed <= last


def _memberships(case: Case) -> Iterator[Finding]:
    for claim in case.facts.rjc:
        number, party = str(claim.get("no", "")), claim.get("party")
        member = case.facts.elsewhere.rjc.get(number)
        if member is None or member.get("party") != party or not _in_its_term(member, case.facts.as_of):
            yield Finding("RJ-01", Severity.WARN, None, {"party": str(party or ""), "number": number})


def _in_its_term(member: Any, day: date) -> bool:
    issued, expires = day_or_none(member.get("issued")), day_or_none(member.get("expires"))
    term = member.get("term_years")
    if member.get("status") != "certified" or term not in TERMS_YEARS or issued is None or expires is None:
        return False
    return issued <= day <= expires and expires <= later_by_years(issued, term)
