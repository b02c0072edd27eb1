"""The figures that staff set on a page: what each is called, which table holds it, what it is counted in, and how far
it may go. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from pavilion.provenance.tolerances import LISTABLE

DIGITS = 6


class Setting(NamedTuple):
    name: str
    table: str  # limits or house
    group: str
    unit: str
    least: int
    most: int
    code: str = ""  # the rule that reads it

    @property
    def choices(self) -> Sequence[str]:
        return LISTABLE if self.unit == "grades" else ()


class Change(NamedTuple):
    setting: Setting
    old: int | str
    new: int | str

    def document(self) -> dict[str, int | str]:
        return {"setting": self.setting.name, "unit": self.setting.unit, "old": self.old, "new": self.new}


_L, _H = "limits", "house"
SETTINGS = (
    Setting("scale_mct", _L, "mass", "mct", 0, 50, "MB-01"),
    Setting("missing_mct", _L, "mass", "mct", 0, 100, "MB-02"),
    Setting("missing_permille", _L, "mass", "permille", 0, 100, "MB-02"),
    Setting("plan_percent", _L, "mass", "percent", 100, 200, "MB-05"),
    Setting("parcel_mct", _L, "mass", "mct", 0, 100, "MB-06"),
    Setting("parcel_per_10000", _L, "mass", "bp", 0, 500, "MB-06"),
    Setting("silence_days", _L, "custody", "days", 1, 1825, "CU-02"),
    Setting("ahead_days", _L, "custody", "days", 0, 7, "CU-03"),
    Setting("handling_mct", _L, "custody", "mct", 0, 50, "CU-04"),
    Setting("below_report_mct", _L, "report", "mct", 0, 50, "GR-04"),
    Setting("above_report_mct", _L, "report", "mct", 0, 50, "GR-04"),
    Setting("volume_percent", _L, "report", "percent", 1, 50, "GR-05"),
    Setting("fresh_years", _L, "report", "years", 1, 50, "GR-07"),
    Setting("assessed_days", _L, "report", "days", 1, 1095, "WA-02"),
    Setting("listed_grades", _L, "report", "grades", 0, 0),
    Setting("accounted_bp", _L, "outcomes", "bp", 5_000, 10_000, "PO-01"),
    Setting("excess_bp", _L, "outcomes", "bp", 0, 500, "PO-02"),
    Setting("resale_limit_bp", _L, "outcomes", "bp", 0, 10_000, "PO-03"),
    Setting("in_flight", _H, "registries", "calls", 1, 512),
    Setting("timeout_ms", _H, "registries", "ms", 100, 30_000),
    Setting("breaker_failures", _H, "registries", "failures", 1, 100),
    Setting("breaker_within_s", _H, "registries", "seconds", 1, 600),
    Setting("breaker_rest_s", _H, "registries", "seconds", 1, 3_600),
    Setting("pending_hours", _H, "looking", "hours", 1, 168, "RG-01"),
    Setting("unwitnessed_minutes", _H, "looking", "minutes", 1, 1_440, "SG-03"),
    Setting("sweep_hours", _H, "looking", "hours", 1, 168),
    Setting("live_minutes", _H, "looking", "minutes", 1, 1_440),
    Setting("stop_hours", _H, "looking", "hours", 1, 168),
)
GROUPS = tuple(dict.fromkeys(setting.group for setting in SETTINGS))
UNITS = tuple(dict.fromkeys(setting.unit for setting in SETTINGS if setting.unit != "grades"))
BY_NAME = {setting.name: setting for setting in SETTINGS}
TABLES = (_L, _H)


class OutOfBounds(ValueError):
    """`faults` maps a setting to the code of what is wrong with it."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(faults)))
        self.faults = faults


def typed(values: Mapping[str, str]) -> dict[str, int | str]:
    """What was typed, as figures within their bounds."""
    found: dict[str, int | str] = {}
    faults: dict[str, str] = {}
    for name, text in values.items():
        setting, text = BY_NAME[name], text.strip()
        if setting.choices:
            found[name] = text
        elif text.isascii() and text.isdecimal() and len(text) <= DIGITS:
            found[name] = int(text)
        else:
            faults[name] = "setting_no_number"
    faults |= {name: "setting_out_of_bounds" for name in found if not fits(BY_NAME[name], found[name])}
    if faults:
        raise OutOfBounds(faults)
    return found


def fits(setting: Setting, value: object) -> bool:
    if setting.choices:
        return value in setting.choices
    return type(value) is int and setting.least <= value <= setting.most


def look_at_figures(name: str, figures: Mapping[str, Any]) -> None:
    """OutOfBounds unless every figure of this table is one that the house would set."""
    own = {setting.name: setting for setting in SETTINGS if setting.table == name}
    faults = {one: "setting_out_of_bounds" for one, setting in own.items() if not fits(setting, figures[one])}
    if faults:
        raise OutOfBounds(faults)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """In the order of the page."""
    return [
        Change(setting, before[setting.name], after[setting.name])
        for setting in SETTINGS
        if setting.name in before and setting.name in after and before[setting.name] != after[setting.name]
    ]


def written(name: str, figures: Mapping[str, Any], day: date) -> bytes:
    """The table that holds these figures, always in the same words."""
    own = {setting.name: figures[setting.name] for setting in SETTINGS if setting.table == name}
    return (json.dumps({"version": day.isoformat(), name: own}, indent=1) + "\n").encode()
