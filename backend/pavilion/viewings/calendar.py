"""Appointments for other calendars, as iCalendar (RFC 5545) and iTIP (RFC 5546) text; pure, no database.

There is one writer, this one: what leaves must be exact to the octet (folding, line ends, where METHOD stands), and a
library that also reads what it wrote would prove nothing. The library `icalendar` only reads, in the tests.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pavilion.viewings import vtimezone

PRODUCT = "-//Pavilion//Viewings 1//EN"
FOLD = 75  # octets of a line, its break not counted
PLAIN_ZONE = "Etc/UTC"  # of what cannot be said unambiguously in the clock of the place

Stamp = Callable[["Entry"], datetime]


class Method(StrEnum):
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


class Status(StrEnum):
    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


class Address(NamedTuple):
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as another calendar sees it. `summary` and `location` name office and reference, never a stone."""

    uid: str
    sequence: int
    start: datetime
    end: datetime
    zone: str
    status: Status
    summary: str
    location: str
    description: str = ""
    url: str = ""
    organizer: Address | None = None
    attendee: Address | None = None
    changed: datetime | None = None


def invitation(entry: Entry, sent: datetime) -> str:
    """Asks the attendee's calendar to hold the entry, or to change the one it holds under this UID."""
    return written(Method.REQUEST, [entry], lambda _: sent)


def cancellation(entry: Entry, sent: datetime) -> str:
    """Takes the entry out of the attendee's calendar."""
    assert entry.status is Status.CANCELLED
    return written(Method.CANCEL, [entry], lambda _: sent)


def published(entries: Sequence[Entry], name: str) -> str:
    """A feed. DTSTAMP is the instant of each entry's last change, so that a feed in which nothing happened is the same
    to the octet and a reader is told so in one line."""
    return written(Method.PUBLISH, entries, _changed, name)


def written(method: Method, entries: Sequence[Entry], stamp: Stamp, name: str = "") -> str:
    said = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    if name:
        said += [f"NAME:{text(name)}", f"X-WR-CALNAME:{text(name)}"]
        said += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"]
    zones = [zone_of(entry) for entry in entries]
    for zone in sorted(set(zones)):
        mine = [entry for entry, its in zip(entries, zones, strict=True) if its == zone]
        said += vtimezone.lines(zone, min(one.start for one in mine), max(one.end for one in mine))
    for entry, zone in zip(entries, zones, strict=True):
        said += _event(method, entry, zone, stamp(entry))
    said.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in said for part in folded(line))


def zone_of(entry: Entry) -> str:
    """The zone of the place; or UTC for an entry that begins or ends in the second run of a repeated hour. A local time
    written down means its first run (RFC 5545, 3.3.5), and an hour early at the door helps nobody."""
    tz = ZoneInfo(entry.zone)
    plain = all(_first_run(at, tz) == at for at in (entry.start, entry.end))
    return entry.zone if plain else PLAIN_ZONE


def text(words: str) -> str:
    """A TEXT value: backslash, semicolon, comma and line ends escaped, other control characters gone."""
    words = words.replace("\r\n", "\n").replace("\r", "\n").replace("\\", "\\\\")
    for sign in ",;":
        words = words.replace(sign, f"\\{sign}")
    return _printed(words.replace("\n", "\\n"))


def folded(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, no character cut; each piece after the first begins with a space."""
    octets, lead = line.encode(), ""
    while len(octets) > FOLD - len(lead):
        cut = FOLD - len(lead)
        while octets[cut] & 0xC0 == 0x80:  # inside a character
            cut -= 1
        yield lead + octets[:cut].decode()
        octets, lead = octets[cut:], " "
    yield lead + octets.decode()


def _event(method: Method, entry: Entry, zone: str, stamp: datetime) -> Iterable[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{text(entry.uid)}"
    yield f"DTSTAMP:{_utc(stamp)}"
    yield f"DTSTART;TZID={zone}:{_local(entry.start, zone)}"
    yield f"DTEND;TZID={zone}:{_local(entry.end, zone)}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"STATUS:{entry.status}"
    yield f"SUMMARY:{text(entry.summary)}"
    yield f"LOCATION:{text(entry.location)}"
    if entry.description:
        yield f"DESCRIPTION:{text(entry.description)}"
    if entry.url:
        yield f"URL:{_uri(entry.url)}"
    if entry.organizer is not None:
        yield f"ORGANIZER;CN={_parameter(entry.organizer.name)}:{_mailto(entry.organizer)}"
    if entry.attendee is not None:
        status = "" if method is Method.CANCEL else ";PARTSTAT=ACCEPTED"  # who booked comes; no answer is awaited
        name = f"CN={_parameter(entry.attendee.name)};CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT{status};RSVP=FALSE"
        yield f"ATTENDEE;{name}:{_mailto(entry.attendee)}"
    if entry.changed is not None:
        yield f"LAST-MODIFIED:{_utc(entry.changed)}"
    yield "CLASS:PRIVATE"
    yield "TRANSP:" + ("TRANSPARENT" if entry.status is Status.CANCELLED else "OPAQUE")
    yield "END:VEVENT"


def _parameter(words: str) -> str:
    """A quoted parameter value, with the signs it may not hold written as RFC 6868 has them."""
    words = words.replace("^", "^^").replace('"', "^'").replace("\r\n", "^n").replace("\n", "^n").replace("\r", "^n")
    return f'"{_printed(words)}"'


def _mailto(address: Address) -> str:
    return f"mailto:{quote(address.email, safe='@+')}"


def _uri(address: str) -> str:
    return _printed(address).replace(" ", "")


def _printed(words: str) -> str:
    """Without control characters, and without halves of characters that no octets can be made of."""
    if words.isprintable():
        return words
    return "".join(sign for sign in words if sign >= " " and sign != "\x7f" and not "\ud800" <= sign <= "\udfff")


def _changed(entry: Entry) -> datetime:
    assert entry.changed is not None, "an entry of a feed says when it last changed"
    return entry.changed


def _first_run(at: datetime, tz: ZoneInfo) -> datetime:
    return at.astimezone(tz).replace(fold=0).astimezone(UTC)


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
