"""Watches the clock by which bids are judged: it must run as the monotonic clock does, and as the database's."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

from pavilion.kernel.clock import Clock, monotonic_s
from pavilion.kernel.instants import micros

JUMP_US = 250_000
SLOW_ROUND_TRIP_US = 500_000  # a reading that took so long says nothing
LOOK_S = 1.0


class Room(Protocol):
    def clock_jumped(self) -> None: ...


class ClockGuard:
    """Each look compares how far the clocks ran since the last one; a jump pauses lots that are about to end."""

    def __init__(
        self,
        clock: Clock,
        rooms: Callable[[], Iterable[Room]],
        database: Callable[[], Awaitable[datetime]] | None = None,
        monotonic: Callable[[], float] = monotonic_s,
    ) -> None:
        self._clock, self._rooms, self._database, self._monotonic = clock, rooms, database, monotonic
        self._offset: int | None = None
        self._database_offset: int | None = None

    async def look(self) -> None:
        jumped = self._moved()
        if self._database is not None:
            jumped = await self._database_moved(self._database) or jumped
        if jumped:
            for room in self._rooms():
                room.clock_jumped()

    def _moved(self) -> bool:
        before, self._offset = self._offset, micros(self._clock()) - self._ticks()
        return before is not None and abs(self._offset - before) > JUMP_US

    async def _database_moved(self, database: Callable[[], Awaitable[datetime]]) -> bool:
        asked = self._ticks()
        at = micros(await database())
        answered = self._ticks()
        if answered - asked > SLOW_ROUND_TRIP_US:
            return False
        before, self._database_offset = self._database_offset, at - (asked + answered) // 2
        return before is not None and abs(self._database_offset - before) > JUMP_US

    def _ticks(self) -> int:
        return int(self._monotonic() * 1_000_000)
