"""Who signed, who may, and what the registries answered (SG, RG)."""

from collections.abc import Iterator

from pavilion.provenance.facts import Happening
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case


def signatures(case: Case) -> Iterator[Finding]:
    for event in case.chain:
        if not event.signed:
            yield Finding("SG-01", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})
        if event.revoked or event.kind in case.facts.elsewhere.revoked:
            yield Finding("SG-02", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})
        if not event.logged:
            yield Finding("SG-03", Severity.BLOCK, event.place, {"event": event.kind})
        if not _trusted(case, event):
            yield Finding("SG-04", Severity.BLOCK, event.place, {"event": event.kind, "party": event.issuer or ""})


def registries(case: Case) -> Iterator[Finding]:
    mined = {event.cc for event in case.chain if event.kind == "MINED"}
    for report, country in case.facts.elsewhere.stated_origins.items():
        if mined and country not in mined:
            yield Finding("RG-02", Severity.BLOCK, None, {"registry": report, "fields": "mine_country"})
    for answer in case.facts.answers:
        if answer.status == "mismatch":
            yield Finding("RG-02", Severity.BLOCK, None, {"registry": answer.name, "fields": answer.reason})
        elif answer.status == "absent":
            severity = Severity.BLOCK if answer.mandatory else Severity.WARN
            yield Finding("RG-03", severity, None, {"registry": answer.name})
        elif answer.status != "found" and answer.mandatory:
            yield Finding("RG-01", Severity.PENDING, None, {"registry": answer.name, "reason": answer.reason})


def _trusted(case: Case, event: Happening) -> bool:
    """Only the authority that issued a certificate signs its export, and only the laboratory its report."""
    rows = case.facts.trust.rows(event.issuer, event.kind, event.day)
    if event.kind == "KP_EXPORT":
        region = case.tables.reg(event.kp.issuer) if event.kp is not None else None
        return region is not None and any(case.tables.reg(row.cc) == region for row in rows)
    if event.kind in ("GRADED", "REGRADED"):
        return event.report is not None and any(row.lab == event.report.lab for row in rows)
    return any(True for _ in rows)
