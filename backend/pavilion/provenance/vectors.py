"""The origin vectors: a base document, patches to it, and what the rules must say."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

from pavilion.provenance.facts import Answered, Elsewhere, Facts, Listing, happenings, moment
from pavilion.provenance.rules import Judgement, judge
from pavilion.provenance.tables import shipped
from pavilion.provenance.trust import Trust

DELETED = "__del__"
_LISTING_FACTS = frozenset({"fancy", "treatment", "standard", "text"})


def check(line: Mapping[str, Any], header: Mapping[str, Any]) -> str | None:
    """None if the line holds on the header's base document, else what was expected and what was got."""
    got = outcome(judge(facts_of(patched(header["base"], line["patch"])), shipped()))
    expected = line["expect"]
    wrong = {key: got.get(key) for key, value in expected.items() if got.get(key) != value}
    if not wrong:
        return None
    return f"expected {_plain({key: expected[key] for key in wrong})} got {_plain(wrong)}"


def outcome(judgement: Judgement) -> dict[str, object]:
    return {
        "verdict": judgement.verdict.name,
        "market": "ELIGIBLE" if judgement.eligible else "INELIGIBLE",
        "codes": judgement.codes,
        "grade": judgement.grade,
    }


def patched(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The base with each path set; a removed list item goes last of all, so indices always mean the base."""
    document = deepcopy(dict(base))
    for path, value in patch.items():
        at: Any = document
        *way, last = path.split("/")
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if isinstance(at, list):
            at[int(last)] = deepcopy(value)
        elif value == DELETED:
            at.pop(last, None)
        else:
            at[last] = deepcopy(value)
    _sweep(document)
    return document


def facts_of(doc: Mapping[str, Any]) -> Facts:
    known, tables = doc.get("registry") or {}, doc.get("tables") or {}
    match = known.get("match")
    listed = doc.get("listed") or {}
    return Facts(
        stone=doc["stone"],
        as_of=_day(doc["as_of"]),
        events=happenings(doc["events"]),
        species=doc.get("species", "diamond"),
        natural=doc.get("claim") == "natural",
        market=doc.get("market"),
        mass_mct=doc["mass_mct"],
        shape=doc.get("shape"),
        inscription=doc.get("inscription"),
        melee=doc.get("melee", False) is True,
        catalogue=doc.get("catalogue", "untreated"),
        listing=Listing(
            words={key: str(value) for key, value in listed.items() if key not in _LISTING_FACTS},
            fancy=listed.get("fancy"),
            treatment=listed.get("treatment"),
            standard=listed.get("standard"),
            text=listed.get("text") or {},
        ),
        documents=frozenset({"eu_dds"} if doc.get("dds") is True else ()),
        grandfather=doc.get("grandfather"),
        rjc=tuple(doc.get("rjc") or ()),
        trust=Trust(doc.get("trust") or ()),
        sanctioned=frozenset(doc.get("sanctioned_parties") or ()),
        elsewhere=Elsewhere(
            reports_in_use=frozenset(known.get("reports_in_use") or ()),
            inscriptions_in_use=frozenset(known.get("inscriptions_in_use") or ()),
            consumed=frozenset(known.get("consumed_elsewhere") or ()),
            siblings_mct=known.get("siblings_mct") or {},
            match=(Decimal(match["score"]), Decimal(match["threshold"])) if match else None,
            revoked=frozenset(known.get("revoked") or ()),
            stolen=frozenset(known.get("stolen") or ()),
            kp_used_mct=known.get("kp_used_mct") or {},
            kp_conflicts=frozenset(known.get("kp_conflicts") or ()),
            rjc=known.get("rjc") or {},
        ),
        answers=tuple(
            Answered(name, answer["status"], answer.get("mandatory", False) is True)
            for name, answer in (known.get("answers") or {}).items()
        ),
        participants=tuple(tables.get("kp_participants") or ()),
    )


def _day(text: str) -> date:
    return moment(text)[0].date()


def _sweep(node: Any) -> None:
    if isinstance(node, list):
        node[:] = [item for item in node if item != DELETED]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _sweep(child)


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
