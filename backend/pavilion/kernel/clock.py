"""The only reader of clocks. Everything else is handed an instant."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the one place


def monotonic_s() -> float:
    """Seconds that never go back; for leases and time limits, never for a decision on a bid."""
    return time.monotonic()


def worked_s() -> float:
    """Seconds that this thread has worked so far, whatever else the machine did meanwhile."""
    return time.thread_time()
