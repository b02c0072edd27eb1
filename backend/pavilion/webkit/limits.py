"""How often one caller may ask: moving windows in memory, per process."""

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from pavilion.kernel.errors import SlowDown


class Allowance:
    """`take` lets a caller through or raises `slow_down`."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, *caller: str) -> None:
        if not await self._window.hit(self._item, *caller):
            raise SlowDown()
