"""Who signed, who may, and what the registries answered (SG, RG)."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pavilion.provenance.facts import Happening, moment
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case
from pavilion.provenance.tables import Span


def signatures(case: Case) -> Iterator[Finding]:
    for event in case.chain:
        if not event.signed:
            yield Finding("SG-01", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})
        if event.kind in case.facts.elsewhere.revoked:
            yield Finding("SG-02", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})
        if not event.logged:
            yield Finding("SG-03", Severity.BLOCK, event.place, {"event": event.kind})
        if not any(_fits(case, row, event) for row in case.facts.trust):
            yield Finding("SG-04", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})


def registries(case: Case) -> Iterator[Finding]:
    for answer in case.facts.answers:
        if answer.status == "mismatch":
            yield Finding("RG-02", Severity.BLOCK, None, {"registry": answer.name, "fields": answer.reason})
        elif answer.status == "absent":
            severity = Severity.BLOCK if answer.mandatory else Severity.WARN
            yield Finding("RG-03", severity, None, {"registry": answer.name})
        elif answer.status != "found" and answer.mandatory:
            yield Finding("RG-01", Severity.PENDING, None, {"registry": answer.name, "reason": answer.reason})


def _fits(case: Case, row: Mapping[str, Any], event: Happening) -> bool:
    if row["issuer"] != event.issuer:
        return False
    types = row["types"]
    if event.kind not in types and "*" not in types:
        return False
    if not _days(row.get("from"), row.get("to")).holds(event.day):
        return False
    if event.kind == "KP_EXPORT":
        region = case.tables.reg(event.kp.issuer) if event.kp is not None else None
        return region is not None and case.tables.reg(row.get("cc")) == region
    if event.kind in ("GRADED", "REGRADED"):
        return event.report is not None and row.get("lab") == event.report.lab
    return True


@lru_cache(maxsize=4096)
def _days(start: str | None, end: str | None) -> Span:
    return Span(None if start is None else moment(start)[0].date(), None if end is None else moment(end)[0].date())
