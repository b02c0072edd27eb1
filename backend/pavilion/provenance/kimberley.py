"""Rough diamonds cross borders under certificates of the Kimberley Process (KP)."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from pavilion.provenance.facts import POLISHING, Certificate, Happening
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case
from pavilion.provenance.tables import span

ROUGH_HS = frozenset({"7102.10", "7102.21", "7102.31"})
MIXED = "***"
_NUMBER = re.compile(r"[A-Z]{2}[0-9]{3,12}")
_NO_PAPER = Certificate("", "", None, None, "", (), Decimal(0), None, None)


def certificates(case: Case) -> Iterator[Finding]:
    if not case.facts.is_diamond:
        return
    yield from _borders(case)
    used: dict[str, set[str]] = {}
    for event in case.chain:
        if event.kind == "KP_EXPORT":
            paper = event.kp or _NO_PAPER
            arrival = _import_of(case, paper.no)
            yield from _dates(event, paper, arrival)
            yield from _participants(case, event, arrival)
            yield from _paper(case, event, paper)
            yield from _mixed(case, event, paper, arrival)
            yield from _origin(case, event, paper)
            used.setdefault(paper.no, set()).update(case.pieces.intersection(event.objects))
    yield from _carats(case, used)


def _borders(case: Case) -> Iterator[Finding]:
    """KP-01, for each piece that never came off a wheel."""
    polished = {piece for event in case.chain if event.kind in POLISHING for piece in event.outputs}
    for piece in sorted(case.pieces - polished):
        fault = _walk(case, [event for event in case.chain if piece in event.touches()])
        if fault is not None:
            yield Finding("KP-01", Severity.BLOCK, fault.place, {"piece": piece, "country": fault.cc or ""})


def _walk(case: Case, journey: list[Happening]) -> Happening | None:
    """The first event of the piece's journey that no certificate explains."""
    reg, here, under_way = case.tables.reg, None, None
    for event in journey:
        there = reg(event.cc)
        if event.kind == "KP_EXPORT":
            if under_way is not None or (here is not None and there != here):
                return event
            under_way, here = event, there
        elif event.kind == "KP_IMPORT":
            if under_way is None or (under_way.kp or _NO_PAPER).no != event.text("kp_no"):
                return event
            if there != reg(under_way.to_cc):
                return event
            under_way, here = None, there
        elif under_way is not None:
            if event.kind != "TRANSFERRED":
                return event
        elif there is not None:
            if here is not None and there != here:
                return event
            here = there
    return under_way


def _import_of(case: Case, number: str) -> Happening | None:
    return next((e for e in case.chain if e.kind == "KP_IMPORT" and number and e.text("kp_no") == number), None)


def _dates(event: Happening, paper: Certificate, arrival: Happening | None) -> Iterator[Finding]:
    facts = {"number": paper.no, "issued": str(paper.issued or ""), "expires": str(paper.expires or "")}
    if paper.issued is None or paper.expires is None or not paper.issued <= event.day <= paper.expires:
        yield Finding("KP-02", Severity.BLOCK, event.place, {**facts, "day": str(event.day)})
    elif arrival is not None and arrival.day > paper.expires:
        yield Finding("KP-02", Severity.BLOCK, arrival.place, {**facts, "day": str(arrival.day)})


def _participants(case: Case, event: Happening, arrival: Happening | None) -> Iterator[Finding]:
    if not _takes_part(case, event.cc, event.day):
        yield Finding("KP-03", Severity.BLOCK, event.place, {"country": event.cc or ""})
    elif arrival is not None and not _takes_part(case, event.to_cc, arrival.day):
        yield Finding("KP-03", Severity.BLOCK, arrival.place, {"country": event.to_cc or ""})


def _takes_part(case: Case, country: str | None, day: date) -> bool:
    region = case.tables.reg(country)
    if region is None:
        return False
    if any(spell.holds(day) for spell in case.tables.participants.get(region, ())):
        return True
    return any(row.get("cc") == region and span(row).holds(day) for row in case.facts.participants)


def _paper(case: Case, event: Happening, paper: Certificate) -> Iterator[Finding]:
    if paper.hs not in ROUGH_HS:
        yield Finding("KP-04", Severity.BLOCK, event.place, {"number": paper.no, "hs": paper.hs})
    issuer = case.tables.reg(paper.issuer)
    well_formed = _NUMBER.fullmatch(paper.no) is not None and paper.no[:2] == issuer
    conflicts = paper.no in case.facts.elsewhere.kp_conflicts
    if not well_formed or issuer != case.tables.reg(event.cc) or conflicts:
        yield Finding("KP-05", Severity.BLOCK, event.place, {"number": paper.no, "issuer": paper.issuer})


def _mixed(case: Case, event: Happening, paper: Certificate, arrival: Happening | None) -> Iterator[Finding]:
    if MIXED not in paper.origin or arrival is None:
        return
    into = case.tables.reg(event.to_cc)
    if any(into == region and spell.holds(arrival.day) for region, spell in case.tables.mixed_origin):
        yield Finding("KP-06", Severity.BLOCK, event.place, {"number": paper.no, "region": into or ""})


def _origin(case: Case, event: Happening, paper: Certificate) -> Iterator[Finding]:
    if MIXED in paper.origin:
        return
    for piece in sorted(case.pieces.intersection(event.objects)):
        for mined in _mines(case, piece):
            if mined.cc not in paper.origin:
                facts = {"number": paper.no, "country": mined.cc or "", "origin": ", ".join(paper.origin)}
                yield Finding("KP-07", Severity.BLOCK, event.place, facts)


def _mines(case: Case, piece: str) -> Iterator[Happening]:
    seen, waiting = {piece}, [piece]
    while waiting:
        for event in case.producers.get(waiting.pop(), ()):
            if event.kind == "MINED":
                yield event
            waiting += [p for p in event.inputs if p not in seen]
            seen.update(event.inputs)


def _carats(case: Case, used: dict[str, set[str]]) -> Iterator[Finding]:
    for number, pieces in sorted(used.items()):
        export = case.exports.get(number)
        stated = export.kp.mct if export is not None and export.kp is not None else 0
        taken = case.facts.elsewhere.kp_used_mct.get(number, 0) + sum(case.mass.get(piece, 0) for piece in pieces)
        if taken > stated:
            facts: dict[str, str | int] = {"number": number, "used_mct": taken, "certificate_mct": int(stated)}
            yield Finding("KP-08", Severity.BLOCK, export.place if export else None, facts)
