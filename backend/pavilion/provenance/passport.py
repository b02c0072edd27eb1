"""The passport of a stone: what it says, from what the house knows. Pure: equal facts give equal bytes.

Only what anyone may see goes in (origin spec 15): no prices, no parties between mine and cutter, no certificate
numbers, no place finer than a region, and the cutter's initials unless the chain says that the name may be told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.provenance import contexts
from pavilion.provenance.passport_facts import (
    PROCESSES,
    Known,
    Step,
    characteristics,
    is_told,
    last_of,
    name_of,
    origin,
    reports,
    text_of,
)

YEARS_VALID = 10
RULESET_DAY = "2026-01-01"
DTE = "https://test.uncefact.org/vocabulary/linkTypes/dte"
DCC = "https://test.uncefact.org/vocabulary/linkTypes/dcc"
ABOUT_STONE = frozenset({"asOf", "rulesetVersion", "verdictDigest"})  # of the origin, what a lot does not watch

HARMONIZED = {
    "diamond": ("7102.39", "Diamonds, non-industrial, worked"),
    "ruby": ("7103.91", "Rubies, sapphires and emeralds, worked"),
    "sapphire": ("7103.91", "Rubies, sapphires and emeralds, worked"),
    "emerald": ("7103.91", "Rubies, sapphires and emeralds, worked"),
}
OTHER_GEMS = ("7103.99", "Other precious or semi-precious stones, worked")


@dataclass(frozen=True, slots=True)
class House:
    """Who issues: its address, its DID, its name and the origin line of its log."""

    base: str
    did: str
    name: str
    log_origin: str


class Place(NamedTuple):
    """Where a version stands: its number, its bit in the status lists, how far the log was covered."""

    n: int
    status_list: int
    status_index: int
    tree_size: int


def facts_hash(stone: Mapping[str, Any], origin: Mapping[str, Any], reports: Sequence[Any]) -> str:
    """What a lot carries and watches: the stone itself, its origin and its reports, but not the day it was judged."""
    watched = {name: value for name, value in origin.items() if name not in ABOUT_STONE}
    return sha256_hex(canonical({"characteristics": stone, "origin": watched, "reports": list(reports)}))


def facts_hash_of(document: Mapping[str, Any]) -> str:
    """The same, of an issued passport."""
    subject = document["credentialSubject"]
    return facts_hash(subject["product"]["characteristics"], subject["stone:origin"], subject["stone:reports"])


def content_of(known: Known) -> dict[str, Any]:
    """What a passport of this stone says whatever its number and day."""
    content = {
        "characteristics": characteristics(known),
        "origin": origin(known),
        "reports": reports(known),
        "events": [_event(step) for step in known.steps if step.kind in PROCESSES],
        "media": [dict(medium) for medium in known.media],
    }
    if known.presented:
        content["presented"] = [dict(one) for one in known.presented]
    if known.held is not None:
        content["held"] = dict(known.held)
    return content


def content_hash(content: Mapping[str, Any]) -> str:
    """Changes exactly when a new version is due: neither the day nor the judging anew of the same facts is one."""
    kept = {name: value for name, value in content["origin"].items() if name not in ("asOf", "verdictDigest")}
    return sha256_hex(canonical({**content, "origin": kept}))


def document_of(
    house: House, known: Known, content: Mapping[str, Any], place: Place, issued_at: datetime
) -> dict[str, Any]:
    """The credential without its proof."""
    stone, at = known.claim.stone, issued_at.replace(microsecond=0)
    page, own = f"{house.base}/id/stone/{stone}", f"{house.base}/passports/{stone}"
    return {
        "@context": contexts.of_passport(house.base),
        "type": ["DigitalProductPassport", "VerifiableCredential"],
        "id": f"{own}/{place.n}",
        "issuer": {"type": ["CredentialIssuer"], "id": house.did, "name": house.name, "issuerAlsoKnownAs": []},
        "validFrom": _second(at),
        "validUntil": _second(_years_later(at, YEARS_VALID)),
        "credentialStatus": [
            _status(house, place.status_list, place.status_index, "revocation"),
            _status(house, place.status_list + 1, place.status_index, "suspension"),
        ],
        "renderMethod": [{"id": page, "type": "WebRenderingTemplate2022", "name": "Passport page"}],
        "credentialSubject": {
            "type": ["ProductPassport"],
            "id": page,
            "granularityLevel": "item",
            "product": _product(house, known, content["characteristics"]),
            "conformityClaim": [_conformity(house, known, f"{own}/{place.n}#origin", f"{own}/bundle")],
            "traceabilityInformation": [_traced(house, step) for step in known.steps if step.kind in PROCESSES],
            "stone:origin": content["origin"],
            "stone:events": content["events"],
            "stone:log": {"origin": house.log_origin, "treeSize": place.tree_size, "proof": f"{own}/proof"},
            "stone:reports": content["reports"],
            "stone:media": content["media"],
            **({"stone:presented": content["presented"]} if "presented" in content else {}),
            **({"stone:held": content["held"]} if "held" in content else {}),
        },
    }


def _product(house: House, known: Known, said: Mapping[str, Any]) -> dict[str, Any]:
    stone = known.claim.stone
    code, name = HARMONIZED.get(said["species"], OTHER_GEMS)
    made = last_of(known, "POLISHED", "RECUT")
    product = {
        "type": ["Product"],
        "id": f"{house.base}/id/stone/{stone}",
        "name": name_of(said),
        "registeredId": stone,
        "idScheme": {
            "type": ["IdentifierScheme"],
            "id": f"{house.base}/id/stone/",
            "name": f"{house.name} stone identifier",
        },
        "productCategory": [
            {
                "type": ["Classification"],
                "id": f"https://www.wcoomd.org/hs/{code}",
                "code": code,
                "name": name,
                "schemeID": "https://www.wcoomd.org/hs",
                "schemeName": "Harmonized System",
            }
        ],
        "dimensions": {"weight": {"value": said["mass_mct"], "unit": "mct"}},
        "characteristics": said,
    }
    if said.get("inscription"):
        product["serialNumber"] = said["inscription"]
    if made is not None:
        product["productionDate"] = str(made.body["at"])[:10]
        if made.body.get("cc"):
            product["countryOfProduction"] = made.body["cc"]
        plant = text_of(made.body.get("plant"))
        if plant is not None and is_told(made):
            product["producedByParty"] = {"id": _did(house, made.body["by"]), "name": plant}
    return product


def _conformity(house: House, known: Known, name: str, bundle: str) -> dict[str, Any]:
    ruleset = known.verdict["ruleset"]
    return {
        "type": ["Claim", "Declaration"],
        "id": name,
        "description": "Origin confirmed from mine to polished stone",
        "conformityTopic": "governance.transparency",
        "assessmentDate": known.verdict["as_of"],
        "referenceStandard": {
            "type": ["Standard"],
            "id": f"{house.base}/rules/{ruleset}",
            "name": f"{house.name} origin rules {ruleset}",
            "issuingParty": {"id": house.did, "name": house.name},
            "issueDate": RULESET_DAY,
        },
        "conformityEvidence": _link(bundle, "Verdict and evidence", DCC, known.verdict_sha256),
    }


def _traced(house: House, step: Step) -> dict[str, Any]:
    name = PROCESSES[step.kind]
    where = f"{house.base}/epcis/events/{step.kind}-{step.place}"
    return {
        "type": ["TraceabilityPerformance"],
        "valueChainProcess": name,
        "verifiedRatio": 1,
        "traceabilityEvent": [_link(where, f"{name} event", DTE, step.sha256)],
    }


def _link(url: str, name: str, kind: str, sha256: str) -> dict[str, Any]:
    return {
        "type": ["SecureLink", "Link"],
        "linkURL": url,
        "linkName": name,
        "linkType": kind,
        "hashDigest": sha256,
        "hashMethod": "SHA-256",
    }


def _status(house: House, number: int, index: int, purpose: str) -> dict[str, str]:
    return {
        "id": f"{house.base}/status/{number}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": f"{house.base}/status/{number}",
    }


def _did(house: House, party: str) -> str:
    return f"{house.did}:did:{party}"


def _event(step: Step) -> dict[str, Any]:
    evidence = step.body.get("ev") or "attested"
    return {"type": step.kind, "index": step.place, "leaf": step.leaf, "evidence": evidence}


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _years_later(at: datetime, years: int) -> datetime:
    try:
        return at.replace(year=at.year + years)
    except ValueError:  # the 29th of February
        return at.replace(year=at.year + years, day=28) + timedelta(days=1)
