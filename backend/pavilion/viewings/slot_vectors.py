"""The public vectors of slots and of local times, run against the rules that the desk itself uses."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pavilion.viewings import local_times, slots
from pavilion.viewings.wishes import Code


def check(line: dict[str, Any]) -> str | None:
    """Nothing, or in what our answer differs."""
    said, expect = answer(line["input"]), line["expect"]
    for key, value in expect.items():
        if said.get(key) != value:
            return f"expected {key} {value} got {said.get(key)}"
    return None


def answer(given: dict[str, Any]) -> dict[str, Any]:
    zone = local_times.zone_of(given["zone"])
    return _typed(given, zone) if "local" in given else _slots(given, zone)


def _typed(given: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    local = datetime.fromisoformat(given["local"])
    if given["policy"] == "ical":
        return {"code": "ok", "utc": _utc(local_times.to_utc(local, zone))}
    said = local_times.typed(local, zone)
    if said.at is not None:
        return {"code": "ok", "utc": _utc(said.at)}
    one, two = said.choices
    if said.code is Code.AMBIGUOUS_LOCAL_TIME:
        return {"code": said.code.value, "first": _utc(one), "second": _utc(two)}
    return {"code": said.code.value, "before": _shown(one, zone), "after": _shown(two, zone)}


def _slots(given: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    try:
        found = slots.of_day(
            zone, date.fromisoformat(given["date"]), given["open"], given["close"],
            timedelta(minutes=given["duration"]),
            step=timedelta(minutes=given["step"]) if given.get("step") else None,
            gap=timedelta(minutes=given.get("gap", 0)),
            gap_inside_hours=given.get("gap_inside_hours", False), breaks=given.get("breaks", ()),
        )  # fmt: skip
    except slots.BadWindow:
        return {"code": Code.BAD_WINDOW.value}
    shown = {name: [_shown(at, local_times.zone_of(name)) for at in found] for name in given.get("display", ())}
    return {"code": "ok", "utc": [_utc(at) for at in found], "display": shown}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat()
