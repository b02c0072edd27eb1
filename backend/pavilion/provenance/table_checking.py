"""Whether a document may stand in place of a table: read strictly, every entry looked at. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pavilion.kernel.canon import read_json
from pavilion.kernel.errors import BadInput
from pavilion.provenance.house import HOUSE, MOST, house_of, shipped_of
from pavilion.provenance.law_checking import is_region, look_at_law
from pavilion.provenance.table_settings import look_at_figures
from pavilion.provenance.tables import NAMES, read, shipped_bytes, span

PATTERN_MOST = 200
WORD_MOST = 200


def checked(name: str, raw: bytes) -> Mapping[str, Any]:
    """The table; BadInput names what is wrong with it."""
    try:
        table = read_json(raw, most=MOST)
        _members(name, table)
        _LOOKS[name](table)
        if name == HOUSE:
            house_of(table)
        else:
            read({each: raw if each == name else shipped_bytes(each) for each in NAMES})
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, re.error) as fault:
        code = "law_unreadable" if name == "law" else "table_unreadable"
        raise BadInput(fields={"document": code}, fault=f"{type(fault).__name__}: {fault}"[:200]) from fault
    return dict(table)


def _members(name: str, table: Mapping[str, Any]) -> None:
    """Those of the shipped table, and words about it."""
    known = set(read_json(shipped_of(name)))
    if table.keys() - {"version", "note"} != known - {"version", "note"}:
        raise ValueError(f"members: {sorted(known)}")
    version = table["version"] if "version" in known else table.get("version", "-")
    if not isinstance(version, str) or not 1 <= len(version) <= 40:
        raise ValueError("version")
    if not isinstance(table.get("note", ""), str):
        raise ValueError("note")


def _participants(table: Mapping[str, Any]) -> None:
    _rows(table["rows"], {"cc", "from", "to"}, set())
    if not all(is_region(row["cc"]) for row in table["rows"]):
        raise ValueError("a country is two capital letters")


def _mixed(table: Mapping[str, Any]) -> None:
    _rows(table["rows"], {"into", "from", "to"}, set())
    if not all(is_region(row["into"]) for row in table["rows"]):
        raise ValueError("a region is two capital letters")


def _warranties(table: Mapping[str, Any]) -> None:
    _rows(table["rows"], {"id", "scope", "from", "to", "text_en"}, {"source", "note", "text_zh"})
    for row in table["rows"]:
        _word(row["id"])
        if not row["scope"] or set(row["scope"]) - {"rough", "polished"}:
            raise ValueError(f"{row['id']}: scope")
        if row["text_en"] is not None and not (isinstance(row["text_en"], str) and row["text_en"]):
            raise ValueError(f"{row['id']}: text_en")


def _labs(table: Mapping[str, Any]) -> None:
    if not table["labs"]:
        raise ValueError("no laboratory")
    for name, lab in table["labs"].items():
        _word(name)
        if lab.keys() - {"api"} != {"number", "labgrown_types"}:
            raise ValueError(f"{name}: members")
        if not 1 <= len(lab["number"]) <= PATTERN_MOST:
            raise ValueError(f"{name}: number")
        _words(lab["labgrown_types"], some=False)


def _bands(table: Mapping[str, Any]) -> None:
    for name, band in {"default": table["default"], **table["shapes"]}.items():
        if band.keys() != {"lo", "hi", "max"} or any(type(figure) is not int for figure in band.values()):
            raise ValueError(f"{name}: lo, hi, max")
        if not 0 <= band["lo"] <= band["hi"] <= band["max"] <= 1000:
            raise ValueError(f"{name}: not in order")


def _devices(table: Mapping[str, Any]) -> None:
    _words(table["accepted"], some=True)


def _nomenclature(table: Mapping[str, Any]) -> None:
    shipped = read_json(shipped_bytes("nomenclature"))
    for name, value in shipped.items():
        if isinstance(value, list) and isinstance(value[0], str):
            _words(table[name], some=True)
    if table["wording"].keys() != shipped["wording"].keys():
        raise ValueError("wording")
    parts = [part[lang] for part in table["wording"].values() for lang in ("en", "zh")]
    if any(not row[0] or len(row[0]) > PATTERN_MOST for part in parts for row in part):
        raise ValueError("wording: a pattern")
    if type(table["iso_24016"]["min_mct_exclusive"]) is not int:
        raise ValueError("iso_24016")


def _rows(rows: Any, needed: set[str], more: set[str]) -> None:
    if not isinstance(rows, list):
        raise ValueError("rows")
    for place, row in enumerate(rows, 1):
        if not needed <= row.keys() <= needed | more:
            raise ValueError(f"row {place}: members")
        days = span(row)
        if days.start and days.end and days.end < days.start:
            raise ValueError(f"row {place}: ends before it begins")


def _words(words: Any, *, some: bool) -> None:
    if not isinstance(words, list) or (some and not words) or len(words) != len(set(words)):
        raise ValueError("a list of words, each once")
    for word in words:
        _word(word)


def _word(word: Any) -> None:
    if not isinstance(word, str) or not 1 <= len(word) <= WORD_MOST or word != word.strip() or not word.isprintable():
        raise ValueError(f"no word: {word!r}"[:100])


_LOOKS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "law": look_at_law,
    "kp": _participants,
    "kp_mixed": _mixed,
    "labs": _labs,
    "warranties": _warranties,
    "nomenclature": _nomenclature,
    "bands": _bands,
    "devices": _devices,
    "limits": lambda table: look_at_figures("limits", table["limits"]),
    HOUSE: lambda table: look_at_figures(HOUSE, table[HOUSE]),
}
