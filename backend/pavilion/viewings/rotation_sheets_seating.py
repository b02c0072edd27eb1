"""Rounds that fit the desks of an office, and when they begin; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pavilion.viewings.rotation import Pair
from pavilion.viewings.slots import Span, starts


def seated(rounds: Sequence[Sequence[Pair]], desks: int) -> list[list[Pair]]:
    """The same pairs with no more in a round than there are desks, in the least rounds possible: as many as before, or
    as all pairs need desks. Two rounds together are paths on which they alternate; on one of them the fuller has one
    more, and exchanging it there moves one pair over."""
    assert desks > 0
    made = [list(one) for one in rounds]
    pairs = sum(len(one) for one in made)
    made += [[] for _ in range(-(-pairs // desks) - len(made))]
    for n in range(len(made)):
        while len(made[n]) > desks:
            room = min(range(len(made)), key=lambda m: (len(made[m]), m))
            made[n], made[room] = _moved(made[n], made[room])
    return made


def timed(count: int, minutes: int, openings: Iterable[tuple[datetime, datetime, Sequence[Span]]]) -> list[datetime]:
    """When each of so many rounds begins, in the hours of the office and outside its breaks; fewer where the hours end
    before the rounds."""
    found: list[datetime] = []
    length = timedelta(minutes=minutes)
    for opens, closes, breaks in openings:
        at = opens
        while len(found) < count:
            begun = starts(at, closes, length, breaks=breaks)
            if not begun:
                break
            found.append(begun[0])
            at = begun[0] + length
            pause = next((until for since, until in breaks if since < at + length and at < until), None)
            at = pause if pause is not None else at
    return found


def _moved(full: list[Pair], spare: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """One pair fewer in the first and one more in the second."""
    by_end: dict[tuple[int, str], list[tuple[int, Pair]]] = {}
    for side, some in enumerate((full, spare)):
        for pair in some:
            for which in (0, 1):
                by_end.setdefault((which, pair[which]), []).append((side, pair))
    seen: set[tuple[int, Pair]] = set()
    for first in [(0, pair) for pair in full]:
        if first in seen:
            continue
        path, edge = {first}, [first]
        while edge:
            _, pair = edge.pop()
            for which in (0, 1):
                fresh = [one for one in by_end[which, pair[which]] if one not in path]
                path.update(fresh)
                edge.extend(fresh)
        seen |= path
        mine, theirs = [p for s, p in path if s == 0], [p for s, p in path if s == 1]
        if len(mine) == len(theirs) + 1:
            return sorted({*full} - {*mine} | {*theirs}), sorted({*spare} - {*theirs} | {*mine})
    raise AssertionError("of two rounds the fuller has a path of its own")
