"""What happened to a stone, and what follows: every rule of origin, and their sum. Pure: equal facts, equal verdict."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from pavilion.provenance.claims import Weakest
from pavilion.provenance.custody import custody
from pavilion.provenance.facts import Facts
from pavilion.provenance.findings import Finding, Severity, VerdictCode, verdict_of, worst_of_each
from pavilion.provenance.grading import natural, report
from pavilion.provenance.kimberley import certificates
from pavilion.provenance.law import grandfathering, market, sanctions
from pavilion.provenance.lineage import Case, case_of, identity
from pavilion.provenance.mass import balance
from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.signatures import registries, signatures
from pavilion.provenance.tables import Tables
from pavilion.provenance.warranty import warranties
from pavilion.provenance.words import nomenclature

RULESET = "2026.2"
REASON_LEAST, REASON_MOST = 10, 2000  # characters of a person's reason for a decision
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

_BLOCK, _HOLD, _WARN = (Severity.BLOCK,), (Severity.HOLD,), (Severity.WARN,)
_EITHER = (Severity.BLOCK, Severity.HOLD)

# Every code with the severities it can have, in the order a page tells them, so that the rules that passed can be shown
# beside those that fired.
SEVERITIES: Mapping[str, tuple[Severity, ...]] = {
    **dict.fromkeys(("ID-01", "ID-02", "ID-03"), _BLOCK),
    "ID-04": _HOLD,
    "ID-05": (Severity.BLOCK, Severity.INFO),
    "ID-06": _BLOCK,
    "MB-01": _BLOCK,
    "MB-02": _HOLD,
    "MB-03": _BLOCK,
    **dict.fromkeys(("MB-04", "MB-05"), _EITHER),
    "MB-06": _HOLD,
    **dict.fromkeys(("KP-01", "KP-02", "KP-03", "KP-04", "KP-05", "KP-06", "KP-07", "KP-08"), _BLOCK),
    "CU-01": _BLOCK,
    "CU-02": _HOLD,
    "CU-03": _BLOCK,
    "CU-04": _HOLD,
    **dict.fromkeys(("NT-01", "NT-02"), _BLOCK),
    "NT-03": _HOLD,
    "NT-04": _BLOCK,
    "GR-01": _EITHER,
    **dict.fromkeys(("GR-02", "GR-03", "GR-04"), _BLOCK),
    "GR-05": _HOLD,
    "GR-06": _BLOCK,
    "GR-07": _WARN,
    "WA-01": _BLOCK,
    "WA-02": _HOLD,
    "RJ-01": _WARN,
    "SN-04": _EITHER,
    "SN-05": _HOLD,
    **dict.fromkeys(("SG-01", "SG-02", "SG-03", "SG-04"), _BLOCK),
    "RG-01": (Severity.PENDING, Severity.HOLD),
    "RG-02": _BLOCK,
    "RG-03": (Severity.BLOCK, Severity.WARN),
    "NM-01": _BLOCK,
    "NM-02": _HOLD,
}
CODES = tuple(SEVERITIES)
MARKET_CODES = ("SN-00", "SN-01", "SN-02", "SN-03")


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: VerdictCode
    assurance: str  # the grade that a VERIFIED stone of this chain has
    findings: tuple[Finding, ...]
    market: tuple[Finding, ...] = ()
    weakest: Weakest | None = None  # the link that keeps it from a better grade

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
    assurance, weakest = _assurance(case)
    return Judgement(verdict_of(findings), assurance, findings, worst_of_each(market(case)), weakest)


@cache
def document() -> bytes:
    """The ruleset in figures: its name, what each code can mean, and which table says how far figures may differ.
    Canonical bytes."""
    codes = {code: [severity.value for severity in severities] for code, severities in SEVERITIES.items()}
    market_codes = {code: [Severity.MARKET.value] for code in MARKET_CODES}
    return plain_bytes({"v": 1, "ruleset": RULESET, "codes": {**codes, **market_codes}, "tolerances": "limits"})


def _all(case: Case) -> Iterator[Finding]:
    silent = not case.facts.events and any(a.mandatory and a.status != "found" for a in case.facts.answers)
    # Without a chain to read, the registry's silence is the finding; that nothing is proved follows from it.
    for rule in OTHER_RULES if silent else CHAIN_RULES + OTHER_RULES:
        yield from rule(case)


def _assurance(case: Case) -> tuple[str, Weakest | None]:
    """The grade, and the first link that is to blame for it; nobody is to blame for an A."""
    for event in case.chain:
        if event.evidence == "declared":
            return "C", Weakest(event.place, event.kind, event.evidence)
    if case.facts.elsewhere.match is not None:
        return "A", None
    for event in case.transformations:
        if event.evidence != "measured":
            return "B", Weakest(event.place, event.kind, event.evidence)
    return "A", None
