"""The document of a sale's rules: read strictly, so that what is hashed is exactly what is meant."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

from pavilion.bidding.closing import Outage, SoftClose, Stagger
from pavilion.bidding.rules import (
    BestAndFinal,
    Clerked,
    Increments,
    JumpConfirm,
    Retraction,
    RuleSet,
    Tender,
    ViewingGate,
)
from pavilion.kernel.instants import from_stamp, micros
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT

T = TypeVar("T")

SECOND = 1_000_000
DAY = 86_400
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+\-]+){1,2}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MEMBERS = frozenset({
    "v", "format", "currency", "zone", "opens_at", "increments", "mode", "reserve_rule", "reserve_publish",
    "soft_close", "stagger", "hold_results", "edge_delay_ms", "close_wait_extend_ms", "outage", "premium", "limits",
    "viewing_gate", "retraction", "jump_confirm", "openings", "passed_offer_days", "terms",
})  # fmt: skip
_FORMATS = {
    "timed": _MEMBERS,
    "clerked": _MEMBERS | {"clerked"},
    "tender": _MEMBERS - {"soft_close"} | {"tender"},
}
_POINT = re.compile(r"B[A-Za-z0-9_-]{86}")  # an uncompressed point, 65 bytes that begin with 4
_STILL = SoftClose(window=0, extension=SECOND, scope="group")  # of a tender: one end for all, and no bid moves it


def parse_rules(doc: object) -> RuleSet:
    """The rule set in `doc`; a ValueError names the member that is wrong. Unknown members are wrong."""
    form = doc.get("format") if isinstance(doc, dict) else None
    top = _object(doc, "rules", _FORMATS.get(form, _MEMBERS) if isinstance(form, str) else _MEMBERS)
    _one_of(top, "v", (1,))
    _one_of(top, "format", tuple(_FORMATS))
    _one_of(top, "reserve_publish", ("at_record",))
    soft, stagger = _STILL if form == "tender" else _soft_close(top), _stagger(top)
    if soft.hard_end is not None and soft.hard_end < stagger.first:
        raise ValueError("soft_close.hard_end: before the first end")
    opens_at = _instant(top, "opens_at")
    if stagger.first <= opens_at:
        raise ValueError("stagger.first: not after opens_at")
    mode = _one_of(top, "mode", ("add", "snap"))
    premium = _object(top["premium"], "premium", frozenset({"bands", "early_bands", "early_before_hours"}))
    limits = _object(top["limits"], "limits", frozenset({"required", "include_fees"}))
    retraction = _numbers(top, "retraction", slip_factor=1000, within_minutes=100_000, before_end_hours=100_000)
    confirm = _numbers(top, "jump_confirm", factor=1_000_000, steps=1_000_000)
    outage = _numbers(top, "outage", min=DAY, span=DAY, grant=DAY)
    return RuleSet(
        format=top["format"],
        clerked=_clerked(top["clerked"]) if form == "clerked" else None,
        tender=_tender(top["tender"], stagger) if form == "tender" else None,
        currency=_one_of(top, "currency", CURRENCIES),
        zone=_text(top, "zone", _ZONE),
        opens_at=opens_at,
        increments=_at("increments", lambda: Increments(_pairs(top, "increments"), mode)),
        reserve_rule=_one_of(top, "reserve_rule", ("jump", "push", "house")),
        soft_close=soft,
        stagger=stagger,
        hold_results=_truth(top, "hold_results"),
        edge_delay=_whole(top, "edge_delay_ms", 0, 60_000) * 1000,
        close_wait_extend=_whole(top, "close_wait_extend_ms", 0, 60_000) * 1000,
        outage=Outage(outage["min"] * SECOND, outage["span"] * SECOND, outage["grant"] * SECOND),
        premium_bands=_bands(premium, "bands"),
        early_bands=None if premium["early_bands"] is None else _bands(premium, "early_bands"),
        early_before_hours=_whole(premium, "early_before_hours", 0, 100_000),
        limits_required=_truth(limits, "required"),
        limits_include_fees=_truth(limits, "include_fees"),
        viewing_gate=_viewing_gate(top["viewing_gate"]),
        retraction=Retraction(**retraction),
        jump_confirm=JumpConfirm(**confirm),
        openings=_one_of(top, "openings", ("losing", "auditor")),
        passed_offer_days=_whole(top, "passed_offer_days", 0, 365),
        terms=_text(top, "terms", _HASH),
    )


def _soft_close(top: Mapping[str, Any]) -> SoftClose:
    soft = _object(top["soft_close"], "soft_close", frozenset({"window", "extension", "mode", "scope", "hard_end"}))
    return SoftClose(
        window=_whole(soft, "window", 0, DAY) * SECOND,
        extension=_whole(soft, "extension", 1, DAY) * SECOND,
        mode=_one_of(soft, "mode", ("reset", "add")),
        scope=_one_of(soft, "scope", ("lot", "group")),
        hard_end=None if soft["hard_end"] is None else _instant(soft, "hard_end"),
    )


def _stagger(top: Mapping[str, Any]) -> Stagger:
    plan = _object(top["stagger"], "stagger", frozenset({"first", "interval", "per", "breaks"}))
    breaks = _pairs(plan, "breaks")
    places = [place for place, _ in breaks]
    if places != sorted(set(places)) or sum(length for _, length in breaks) > 366 * DAY or len(breaks) > 1000:
        raise ValueError("stagger.breaks: places rise, lengths together are at most a year")
    return Stagger(
        first=_instant(plan, "first"),
        interval=_whole(plan, "interval", 0, DAY) * SECOND,
        per=_whole(plan, "per", 1, 100_000),
        breaks=tuple((place, length * SECOND) for place, length in breaks),
    )


def _bands(premium: Mapping[str, Any], name: str) -> tuple[tuple[int | None, int], ...]:
    value = premium[name]
    if not isinstance(value, list) or not 1 <= len(value) <= 64:
        raise ValueError(f"premium.{name}: 1 to 64 bands")
    bands: list[tuple[int | None, int]] = []
    for band in value:
        if not isinstance(band, list) or len(band) != 2 or not _is_whole(band[1], 0, 10_000):
            raise ValueError(f"premium.{name}: a band is [upto, basis points]")
        if band[0] is not None and not _is_whole(band[0], 1, MAX_AMOUNT):
            raise ValueError(f"premium.{name}: upto is an amount or null")
        bands.append((band[0], band[1]))
    limits = [upto for upto, _ in bands[:-1] if upto is not None]
    if bands[-1][0] is not None or len(limits) != len(bands) - 1 or any(a >= b for a, b in pairwise(limits)):
        raise ValueError(f"premium.{name}: upto rises and only the last is null")
    return tuple(bands)


def _viewing_gate(value: object) -> ViewingGate | None:
    if value is None:
        return None
    gate = _object(value, "viewing_gate", frozenset({"gate_bp", "lots"}))
    lots = gate["lots"]
    if lots != "all" and not (
        isinstance(lots, list) and len(lots) <= 5000 and all(isinstance(lot, str) for lot in lots)
    ):
        raise ValueError("viewing_gate.lots: all, or a list of lots")
    return ViewingGate(_whole(gate, "gate_bp", 1, 1_000_000), "all" if lots == "all" else tuple(lots))


def _clerked(value: object) -> Clerked:
    clerked = _object(value, "clerked", frozenset({"final_call"}))
    return Clerked(_whole(clerked, "final_call", 1, 3600) * SECOND)


def _tender(value: object, stagger: Stagger) -> Tender:
    members = {"sealed", "k", "custodians", "replace", "withdraw", "price_rule", "min_bidders", "best_and_final"}
    tender = _object(value, "tender", frozenset(members))
    if stagger.interval or stagger.breaks:
        raise ValueError("stagger: all lots of a tender end together")
    sealed, keys = _truth(tender, "sealed"), tender["custodians"]
    if not isinstance(keys, list) or len(set(map(str, keys))) != len(keys) or len(keys) > 16:
        raise ValueError("tender.custodians: up to 16 different keys")
    if not keys or not all(isinstance(key, str) and _POINT.fullmatch(key) for key in keys):
        raise ValueError("tender.custodians: P-256 public keys in base64url")
    if not sealed and len(keys) != 1:
        raise ValueError("tender.custodians: in a plain tender the house's key alone")
    return Tender(
        sealed=sealed,
        k=_whole(tender, "k", 2 if sealed else 1, len(keys)),
        custodians=tuple(keys),
        replace=_one_of(tender, "replace", ("latest", "highest")),
        withdraw=_truth(tender, "withdraw"),
        price_rule=_one_of(tender, "price_rule", ("first", "second")),
        min_bidders=_whole(tender, "min_bidders", 1, 1000),
        best_and_final=None if tender["best_and_final"] is None else _best_and_final(tender["best_and_final"]),
    )


def _best_and_final(value: object) -> BestAndFinal:
    final = _object(value, "tender.best_and_final", frozenset({"top", "within_bp", "hours"}))
    top, within = _whole(final, "top", 1, 1000), _whole(final, "within_bp", 0, 10_000)
    return BestAndFinal(top, within, _whole(final, "hours", 1, 24 * 30))


# -- members ----------------------------------------------------------------------------------------------------------


def _object(value: object, path: str, members: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{path}: an object is needed")
    if missing := members - value.keys():
        raise ValueError(f"{path}.{min(missing)}: missing")
    if unknown := value.keys() - members:
        raise ValueError(f"{path}.{min(map(str, unknown))[:40]}: unknown")
    return value


def _numbers(top: Mapping[str, Any], name: str, **most: int) -> dict[str, int]:
    value = _object(top[name], name, frozenset(most))
    return {member: _whole(value, member, 0, limit) for member, limit in most.items()}


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _whole(owner: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = owner[name]
    if not _is_whole(value, least, most):
        raise ValueError(f"{name}: a whole number from {least} to {most} is needed")
    return int(value)


def _truth(owner: Mapping[str, Any], name: str) -> bool:
    if type(owner[name]) is not bool:
        raise ValueError(f"{name}: true or false is needed")
    return bool(owner[name])


def _one_of(owner: Mapping[str, Any], name: str, values: Any) -> Any:
    value = owner[name]
    if type(value) not in (str, int) or value not in values:
        raise ValueError(f"{name}: {str(value)[:40]} is not among {', '.join(map(str, sorted(values)))}")
    return value


def _text(owner: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = owner[name]
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise ValueError(f"{name}: not of the form {form.pattern}")
    return value


def _instant(owner: Mapping[str, Any], name: str) -> int:
    value = owner[name]
    if not isinstance(value, str):
        raise ValueError(f"{name}: an instant is needed")
    return micros(_at(name, lambda: from_stamp(value)))


def _pairs(owner: Mapping[str, Any], name: str) -> tuple[tuple[int, int], ...]:
    value = owner[name]
    if not isinstance(value, list):
        raise ValueError(f"{name}: a list of pairs is needed")
    for pair in value:
        if not (isinstance(pair, list) and len(pair) == 2 and all(_is_whole(part, 0, MAX_AMOUNT) for part in pair)):
            raise ValueError(f"{name}: each item is two whole numbers")
    return tuple((pair[0], pair[1]) for pair in value)


def _at(path: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as fault:
        raise ValueError(f"{path}: {fault}") from None
