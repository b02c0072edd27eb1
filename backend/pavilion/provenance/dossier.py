"""A listing and what its registry answered, made ready for the rules; and the document of the verdict."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import Answered, Elsewhere, Facts, Happening, Listing, happenings, moment
from pavilion.provenance.findings import Finding
from pavilion.provenance.registries.port import Answer, Claim, Reason, Status, plain_bytes
from pavilion.provenance.rules import RULESET
from pavilion.provenance.tables import Tables
from pavilion.provenance.trust import NOBODY, Trust


class Link(NamedTuple):
    """One event as it is kept: its exact bytes, their hash, and the hash of the one before."""

    kind: str
    at: datetime
    body: str
    sha256: str
    prev_sha256: str | None


@dataclass(frozen=True, slots=True)
class Dossier:
    claim: ListingClaim
    asked: Claim
    answer: Answer
    links: tuple[Link, ...] = ()
    events: tuple[Happening, ...] = ()

    @property
    def keeps_chain(self) -> bool:
        """The record is of this very stone, whatever it says; only then may it become the stone's chain."""
        return bool(self.links) and "origin_id" not in self.answer.differs

    @property
    def piece(self) -> str:
        """The registry's name of the polished stone."""
        return self.answer.stone or self.claim.origin_id


def question(claim: ListingClaim, registry: str) -> Claim:
    """What the registry is asked to confirm: the origin id, and whatever else the listing says it knows."""
    said: dict[str, str | int | None] = {
        "mine_country": claim.mine_country,
        "rough_weight_mct": claim.rough_weight_mct,
        "kp_no": claim.kp_no,
        "report": f"{claim.lab}:{claim.report_no}" if claim.lab and claim.report_no else None,
    }
    return Claim(registry, claim.origin_id, {name: value for name, value in said.items() if value is not None})


def opened(claim: ListingClaim, asked: Claim, answer: Answer) -> Dossier:
    """An answer that cannot be read is no answer."""
    try:
        links, events = _chain(answer.events, answer.bodies or [plain_bytes(event).decode() for event in answer.events])
    except (ValueError, TypeError, KeyError, AttributeError):
        silent = replace(answer, status=Status.UNAVAILABLE, reason=Reason.SCHEMA, events=(), stone=None)
        return Dossier(claim, asked, silent)
    return Dossier(claim, asked, answer, links, events)


def facts_of(dossier: Dossier, elsewhere: Elsewhere, now: datetime, *, unbroken: bool = True) -> Facts:
    """`unbroken`: the chain goes on from the one kept earlier. The laboratory's own words are compared as they are."""
    claim, answer, events = dossier.claim, dossier.answer, dossier.events
    if not unbroken:
        events = tuple(event._replace(logged=False) for event in events)
    return Facts(
        stone=dossier.piece,
        as_of=now.date(),
        events=events,
        species=claim.species,
        mass_mct=_mass(dossier),
        shape=claim.shape,
        inscription=claim.inscription or inscription_of(dossier),
        listing=Listing(claim.listed, claim.fancy, claim.treatment, None, claim.text),
        trust=answer.trust or NOBODY,
        elsewhere=elsewhere,
        answers=(Answered(answer.registry, answer.status, True, _why(answer)),),
    )


def inscription_of(dossier: Dossier) -> str | None:
    reports = [e.report for e in dossier.events if e.report is not None and dossier.piece in e.objects]
    return reports[-1].inscription if reports else None


def inputs_of(dossier: Dossier, elsewhere: Elsewhere) -> list[str]:
    """Hashes of all that the verdict rests on, beside the tables and the day."""
    answer = dossier.answer
    said = {"status": answer.status.value, "reason": _why(answer), "raw": answer.raw_sha256}
    return [_sha256(dossier.claim.document()), _sha256(said), _sha256(_known(elsewhere))]


def verdict_document(
    stone: str,
    *,
    verdict: str,
    grade: str,
    findings: Sequence[Finding],
    inputs: Sequence[str],
    trust: Trust,
    tables: Tables,
    now: datetime,
) -> bytes:
    """Its canonical bytes: whoever has the inputs, the tables and the rules gets the same."""
    return plain_bytes(
        {
            "v": 1,
            "stone": stone,
            "ruleset": RULESET,
            "tables": {**tables.sha256, "trust": trust.sha256},
            "inputs": list(inputs),
            "as_of": now.date().isoformat(),
            "findings": [finding.document() for finding in findings],
            "verdict": verdict,
            "grade": grade,
        }
    )


def _chain(
    events: Sequence[Mapping[str, Any]], bodies: Sequence[str]
) -> tuple[tuple[Link, ...], tuple[Happening, ...]]:
    """The registry's signature covers its record, and each event names the one before: both are checked here and
    told to the rules, and nothing the record itself says about signature or log is believed."""
    links: list[Link] = []
    told: list[dict[str, Any]] = []
    before: str | None = None
    for place, (event, body) in enumerate(zip(events, bodies, strict=True)):
        if event.get("seq", place) != place:
            raise ValueError("a record's events stand in their own order")
        linked = event.get("prev") == before
        before = hashlib.sha256(body.encode()).hexdigest()
        links.append(Link(event["t"], moment(event["at"])[0], body, before, event.get("prev")))
        told.append({**event, "sig": True, "log": linked})
    return tuple(links), happenings(told)


def _mass(dossier: Dossier) -> int:
    if dossier.claim.mass_mct is not None:
        return dossier.claim.mass_mct
    return next((e.outputs[dossier.piece] for e in reversed(dossier.events) if dossier.piece in e.outputs), 0)


def _why(answer: Answer) -> str:
    return answer.reason.value if answer.reason is not None else " ".join(answer.differs)


def _known(known: Elsewhere) -> dict[str, Any]:
    return {
        "reports": sorted(known.reports_in_use),
        "inscriptions": sorted(known.inscriptions_in_use),
        "consumed": sorted(known.consumed),
        "siblings": dict(known.siblings_mct),
        "kp_used": dict(known.kp_used_mct),
        "kp_conflicts": sorted(known.kp_conflicts),
    }


def _sha256(document: object) -> str:
    return hashlib.sha256(plain_bytes(document)).hexdigest()
