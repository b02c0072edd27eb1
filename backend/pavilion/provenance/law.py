"""May the stone be sold there on that day (SN)? The law is a table; no country is named here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pavilion.provenance.facts import TRANSFORMATIONS, day_or_none
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case
from pavilion.provenance.tables import Law

ORIGIN_KINDS = ("origin_any", "origin_direct")
NOT_PUBLIC = frozenset({"SN-04", "SN-05"})  # of parties and their papers, until a person has looked


def public_codes(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The codes, among these findings, that keep a stone from being verified and that everybody may know."""
    barring = (f["code"] for f in findings if f["severity"] in ("block", "pending", "hold"))
    return sorted({code for code in barring if code not in NOT_PUBLIC})


def sanctions(case: Case) -> Iterator[Finding]:
    """Who is on a list may have no part in a stone; whose name is only like one is for a person to look at."""
    facts = case.facts
    if not (facts.sanctioned or facts.resembling):
        return
    for event in case.chain:
        parties = event.parties()
        for party in sorted(parties & facts.sanctioned):
            yield Finding("SN-04", Severity.BLOCK, event.place, {"party": party, "event": event.kind})
        for party in sorted(parties & facts.resembling):
            yield Finding("SN-04", Severity.HOLD, event.place, {"party": party, "event": event.kind})
    for party in sorted(facts.hands & facts.sanctioned):
        yield Finding("SN-04", Severity.BLOCK, None, {"party": party})
    for party in sorted(facts.hands & facts.resembling):
        yield Finding("SN-04", Severity.HOLD, None, {"party": party})


def grandfathering(case: Case) -> Iterator[Finding]:
    claim = case.facts.grandfather
    if claim is not None and claim.get("claimed") and not _accepted(case):
        facts = {"day": str(claim.get("date") or ""), "place": str(claim.get("place") or "")}
        yield Finding("SN-05", Severity.HOLD, None, facts)


def market(case: Case) -> Iterator[Finding]:
    """Why the stone may not be sold at its destination on this day; nothing if it may, or none is known."""
    destination, facts = case.facts.market, case.facts
    if destination is None:
        return
    region = case.tables.reg(destination)
    if region not in case.tables.reviewed:
        yield Finding("SN-00", Severity.MARKET, None, {"destination": destination})
    if not facts.is_diamond:
        return
    for entry in case.tables.laws:
        if entry.code is None or entry.regime != region or not entry.span.holds(facts.as_of):
            continue
        if facts.mass_mct >= entry.min_mct and _applies(case, entry) and not _lifted(case, entry):
            yield Finding(entry.code, Severity.MARKET, None, {"entry": entry.id, "source": entry.source})


def origin_entries(case: Case) -> Iterator[Law]:
    """The entries on origin that the destination asks of a stone of this kind and mass that day, whatever its chain."""
    region, facts = case.tables.reg(case.facts.market), case.facts
    for entry in case.tables.laws:
        asked = entry.kind in ORIGIN_KINDS and entry.regime == region and entry.span.holds(facts.as_of)
        if asked and facts.is_diamond and facts.mass_mct >= entry.min_mct:
            yield entry


def _applies(case: Case, entry: Law) -> bool:
    if entry.kind == "origin_any":
        return any(event.kind == "MINED" and event.cc == entry.origin for event in case.chain)
    if entry.kind == "origin_direct":
        return _came_directly(case, entry)
    return entry.kind == "document" and entry.document not in case.facts.documents


def _came_directly(case: Case, entry: Law) -> bool:
    for event in case.chain:
        if event.cc != entry.origin or (entry.span.start is not None and event.day < entry.span.start):
            continue
        if event.kind in TRANSFORMATIONS or case.facts.stone in event.objects:
            return True
        if event.kind in ("KP_EXPORT", "TRANSFERRED") and case.tables.reg(event.to_cc) == entry.regime:
            return True
    return False


def _lifted(case: Case, entry: Law) -> bool:
    if entry.kind not in ORIGIN_KINDS or not entry.grandfathered:
        return False
    claim, until = case.facts.grandfather, entry.grandfather_until
    if claim is None or not claim.get("claimed") or not _accepted(case):
        return False
    return until is None or case.facts.as_of <= until


def _accepted(case: Case) -> bool:
    """Evidence, a day and a place, none of which is the banned origin, after the mine and before the ban."""
    claim = case.facts.grandfather or {}
    day, place = day_or_none(claim.get("date")), claim.get("place")
    bans = [entry for entry in case.tables.laws if entry.kind in ORIGIN_KINDS]
    if not claim.get("evidence") or day is None or not place or place in {entry.origin for entry in bans}:
        return False
    starts = [entry.span.start for entry in bans if entry.span.start is not None]
    mined = [event.day for event in case.chain if event.kind == "MINED"]
    return all(day >= dug for dug in mined) and (not starts or day < min(starts))
