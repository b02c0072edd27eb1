"""Ending work without cutting it in the middle."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

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
        await cut(task)
        raise


async def cut(task: asyncio.Future[Any]) -> None:
    """The work is over, and has let go of what it held. How it ended nobody asks any more."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def being_cancelled() -> bool:
    """Whether this task was told to end. Whoever goes on after any failure asks: a task group of Python 3.11 forgets
    that it was cancelled when one of its children fails at the same moment."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
