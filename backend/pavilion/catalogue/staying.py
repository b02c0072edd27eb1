"""On which days a stone lies in which office, as one text that many stones share. Pure.

`ant:20400-20412 hkg:20415-`: days since 1970 on the office's own calendar, both included; an end that is left out is
open."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

MOST = 12  # stays of one text; later ones are told when these are over


class Staying(NamedTuple):
    office: str
    first: int | None
    last: int | None


def told(stays: Iterable[Staying]) -> str | None:
    """The stays as one text, in the order of their days; None where there are none."""
    order = sorted(stays, key=lambda one: (-1 if one.first is None else one.first, one.office))
    ends = ((one.office, *("" if day is None else str(day) for day in one[1:])) for one in order[:MOST])
    return " ".join(f"{office}:{first}-{last}" for office, first, last in ends) or None


@lru_cache(maxsize=4096)
def stays_of(text: str) -> tuple[Staying, ...]:
    found = []
    for piece in text.split():
        office, _, days = piece.partition(":")
        first, _, last = days.partition("-")
        found.append(Staying(office, int(first) if first else None, int(last) if last else None))
    return tuple(found)


def offices_on(text: str, least: int | None, most: int | None) -> frozenset[str]:
    """Where it lies on some day from `least` to `most`, both included; without one, on any day on that side."""
    return frozenset(
        one.office
        for one in stays_of(text)
        if (most is None or one.first is None or one.first <= most)
        and (least is None or one.last is None or one.last >= least)
    )
