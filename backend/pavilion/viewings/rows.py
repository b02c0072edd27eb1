"""Whose the claim table is, row by row or span by span; pure.

A hold has read the few rows that can be in its way. Who asks about many wishes has the spans that the appointments take
instead, by thing: a desk, a stone, an operator, a visitor, or the counter of a room or a company.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

Row = tuple[str, int]  # resource, quantum


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose a row is: an appointment's of this company, or (no appointment) the company's place in a room.

    `held_until`: it is only on hold."""

    company_id: int
    appointment_id: int | None = None
    sharers: int = 1
    held_until: datetime | None = None


Keys = Sequence[tuple[str, range]]  # key spaces or numbers of a thing, as `:f` or `:3`, and their quanta
Span = tuple[int, int, Keys, Taken]  # what an appointment takes of a thing, between these quanta


class Table:
    """Rows kept as spans of quanta by thing, such as `desk:A3`: for many questions about the same ones."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def take(self, thing: str, span: range, keys: Keys, taken: Taken) -> None:
        """`span`: in which all the keys lie."""
        line = self._lines.get(thing)
        if line is None:
            line = self._lines[thing] = _Line()
        line.add((span.start, span.stop, keys, taken))

    def about(self, thing: str, span: range) -> list[Span]:
        """What lies in that span, or touches it."""
        line = self._lines.get(thing)
        return line.about(span) if line else []


class _Line:
    """The spans of one thing; put in order when somebody asks."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._firsts: list[int] = []
        self._longest = 0

    def add(self, span: Span) -> None:
        self._spans.append(span)
        self._firsts = []

    def about(self, span: range) -> list[Span]:
        if not self._firsts:
            self._spans.sort(key=itemgetter(0))
            self._firsts = [one[0] for one in self._spans]
            self._longest = max(one[1] - one[0] for one in self._spans)
        last = bisect_left(self._firsts, span.stop)
        since = bisect_left(self._firsts, span.start - self._longest, 0, last)
        return [one for one in self._spans[since:last] if one[1] > span.start]


Rows = dict[Row, Taken] | Table
Met = list[tuple[int, Taken]]  # in which quanta, and whose


def met(rows: Rows, thing: str, span: range, *keys: Keys) -> Met:
    """Who has rows of the thing among the first of these keys that anybody has; all of them lie in the span."""
    if isinstance(rows, dict):
        return next((found for some in keys if (found := _of_rows(rows, thing, some))), [])
    about = rows.about(thing, span)
    if not about:
        return []
    return next((found for some in keys if (found := _of_spans(about, some))), [])


def counted(rows: Rows, thing: str, span: range, most: int) -> Met:
    """Who has a number of a counter, up to the highest that is looked at."""
    if isinstance(rows, dict):
        return _of_rows(rows, thing, [(f":{k}", span) for k in range(1, most + 1)])
    about = rows.about(thing, span)
    return [(quantum, taken) for *_, keys, taken in about for _, its in keys for quantum in _both(its, span)]


def _of_rows(rows: dict[Row, Taken], thing: str, keys: Keys) -> Met:
    named = [(thing + key, span) for key, span in keys]
    return [(quantum, rows[name, quantum]) for name, span in named for quantum in span if (name, quantum) in rows]


def _of_spans(about: Sequence[Span], keys: Keys) -> Met:
    mine = dict(keys)
    return [
        (quantum, taken)
        for *_, theirs, taken in about
        for key, span in theirs
        for quantum in (_both(span, mine[key]) if key in mine else ())
    ]


def _both(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
