"""Who may know what of a stone's record (origin spec 15), said once for pages, papers, bundles and interfaces. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pavilion.provenance.law import NOT_PUBLIC
from pavilion.provenance.passport_facts import PROCESSES

# What an event may say to everyone. One word more, and its body stays closed: only its place in the log and its leaf
# are shown.
_ALL: Final = frozenset(
    {"t", "at", "rec", "by", "issuer", "cc", "obj", "in", "out", "loss", "seq", "prev", "sig", "ev"}
)
_MADE: Final = _ALL | {"shape", "plant", "cutter", "meas", "plan_item"}
_OPEN: Final[Mapping[str, frozenset[str]]] = {
    "MINED": _ALL | {"producer", "region", "mine", "mine_public"},
    "CUT": _MADE,
    "POLISHED": _MADE,
    "RECUT": _MADE,
    "TESTED_NATURAL": _ALL | {"result", "device", "lab", "protocol"},
    "GRADED": _ALL | {"report"},
    "REGRADED": _ALL | {"report"},
    "SET_IN_JEWEL": _ALL | {"jewel", "jeweller"},
}
_OF_OTHERS: Final = frozenset({"party", "seller", "issuer", "number"})  # facts of findings that name parties and papers


def is_told(kind: str) -> bool:
    """Whether everyone may know that such an event happened at all. Sales and moves between owners are not told."""
    return kind in PROCESSES


def is_open(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether everyone may read this event as it was signed."""
    open_to_all = _OPEN.get(kind)
    if open_to_all is None or not body.keys() <= open_to_all:
        return False
    if "mine" in body and body.get("mine_public") is not True:
        return False
    cutter = body.get("cutter")
    if kind in ("CUT", "POLISHED", "RECUT"):  # who worked on it names the plant
        return isinstance(cutter, Mapping) and cutter.get("consent") == "name"
    return True


def open_findings(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that everyone may know of: a name that resembles one on a list, and the claim of an old stock, are for
    compliance alone, also once a person has accepted them."""
    return [one for one in findings if one["code"] not in NOT_PUBLIC]


def is_open_verdict(findings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a verdict's document tells everyone no more than the passport does. Bytes cannot be shown in part."""
    named = any(_OF_OTHERS & one["params"].keys() for one in findings)
    return not named and len(open_findings(findings)) == len(findings)


def is_told_to_holders(findings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the inputs of a verdict may leave compliance: not while a list's near match stands among them."""
    return len(open_findings(findings)) == len(findings)
