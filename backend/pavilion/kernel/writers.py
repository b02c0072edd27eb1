"""The embedded database has one writer at a time: those of one process form a queue for it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PATIENCE_S = 5.0  # then the database decides, as it does between processes


class WritersQueue:
    """Writers of this process go in the order they came. SQLite itself lets them ask again and again, and who is
    unlucky asks in vain for as long as others are busy. Who is urgent goes next, and lets one other pass between."""

    def __init__(self) -> None:
        self._writer: object = None
        self._waiting: deque[tuple[asyncio.Future[None], object]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def enter(self, writer: object, *, urgent: bool = False) -> None:
        """It is the writer's turn, or its patience is over and the database decides."""
        loop = asyncio.get_running_loop()
        if self._writer is writer:
            return
        if self._writer is None:
            self._writer, self._loop = writer, loop
            return
        if self._loop is not loop:  # the one ahead belongs to another loop, which cannot call us
            return
        turn = loop.create_future()
        place = (turn, writer)
        if urgent:
            self._waiting.appendleft(place)
        else:
            self._waiting.append(place)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn
        except TimeoutError:
            self._give_up(place)
        except asyncio.CancelledError:
            self._give_up(place)
            self.leave(writer)
            raise

    def leave(self, writer: object) -> None:
        """The next one's turn, if it was this writer's."""
        if self._writer is None or self._writer is not writer:
            return
        self._writer = None
        while self._waiting:
            turn, following = self._waiting.popleft()
            if not turn.done() and not turn.get_loop().is_closed():
                self._writer = following
                turn.set_result(None)
                return

    @asynccontextmanager
    async def urgent(self) -> AsyncIterator[None]:
        """A turn for a writer outside the pool, before all who wait."""
        writer = object()
        await self.enter(writer, urgent=True)
        try:
            yield
        finally:
            self.leave(writer)

    def _give_up(self, place: tuple[asyncio.Future[None], object]) -> None:
        if place in self._waiting:
            self._waiting.remove(place)
