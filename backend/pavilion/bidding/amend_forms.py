"""What staff may say of an amendment, and the rule set that it means. A field that says what the rules say already, or
is not there, leaves its member as it is. Pure."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from pavilion.auctions.forms import (
    Long,
    Said,
    Short,
    Ulid,
    Words,
    YesNo,
    bands_text,
    gate_text,
    read_bands,
    read_gate,
    read_tiers,
    tiers_text,
)
from pavilion.auctions.wall_clock import local_instant, local_text
from pavilion.bidding.ruleset import parse_rules
from pavilion.kernel.canon import canonical
from pavilion.kernel.instants import from_stamp, stamp

DAY = 86_400
Seconds = Annotated[int | None, Field(ge=0, le=DAY)]
Count = Annotated[int | None, Field(ge=0, le=100_000)]
Doc = Mapping[str, Any]


class AmendForm(Said):
    """`every`: all lots of these rules without a live bid, instead of those named."""

    of: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    lot: Annotated[list[Ulid], Field(max_length=500)] = []
    every: bool = False
    reason: Words = ""
    increments: Long | None = None
    mode: Literal["add", "snap"] | None = None
    reserve_rule: Literal["jump", "push", "house"] | None = None
    window: Seconds = None
    extension: Annotated[int | None, Field(ge=1, le=DAY)] = None
    soft_mode: Literal["reset", "add"] | None = None
    hard_end: Short | None = None
    first: Short | None = None
    interval: Seconds = None
    per: Annotated[int | None, Field(ge=1, le=100_000)] = None
    premium: Long | None = None
    final_call: Annotated[int | None, Field(ge=1, le=3600)] = None
    viewing_gate: Short | None = None
    hold_results: YesNo | None = None
    confirm_factor: Count = None
    confirm_steps: Count = None
    slip_factor: Annotated[int | None, Field(ge=0, le=1000)] = None
    within_minutes: Count = None
    before_end_hours: Count = None


def said_of(doc: Doc) -> dict[str, Any]:
    """The rule set as the form shows it: the fields of its format."""
    zone, currency, plan, soft = ZoneInfo(doc["zone"]), doc["currency"], doc["stagger"], doc.get("soft_close")
    said: dict[str, Any] = {"first": local_text(from_stamp(plan["first"]), zone)}
    if "tender" in doc:
        return said
    assert soft is not None
    hard_end = from_stamp(soft["hard_end"]) if soft["hard_end"] else None
    confirm = doc["jump_confirm"]
    said |= {"interval": plan["interval"], "per": plan["per"], **doc["retraction"]}
    said |= {"window": soft["window"], "extension": soft["extension"], "soft_mode": soft["mode"]}
    said |= {"hard_end": local_text(hard_end, zone), "mode": doc["mode"], "reserve_rule": doc["reserve_rule"]}
    said |= {"increments": tiers_text(doc["increments"], currency)}
    said |= {"premium": bands_text(doc["premium"]["bands"], currency), "viewing_gate": gate_text(doc["viewing_gate"])}
    said |= {"hold_results": "yes" if doc["hold_results"] else "no"}
    said |= {"confirm_factor": confirm["factor"], "confirm_steps": confirm["steps"]}
    return said | ({"final_call": doc["clerked"]["final_call"]} if "clerked" in doc else {})


def amended(doc: Doc, form: AmendForm) -> tuple[dict[str, Any], dict[str, str]]:
    """The rule set that is meant, and the code of the fault of each field that cannot be read."""
    shown, faults = said_of(doc), dict[str, str]()
    new: dict[str, Any] = {**doc, "stagger": dict(doc["stagger"])}
    for name in ("soft_close", "retraction", "jump_confirm", "premium", "clerked"):
        if name in doc:
            new[name] = dict(doc[name])
    zone, currency = ZoneInfo(doc["zone"]), doc["currency"]

    def instant(text: str) -> str | None:
        at = local_instant(text, zone)
        return None if at is None else stamp(at)

    def gate(text: str) -> Any:
        read, was = read_gate(text), doc["viewing_gate"]
        return read if read is None or was is None else {**was, "gate_bp": read["gate_bp"]}

    fields: Mapping[str, tuple[tuple[str, ...], str, Callable[[Any], Any]]] = {
        "increments": (("increments",), "table_unread", lambda text: read_tiers(text, currency)),
        "mode": (("mode",), "", _same),
        "reserve_rule": (("reserve_rule",), "", _same),
        "window": (("soft_close", "window"), "", _same),
        "extension": (("soft_close", "extension"), "", _same),
        "soft_mode": (("soft_close", "mode"), "", _same),
        "hard_end": (("soft_close", "hard_end"), "time_unknown", instant),
        "first": (("stagger", "first"), "time_unknown", instant),
        "interval": (("stagger", "interval"), "", _same),
        "per": (("stagger", "per"), "", _same),
        "premium": (("premium", "bands"), "table_unread", lambda text: read_bands(text, currency)),
        "final_call": (("clerked", "final_call"), "", _same),
        "viewing_gate": (("viewing_gate",), "percent_invalid", gate),
        "hold_results": (("hold_results",), "", lambda text: text == "yes"),
        "confirm_factor": (("jump_confirm", "factor"), "", _same),
        "confirm_steps": (("jump_confirm", "steps"), "", _same),
        "slip_factor": (("retraction", "slip_factor"), "", _same),
        "within_minutes": (("retraction", "within_minutes"), "", _same),
        "before_end_hours": (("retraction", "before_end_hours"), "", _same),
    }
    for name, (path, code, read) in fields.items():
        said = getattr(form, name)
        if said is None or name not in shown or _plain(said) == _plain(shown[name]):
            continue
        try:
            value = read(said)
        except ValueError:
            faults[name] = code
            continue
        owner = new if len(path) == 1 else new[path[0]]
        owner[path[-1]] = value
    if not faults:
        faults = _unfit(new)
    return new, faults


def difference(old: Doc, new: Doc, path: str = "") -> list[str]:
    """What changes, member by member: `soft_close.window: 120 → 600`."""
    lines = []
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            lines += difference(was, now, f"{path}{name}.")
        else:
            lines.append(f"{path}{name}: {canonical(was).decode()} → {canonical(now).decode()}")
    return lines


_FIELD = {"premium.bands": "premium", "stagger.first": "first", "soft_close.hard_end": "hard_end"}


def _unfit(doc: Doc) -> dict[str, str]:
    """The field whose member the rule set would not take."""
    try:
        parse_rules(doc)
    except ValueError as fault:
        member = str(fault).partition(":")[0]
        return {_FIELD.get(member, member.rpartition(".")[2]): "bad_input"}
    return {}


def _same(said: Any) -> Any:
    return said


def _plain(said: Any) -> str:
    """As typed, whatever the browser does to the ends of lines."""
    return "\n".join(str(said).split("\r\n")).strip()
