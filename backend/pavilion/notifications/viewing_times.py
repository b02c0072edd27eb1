"""A span of time as its reader needs it: on the clock of the office, and on the own; pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from pavilion.webkit.figures import DASH, MINUS, Figures
from pavilion.webkit.i18n import Tongue

_DAY = {"en": "EEEE d MMMM y", "zh": "y年M月d日EEEE"}


def at_office(tongue: Tongue, start: datetime, end: datetime, zone: str) -> str:
    """`Tuesday 9 March 2027, 10:00–12:00 in Hong Kong (HKT, UTC+8)`"""
    day = format_date(start.astimezone(ZoneInfo(zone)).date(), _DAY[tongue.lang], locale=tongue.locale)
    return f"{day}{_gap(tongue)}{_clocks(tongue, start, end, zone)}"


def at_own(tongue: Tongue, start: datetime, end: datetime, zone: str, office_zone: str) -> str:
    """The same on the reader's clock, and which day it is there when that is another; empty where clocks agree."""
    here, there = (start.astimezone(ZoneInfo(one)) for one in (zone, office_zone))
    if here.utcoffset() == there.utcoffset() and _offset(end, zone) == _offset(end, office_zone):
        return ""
    words = _clocks(tongue, start, end, zone)
    if here.date() == there.date():
        return words
    day = tongue.say("viewing_day_before" if here.date() < there.date() else "viewing_day_after")
    return f"{words}{_gap(tongue)}{day}{_gap(tongue)}{Figures(tongue).day(start, zone, year=here.year != there.year)}"


def zone_text(tongue: Tongue, at: datetime, zone: str) -> str:
    """`HKT, UTC+8`; an abbreviation that is only a number says nothing more."""
    local = at.astimezone(ZoneInfo(zone))
    offset, name = offset_text(_offset(at, zone)), local.tzname() or ""
    return offset if not name.isalpha() or name == "UTC" else f"{name}{_gap(tongue)}{offset}"


def offset_text(offset: timedelta) -> str:
    """`UTC+8`, `UTC−3:30`, `UTC`"""
    minutes = int(offset.total_seconds()) // 60
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{MINUS if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"


def _clocks(tongue: Tongue, start: datetime, end: datetime, zone: str) -> str:
    """Both ends carry their offset where the clocks are changed in between."""
    figures, english = Figures(tongue), tongue.lang == "en"
    first, last = figures.clock(start, zone), figures.clock(end, zone)
    place, left, right = figures.city(zone), *((" (", ")") if english else ("（", "）"))
    if zone in ("UTC", "Etc/UTC"):
        return f"{first}{DASH}{last} UTC"
    if _offset(start, zone) == _offset(end, zone):
        times = f"{first}{DASH}{last}"
        return (
            f"{times} in {place} ({zone_text(tongue, start, zone)})"
            if english
            else f"{place}时间 {times}（{zone_text(tongue, start, zone)}）"
        )
    times = (
        f"{first}{left}{zone_text(tongue, start, zone)}{right}{DASH}{last}{left}{zone_text(tongue, end, zone)}{right}"
    )
    return f"{times} in {place}" if english else f"{place}时间 {times}"


def _offset(at: datetime, zone: str) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)


def _gap(tongue: Tongue) -> str:
    return ", " if tongue.lang == "en" else "，"
