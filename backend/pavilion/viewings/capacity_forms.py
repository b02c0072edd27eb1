"""What staff say of an office's capacity, and the change that it means."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.kernel.errors import BadInput
from pavilion.viewings import local_times, opening
from pavilion.viewings.opening import Pattern, Pauses
from pavilion.viewings.planning import (
    Change,
    ClocksChange,
    DayChange,
    HoursChange,
    PadsChange,
    RegimeChange,
    RegimeEnd,
)
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.rules import RegimeFacts
from pavilion.viewings.states import GapMode
from pavilion.viewings.wishes import Code

DAYS = 7
LONGEST_PAD = 24 * 60
LONGEST_REGIME = timedelta(days=3 * 366)
_PAUSE = re.compile(r"([0-9]{2}:[0-9]{2})\s*[-\u2013\u2014\uff0d]\s*([0-9]{2}:[0-9]{2})")

Clock = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5)]
Pauses_ = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=160)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
Figure = Annotated[str, StringConstraints(strip_whitespace=True, max_length=6)]
Day = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10)]
Wall = Annotated[str, StringConstraints(strip_whitespace=True, max_length=19)]
Which = Literal["", "first", "second"]
Maybe = Literal["", "yes"]


class CapacityForm(BaseModel):
    """One change: `what` says which of the fields are read. `seen`: what its preview showed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    act: Literal["preview", "apply"] = "preview"
    what: Literal["hours", "day", "regime", "regime_end", "pads", "clocks"]
    seen: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    since: Day = ""
    opens: Annotated[list[Clock], Field(max_length=DAYS)] = []
    closes: Annotated[list[Clock], Field(max_length=DAYS)] = []
    breaks: Annotated[list[Pauses_], Field(max_length=DAYS)] = []
    day: Day = ""
    day_opens: Clock = ""
    day_closes: Clock = ""
    day_breaks: Pauses_ = ""
    back: Maybe = ""
    reason_en: Text = ""
    reason_zh: Text = ""
    start: Wall = ""
    start_which: Which = ""
    end: Wall = ""
    end_which: Which = ""
    factor_pct: Figure = "100"
    gap: Figure = "0"
    companies: Figure = ""
    declaration: Maybe = ""
    name_en: Name = ""
    name_zh: Name = ""
    regime: Figure = ""
    before: Figure = ""
    after: Figure = ""
    remote_gap: Figure = ""
    gap_mode: Literal["max", "sum"] = "max"
    gap_inside_hours: Maybe = ""


def change_of(said: CapacityForm, zone: ZoneInfo, now: datetime) -> Change:
    """The change that is meant, or `BadInput` with a code for each field; a time that the clock shows twice, or never,
    is refused with both instants."""
    match said.what:
        case "hours":
            return _hours(said, zone, now)
        case "day":
            return _day(said, zone, now)
        case "regime":
            return _regime(said, zone, now)
        case "regime_end":
            return RegimeEnd(_figure({"regime": said.regime}, "regime", 1, 2**53))
        case "pads":
            return _pads(said)
        case "clocks":
            return ClocksChange()


def _hours(said: CapacityForm, zone: ZoneInfo, now: datetime) -> HoursChange:
    faults: dict[str, str] = {}
    since = _date(said.since, zone, now, faults, "since")
    week: list[Pattern] = []
    if not (len(said.opens) == len(said.closes) == len(said.breaks) == DAYS):
        raise BadInput(fields={"opens": Code.BAD_INPUT.value})
    for n, (opens, closes, breaks) in enumerate(zip(said.opens, said.closes, said.breaks, strict=True)):
        if not (opens or closes or breaks):
            continue
        pauses = _opening(opens, closes, breaks, faults, f"opens{n}")
        if pauses is not None:
            week.append(Pattern(n, opens, closes, pauses))
    if faults or since is None:
        raise BadInput(fields=faults)
    return HoursChange(since, tuple(week))


def _day(said: CapacityForm, zone: ZoneInfo, now: datetime) -> DayChange:
    faults: dict[str, str] = {}
    day = _date(said.day, zone, now, faults, "day")
    pauses: Pauses | None = ()
    if said.back:
        opens = closes = None
    elif said.day_opens or said.day_closes or said.day_breaks:
        opens, closes = said.day_opens, said.day_closes
        pauses = _opening(opens, closes, said.day_breaks, faults, "day_opens")
        if pauses is not None and day is not None and _jumped(day, [opens, closes, *chain(*pauses)], zone):
            faults["day_opens"] = "clock_jumps_over"
    else:
        opens = closes = None
    if faults or day is None:
        raise BadInput(fields=faults)
    return DayChange(day, opens, closes, pauses or (), said.reason_en, said.reason_zh, bool(said.back))


def _opening(opens: str, closes: str, breaks: str, faults: dict[str, str], field: str) -> Pauses | None:
    """The breaks of a sound opening; else the fault is noted."""
    clocks = [local_times.clock_of(clock) for clock in (opens, closes)]
    pauses = _pauses(breaks)
    if None in clocks or opens == "24:00":
        faults[field] = Code.NOT_ON_GRID.value if _looks_like_clocks(opens, closes) else Code.BAD_INPUT.value
    elif closes <= opens:
        faults[field] = Code.BAD_WINDOW.value
    elif pauses is None or not opening.sound(opens, closes, pauses):
        faults[field] = "bad_breaks"
    else:
        return pauses
    return None


def _jumped(day: date, clocks: Iterable[str], zone: ZoneInfo) -> bool:
    """Whether the clock of the office shows one of these times never on this date."""
    walls = [datetime.fromisoformat(f"{day}T{clock}") for clock in clocks if clock != "24:00"]
    return any(local_times.typed(wall, zone).code is Code.NONEXISTENT_LOCAL_TIME for wall in walls)


def _looks_like_clocks(*clocks: str) -> bool:
    return all(re.fullmatch(r"([01][0-9]|2[0-4]):[0-5][0-9]", clock) for clock in clocks)


def _pauses(text: str) -> Pauses | None:
    """`12:30-13:15, 15:00-15:10`."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"[,;\uff0c\uff1b\u3001]", text):
        if not part.strip():
            continue
        pause = _PAUSE.fullmatch(part.strip())
        if pause is None:
            return None
        found.append((pause[1], pause[2]))
    return tuple(found)


def _date(text: str, zone: ZoneInfo, now: datetime, faults: dict[str, str], field: str) -> date | None:
    """A date from today on, within the years the house knows."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        faults[field] = Code.BAD_INPUT.value
        return None
    if not local_times.known_year(day):
        faults[field] = Code.BAD_INPUT.value
    elif day < local_times.day_of(now, zone):
        faults[field] = "day_over"
    return day


def _regime(said: CapacityForm, zone: ZoneInfo, now: datetime) -> RegimeChange:
    faults: dict[str, str] = {}
    figures = {"factor_pct": said.factor_pct, "gap": said.gap, "companies": said.companies}
    factor = _figure(figures, "factor_pct", 1, 100, faults)
    gap = _figure(figures, "gap", 0, LONGEST_PAD, faults)
    if not faults.get("gap") and gap % 5:
        faults["gap"] = Code.NOT_ON_GRID.value
    companies = _figure(figures, "companies", 1, 1000, faults) if said.companies else None
    start = _instant(said.start, said.start_which, "start", zone, faults)
    end = _instant(said.end, said.end_which, "end", zone, faults)
    if start is not None and end is not None and (end <= max(start, now) or end - start > LONGEST_REGIME):
        faults["end"] = Code.BAD_WINDOW.value if end <= start else Code.BAD_INPUT.value
    if faults or start is None or end is None:
        raise BadInput(fields=faults)
    return RegimeChange(
        start, end, RegimeFacts(factor, gap, companies, bool(said.declaration)), said.name_en, said.name_zh
    )


def _instant(text: str, which: str, field: str, zone: ZoneInfo, faults: dict[str, str]) -> datetime | None:
    """A typed local time; where the clock does not say which, the one that was chosen, else it is asked."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        faults[field] = Code.BAD_INPUT.value
        return None
    if local.tzinfo is not None or not local_times.known_year(local):
        faults[field] = Code.BAD_INPUT.value
        return None
    if local.minute % 5 or local.second or local.microsecond:
        faults[field] = Code.NOT_ON_GRID.value
        return None
    meant = local_times.typed(local, zone)
    if meant.at is not None:
        return meant.at
    if which:
        return meant.choices[0 if which == "first" else 1]
    shown = [at.astimezone(zone).strftime("%H:%M (UTC%z)") for at in meant.choices]
    names = ("before", "after") if meant.code is Code.NONEXISTENT_LOCAL_TIME else ("first", "second")
    raise ViewingRefused(
        meant.code, field=field, choices=shown, local=f"{local:%H:%M}", **dict(zip(names, shown, strict=True))
    )


def _pads(said: CapacityForm) -> PadsChange:
    faults: dict[str, str] = {}
    figures = {"before": said.before, "after": said.after, "remote_gap": said.remote_gap}
    found = {name: _figure(figures, name, 0, LONGEST_PAD, faults) for name in figures}
    for name, minutes in found.items():
        if name not in faults and minutes % 5:
            faults[name] = Code.NOT_ON_GRID.value
    if faults:
        raise BadInput(fields=faults)
    return PadsChange(
        found["before"], found["after"], GapMode(said.gap_mode), found["remote_gap"], bool(said.gap_inside_hours)
    )


def _figure(figures: Mapping[str, str], name: str, least: int, most: int, faults: dict[str, str] | None = None) -> int:
    text = figures[name]
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    if faults is None:
        raise BadInput(fields={name: Code.BAD_INPUT.value})
    faults[name] = Code.BAD_INPUT.value
    return 0
