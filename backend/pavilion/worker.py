"""What must happen later: each tick looks for its work, does a bounded piece of it and says how much."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pavilion.kernel import db
from pavilion.kernel.clock import Clock
from pavilion.kernel.tasks import whole
from pavilion.webkit.log import get_logger

SWEEP_S = 1.0  # how long an idle worker waits before it looks again
WORST_WAIT_S = 60.0  # a tick that keeps failing is asked no more often than this


class Tick(NamedTuple):
    name: str
    run: Callable[[datetime], Awaitable[int]]  # how many pieces were done; more than none: ask again at once


async def work(ticks: Sequence[Tick], clock: Clock, stopping: asyncio.Event) -> None:
    """All ticks side by side until told to stop; one that fails waits longer and hinders no other."""
    await asyncio.gather(*(_keep(tick, clock, stopping) for tick in ticks))


async def _keep(tick: Tick, clock: Clock, stopping: asyncio.Event) -> None:
    failures = 0
    while not stopping.is_set():
        wait = 0.0
        try:
            done = await whole(tick.run(clock()))
            failures = 0
            wait = 0.0 if done else SWEEP_S
        except Exception as error:  # noqa: BLE001 - a bug in one tick must not stop the others
            if db.is_busy(error):
                wait = SWEEP_S  # somebody else writes; nothing is lost but a moment
            else:
                failures += 1
                wait = min(WORST_WAIT_S, SWEEP_S * 2**failures)
                get_logger().error("tick failed", act=tick.name, outcome=type(error).__name__, exc_info=error)
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
