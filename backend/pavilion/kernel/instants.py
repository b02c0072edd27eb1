"""Instants as text and as whole microseconds; pure."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def micros(at: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z, exact."""
    assert at.tzinfo is not None, "naive time"
    return (at - _EPOCH) // _MICROSECOND


def from_micros(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def stamp(at: datetime) -> str:
    """The one text form used in documents and on sockets: `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    assert at.tzinfo is not None, "naive time"
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_stamp(text: str) -> datetime:
    """Inverse of `stamp`; anything but exactly that form is a ValueError."""
    if _TEXT.fullmatch(text) is None:
        raise ValueError(f"not an instant: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as fault:
        raise ValueError(f"not an instant: {fault}") from None
