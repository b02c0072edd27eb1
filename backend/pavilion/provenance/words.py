"""The words a listing may use (NM), and the linter of every text that staff write."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.grading import ROUND
from pavilion.provenance.lineage import Case
from pavilion.provenance.tables import DATA, NAMES, Words, wordings

FANCY = "FANCY"
ISO_STANDARD = "ISO 24016"
LASER_DRILLING = frozenset({"laser drilling", "laser_drilling"})
RULE = "NM-02"
PERMITTED = {"lab[ -]grown": "laboratory-grown", "lab[ -]created": "laboratory-created"}
PERMITTED_ZH = {"laboratory-grown": "实验室培育", "laboratory-created": "实验室培育"}


class Wording(NamedTuple):
    """A wording that the natural catalogue may not use. `start` and `end` are places in the text as it was typed."""

    start: int
    end: int
    rule: str
    code: str  # wording_never, wording_not_natural, wording_clarity: its sentence stands in the word lists
    found: str
    suggestion: str  # what may stand instead; empty: nothing may


def lint(text: str, lang: str, clarity: str | None = None) -> list[Wording]:
    """Every refused wording of a text, from its beginning; disguised ones too. `lang` is that of the suggestions,
    `clarity` the grade of the stone that the text speaks of, if it speaks of one."""
    plain, places = _spelled(text)
    found = []
    for pattern, code, permitted, grades in _patterns():
        if grades is not None and clarity in grades:
            continue
        said = clarity or "" if grades is not None else PERMITTED_ZH.get(permitted, "") if lang == "zh" else permitted
        for hit in pattern.finditer(plain):
            start, end = places[hit.start()], places[hit.end() - 1] + 1
            found.append(Wording(start, end, RULE, code, text[start:end], said))
    return _outermost(found)


def nomenclature(case: Case) -> Iterator[Finding]:
    if case.facts.is_diamond:
        for name, word in _outside(case):
            yield Finding("NM-01", Severity.BLOCK, None, {"grade": name, "word": word})
    for wording in refused_wordings(
        case.tables.words, case.facts.listing.text, case.facts.listing.words.get("clarity")
    ):
        yield Finding("NM-02", Severity.HOLD, None, {"wording": wording})


def refused_wordings(words: Words, text: Mapping[str, str], clarity: str | None) -> Iterator[str]:
    """Each wording in the texts that a natural catalogue may not use, as it was found."""
    for prose in map(folded, text.values()):
        for pattern in words.refused:
            if (found := pattern.search(prose)) is not None:
                yield found.group()
        for pattern, grades in words.by_clarity:
            if clarity not in grades and (found := pattern.search(prose)) is not None:
                yield found.group()


def _spelled(text: str) -> tuple[str, list[int]]:
    """The text without disguise, and for each of its letters the place where it was typed."""
    letters, places = [], []
    for place, char in enumerate(text):
        for letter in folded(char):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def _outermost(found: list[Wording]) -> list[Wording]:
    """In order of the text, each place once: a longer wording stands for those inside it."""
    kept: list[Wording] = []
    for one in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, str, frozenset[str] | None], ...]:
    """Pattern, code of its sentence, permitted wording, and the clarity grades that allow it."""
    rows = wordings((DATA / NAMES["nomenclature"]).read_bytes())
    codes = {"any": "wording_never", "natural": "wording_not_natural", "clarity_words": "wording_clarity"}
    return tuple(
        (pattern, codes[part], PERMITTED.get(source, "") if part == "any" else "", grades)
        for part, source, pattern, grades in rows
    )


def folded(text: str) -> str:
    """Without disguise: compatibility forms folded, format characters dropped."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if unicodedata.category(char) != "Cf")


def _outside(case: Case) -> Iterator[tuple[str, str]]:
    listed, words = case.facts.listing.words, case.tables.words
    color = listed.get("color")
    if color is not None and color != FANCY and color not in words.color:
        yield "color", color
    for name, allowed in (("clarity", words.clarity), ("fluorescence", words.fluorescence)):
        if name in listed and listed[name] not in allowed:
            yield name, listed[name]
    for name in ("cut", "polish", "symmetry"):
        if name in listed and listed[name] not in words.make:
            yield name, listed[name]
    yield from _fancy(case, color)
    if "cut" in listed and (case.facts.shape != ROUND or color == FANCY):
        yield "cut", listed["cut"]
    if case.facts.listing.standard == ISO_STANDARD and not _iso_24016(case, color):
        yield "standard", ISO_STANDARD


def _fancy(case: Case, color: str | None) -> Iterator[tuple[str, str]]:
    fancy, words = case.facts.listing.fancy, case.tables.words
    if (fancy is not None) != (color == FANCY):
        yield "fancy", color or ""
    if fancy is None:
        return
    intensity, hue = fancy.get("intensity", ""), fancy.get("hue", "")
    if intensity not in words.fancy_intensity or hue not in words.fancy_hue:
        yield "fancy", f"{intensity} {hue}"
    for hues, never, only in words.fancy_forbidden:
        if hue in hues and (intensity in never or (only and intensity not in only)):
            yield "fancy", f"{intensity} {hue}"
    for name, allowed in (("origin", words.color_origin), ("distribution", words.distribution)):
        if name in fancy and fancy[name] not in allowed:
            yield name, fancy[name]


def _iso_24016(case: Case, color: str | None) -> bool:
    treatments = {case.facts.listing.treatment, case.report.treatment if case.report is not None else None} - {None}
    heavy = case.facts.mass_mct > case.tables.words.iso_min_mct
    return heavy and color != FANCY and all((t or "").casefold() in LASER_DRILLING for t in treatments)
