"""What happened to a stone, and what follows: every rule of origin, and their sum. Pure: equal facts, equal verdict."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pavilion.provenance.custody import custody
from pavilion.provenance.facts import Facts
from pavilion.provenance.findings import Finding, VerdictCode, verdict_of, worst_of_each
from pavilion.provenance.grading import natural, report
from pavilion.provenance.kimberley import certificates
from pavilion.provenance.law import grandfathering, market, sanctions
from pavilion.provenance.lineage import Case, case_of, identity
from pavilion.provenance.mass import balance
from pavilion.provenance.signatures import registries, signatures
from pavilion.provenance.tables import Tables
from pavilion.provenance.warranty import warranties
from pavilion.provenance.words import nomenclature

RULESET = "origin-1"
EXPOSED_GRADES = frozenset({"A", "B"})  # house policy: grade C is verified, but not shown to buyers
REASON_LEAST, REASON_MOST = 10, 2000  # characters of a person's reason for a decision
ASSURANCES = ("A", "B", "C")
NO_GRADE = "-"

CHAIN_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    identity,
    balance,
    certificates,
    custody,
    natural,
    report,
    warranties,
    signatures,
    sanctions,
    grandfathering,
)
OTHER_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (registries, nomenclature)

# Every code in the order a page tells them, so that the rules that passed can be shown beside those that fired.
CODES = (
    "ID-01", "ID-02", "ID-03", "ID-04", "ID-05", "ID-06",
    "MB-01", "MB-02", "MB-03", "MB-04", "MB-05", "MB-06",
    "KP-01", "KP-02", "KP-03", "KP-04", "KP-05", "KP-06", "KP-07", "KP-08",
    "CU-01", "CU-02", "CU-03", "CU-04",
    "NT-01", "NT-02", "NT-03", "NT-04",
    "GR-01", "GR-02", "GR-03", "GR-04", "GR-05", "GR-06", "GR-07",
    "WA-01", "WA-02",
    "RJ-01",
    "SN-04", "SN-05",
    "SG-01", "SG-02", "SG-03", "SG-04",
    "RG-01", "RG-02", "RG-03",
    "NM-01", "NM-02",
)  # fmt: skip
MARKET_CODES = ("SN-00", "SN-01", "SN-02", "SN-03")


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: VerdictCode
    assurance: str  # the grade that a VERIFIED stone of this chain has
    findings: tuple[Finding, ...]
    market: tuple[Finding, ...] = ()

    @property
    def grade(self) -> str:
        return self.assurance if self.verdict is VerdictCode.VERIFIED else NO_GRADE

    @property
    def eligible(self) -> bool:
        return not self.market

    @property
    def codes(self) -> list[str]:
        return sorted(finding.code for finding in (*self.findings, *self.market))


def judge(facts: Facts, tables: Tables) -> Judgement:
    case = case_of(facts, tables)
    findings = worst_of_each(_all(case))
    return Judgement(verdict_of(findings), _assurance(case), findings, worst_of_each(market(case)))


def _all(case: Case) -> Iterator[Finding]:
    silent = not case.facts.events and any(a.mandatory and a.status != "found" for a in case.facts.answers)
    # Without a chain to read, the registry's silence is the finding; that nothing is proved follows from it.
    for rule in OTHER_RULES if silent else CHAIN_RULES + OTHER_RULES:
        yield from rule(case)


def _assurance(case: Case) -> str:
    if any(event.evidence == "declared" for event in case.chain):
        return "C"
    if case.facts.elsewhere.match is not None:
        return "A"
    return "A" if all(event.evidence == "measured" for event in case.transformations) else "B"
