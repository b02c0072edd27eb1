"""The natural test (NT) and the laboratory's report (GR)."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from pavilion.provenance.facts import Happening, Report, decimal_or_none
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case

ROUND = "RBC"
LISTED_WORDS = (
    "weight", "color", "clarity", "shape", "cut", "polish", "symmetry", "fluorescence", "species", "variety",
)  # fmt: skip
NOT_NATURAL = frozenset({"LAB_GROWN", "SIMULANT"})
_GROWN = re.compile(r"LG[\s-]*[0-9]|LAB(ORATORY)?[\s-]*(GROWN|CREATED)")


def natural(case: Case) -> Iterator[Finding]:
    last = case.last_cut
    tests = [
        event
        for event in case.chain
        if event.kind == "TESTED_NATURAL"
        and case.facts.stone in event.objects
        and (last is None or (event.place > last.place and not event.earlier_than(last)))
    ]
    grown = next((event for event in tests if event.text("result") in NOT_NATURAL), None)
    if grown is not None:
        yield Finding("NT-01", Severity.BLOCK, grown.place, {"result": grown.text("result") or ""})
    elif not tests:
        yield Finding("NT-01", Severity.BLOCK)
    elif tests[-1].text("result") != "PASS_NATURAL" or not _believed(case, tests[-1]):
        facts = {"result": tests[-1].text("result") or "", "device": tests[-1].text("device") or ""}
        yield Finding("NT-03", Severity.HOLD, tests[-1].place, facts)
    yield from _not_laboratory_grown(case)
    yield from _treatment_told(case)


def report(case: Case) -> Iterator[Finding]:
    paper = case.report
    if paper is None:
        yield Finding("GR-01", Severity.BLOCK)
        return
    if case.facts.report_withdrawn:
        yield Finding("GR-01", Severity.BLOCK, None, {"lab": paper.lab, "number": paper.no, "reason": "withdrawn"})
    elif paper.source != "lab_api":
        yield Finding("GR-01", Severity.HOLD, None, {"source": paper.source})
    lab = case.tables.labs.get(paper.lab)
    if lab is None or lab.number.fullmatch(paper.no) is None:
        yield Finding("GR-02", Severity.BLOCK, None, {"lab": paper.lab, "number": paper.no})
    yield from _says_what_is_listed(case, paper)
    yield from _fits_the_scale(case, paper)
    yield from _fits_its_size(case, paper)
    yield from _is_of_this_stone(case, paper)


def later_by_years(day: date, years: int) -> date:
    """The same day so many years on; 29 February counts as the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year + years)


def _believed(case: Case, test: Happening) -> bool:
    return test.text("device") in case.tables.devices or test.text("lab") in case.tables.labs


def _not_laboratory_grown(case: Case) -> Iterator[Finding]:
    paper = case.report
    if not case.facts.natural:
        yield Finding("NT-02", Severity.BLOCK)
    if paper is not None:
        lab = case.tables.labs.get(paper.lab)
        if paper.type.startswith("LG") or (lab is not None and paper.type in lab.labgrown_types):
            yield Finding("NT-02", Severity.BLOCK, None, {"type": paper.type})
        if paper.no.upper().startswith("LG"):
            yield Finding("NT-02", Severity.BLOCK, None, {"number": paper.no})
    inscription = case.facts.inscription
    if inscription and _GROWN.search(unicodedata.normalize("NFKC", inscription).upper()):
        yield Finding("NT-02", Severity.BLOCK, None, {"inscription": inscription})


def _treatment_told(case: Case) -> Iterator[Finding]:
    treatment = case.report.treatment if case.report is not None else None
    if treatment is None:
        return
    if case.facts.catalogue == "untreated" or case.facts.listing.treatment != treatment:
        yield Finding("NT-04", Severity.BLOCK, None, {"treatment": treatment})


def _says_what_is_listed(case: Case, paper: Report) -> Iterator[Finding]:
    listed = case.facts.listing.words
    for word in ("weight", "color", "clarity") if case.facts.is_diamond else ("weight",):
        if word not in listed:
            yield Finding(
                "GR-03", Severity.BLOCK, None, {"grade": word, "listed": "", "report": paper.words.get(word, "")}
            )
    for word in LISTED_WORDS:
        if word in listed and not _same(word, listed[word], paper.words.get(word)):
            facts = {"grade": word, "listed": listed[word], "report": paper.words.get(word, "")}
            yield Finding("GR-03", Severity.BLOCK, None, facts)


def _same(word: str, listed: str, reported: str | None) -> bool:
    if word != "weight":
        return listed == reported
    mine, theirs = decimal_or_none(listed), decimal_or_none(reported)
    return mine is not None and mine == theirs


def _fits_the_scale(case: Case, paper: Report) -> Iterator[Finding]:
    """Laboratories round up only from a third decimal of 9, and a scale is out by one."""
    carats, limits = paper.carats, case.limits
    reported = None if carats is None else carats * 1000
    if reported is None or not (
        reported - limits.below_report_mct <= case.facts.mass_mct <= reported + limits.above_report_mct
    ):
        facts = {"mass_mct": case.facts.mass_mct, "report_mct": int(reported or 0)}
        yield Finding("GR-04", Severity.BLOCK, None, facts)


def _fits_its_size(case: Case, paper: Report) -> Iterator[Finding]:
    """A round weighs about 6.1 x d x d x depth (mm, milli-carat): 61 (a + b)(a + b) h / 40 in thousandths of a mm."""
    if case.facts.shape != ROUND or not case.facts.is_diamond or paper.meas_um is None:
        return
    first, second, depth = paper.meas_um
    scaled = 61 * (first + second) ** 2 * depth
    weighed = case.facts.mass_mct * 40 * 10**9
    if abs(scaled - weighed) * 100 > case.limits.volume_percent * weighed:
        facts = {"mass_mct": case.facts.mass_mct, "expected_mct": scaled // (40 * 10**9)}
        yield Finding("GR-05", Severity.HOLD, None, facts)


def _is_of_this_stone(case: Case, paper: Report) -> Iterator[Finding]:
    last = case.last_cut
    if paper.day is None or (last is not None and paper.day < last.day):
        facts = {"report": str(paper.day or ""), "day": str(last.day) if last is not None else ""}
        yield Finding("GR-06", Severity.BLOCK, last.place if last is not None else None, facts)
    if paper.day is not None and case.facts.as_of > later_by_years(paper.day, case.limits.fresh_years):
        yield Finding("GR-07", Severity.WARN, None, {"report": str(paper.day)})
