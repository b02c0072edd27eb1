"""Instants as the clock on the wall of the sale's city says them; pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local_instant(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant of a wall clock in the sale's zone; an hour that the zone skips is a ValueError."""
    if not text:
        return None
    wall = datetime.fromisoformat(text)
    if wall.tzinfo is not None or not 2000 <= wall.year <= 2200:
        raise ValueError("a wall clock is needed")
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError("no such hour")
    return at


def local_text(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
