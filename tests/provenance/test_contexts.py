"""Every member of what the house signs is defined by the contexts it names, and no context contradicts another."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from pavilion.provenance import contexts, countersigning, logos, status
from pavilion.provenance.passport_models import Passport
from tests.provenance.test_passport import EXAMPLE, document, known

STONE = json.loads(contexts.stone_context())["@context"]
W3C = json.loads(contexts.w3c_context())["@context"]
ALIASES = {"id": "@id", "type": "@type"}
# What a passport takes from UNTP, whose text does not ship: names of its JSON schema, under which the example of the
# specification validates.
UNTP = frozenset(
    [
        "assessmentDate",
        "code",
        "conformityClaim",
        "conformityEvidence",
        "conformityTopic",
        "countryOfProduction",
        "dimensions",
        "granularityLevel",
        "hashDigest",
        "hashMethod",
        "idScheme",
        "issueDate",
        "issuerAlsoKnownAs",
        "issuingParty",
        "linkName",
        "linkType",
        "linkURL",
        "producedByParty",
        "product",
        "productCategory",
        "productionDate",
        "referenceStandard",
        "registeredId",
        "schemeID",
        "schemeName",
        "serialNumber",
        "traceabilityEvent",
        "traceabilityInformation",
        "unit",
        "value",
        "valueChainProcess",
        "verifiedRatio",
        "weight",
    ]
)


class Redefined(AssertionError):
    """A protected term defined anew where that is not allowed."""


def merged(active, local, *, by_property=False):
    """The terms in force after another context. Only the context of a property may override what is protected."""
    found = dict(active)
    for name, meaning in local.items():
        if name.startswith("@"):
            continue
        told = meaning if isinstance(meaning, dict) else {"@id": meaning}
        before = active.get(name)
        protected = local.get("@protected", False)
        if before is not None and before[1] and not by_property and before[0] != told:
            raise Redefined(name)
        found[name] = (told, protected)
    return found


def undefined(node, active, path=""):
    """The members that nothing defines, each by its way from the top."""
    if isinstance(node, list):
        return [fault for one in node for fault in undefined(one, active, path)]
    if not isinstance(node, dict):
        return []
    types = node.get("type", [])
    inside, here = active, active
    if active.get("type", ({},))[0].get("@id") == "@type":
        for name in sorted([types] if isinstance(types, str) else types):
            if (local := active.get(name, ({},))[0].get("@context")) is not None:
                here = merged(here, local)
                inside = merged(inside, local) if local.get("@propagate") else inside
    faults = []
    for name, value in node.items():
        meaning = here.get(name)
        if name == "@context":
            continue
        if meaning is None:
            if name not in UNTP:
                faults.append(f"{path}/{name}")
            faults += undefined(value, inside, f"{path}/{name}")
        elif meaning[0].get("@container") != "@language":
            local = meaning[0].get("@context")
            within = inside if local is None else merged(inside, local, by_property=True)
            faults += undefined(value, within, f"{path}/{name}")
    return faults


def in_force(ours=STONE):
    return merged(merged({}, W3C), ours)


def made():
    papers = [
        {"lab": "GIA", "number": "1", "kind": "diamond-origin-report", "date": "2026-03-05", "statedCountry": "BW"},
        {
            "issuer": "Scheme",
            "scheme": "S",
            "number": "2",
            "kind": "sustainability-certificate",
            "validTo": "2027-03-31",
        },
    ]
    film = {"kind": "video-story", "lang": ["en"], "digest": "sha256:", "parameters": "sha256:"}
    shown = {"digest": "sha256:", "issuer": "did:web:x", "displayName": "L", "version": 1, "date": "2026-03-05"}
    held = {"since": "2026-03-05", "digest": "sha256:"}
    return document(known(references=papers, media=[film], presented=[shown], held=held))


def test_the_text_of_the_w3c_is_the_one_its_recommendation_prints_the_digest_of():
    assert sha256(contexts.w3c_context()).hexdigest() == contexts.W3C_SHA256


@pytest.mark.parametrize("passport", [EXAMPLE, made()], ids=["example", "ours"])
def test_every_member_of_a_passport_is_defined(passport):
    assert undefined(passport, in_force()) == []


def test_every_member_of_a_countersignature_and_of_a_status_list_is_defined():
    words = countersigning.Words("Lumen", {"en": "For you.", "zh": "为您"}, {"kind": "ring", "id": "R-1"})
    mark = logos.Mark(logos.PNG, b"picture")
    passport = Passport(stone="01KJ8Q3V5W9X7Y2Z4A6B8C0D1E", n=1, sha256="ab" * 32)
    now = datetime(2026, 4, 1, tzinfo=UTC)
    facts = {"issuer": "did:web:x", "base": "https://h.example", "public_id": "1", "now": now}
    told = countersigning.document_of(passport, words, mark, **facts)
    assert undefined(told, in_force()) == []
    listed = status.list_document("https://h.example", "did:web:h.example", 1, status.encode([]), now)
    assert undefined(listed, merged({}, W3C)) == []


def test_our_context_defines_at_its_top_only_what_no_other_context_has():
    everywhere = json.dumps(W3C)
    for name in STONE:
        assert name.startswith(("@", "stone")) or f'"{name}"' not in everywhere
        assert name not in UNTP
    with pytest.raises(Redefined, match="evidence"):  # as it would be if it were defined for every place
        undefined(EXAMPLE, in_force({**STONE, "@protected": True, "evidence": "stone:evidence"}))


def test_a_member_that_nothing_defines_is_found():
    stray = json.loads(json.dumps(EXAMPLE))
    stray["credentialSubject"]["stone:origin"]["price"] = 1
    stray["credentialSubject"]["colour"] = "G"
    found = undefined(stray, in_force())
    assert found == ["/credentialSubject/stone:origin/price", "/credentialSubject/colour"]
