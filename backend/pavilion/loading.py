"""Loading thousands of modules without looking for rubbish among them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """What is imported in the block stays as long as the process, and is never looked through: in the middle of a start
    nothing is rubbish yet, and looking for some was a fifth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
