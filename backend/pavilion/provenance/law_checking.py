"""Whether a document is a law table that can be relied on."""

from collections.abc import Mapping, Sequence
from typing import Any

KINDS = {"origin_any": "origin", "origin_direct": "origin", "document": "document", "generated_document": "document"}
_CODES: Mapping[str, tuple[str | None, ...]] = {
    "origin_any": ("SN-01",),
    "origin_direct": ("SN-02",),
    "document": ("SN-03",),
    "generated_document": (None,),
}


def look_at_law(table: Mapping[str, Any]) -> None:
    """ValueError names what is wrong with it."""
    names = [name for members in table["regimes"].values() for name in members]
    if len(names) != len(set(names)):
        raise ValueError("a country stands in two regimes")
    if not all(is_region(name) for name in (*names, *table["regimes"], *table["reviewed_destinations"])):
        raise ValueError("a region is two capital letters")
    ids = [entry["id"] for entry in table["entries"]]
    if len(ids) != len(set(ids)):
        raise ValueError("an entry stands twice")
    for entry in table["entries"]:
        _look_at(entry, table["regimes"], table["reviewed_destinations"])


def _look_at(entry: Mapping[str, Any], regimes: Mapping[str, Any], reviewed: Sequence[str]) -> None:
    name, kind = entry["id"], KINDS[entry["kind"]]
    if entry["code"] not in _CODES[entry["kind"]]:
        raise ValueError(f"{name}: code")
    if entry["regime"] not in regimes and entry["regime"] not in reviewed:
        raise ValueError(f"{name}: regime")
    if not is_region(entry["origin"]) if kind == "origin" else not isinstance(entry["document"], str):
        raise ValueError(f"{name}: {kind}")
    if type(entry["min_mct"]) is not int or entry["min_mct"] < 0:
        raise ValueError(f"{name}: min_mct")
    if not isinstance(entry["source"], str) or not entry["source"]:
        raise ValueError(f"{name}: source")
    if entry["to"] is not None and entry["to"] < entry["from"]:
        raise ValueError(f"{name}: ends before it begins")


def is_region(name: object) -> bool:
    return isinstance(name, str) and len(name) == 2 and name.isascii() and name.isupper()
