"""How often one caller may ask: moving windows in memory, per process."""

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from pavilion.kernel.errors import SlowDown


async def take(request: Request, act: str, *caller: str, per_minute: int) -> None:
    """The caller's address may do this act so often a minute; then it is `slow_down`."""
    windows: MovingWindowRateLimiter | None = getattr(request.app.state, "windows", None)
    if windows is None:
        windows = request.app.state.windows = MovingWindowRateLimiter(MemoryStorage())
    address = request.client.host if request.client else "?"
    if not await windows.hit(RateLimitItemPerMinute(per_minute), act, address, *caller):
        raise SlowDown()
