"""What the worker does for viewings, by name."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from pavilion.kernel.db import Sessions
from pavilion.viewings import (
    clock_drift,
    erasing,
    following,
    holds_followed,
    lying_told,
    memos_followed,
    opening,
    sweeping,
    tours_searching,
)

Tick = tuple[str, Callable[[datetime], Awaitable[int]]]


def of_house(sessions: Sessions) -> list[Tick]:
    """What has to happen in time: hours laid down ahead, and what follows from the clock."""
    return [
        ("opening hours", opening.LayingDown(sessions).tick),
        ("clocks", clock_drift.ClocksWatched(sessions).tick),
        ("appointments in time", partial(sweeping.tick, sessions)),
        ("what viewings follow", following.Following(sessions).tick),
        ("where stones lie", lying_told.telling(sessions).tick),
        ("stones held", partial(holds_followed.follow, sessions)),
        ("stones on memo", partial(memos_followed.follow, sessions)),
        ("visitors forgotten", erasing.Erasing(sessions).tick),
        ("tours", partial(tours_searching.tick, sessions)),
    ]
