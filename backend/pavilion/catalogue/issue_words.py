"""What is wrong with a cell of a stock file, in the reader's words: figures as people write them, codes by their
terms."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pavilion.catalogue import laboratory
from pavilion.catalogue.cells import CELL_CHARS_MOST, suggestions
from pavilion.catalogue.checking import fill
from pavilion.catalogue.nomenclature import Column, column_name, nomenclature, term
from pavilion.catalogue.numbers import PRICE_LEAST_MAJOR
from pavilion.kernel.money import MAX_AMOUNT, exponent

Say = Callable[[str, str, Mapping[str, Any]], str]  # language, code, facts -> sentence; for codes of other domains

_PLACES = {"weight": 3, "length": 3, "measurements": 3, "percent": 2, "angle": 2, "list_pct": 2}


def message(issue: Mapping[str, Any], lang: str, say: Say) -> str:
    """What is wrong, in the reader's language."""
    code = issue["code"]
    if "rule" in issue:
        return say(lang, issue["rule"], issue["facts"])
    if code == laboratory.MISMATCH:
        return fill(code, _both_values(issue["facts"], lang), lang)
    return fill(code, _facts(issue, lang, say), lang)


def beside_name(issue: Mapping[str, Any], lang: str, say: Say) -> str:
    """The same behind the column's name, which is not said twice."""
    name = column_name(issue["column"], lang)
    return message(issue, lang, say).removeprefix(f"{name}: ").removeprefix(f"{name}：")


def suggested(issue: Mapping[str, Any]) -> tuple[str, ...]:
    """The meanings that the sender may choose between."""
    if issue["code"] != "ambiguous_value" or issue["column"] not in nomenclature().columns:
        return ()
    return suggestions(issue["column"], issue.get("raw") or "")


def _facts(issue: Mapping[str, Any], lang: str, say: Say) -> dict[str, Any]:
    """What the sentences of the cell codes speak of."""
    spec, own = nomenclature().columns.get(issue["column"]), issue["facts"]
    facts: dict[str, Any] = {
        "raw": issue.get("raw", ""),
        "candidates": [_meaning(issue["column"], code, lang, say) for code in suggested(issue)]
        or _thousand_or_part(issue.get("raw") or "")
        or [say(lang, "upload_several_readings", {})],
        **own,
        "lab": (own.get("lab") or "").replace("_", " ") or say(lang, "upload_the_laboratory", {}),
    }
    if spec is None:
        return facts
    limits = (0, MAX_AMOUNT) if spec.type == "money" else (spec.minimum, spec.maximum)
    least, most = (_shown(limit, spec, own, lang) for limit in limits)
    value = _shown(issue.get("normalised"), spec, own, lang)
    other = nomenclature().columns.get(own.get("column", ""), spec)
    both = {name: _shown(own[name], other, own, lang) for name in ("a", "b") if name in own}
    fancy = {name: term(enumeration, own[name], lang) for name, enumeration in _FANCY.items() if name in own}
    return {"min": least, "max": most, "value": value, "limit": _limit(issue["code"], spec)} | facts | both | fancy


def _thousand_or_part(raw: str) -> list[str]:
    """Both readings of a figure such as 1,234, whose mark may part thousands or decimals."""
    found = _DOUBTFUL.search(raw)
    return [f"{found[1]}{found[2]}", f"{found[1]}.{found[2]}"] if found else []


_DOUBTFUL = re.compile(r"(?<![0-9.,])([0-9]{1,3})[.,]([0-9]{3})(?![0-9.,])")


def _limit(code: str, spec: Column) -> int:
    if code != "too_long":
        return PRICE_LEAST_MAJOR
    return spec.max_chars if spec.type in ("text", "link") else CELL_CHARS_MOST


_FANCY = {"hue": "fancy_color", "intensity": "fancy_intensity"}


def _both_values(facts: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The laboratory's grade and the sender's, in the trade's words; colour and clarity are written as codes."""
    column = facts["field"]
    both = {name: laboratory.shown(column, facts[name], lang) for name in ("lab_value", "value")}
    return {"field": column_name(column, lang), **both}


def _meaning(column: str, code: str, lang: str, say: Say) -> str:
    """One reading of a doubtful word in the trade's words."""
    if code in ("positive_is_discount", "positive_is_premium", "dmy", "mdy"):
        return say(lang, f"upload_{code}", {})
    return term(nomenclature().columns[column].enumeration, code, lang)


def _shown(value: Any, spec: Column, facts: Mapping[str, Any], lang: str) -> str:
    """A stored value of this column as a person writes it."""
    if value is None:
        return "…"
    if isinstance(value, list | tuple):
        parts = [_shown(part, spec, facts, lang) for part in value]
        return (" " if spec.type == "fancy" else " x ").join(parts)
    if not isinstance(value, int):
        return term(spec.enumeration, value, lang) if spec.enumeration else str(value)
    places = exponent(facts.get("currency", "USD")) if spec.type == "money" else _PLACES.get(spec.type, 0)
    whole, part = divmod(abs(value), 10**places)
    digits = f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".") if places else str(whole)
    return f"{'-' if value < 0 else ''}{digits}"
