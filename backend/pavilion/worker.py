"""What must happen later: each tick looks for its work, does a bounded piece of it and says how much."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pavilion.kernel import db
from pavilion.kernel.clock import Clock
from pavilion.kernel.stirring import Stirring
from pavilion.kernel.tasks import whole
from pavilion.webkit.log import get_logger

SWEEP_S = 1.0  # how long an idle worker waits before it looks again, where something was written meanwhile
QUIET_S = 5.0  # and where nothing was: only time can have made work
WORST_WAIT_S = 60.0  # a tick that keeps failing is asked no more often than this


class Tick(NamedTuple):
    name: str
    run: Callable[[datetime], Awaitable[int]]  # how many pieces were done; more than none: ask again at once
    timely: bool = False  # looked at every second, whether or not anything was written


async def work(ticks: Sequence[Tick], clock: Clock, stopping: asyncio.Event, stirring: Stirring | None = None) -> None:
    """All ticks side by side until told to stop; one that fails waits longer and hinders no other. `stirring`: tells
    whether anything was written, so that idle ticks need not ask."""
    following = [] if stirring is None else [stirring.follow(stopping)]
    await asyncio.gather(*following, *(_keep(tick, clock, stopping, stirring) for tick in ticks))


async def _keep(tick: Tick, clock: Clock, stopping: asyncio.Event, stirring: Stirring | None) -> None:
    failures = 0
    while not stopping.is_set():
        wait, idle = 0.0, False
        turn = 0 if stirring is None else stirring.turn
        try:
            done = await whole(tick.run(clock()))
            failures = 0
            wait = 0.0 if done else SWEEP_S
            idle = not done and not tick.timely
        except Exception as error:  # noqa: BLE001 - a bug in one tick must not stop the others
            if db.is_busy(error):
                wait = SWEEP_S  # somebody else writes; nothing is lost but a moment
            else:
                failures += 1
                wait = min(WORST_WAIT_S, SWEEP_S * 2**failures)
                get_logger().error("tick failed", act=tick.name, outcome=type(error).__name__, exc_info=error)
        if idle and stirring is not None:
            await stirring.since(turn, most_s=QUIET_S)
        else:
            await _pause(stopping, wait)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    if seconds == 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
