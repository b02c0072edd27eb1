"""What a worker looks at only now and then: it remembers when it last found nothing to do."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta


class Seldom:
    """A tick that looks again at once while it finds something, and else not before `every` has passed. A clock that
    was set back makes it look."""

    def __init__(self, every: timedelta, act: Callable[[datetime], Awaitable[int]]) -> None:
        self._every, self._act = every, act
        self._idle_since: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """How many pieces were done."""
        if self._idle_since is not None and self._idle_since <= now < self._idle_since + self._every:
            return 0
        done = await self._act(now)
        if not done:
            self._idle_since = now
        return done
