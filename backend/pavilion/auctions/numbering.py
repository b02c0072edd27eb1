"""The number of a lot that comes late (curation spec 2): a suffix to the number of another, or the end; pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

SUFFIXES = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are taken for figures

Label = tuple[int, str]  # a number and its suffix, which may be empty


class Proposed(NamedTuple):
    """A free number, and the lot's after which it comes; none at the end of the sale."""

    number: int
    suffix: str
    after: str | None

    @property
    def text(self) -> str:
        return f"{self.number}{self.suffix}"


def at_end(taken: Iterable[Label]) -> int:
    """The first number above all."""
    return max((number for number, _ in taken), default=0) + 1


def next_suffix(taken: Collection[Label], number: int, after: str = "") -> str | None:
    """The first letter after this one that no lot has under the number; None when the alphabet is over."""
    start = SUFFIXES.index(after) + 1 if after and after in SUFFIXES else 0
    return next((letter for letter in SUFFIXES[start:] if (number, letter) not in taken), None)


def proposals(taken: Collection[Label]) -> list[Proposed]:
    """What a further lot of the sale can be called: the next number at the end, then the next suffix of each number."""
    found = [Proposed(at_end(taken), "", None)]
    for number in sorted({number for number, _ in taken}):
        if (suffix := next_suffix(taken, number)) is not None:
            last = max(letter for known, letter in taken if known == number)
            found.append(Proposed(number, suffix, f"{number}{last}"))
    return found
