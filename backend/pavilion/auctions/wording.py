"""What staff write is looked through before it is kept: a natural catalogue has words that it does not use."""

from collections.abc import Iterable, Mapping
from typing import Any

from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput
from pavilion.provenance.words import lint

TEXTS = {"title_en": "en", "title_zh": "zh", "text_en": "en", "text_zh": "zh"}


def faults_of(values: Mapping[str, Any], clarity: str | None = None) -> dict[str, str]:
    """The code of the first refused wording of each text among the values."""
    found = {name: lint(values[name] or "", lang, clarity) for name, lang in TEXTS.items() if name in values}
    return {name: wordings[0].code for name, wordings in found.items() if wordings}


def refuse(values: Mapping[str, Any], clarity: str | None = None) -> None:
    """Texts with a refused wording are not kept."""
    if faults := faults_of(values, clarity):
        raise BadInput(fields=faults)


def clarity_of(stones: Iterable[Stone]) -> str | None:
    """The grade that all stones of a lot share: only then may its text call them flawless."""
    grades = {stone.clarity for stone in stones}
    return grades.pop() if len(grades) == 1 else None
