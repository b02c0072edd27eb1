"""Ending work without cutting it in the middle."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 5.0


async def whole(work: Awaitable[T]) -> T:
    """The work's answer. When we are cancelled meanwhile, the work comes to its end first.

    A task cancelled while it waits for its database leaves a connection that nobody gives back, and closing the
    house then waits for it for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=PATIENCE_S)
        task.cancel()
        raise
