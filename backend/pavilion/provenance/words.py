"""The words a listing may use (NM)."""

import unicodedata
from collections.abc import Iterator, Mapping

from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.grading import ROUND
from pavilion.provenance.lineage import Case
from pavilion.provenance.tables import Words

FANCY = "FANCY"
ISO_STANDARD = "ISO 24016"
LASER_DRILLING = frozenset({"laser drilling", "laser_drilling"})


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
