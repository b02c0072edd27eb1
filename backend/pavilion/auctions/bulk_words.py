"""One change of words, tags, owner or pin over many lots: what it would do, lot by lot, before anything is stored."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pavilion.auctions import wording
from pavilion.auctions.titles import title_of
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import term
from pavilion.kernel.errors import BadInput
from pavilion.kernel.weight import two_decimals, unparted

LONGEST_TITLE, MOST_TAGS = 200, 8
_PLACE = re.compile(r"\{([^{}]*)\}")


class WordAct(StrEnum):
    TITLE = "title"  # a pattern with places in braces
    TAG = "tag"
    UNTAG = "untag"
    OWNER = "owner"
    PIN = "pin"
    UNPIN = "unpin"


@dataclass(frozen=True, slots=True)
class WordsSaid:
    act: WordAct
    title_en: str = ""
    title_zh: str = ""
    tag: str = ""
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class WordLot:
    lot: str
    version: int
    facts: Mapping[str, Any]
    stones: Sequence[Stone]


@dataclass(frozen=True, slots=True)
class Reworded:
    """Old and new of one lot; `broken` says by code what stands against the new words."""

    lot: str
    version: int
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    broken: tuple[str, ...]


def propose_words(said: WordsSaid, lots: Sequence[WordLot]) -> list[Reworded]:
    """Only the lots that would change. A pattern with a place that nobody knows is refused."""
    found = []
    for lot in lots:
        new = {name: value for name, value in _new(said, lot).items() if value != lot.facts[name]}
        if new:
            old = {name: lot.facts[name] for name in new}
            found.append(Reworded(lot.lot, lot.version, old, new, tuple(_broken(new, lot))))
    return found


def _new(said: WordsSaid, lot: WordLot) -> dict[str, Any]:
    tags: list[str] = lot.facts["tags"]
    match said.act:
        case WordAct.TITLE:
            patterns = {"title_en": said.title_en, "title_zh": said.title_zh}
            return {name: _filled(pattern, lot, name[-2:]) for name, pattern in patterns.items() if pattern}
        case WordAct.TAG:
            return {"tags": tags if said.tag in tags else [*tags, said.tag]}
        case WordAct.UNTAG:
            return {"tags": [tag for tag in tags if tag != said.tag]}
        case WordAct.OWNER:
            return {"consignor_company_id": said.owner}
        case WordAct.PIN | WordAct.UNPIN:
            return {"pinned": said.act is WordAct.PIN}


def _broken(new: Mapping[str, Any], lot: WordLot) -> list[str]:
    titles = [text for name, text in new.items() if name.startswith("title_")]
    found = ["title_long"] if any(len(title) > LONGEST_TITLE for title in titles) else []
    found += ["tags_many"] if len(new.get("tags", ())) > MOST_TAGS else []
    return found + list(dict.fromkeys(wording.faults_of(new, wording.clarity_of(lot.stones)).values()))


PLACES: dict[str, Callable[[WordLot, str], str]] = {
    "title": lambda lot, lang: lot.facts[f"title_{lang}"],
    "stones": lambda lot, lang: title_of(lot.stones, lang) if lot.stones else "",
    "weight": lambda lot, lang: two_decimals(sum(stone.weight_mct for stone in lot.stones)),
    "shape": lambda lot, lang: _shared(lot, lambda stone: term("shape", stone.shape, lang)),
    "color": lambda lot, lang: _shared(lot, lambda stone: stone.color or ""),
    "clarity": lambda lot, lang: _shared(lot, lambda stone: stone.clarity or ""),
    "lab": lambda lot, lang: _shared(lot, lambda stone: stone.lab),
    "mine": lambda lot, lang: _shared(lot, lambda stone: stone.mine or ""),
}


def _filled(pattern: str, lot: WordLot, lang: str) -> str:
    if unknown := [name for name in _PLACE.findall(pattern) if name not in PLACES]:
        raise BadInput(fields={f"title_{lang}": "place_unknown"}, place=unknown[0])
    return unparted(" ".join(_PLACE.sub(lambda place: PLACES[place[1]](lot, lang), pattern).split()))


def _shared(lot: WordLot, of: Callable[[Stone], str]) -> str:
    """What all stones of the lot have in common; where they differ nothing is said."""
    said = {of(stone) for stone in lot.stones}
    return said.pop() if len(said) == 1 else ""
