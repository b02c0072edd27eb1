"""The times at which a viewing may begin in an opening (viewings spec R2); pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pavilion.viewings.local_times import at_clock

Span = tuple[datetime, datetime]


class BadWindow(ValueError):
    """It closes before it opens."""


def starts(
    opens_at: datetime,
    closes_at: datetime,
    duration: timedelta,
    *,
    step: timedelta | None = None,
    gap: timedelta = timedelta(0),
    gap_inside_hours: bool = False,
    breaks: Iterable[Span] = (),
) -> list[datetime]:
    """Every `step` of elapsed time from the opening on, or as densely as the gap allows; a break takes slots away
    and never moves the others."""
    assert duration > timedelta(0) and (step is None or step > timedelta(0))
    stride = step or duration + gap
    last = closes_at - duration - (gap if gap_inside_hours else timedelta(0))
    free = tuple(breaks)
    found: list[datetime] = []
    at = opens_at
    while at <= last:
        if not any(at < until and since < at + duration for since, until in free):
            found.append(at)
        at += stride
    return found


def of_day(
    zone: ZoneInfo,
    day: date,
    opens: str,
    closes: str,
    duration: timedelta,
    *,
    step: timedelta | None = None,
    gap: timedelta = timedelta(0),
    gap_inside_hours: bool = False,
    breaks: Sequence[Sequence[str]] = (),
) -> list[datetime]:
    """The slots of an opening written as local times."""
    if closes <= opens:
        raise BadWindow(f"{opens}-{closes}")
    spans = [(at_clock(day, since, zone), at_clock(day, until, zone)) for since, until in breaks]
    return starts(
        at_clock(day, opens, zone), at_clock(day, closes, zone), duration,
        step=step, gap=gap, gap_inside_hours=gap_inside_hours, breaks=spans,
    )  # fmt: skip
