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
_FULL = np.uint64(2**_WORD - 1)
_DENSE = 8  # rows of a word: where as many are asked for, all are read
_SPARSE = 3  # a set with a third of its words in use, or fewer, is counted in those words alone


def packed(mask: NDArray[np.bool_]) -> Bits:
    octets = np.packbits(mask, bitorder="little")
    words = nothing(len(mask))
    words.view(np.uint8)[: len(octets)] = octets
    return words


def everything(rows: int) -> Bits:
    return _ended(np.full(-(-rows // _WORD), _FULL), rows)


def nothing(rows: int) -> Bits:
    return np.zeros(-(-rows // _WORD), np.uint64)


def _ended(bits: Bits, rows: int) -> Bits:
    """The same words, with nothing beyond the last row."""
    if rows % _WORD:
        bits[-1] &= np.uint64((1 << rows % _WORD) - 1)
    return bits


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
    return int(np.bitwise_count(bits).sum(dtype=np.uint32))  # of a set that fits into memory


def positions(bits: Bits) -> Rows:
    """The rows of the set, rising."""
    words = np.flatnonzero(bits)
    at = np.flatnonzero(unpacked(bits[words], len(words) * _WORD))
    rows: Rows = words[at >> 6] * _WORD + (at & 63)
    return rows


def positions_between(bits: Bits, start: int, end: int) -> Rows:
    """The rows of the set from `start` up to and without `end`, rising."""
    first = start // _WORD
    rows = positions(bits[first : -(-end // _WORD)]) + first * _WORD
    return rows[(rows >= start) & (rows < end)]


def among(bits: Bits, rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of these rows belong to the set."""
    octets = bits.view(np.uint8)[rows >> 3]
    found: NDArray[np.bool_] = (octets >> (rows & 7).astype(np.uint8)) & 1 != 0
    return found


def unpacked(bits: Bits, rows: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits.view(np.uint8), count=rows, bitorder="little").view(bool)


def counts_between(bits: Bits, bounds: Sequence[int]) -> list[int]:
    """How many of the set lie in each run of rows between one bound and the next; the bounds rise."""
    if not len(bits):
        return [0] * (len(bounds) - 1)
    ends, before, counted = [], 0, 0
    for bound in bounds:
        word, digit = divmod(bound, _WORD)
        before, counted = before + count(bits[counted:word]), word
        part = int(bits[word]) & ((1 << digit) - 1) if digit else 0
        ends.append(before + part.bit_count())
    return [end - start for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class Picked:
    """A set that is counted again and again: how many it has, and where few of its words are in use these alone."""

    bits: Bits
    words: Rows | None
    total: int

    @classmethod
    def of(cls, bits: Bits) -> "Picked":
        words = np.flatnonzero(bits)
        few = len(words) * _SPARSE < len(bits)
        return cls(bits[words] if few else bits, words if few else None, count(bits))

    def near(self, others: Bits) -> Bits:
        """Another set, in the same words."""
        return others if self.words is None else others[self.words]


@dataclass(frozen=True, slots=True)
class Sliced:
    """A small number per row; `digits[i]` holds the rows whose number has binary digit i."""

    rows: int
    digits: tuple[Bits, ...]

    @classmethod
    def of(cls, numbers: NDArray[Any]) -> "Sliced":
        width = int(numbers.max()).bit_length() if len(numbers) else 0
        if width <= 8:
            numbers = numbers.astype(np.uint8)  # an eighth of the memory to walk through for each digit
        return cls(len(numbers), tuple(packed(numbers & (1 << place) != 0) for place in range(width)))

    @property
    def nbytes(self) -> int:
        return sum(digit.nbytes for digit in self.digits)

    def any_of(self, numbers: Collection[int]) -> Bits:
        """The rows that have one of these numbers."""
        places = len(self.digits)
        wanted = sum(1 << number for number in set(numbers) if 0 <= number < 1 << places)
        found = self._any_of(wanted, places)
        if isinstance(found, bool):
            return everything(self.rows) if found else nothing(self.rows)
        return found if any(found is digit for digit in self.digits) else _ended(found, self.rows)

    def _any_of(self, wanted: int, places: int) -> Bits | bool:
        """The rows whose number, in its last so many digits, is a bit of `wanted`; all or none of them as a truth. What
        stands beyond the last row means nothing."""
        if not wanted:
            return False
        if wanted == (1 << (1 << places)) - 1:
            return True
        digit, half = self.digits[places - 1], 1 << (places - 1)
        low, high = (self._any_of(side, places - 1) for side in (wanted & ((1 << half) - 1), wanted >> half))
        found: Bits
        if isinstance(low, bool) and isinstance(high, bool):  # never both alike: that is one of the two above
            found = digit if high else ~digit
        elif isinstance(low, bool):
            found = high | ~digit if low else high & digit
        elif isinstance(high, bool):
            found = low | digit if high else low & ~digit
        else:
            found = low ^ ((low ^ high) & digit)
        return found

    def counts(self, picked: "Picked") -> dict[int, int]:
        """How many rows of the set have each number; those that have none are left out."""
        found: dict[int, int] = {}
        digits = [picked.near(digit) for digit in self.digits]
        _count_down(picked.bits, picked.total, digits, len(digits), 0, found)
        return found

    def at(self, rows: Rows) -> NDArray[np.int64]:
        """The numbers of these rows."""
        if len(rows) > self.rows // _WORD * _DENSE:
            every = np.zeros(self.rows, np.int32)
            for place, digit in enumerate(self.digits):
                every |= unpacked(digit, self.rows).astype(np.int32) << place
            return every[rows].astype(np.int64)
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
