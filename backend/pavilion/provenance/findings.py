"""What a rule says when it fires, and how findings add up to a verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    BLOCK = "block"
    PENDING = "pending"
    HOLD = "hold"
    MARKET = "market"  # changes eligibility only
    WARN = "warn"
    INFO = "info"


class VerdictCode(StrEnum):
    VERIFIED = "verified"
    REVIEW = "review"
    PENDING = "pending"
    REJECTED = "rejected"


WEIGHT = {severity: place for place, severity in enumerate(Severity)}
Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired. `link` is the place of the event in the chain; `params` are facts, the sentence is made
    where it is read."""

    code: str
    severity: Severity
    link: int | None = None
    params: Params = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        return {"code": self.code, "severity": self.severity.value, "link": self.link, "params": dict(self.params)}


def worst_of_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each code once, with its worst severity, in order of code."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        known = kept.get(finding.code)
        if known is None or WEIGHT[finding.severity] < WEIGHT[known.severity]:
            kept[finding.code] = finding
    return tuple(kept[code] for code in sorted(kept))


def verdict_of(findings: Iterable[Finding]) -> VerdictCode:
    severities = {finding.severity for finding in findings}
    if Severity.BLOCK in severities:
        return VerdictCode.REJECTED
    if Severity.PENDING in severities:
        return VerdictCode.PENDING
    return VerdictCode.REVIEW if Severity.HOLD in severities else VerdictCode.VERIFIED
