"""What a clock on the wall means: local times to instants and back (viewings spec R3); pure.

The zone database may move: each booked wall time is stored beside its instant and the version that related them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

from pavilion.viewings.wishes import Code

LAST_YEAR = 2100
FIRST_YEAR = 1970
NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})  # names of the database that are no zone of a place
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class UnknownZone(ValueError):
    """No zone of that name is in the database."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a typed local time means: one instant, or two to choose from with the code that says why."""

    code: Code
    at: datetime | None = None
    choices: tuple[datetime, ...] = ()  # the earlier first


@cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_PLACES


@cache
def zone_of(name: str) -> ZoneInfo:
    if name not in zones():
        raise UnknownZone(name[:60])
    return ZoneInfo(name)


@cache
def tz_version() -> str:
    """The release of the zone database that this process reads, such as 2026a."""
    for folder in TZPATH:
        try:
            with (Path(folder) / "tzdata.zi").open("rb") as head:
                return head.readline(40).decode("ascii").removeprefix("# version ").strip()[:16]
        except OSError:
            if (Path(folder) / "Europe").is_dir():
                return "system"
    return str(import_module("tzdata").IANA_VERSION)[:16]


def known_year(when: date) -> bool:
    return FIRST_YEAR <= when.year <= LAST_YEAR


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """As a calendar file means it (RFC 5545, 3.3.5): in a gap the offset before it, in an overlap the first."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def typed(local: datetime, zone: ZoneInfo) -> Typed:
    """As a person means it, who is asked where the clock does not say."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return Typed(Code.OK, first)
    if first.astimezone(zone).replace(tzinfo=None) != local:
        return Typed(Code.NONEXISTENT_LOCAL_TIME, choices=(second, first))  # moved back, moved forward
    return Typed(Code.AMBIGUOUS_LOCAL_TIME, choices=(first, second))


def at_clock(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The instant of HH:MM on this date; 24:00 is the midnight that ends it."""
    if clock == "24:00":
        return to_utc(datetime.combine(day + DAY, time()), zone)
    return to_utc(datetime.combine(day, time.fromisoformat(clock)), zone)


def day_span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From its midnight to the next: 23, 24 or 25 hours."""
    return at_clock(day, "00:00", zone), at_clock(day, "24:00", zone)


def wall(at: datetime, zone: ZoneInfo) -> str:
    """YYYY-MM-DDTHH:MM, as the clock on the wall shows it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def clock_of(text: str) -> str | None:
    """HH:MM on the five-minute grid, or 24:00; else nothing."""
    if text == "24:00":
        return text
    hours, colon, minutes = text.partition(":")
    digits = (hours + minutes).isascii() and (hours + minutes).isdigit()
    if not (colon and digits and len(hours) == len(minutes) == 2):
        return None
    return text if int(hours) < 24 and int(minutes) < 60 and int(minutes) % 5 == 0 else None
