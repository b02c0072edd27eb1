"""How long a piece of work takes: processor time of the quickest of some rounds, so that neighbours count little."""

import time
from collections.abc import Callable


def best(work: Callable[[], object], rounds: int) -> float:
    """Seconds."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)
