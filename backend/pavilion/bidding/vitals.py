"""How the writer of a sale fares, measured by itself: how soon bids are answered and how long a commit takes."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

KEPT = 256  # answers and commits that the figures look back on


class Figures(NamedTuple):
    """Microseconds; None where nothing was measured yet."""

    answer_p50: int | None
    answer_p99: int | None
    commit_p50: int | None
    batch: int | None  # orders of the newest commit
    edges: int | None = None  # processes that hand bids over, where there are others than this one


class Vitals:
    """What was measured since this process writes the sale."""

    def __init__(self) -> None:
        self._answers: deque[int] = deque(maxlen=KEPT)
        self._commits: deque[int] = deque(maxlen=KEPT)
        self._batch: int | None = None

    def note(self, received: Sequence[int], started: int, stored: int) -> None:
        """These orders were answered with the commit that began and ended at these instants."""
        self._answers.extend(stored - at for at in received)
        self._commits.append(stored - started)
        self._batch = len(received) or self._batch

    def figures(self, edges: int | None = None) -> Figures:
        answers, commits = sorted(self._answers), sorted(self._commits)
        return Figures(_at(answers, 50), _at(answers, 99), _at(commits, 50), self._batch, edges)


def _at(measured: Sequence[int], percent: int) -> int | None:
    return measured[min(len(measured) - 1, len(measured) * percent // 100)] if measured else None
