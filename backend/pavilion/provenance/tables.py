"""The dated tables that the rules read: data, versioned, each known by its SHA-256."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pavilion.provenance.tolerances import Tolerances, tolerances_of

DATA = Path(__file__).parent / "data"
NAMES = {
    "law": "law.json",
    "kp": "kp-participants.json",
    "kp_mixed": "kp-mixed-origin.json",
    "labs": "labs.json",
    "warranties": "warranties.json",
    "nomenclature": "nomenclature.json",
    "bands": "yield-bands.json",
    "devices": "natural-test-devices.json",
    "limits": "limits.json",
}


class Span(NamedTuple):
    """Calendar days, both ends inclusive; open where None."""

    start: date | None
    end: date | None

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


class Lab(NamedTuple):
    number: re.Pattern[str]
    labgrown_types: frozenset[str]


class Band(NamedTuple):
    lo: int
    hi: int
    max: int  # permille of the piece


class Warranty(NamedTuple):
    id: str
    scopes: frozenset[str]
    span: Span


class Law(NamedTuple):
    id: str
    code: str | None
    regime: str
    kind: str
    span: Span
    min_mct: int
    origin: str | None
    document: str | None
    grandfathered: bool
    grandfather_until: date | None
    source: str


class Words(NamedTuple):
    """The laboratory words that may be listed, and the wordings that may not."""

    color: frozenset[str]
    clarity: frozenset[str]
    make: frozenset[str]
    fluorescence: frozenset[str]
    fancy_intensity: frozenset[str]
    fancy_hue: frozenset[str]
    fancy_forbidden: tuple[tuple[frozenset[str], frozenset[str], frozenset[str]], ...]  # hues, not these, only these
    color_origin: frozenset[str]
    distribution: frozenset[str]
    iso_min_mct: int
    refused: tuple[re.Pattern[str], ...]
    by_clarity: tuple[tuple[re.Pattern[str], frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Tables:
    regions: Mapping[str, str]  # country -> regime
    reviewed: frozenset[str]
    laws: tuple[Law, ...]
    participants: Mapping[str, tuple[Span, ...]]
    mixed_origin: tuple[tuple[str, Span], ...]  # regions that refuse certificates of mixed origin
    labs: Mapping[str, Lab]
    warranties: Mapping[str, tuple[Warranty, ...]]
    bands: Mapping[str, Band]
    default_band: Band
    words: Words
    devices: frozenset[str]
    limits: Tolerances
    sha256: Mapping[str, str]

    def reg(self, cc: str | None) -> str | None:
        return self.regions.get(cc, cc) if cc is not None else None


@cache
def shipped() -> Tables:
    return read({name: shipped_bytes(name) for name in NAMES})


def shipped_bytes(name: str) -> bytes:
    return (DATA / NAMES[name]).read_bytes()


def read(files: Mapping[str, bytes]) -> Tables:
    docs: dict[str, Any] = {name: json.loads(raw) for name, raw in files.items()}
    law, labs, bands = docs["law"], docs["labs"]["labs"], docs["bands"]
    participants: dict[str, list[Span]] = {}
    for row in docs["kp"]["rows"]:
        participants.setdefault(row["cc"], []).append(span(row))
    warranties: dict[str, list[Warranty]] = {}
    for row in docs["warranties"]["rows"]:
        warranties.setdefault(row["id"], []).append(Warranty(row["id"], frozenset(row["scope"]), span(row)))
    return Tables(
        regions={cc: regime for regime, members in law["regimes"].items() for cc in members},
        reviewed=frozenset(law["reviewed_destinations"]),
        laws=tuple(map(_law, law["entries"])),
        participants={cc: tuple(spans) for cc, spans in participants.items()},
        mixed_origin=tuple((row["into"], span(row)) for row in docs["kp_mixed"]["rows"]),
        labs={name: Lab(re.compile(row["number"]), frozenset(row["labgrown_types"])) for name, row in labs.items()},
        warranties={name: tuple(rows) for name, rows in warranties.items()},
        bands={shape: Band(**row) for shape, row in bands["shapes"].items()},
        default_band=Band(**bands["default"]),
        words=_words(docs["nomenclature"]),
        devices=frozenset(docs["devices"]["accepted"]),
        limits=tolerances_of(docs["limits"]),
        sha256={name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()},
    )


def span(row: Mapping[str, Any]) -> Span:
    return Span(_day(row.get("from")), _day(row.get("to")))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def _law(row: Mapping[str, Any]) -> Law:
    grandfather = row.get("grandfather")
    return Law(
        id=row["id"],
        code=row["code"],
        regime=row["regime"],
        kind=row["kind"],
        span=span(row),
        min_mct=row["min_mct"],
        origin=row.get("origin"),
        document=row.get("document"),
        grandfathered=grandfather is not None,
        grandfather_until=_day(grandfather["until"]) if grandfather else None,
        source=row["source"],
    )


def _words(doc: Mapping[str, Any]) -> Words:
    wording = doc["wording"]
    refused = [
        _pattern(text, lang) for part in ("any", "natural") for lang in ("en", "zh") for text, _ in wording[part][lang]
    ]
    by_clarity = [
        (_pattern(text, lang), frozenset(grades))
        for lang in ("en", "zh")
        for text, grades in wording["clarity_words"][lang]
    ]
    return Words(
        color=frozenset(doc["color"]),
        clarity=frozenset(doc["clarity"]),
        make=frozenset(doc["make"]),
        fluorescence=frozenset(doc["fluorescence"]),
        fancy_intensity=frozenset(doc["fancy_intensity"]),
        fancy_hue=frozenset(doc["fancy_hue"]),
        fancy_forbidden=tuple(
            (frozenset(row["hues"]), frozenset(row.get("intensity", ())), frozenset(row.get("intensity_only", ())))
            for row in doc["fancy_forbidden"]
        ),
        color_origin=frozenset(doc["color_origin"]),
        distribution=frozenset(doc["distribution"]),
        iso_min_mct=doc["iso_24016"]["min_mct_exclusive"],
        refused=tuple(refused),
        by_clarity=tuple(by_clarity),
    )


def wordings(raw: bytes) -> list[tuple[str, str, re.Pattern[str], frozenset[str] | None]]:
    """The wordings of the nomenclature table, each by its part, as it stands there and compiled; those bound to
    clarity grades with the grades."""
    wording = json.loads(raw)["wording"]
    return [
        (part, row[0], _pattern(row[0], lang), frozenset(row[1]) if part == "clarity_words" else None)
        for part in ("any", "natural", "clarity_words")
        for lang in ("en", "zh")
        for row in wording[part][lang]
    ]


def _pattern(text: str, lang: str) -> re.Pattern[str]:
    """English words stand alone: no letter directly before or after."""
    return re.compile(f"(?<![A-Za-z])(?:{text})(?![A-Za-z])", re.IGNORECASE) if lang == "en" else re.compile(text)
