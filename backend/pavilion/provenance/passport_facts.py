"""What may be told of a stone to anyone, read from its chain, its listing and its verdict. Pure.

The cutter's initials stand for the name unless the chain says that the name may be told; of the mine the country and
region are told, and its name only where its owner says so (origin spec 15).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import decimal_or_none
from pavilion.provenance.law import NOT_PUBLIC

ROUND = "RBC"
GRADES = ("color", "clarity", "cut", "polish", "symmetry", "fluorescence")
SHAPES = {ROUND: "round brilliant"}

# The events anyone may see, in the words of the trade. Sales and moves between owners are not among them.
PROCESSES = {
    "MINED": "Mining",
    "KP_EXPORT": "Kimberley Process export",
    "KP_IMPORT": "Kimberley Process import",
    "CUT": "Cutting",
    "POLISHED": "Polishing",
    "RECUT": "Recutting",
    "TESTED_NATURAL": "Natural test",
    "GRADED": "Grading",
    "REGRADED": "New grading",
    "SET_IN_JEWEL": "Setting",
}


class Step(NamedTuple):
    """One event of the chain as the public log holds it."""

    kind: str
    body: Mapping[str, Any]
    sha256: str
    place: int  # in the public log
    leaf: str


@dataclass(frozen=True, slots=True)
class Known:
    """All that the passport of one stone is made from."""

    claim: ListingClaim
    steps: Sequence[Step]
    verdict: Mapping[str, Any]  # the verdict document
    verdict_sha256: str
    weakest: Mapping[str, Any] | None = None  # place, kind, evidence
    references: Sequence[Mapping[str, Any]] = ()
    presented: Sequence[Mapping[str, Any]] = ()  # countersignatures that stand
    media: Sequence[Mapping[str, Any]] = ()
    held: Mapping[str, Any] | None = None  # since when, and by which event, somebody else has it


def origin(known: Known) -> dict[str, Any]:
    """Where the stone is from, in the words of its chain."""
    mined, cut = first_of(known, "MINED"), first_of(known, "CUT")
    made, tested = last_of(known, "POLISHED", "RECUT"), last_of(known, "TESTED_NATURAL")
    mine = mined.body if mined is not None else {}
    return {
        "verdict": str(known.verdict["verdict"]).upper(),
        "grade": known.verdict["grade"],
        "weakestLink": _weakest(known),
        "asOf": known.verdict["as_of"],
        "rulesetVersion": known.verdict["ruleset"],
        "verdictDigest": f"sha256:{known.verdict_sha256}",
        "findings": [
            {"code": one["code"], "severity": one["severity"]}
            for one in known.verdict["findings"]
            if one["code"] not in NOT_PUBLIC
        ],
        "mine": {
            "country": mine.get("cc"),
            "region": text_of(mine.get("region")),
            "name": text_of(mine.get("mine")) if mine.get("mine_public") is True else None,
            "producer": text_of(mine.get("producer")),
        },
        "rough": {
            "mass_mct": sum((mine.get("out") or {}).values()),
            "pieces": len(cut.body.get("out") or {}) if cut is not None else 1,
        },
        "cutter": _cutter(made),
        "naturalTest": None
        if tested is None
        else {"result": text_of(tested.body.get("result")), "on": str(tested.body["at"])[:10]},
    }


def name_of(characteristics: Mapping[str, Any]) -> str:
    """In plain trade words: `Natural diamond, round brilliant, 1.01 ct, G, VS1`."""
    said = characteristics
    mct = said["mass_mct"]
    gem = _words(said.get("variety") or said["species"])
    fancy = said.get("fancy")
    color = f"{fancy['intensity']} {fancy['hue']}" if fancy else said.get("color")
    parts = (f"Natural {gem}", shape_name(said["shape"]), f"{mct // 1000}.{mct % 1000 // 10:02d} ct", color)
    return ", ".join(filter(None, (*parts, said.get("clarity"))))


def shape_name(code: str | None) -> str | None:
    return None if code is None else SHAPES.get(code) or _words(code)


def initials(name: str) -> str:
    """`A. Peeters` is `A. P.`; of a name without blanks its first character stays."""
    return " ".join(f"{part[0]}." for part in name.replace(".", " ").split())


def characteristics(known: Known) -> dict[str, Any]:
    """The stone itself. Where the laboratory has graded, its words stand before those of the listing."""
    claim, graded = known.claim, last_of(known, "GRADED", "REGRADED")
    report = graded.body["report"] if graded is not None else {}
    listed = {**claim.listed}
    said: dict[str, Any] = {"species": claim.species, "claim": "natural"}
    if listed.get("variety"):
        said["variety"] = listed["variety"]
    said["shape"] = claim.shape or text_of(report.get("shape"))
    said["mass_mct"] = claim.mass_mct if claim.mass_mct is not None else _mass(known)
    if (lengths := _lengths(report.get("meas"), said["shape"])) is not None:
        said["dimensions_um"] = lengths
    if claim.fancy is not None:
        said["fancy"] = {"intensity": claim.fancy.get("intensity", ""), "hue": claim.fancy.get("hue", "")}
    graded_as = {name: text_of(report.get(name)) or listed.get(name) for name in GRADES}
    said |= {
        name: word for name, word in graded_as.items() if word and not (name == "color" and claim.fancy is not None)
    }
    said["treatment"] = claim.treatment or "none"
    inscription = claim.inscription or text_of(report.get("inscription"))
    if inscription is not None:
        said["inscription"] = inscription
    return said


def reports(known: Known) -> list[dict[str, Any]]:
    """The last word of each report, then what other papers refer to."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for step in known.steps:
        report = step.body.get("report")
        if step.kind not in ("GRADED", "REGRADED") or not isinstance(report, Mapping):
            continue
        lab, number = str(report.get("lab", "")), str(report.get("no", ""))
        found[lab, number] = {
            "lab": lab,
            "number": number,
            "kind": "grading",
            "date": report.get("date"),
            "source": report.get("source"),
            "digest": f"sha256:{sha256_hex(canonical(dict(report)))}",
        }
    return [*found.values(), *(dict(reference) for reference in known.references)]


def _mass(known: Known) -> int:
    made = last_of(known, "POLISHED", "RECUT")
    return max((made.body.get("out") or {"": 0}).values()) if made is not None else 0


def _lengths(meas: object, shape: object) -> dict[str, int] | None:
    if not isinstance(meas, Sequence) or isinstance(meas, str) or len(meas) != 3:
        return None
    um = [decimal_or_none(value) for value in meas]
    if any(value is None for value in um):
        return None
    first, second, depth = (int((value or Decimal(0)).scaleb(3)) for value in um)
    low, high = sorted((first, second))
    if shape == ROUND:
        return {"diameter_min": low, "diameter_max": high, "depth": depth}
    return {"length": high, "width": low, "depth": depth}


def _cutter(made: Step | None) -> dict[str, Any] | None:
    cutter = made.body.get("cutter") if made is not None else None
    if made is None or not isinstance(cutter, Mapping) or not isinstance(cutter.get("name"), str):
        return None
    told = is_told(made)
    years = cutter.get("years")
    return {
        "displayName": cutter["name"] if told else initials(cutter["name"]),
        "years": years if type(years) is int else None,
        "consent": "name" if told else "initials",
    }


def is_told(made: Step) -> bool:
    """Whether the cutter agreed to be named; it says so itself, in the event it signed."""
    cutter = made.body.get("cutter")
    return isinstance(cutter, Mapping) and cutter.get("consent") == "name"


def _weakest(known: Known) -> dict[str, Any] | None:
    """By its kind and place in the log; a link that is not public is told by its kind alone."""
    if known.weakest is None:
        return None
    place = known.weakest["place"]
    told = {"type": known.weakest["kind"], "evidence": known.weakest["evidence"]}
    if 0 <= place < len(known.steps) and known.steps[place].kind in PROCESSES:
        told["index"] = known.steps[place].place
    return told


def first_of(known: Known, kind: str) -> Step | None:
    return next((step for step in known.steps if step.kind == kind), None)


def last_of(known: Known, *kinds: str) -> Step | None:
    return next((step for step in reversed(known.steps) if step.kind in kinds), None)


def text_of(value: object) -> str | None:
    return value[:160] if isinstance(value, str) and value else None


def _words(code: str) -> str:
    return code.replace("_", " ").lower()
