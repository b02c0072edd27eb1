"""The loop is everybody's: a bid waits for whatever is worked out on it at once. What takes long belongs to a thread or
a process of its own, and a step of the house that does not keep to this fails the test in which it was taken.

A step is what runs from one `await` to the next. It is measured by its thread's own processor time, so that a busy
machine fails nothing, and without the debugging of asyncio, which notes a stack of frames at each step. What a test
works out itself, in its own coroutine, is its own affair: a request that it sends is a step of the house.
"""

import asyncio
import threading
from asyncio import events
from contextlib import contextmanager
from pathlib import Path
from time import thread_time

from httpx2 import ASGITransport

MOST_S = 1.5  # ten times what any step needs once it is warm; the first page of a process makes its templates
OUTSIDE = (str(Path(__file__).parent), "pytest_asyncio")
_held_up: list[str] = []
_spared = threading.local()


def watch():
    """From here on every step of every loop in this process is measured: twice a microsecond."""
    run, answer = events.Handle._run, ASGITransport.handle_async_request

    def measured(self):
        began, _spared.seconds = thread_time(), 0.0
        run(self)
        took = thread_time() - began - _spared.seconds
        if took > MOST_S and (what := of_the_house(self._callback)):
            _held_up.append(f"{what} held up the loop for {took:.2f} s of the processor")

    async def apart(self, request):
        return await asyncio.create_task(answer(self, request))

    events.Handle._run = measured
    ASGITransport.handle_async_request = apart


@contextmanager
def spared():
    """What is done here within a step of the house is work of the tests, and not counted."""
    began = thread_time()
    try:
        yield
    finally:
        _spared.seconds = getattr(_spared, "seconds", 0.0) + thread_time() - began


def of_the_house(callback):
    """What took the step; nothing where it was a test or what prepares one."""
    task = getattr(callback, "__self__", None)
    step = task.get_coro() if isinstance(task, asyncio.Task) else callback
    code = next((found for name in ("cr_code", "gi_code", "__code__") if (found := getattr(step, name, None))), None)
    if code is not None and any(part in code.co_filename for part in OUTSIDE):
        return None
    return getattr(step, "__qualname__", None) or repr(step)


def held_up():
    """What has held up a loop since this was last asked."""
    found, _held_up[:] = list(_held_up), []
    return found
