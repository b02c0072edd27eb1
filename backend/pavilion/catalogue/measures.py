"""A measure of every row, as narrow as its values allow, and the first rows by it. Pure; numpy only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavilion.catalogue import bits
from pavilion.catalogue.bits import Bits, Rows

NONE = -(2**62)  # a measure the stone does not have

_LEAST32, _MOST32 = -(2**31), 2**31 - 1
_CODES, _FEW_CODES = 2**16 - 1, 2**8 - 1
_SAMPLE = 4096
FEW = 20_000  # rows that are sorted outright
_SPAN = 2**22  # from the least value to the greatest


@dataclass(frozen=True, slots=True)
class Measures:
    """`codes` rise with the values and 0 is none, where there are few different values; otherwise the values themselves
    stand there and the least number that fits is none."""

    codes: NDArray[Any]
    values: NDArray[np.int64] | None  # of code c: values[c - 1]
    sample: NDArray[Any]  # some codes, sorted: where a share of the rows is to be expected

    @classmethod
    def of(cls, found: NDArray[np.int64]) -> "Measures":
        there = found != NONE
        values, place = _different(found[there])
        codes: NDArray[Any]
        if len(values) < _CODES:
            narrow = np.uint8 if len(values) < _FEW_CODES else np.uint16
            codes = np.zeros(len(found), narrow)
            codes[there] = place(narrow)
            return cls(codes, values, _sampled(codes))
        if values[0] > _LEAST32 and values[-1] <= _MOST32:
            codes = np.where(there, found, _LEAST32).astype(np.int32)
        else:
            codes = found.copy()
        return cls(codes, None, _sampled(codes))

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.sample.nbytes + (0 if self.values is None else self.values.nbytes)

    @property
    def none(self) -> int:
        """The code of a row without a value; all others are greater."""
        return 0 if self.values is not None else _LEAST32 if self.codes.dtype == np.int32 else NONE

    def code(self, value: int) -> int:
        """The least code that stands for this value or more; one beyond the last where all are less."""
        return value if self.values is None else int(np.searchsorted(self.values, value)) + 1

    def value_of(self, codes: NDArray[Any]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = codes.astype(np.int64) if self.values is None else self.values[codes - 1]
        return found

    def between(self, least: int | None, most: int | None) -> Bits:
        """The rows whose value is there and lies between both, inclusive."""
        low = self.none + 1 if least is None else max(self.none + 1, self.code(least))
        high = None if most is None else self.code(most + 1) - 1
        top = int(np.iinfo(self.codes.dtype).max)
        if low > top or (high is not None and high < low):
            return bits.nothing(len(self.codes))
        mask = self.codes >= low
        if high is not None and high < top:
            mask &= self.codes <= high
        return bits.packed(mask)

    def ends(self, left: Bits) -> list[int]:
        """The least and the greatest value of the set; nothing where none of its rows has one."""
        codes = self.codes[bits.unpacked(left & self.between(None, None), len(self.codes))]
        return [int(end) for end in self.value_of(np.array([codes.min(), codes.max()]))] if len(codes) else []

    def bins(self, bounds: list[int]) -> NDArray[np.uint8]:
        """Between which bounds each row lies: 1 from the first up to the second; 0: none, or outside."""
        limits = np.array([self.code(bound) for bound in bounds])
        limits = limits[limits <= int(np.iinfo(self.codes.dtype).max)].astype(self.codes.dtype)
        numbers = np.searchsorted(limits, self.codes, side="right").astype(np.uint8)
        numbers[numbers >= len(bounds)] = 0
        numbers[self.codes == self.none] = 0
        return numbers

    def first(self, left: Bits, most: int, *, down: bool, after: int | None) -> Rows:
        """Rows among which are the first `most` of the set by value, with all that tie with the last of them; rows
        without a value are never among them. `after`: none that comes before this value is needed."""
        low, high = self.none + 1, int(np.iinfo(self.codes.dtype).max)
        if after is not None and down:
            high = min(high, self.code(after + 1) - 1)
        elif after is not None:
            low = max(low, min(self.code(after), high))
        if bits.count(left) <= FEW:
            return self._first_of(bits.positions(left), low, high, most, down=down)
        begin, end = np.searchsorted(self.sample, [low, high + 1] if high < np.iinfo(np.int64).max else [low, high])
        width = max(1, len(self.sample) * 4 * most // bits.count(left))
        while True:  # wider and wider, until enough rows of the set lie in it
            start, stop = (max(begin, end - width), end) if down else (begin, min(end, begin + width))
            near = low if start <= begin else int(self.sample[start])
            far = high if stop >= end else int(self.sample[stop])
            rows = bits.positions(left & bits.packed((self.codes >= near) & (self.codes <= far)))
            if len(rows) >= most or (near == low and far == high):
                return self._first_of(rows, low, high, most, down=down)
            width *= 8

    def _first_of(self, rows: Rows, low: int, high: int, most: int, *, down: bool) -> Rows:
        codes = self.codes[rows]
        within = (codes >= low) & (codes <= high)
        rows, codes = rows[within], codes[within]
        if len(rows) <= most:
            return rows
        last = np.partition(codes, -most if down else most - 1)[-most if down else most - 1]
        found: Rows = rows[codes >= last] if down else rows[codes <= last]
        return found


def _different(found: NDArray[np.int64]) -> tuple[NDArray[np.int64], Callable[[Any], NDArray[Any]]]:
    """The different values, rising, and which of them, from 1, each is: as numbers of the type asked for."""
    least, span = (int(found.min()), int(found.max()) - int(found.min()) + 1) if len(found) else (0, 0)
    if span <= _SPAN:  # marked off on a ruler: ten times as quick as sorting
        ruler = np.zeros(span, bool)
        ruler[found - least] = True
        return np.flatnonzero(ruler) + least, lambda kind: np.cumsum(ruler, dtype=kind)[found - least]
    ordered = np.sort(found)
    values = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    return values, lambda kind: (np.searchsorted(values, found) + 1).astype(kind)


def _sampled(codes: NDArray[Any]) -> NDArray[Any]:
    return np.sort(codes[:: max(1, len(codes) // _SAMPLE)])
