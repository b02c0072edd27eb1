"""Sets of rows as bits, and small numbers of rows as bit slices. Pure; numpy only.

A million rows are 125 kB a set: two sets are met, and what is left of them counted, in some 20 µs. A column of small
numbers is kept as one set per binary digit (O'Neil and Quass, "Improved query performance with variant indexes", 1997):
five sets tell thirty-two shapes apart, and counting the rows of each shape is a walk down the digits.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]  # row r is bit r % 64 of word r // 64; what is beyond the last row is never set
Rows = NDArray[np.int64]

_WORD = 64
_SPARSE = 3  # a set with a third of its words in use, or fewer, is counted in those words alone


def packed(mask: NDArray[np.bool_]) -> Bits:
    octets = np.packbits(mask, bitorder="little")
    padding = -len(octets) % 8
    words: Bits = (np.pad(octets, (0, padding)) if padding else octets).view(np.uint64)
    return words


def everything(rows: int) -> Bits:
    return packed(np.ones(rows, bool))


def nothing(rows: int) -> Bits:
    return np.zeros(-(-rows // _WORD), np.uint64)


def run(start: int, end: int, rows: int) -> Bits:
    """The rows from `start` up to and without `end`."""
    mask = np.zeros(rows, bool)
    mask[start:end] = True
    return packed(mask)


def some(rows: NDArray[Any], size: int) -> Bits:
    """These rows of so many."""
    mask = np.zeros(size, bool)
    mask[rows] = True
    return packed(mask)


def count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def positions(bits: Bits) -> Rows:
    """The rows of the set, rising."""
    words = np.flatnonzero(bits)
    at = np.flatnonzero(unpacked(bits[words], len(words) * _WORD))
    rows: Rows = words[at >> 6] * _WORD + (at & 63)
    return rows


def unpacked(bits: Bits, rows: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits.view(np.uint8), count=rows, bitorder="little").view(bool)


def counts_between(bits: Bits, bounds: Sequence[int]) -> list[int]:
    """How many of the set lie in each run of rows between one bound and the next; the bounds rise."""
    if not len(bits):
        return [0] * (len(bounds) - 1)
    before = np.concatenate([[0], np.cumsum(np.bitwise_count(bits), dtype=np.int64)])
    ends = []
    for bound in bounds:
        word, digit = divmod(bound, _WORD)
        part = int(bits[word]) & ((1 << digit) - 1) if digit else 0
        ends.append(int(before[word]) + part.bit_count())
    return [end - start for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class Sliced:
    """A small number per row; `digits[i]` holds the rows whose number has binary digit i."""

    rows: int
    digits: tuple[Bits, ...]

    @classmethod
    def of(cls, numbers: NDArray[Any]) -> "Sliced":
        width = int(numbers.max()).bit_length() if len(numbers) else 0
        return cls(len(numbers), tuple(packed((numbers >> place) & 1 != 0) for place in range(width)))

    @property
    def nbytes(self) -> int:
        return sum(digit.nbytes for digit in self.digits)

    def any_of(self, numbers: Collection[int]) -> Bits:
        """The rows that have one of these numbers."""
        known = frozenset(number for number in numbers if number < 1 << len(self.digits))
        return self._any_of(known, len(self.digits))

    def _any_of(self, numbers: frozenset[int], places: int) -> Bits:
        if not numbers:
            return nothing(self.rows)
        if len(numbers) == 1 << places:
            return everything(self.rows)
        digit, half = self.digits[places - 1], 1 << (places - 1)
        low = frozenset(number for number in numbers if number < half)
        high = frozenset(number - half for number in numbers if number >= half)
        found: Bits
        if not low or not high:  # one side alone: the other need not be looked at
            side = self._any_of(low or high, places - 1)
            found = side & (digit if high else ~digit)
        else:
            found = (self._any_of(high, places - 1) & digit) | (self._any_of(low, places - 1) & ~digit)
        return found

    def counts(self, bits: Bits) -> dict[int, int]:
        """How many rows of the set have each number; those that have none are left out."""
        digits: Sequence[Bits] = self.digits
        words = np.flatnonzero(bits)
        if len(words) * _SPARSE < len(bits):
            bits, digits = bits[words], [digit[words] for digit in digits]
        found: dict[int, int] = {}
        _count_down(bits, count(bits), digits, len(digits), 0, found)
        return found

    def at(self, rows: Rows) -> NDArray[np.int64]:
        """The numbers of these rows."""
        words, shifts = rows >> 6, (rows & 63).astype(np.uint64)
        numbers = np.zeros(len(rows), np.int64)
        for place, digit in enumerate(self.digits):
            numbers |= ((digit[words] >> shifts) & np.uint64(1)).astype(np.int64) << place
        return numbers


def _count_down(
    bits: Bits, total: int, digits: Sequence[Bits], places: int, prefix: int, found: dict[int, int]
) -> None:
    """Halves the set by its highest digit left, and counts one half only: the other is the rest."""
    if total == 0:
        return
    if places == 0:
        found[prefix] = total
        return
    digit = digits[places - 1]
    high = bits & digit
    higher = count(high)
    if total > higher:
        low = bits if higher == 0 or places == 1 else bits & ~digit
        _count_down(low, total - higher, digits, places - 1, prefix, found)
    _count_down(high, higher, digits, places - 1, prefix | 1 << (places - 1), found)
