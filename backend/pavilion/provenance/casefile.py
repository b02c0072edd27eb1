"""The case of one stone as a document: all that its verdict rests on beside tables, keys, trust and day. Pure.

`{"v":1,"piece","claim","answers":[{"registry","status","mandatory","why","fields"}],"known":{...},"events":[SHA-256],
"logged":[place or null]}`; `awaits_log` marks a chain that is not judged before the log's witnesses have seen it,
`expired` a registry that nobody waits for any more. `known` is what our other stones lay claim to.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.dossier import Dossier, Link
from pavilion.provenance.facts import Answered, Elsewhere, Facts, Happening, Listing, Report, decimal_or_none, report_of
from pavilion.provenance.findings import Finding, Severity, VerdictCode
from pavilion.provenance.grading import LISTED_WORDS
from pavilion.provenance.registries.port import (
    KP,
    LABORATORY,
    MATCH,
    RJC,
    SANCTIONS,
    WARRANTY,
    Answer,
    Status,
    plain_bytes,
)
from pavilion.provenance.rules import NO_GRADE, RULESET, Judgement
from pavilion.provenance.tables import Tables
from pavilion.provenance.trust import Trust

PUBLIC_LOG, AWAITING_WITNESSES = "public-log", "awaiting_witnesses"
HANDLING = frozenset({"VIEWED", "TRANSFERRED"})  # events that leave a person's decision standing
Case = dict[str, Any]
_PIECE = 2000
_EDITIONS = frozenset({"version", "issued"})  # of a list that says the same as its last edition
_KNOWN = (Status.FOUND.value, Status.MISMATCH.value)


@dataclass(frozen=True, slots=True)
class Conclusion:
    verdict: VerdictCode
    grade: str
    findings: tuple[Finding, ...]


def case_of(
    dossier: Dossier,
    known: Elsewhere,
    links: Sequence[Link],
    logged: Sequence[int | None],
    *,
    awaits_log: bool = False,
    expired: bool = False,
) -> Case:
    """`links` are the events that are judged, `logged` their places under a checkpoint that counts."""
    document: Case = {
        "v": 1,
        "piece": dossier.piece,
        "claim": dossier.claim.document(),
        "answers": [_answer(answer) for answer in sorted(dossier.answers, key=lambda answer: answer.registry)],
        "known": _known(known),
        "events": [link.sha256 for link in links],
        "logged": list(logged),
    }
    return document | ({"awaits_log": True} if awaits_log else {}) | ({"expired": True} if expired else {})


def basis_of(case: Case, links: Sequence[Link]) -> str:
    """What a person's decision holds for. Looking at a stone or handing it on is no reason to decide again, nor is
    another state of the key table or the log: what those change, a code says."""
    kept = {name: case[name] for name in ("piece", "claim", "known")}
    kept["answers"] = [
        {**said, "fields": {name: value for name, value in said["fields"].items() if name not in _EDITIONS}}
        for said in case["answers"]
    ]
    return hash_of(plain_bytes({**kept, "events": [link.sha256 for link in links if link.kind not in HANDLING]}))


def hash_of(document: bytes) -> str:
    """SHA-256, in pieces for which the library does not let go of the interpreter: one that does waits for all others,
    stone after stone, while a batch is judged beside busy threads."""
    found = hashlib.sha256()
    for start in range(0, len(document), _PIECE):
        found.update(document[start : start + _PIECE])
    return found.hexdigest()


def facts_of(case: Case, events: Sequence[Happening], trust: Trust, as_of: date) -> Facts:
    """`events` are those of the case, with what their signatures are worth."""
    claim = ListingClaim.from_document(case["claim"])
    fields = {answer["registry"]: answer["fields"] for answer in case["answers"]}
    laboratory = fields.get(LABORATORY, {})
    report = laboratory_report(laboratory)
    chain = _placed(events, case["logged"])
    return Facts(
        stone=case["piece"],
        as_of=as_of,
        events=chain,
        species=claim.species,
        mass_mct=_mass(claim, case["piece"], chain),
        shape=claim.shape or (report.words.get("shape") if report is not None else None),
        inscription=claim.inscription or _inscription(report) or inscription_of(case["piece"], chain),
        listing=Listing(_words(claim, report), claim.fancy, claim.treatment, None, claim.text),
        rjc=tuple({"party": e.by, "no": number} for e in chain if (number := e.text("rjc"))),
        trust=trust,
        sanctioned=frozenset(_texts(fields.get(SANCTIONS, {}).get("matched"))),
        resembling=frozenset(_parties(fields.get(SANCTIONS, {}).get("near"))),
        hands=_hands(claim, chain),
        report=report,
        report_withdrawn=laboratory.get("withdrawn") is True,
        elsewhere=_elsewhere(case["known"], fields),
        answers=_answered(case),
    )


def concluded(case: Case, judgement: Judgement, decision: Mapping[str, Any] | None) -> Conclusion:
    """What follows from the rules once patience has ended, and a person has spoken on exactly these codes."""
    verdict, findings = judgement.verdict, judgement.findings
    if verdict is VerdictCode.PENDING and case.get("expired"):
        verdict, findings = VerdictCode.REVIEW, tuple(map(_expired, findings))
    held = sorted(finding.code for finding in findings if finding.severity is Severity.HOLD)
    if verdict is VerdictCode.REVIEW and decision is not None and decision["codes"] == held:
        verdict = VerdictCode.VERIFIED if decision["accepted"] else VerdictCode.REJECTED
    return Conclusion(verdict, judgement.assurance if verdict is VerdictCode.VERIFIED else NO_GRADE, findings)


def verdict_document(
    stone: str, conclusion: Conclusion, inputs: Sequence[str], *, trust: Trust, tables: Tables, as_of: date
) -> bytes:
    """Its canonical bytes: whoever has the inputs, the tables and the rules gets the same."""
    return plain_bytes(
        {
            "v": 1,
            "stone": stone,
            "ruleset": RULESET,
            "tables": {**tables.sha256, "trust": trust.sha256},
            "inputs": list(inputs),
            "as_of": as_of.isoformat(),
            "findings": [finding.document() for finding in conclusion.findings],
            "verdict": conclusion.verdict.value,
            "grade": conclusion.grade,
        }
    )


def laboratory_report(fields: Mapping[str, Any]) -> Report | None:
    """The report as the laboratory itself tells it; None where it was not asked, or has withdrawn it."""
    if not fields.get("no") or fields.get("withdrawn") is True:
        return None
    return report_of({**fields, "treat": fields.get("treatment"), "source": "lab_api"})


def lab_words(case: Case) -> dict[str, tuple[str | None, str]]:
    """For each grade that the laboratory told: what the listing says, and what the laboratory says."""
    fields: dict[str, Any] = next(
        (answer["fields"] for answer in case["answers"] if answer["registry"] == LABORATORY), {}
    )
    report, claim = laboratory_report(fields), ListingClaim.from_document(case["claim"])
    if report is None:
        return {}
    told = {word: (claim.listed.get(word), report.words[word]) for word in LISTED_WORDS if report.words.get(word)}
    if report.inscription:
        told["inscription"] = (claim.inscription, report.inscription)
    if report.treatment or claim.treatment:
        told["treatment"] = (claim.treatment, report.treatment or "none")
    return told


def inscription_of(piece: str, events: Sequence[Happening]) -> str | None:
    reports = [event.report for event in events if event.report is not None and piece in event.objects]
    return reports[-1].inscription if reports else None


def why(answer: Answer) -> str:
    return answer.reason.value if answer.reason is not None else " ".join(answer.differs)


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "registry": answer.registry,
        "status": answer.status.value,
        "mandatory": answer.mandatory,
        "why": why(answer),
        "fields": dict(answer.fields),
    }


def _answered(case: Case) -> tuple[Answered, ...]:
    heard = [Answered(a["registry"], a["status"], a["mandatory"], a["why"]) for a in case["answers"]]
    if case.get("awaits_log"):
        heard.append(Answered(PUBLIC_LOG, Status.UNAVAILABLE.value, True, AWAITING_WITNESSES))
    return tuple(heard)


def _hands(claim: ListingClaim, events: Sequence[Happening]) -> frozenset[str]:
    """The consignor, and the cutters as the sanctions registry is asked about them."""
    cutters = (event.more.get("cutter") for event in events)
    names = (cutter.get("name") for cutter in cutters if isinstance(cutter, Mapping))
    found = {f"cutter:{name}" for name in names if isinstance(name, str)}
    return frozenset(found | ({claim.seller} if claim.seller else set()))


def _placed(events: Sequence[Happening], logged: Sequence[int | None]) -> tuple[Happening, ...]:
    if None not in logged:
        return tuple(events)
    return tuple(
        event if place is not None else event._replace(logged=False)
        for event, place in zip(events, logged, strict=True)
    )


def _mass(claim: ListingClaim, piece: str, events: Sequence[Happening]) -> int:
    if claim.mass_mct is not None:
        return claim.mass_mct
    return next((event.outputs[piece] for event in reversed(events) if piece in event.outputs), 0)


def _inscription(report: Report | None) -> str | None:
    return report.inscription if report is not None else None


def _words(claim: ListingClaim, report: Report | None) -> Mapping[str, str]:
    """What was listed; what was not, as the laboratory says it."""
    if report is None:
        return claim.listed
    return {word: text for word in LISTED_WORDS if (text := report.words.get(word))} | dict(claim.listed)


def _elsewhere(known: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> Elsewhere:
    """What our own stones and the registries say of the pieces and numbers of this chain."""
    stolen = {piece for said in fields.values() for piece in _texts(said.get("stolen"))}
    revoked = {kind for said in fields.values() for kind in _texts(said.get("revoked"))}
    used, conflicts = dict(known["kp_used"]), set(known["kp_conflicts"])
    for number, paper in _entries(fields.get(KP, {}).get("certificates")):
        used[number] = max(used.get(number, 0), paper.get("used_mct") or 0)  # the authority's sum holds our own stones
        if paper.get("conflict") is True:
            conflicts.add(number)
    stolen.update(known.get("noticed", ()))
    return Elsewhere(
        reports_in_use=frozenset(known["reports"]),
        inscriptions_in_use=frozenset(known["inscriptions"]),
        consumed=frozenset(known["consumed"]),
        siblings_mct=known["siblings"],
        match=_match(fields.get(MATCH, {})),
        revoked=frozenset(revoked),
        stolen=frozenset(stolen),
        kp_used_mct=used,
        kp_conflicts=frozenset(conflicts),
        companies=fields.get(WARRANTY, {}).get("companies") or {},
        rjc=fields.get(RJC, {}).get("members") or {},
        stated_origins=known.get("stated", {}),
        weighed=tuple((before, after) for before, after in known.get("weighed", ())),
    )


def _match(fields: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    score, threshold = decimal_or_none(fields.get("score")), decimal_or_none(fields.get("threshold"))
    return None if score is None or threshold is None else (score, threshold)


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []


def _parties(value: object) -> list[str]:
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
    return _texts([row.get("party") for row in rows])


def _entries(value: object) -> list[tuple[str, Mapping[str, Any]]]:
    entries = value.items() if isinstance(value, Mapping) else ()
    return [(name, entry) for name, entry in entries if isinstance(entry, Mapping)]


def _known(known: Elsewhere) -> dict[str, Any]:
    stated: dict[str, Any] = {"stated": dict(known.stated_origins)} if known.stated_origins else {}
    if known.noticed:
        stated["noticed"] = sorted(known.noticed)
    if known.weighed:
        stated["weighed"] = [list(pair) for pair in known.weighed]
    return {
        "reports": sorted(known.reports_in_use),
        "inscriptions": sorted(known.inscriptions_in_use),
        "consumed": sorted(known.consumed),
        "siblings": dict(known.siblings_mct),
        "kp_used": dict(known.kp_used_mct),
        "kp_conflicts": sorted(known.kp_conflicts),
        **stated,
    }


def _expired(finding: Finding) -> Finding:
    if finding.severity is not Severity.PENDING:
        return finding
    return replace(finding, severity=Severity.HOLD, params={**finding.params, "expired": 1})
