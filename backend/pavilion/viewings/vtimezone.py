"""What other calendars need to know of a zone: its offsets around a date, as a VTIMEZONE; pure.

Each change stands as an observance of its own with the local time at which it happened. A recurrence rule would promise
that a government keeps its habits; a list says only what the time zone data knows.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

AHEAD = timedelta(days=366)  # who moves the entry in their own calendar finds the next changes too
LOOK_BACK = timedelta(days=400)  # a zone with summer time changed at least once in these
STEP = timedelta(days=1)  # no zone changes twice in a day
EVER = datetime(1970, 1, 1)  # noqa: DTZ001 - the local start of an offset that has long been so


class Observance(NamedTuple):
    """From the local time `start`, read with the offset before it, the zone keeps `after`."""

    start: datetime
    before: timedelta
    after: timedelta
    name: str
    summer: bool


def observances(zone: str, first: datetime, last: datetime) -> list[Observance]:
    """The offset in force at `first`, and each change until a year after `last`."""
    tz = ZoneInfo(zone)
    changes = list(_changes(tz, first - LOOK_BACK, last + AHEAD))
    before = [change for change in changes if change[0] <= first]
    begin = before[-1][0] if before else None
    rows = [] if begin is not None else [_lasting(tz, first)]
    return rows + [_observance(tz, at) for at, _ in changes if begin is None or at >= begin]


def lines(zone: str, first: datetime, last: datetime) -> list[str]:
    """The content lines of the component, for entries from `first` until `last`."""
    said = ["BEGIN:VTIMEZONE", f"TZID:{zone}"]
    for row in observances(zone, first, last):
        kind = "DAYLIGHT" if row.summer else "STANDARD"
        said += [
            f"BEGIN:{kind}",
            f"DTSTART:{row.start:%Y%m%dT%H%M%S}",
            f"TZOFFSETFROM:{offset_text(row.before)}",
            f"TZOFFSETTO:{offset_text(row.after)}",
            f"TZNAME:{row.name}",
            f"END:{kind}",
        ]
    return [*said, "END:VTIMEZONE"]


def offset_text(offset: timedelta) -> str:
    """`+0530`, and seconds only where an old offset has them."""
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{'-' if seconds < 0 else '+'}{hours:02d}{rest // 60:02d}"
    return f"{text}{rest % 60:02d}" if rest % 60 else text


def _changes(tz: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """(instant, offset from then on), found to the second between two days that differ."""
    at = start.astimezone(UTC).replace(microsecond=0)
    while at < end:
        after = at + STEP
        if _said(tz, at) != _said(tz, after):
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _said(tz, middle) == _said(tz, at) else (low, middle)
            yield high, _offset(tz, high)
        at = after


def _observance(tz: ZoneInfo, at: datetime) -> Observance:
    before = _offset(tz, at - timedelta(seconds=1))
    local = at.astimezone(tz)
    return Observance((at + before).replace(tzinfo=None), before, _offset(tz, at), local.tzname() or "", _summer(local))


def _lasting(tz: ZoneInfo, at: datetime) -> Observance:
    local = at.astimezone(tz)
    return Observance(EVER, _offset(tz, at), _offset(tz, at), local.tzname() or "", _summer(local))


def _said(tz: ZoneInfo, at: datetime) -> tuple[timedelta, str | None]:
    local = at.astimezone(tz)
    return _offset(tz, at), local.tzname()


def _offset(tz: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(tz).utcoffset() or timedelta(0)


def _summer(local: datetime) -> bool:
    return bool(local.dst())
