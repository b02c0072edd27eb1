"""Some stones as columns in the order of their price: what the index reads, and how it is loaded. Numpy only."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavilion.catalogue import bits
from pavilion.catalogue.bits import Bits, Picked, Rows, Sliced
from pavilion.catalogue.leaves import Leaves
from pavilion.catalogue.measures import FEW, NONE, Measures
from pavilion.catalogue.searching import FACTS, LAST, LIES, LISTED_AT, MEASURED, After
from pavilion.catalogue.wanted import CHOICES

TEXTS = ("stock_no_key", "report_no")
PRICE = "ppc"  # rows stand in its order within their currency, so that a span of prices is a run of rows

_MEASURED = (*MEASURED, LISTED_AT)
_CHOSEN = (*CHOICES, LIES)
Firsts = list[tuple[int, int]]  # id and sort key of each row, in their order

_DENSE = 50_000_000  # ids up to here are looked up in a table
_WIDTH = 4096  # rows looked at first for those that a page shows
_AT_HAND = 500  # rows turned into columns at a time: so few lie in the processor's cache meanwhile


class Words(dict[str | None, int]):
    """Codes of one choice as small numbers: 0 is none, the others stand in the enumeration's order. Only ever grows."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__({code: number for number, code in enumerate(codes, 1)})
        self.codes = ["", *codes]
        self[None] = 0

    def __missing__(self, code: str) -> int:
        self[code] = number = len(self.codes)
        self.codes.append(code)
        return number


class _Flags(dict[str | None, int]):
    """Codes parted by spaces, as one bit each."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__({None: 0})
        self._codes = codes

    def __missing__(self, text: str) -> int:
        self[text] = number = sum(1 << self._codes.index(code) for code in text.split())
        return number


def new_words() -> dict[str, Words]:
    return {name: Words(choice.codes) for name, choice in CHOICES.items()} | {"currency": Words(()), LIES: Words(())}


class Part:
    """Columns of some stones. `runs`: where the rows of each currency begin, where those without a price do, and where
    they end. `newest`: the rows by the instant they were listed, the last first, and by id."""

    def __init__(
        self,
        ids: Measures,
        chosen: Mapping[str, Sliced],
        measured: Mapping[str, Measures],
        currency: Sliced,
        runs: Mapping[int, tuple[int, int, int]],
        newest: NDArray[np.int32],
        texts: tuple[Leaves, ...],
    ) -> None:
        self.ids, self.chosen, self.measured, self.currency = ids, chosen, measured, currency
        self.texts, self._runs = texts, runs
        self._newest = newest  # the rows in the order of that sort: thousands share an instant
        self._bins: dict[str, tuple[list[int], Sliced]] = {}

    def __len__(self) -> int:
        return len(self.ids.codes)

    @property
    def nbytes(self) -> int:
        sliced = [*self.chosen.values(), self.currency, *(bins for _, bins in self._bins.values())]
        measured = [self.ids, *self.measured.values()]
        orders = self._newest.nbytes + sum(text.nbytes for text in self.texts)
        return orders + sum(column.nbytes for column in sliced) + sum(column.nbytes for column in measured)

    def rows_of(self, ids: NDArray[np.int64]) -> Rows:
        """The rows of these stones, as far as they are here."""
        mine = self.ids.value_of(self.ids.codes)
        if not len(ids) or not len(mine) or mine.max() > _DENSE:
            return np.flatnonzero(np.isin(mine, ids))
        table = np.zeros(int(mine.max()) + 1, bool)
        table[ids[ids < len(table)]] = True
        return np.flatnonzero(table[mine])

    def beginning(self, text: str, report: tuple[str, str] | None, labs: Words) -> Bits:
        """The rows whose stock number or report number begins so; `report` names a laboratory as well."""
        stock_nos, report_nos = self.texts
        rows = [stock_nos.beginning(text.casefold()), report_nos.beginning(text.upper())]
        if report is not None and report[0] in labs:
            near = report_nos.beginning(report[1]).astype(np.int64)
            rows.append(near[self.chosen["lab"].at(near) == labs[report[0]]].astype(np.int32))
        return bits.some(np.concatenate(rows), len(self))

    def bars(self, name: str, bounds: list[int], money: int | None, left: Bits) -> list[int]:
        """How many rows of the set lie between one bound and the next. `money`: in this currency alone."""
        if len(bounds) < 2:
            return []
        if name == PRICE:
            return bits.counts_between(left, self._price_rows(bounds, money or 0))
        if name not in self._bins or self._bins[name][0] != bounds:
            self._bins[name] = bounds, Sliced.of(self.measured[name].bins(bounds))
        some = left if money is None else left & self.currency.any_of({money})
        counted = self._bins[name][1].counts(Picked.of(some))
        return [counted.get(number, 0) for number in range(1, len(bounds))]

    def _price_rows(self, bounds: list[int], money: int) -> list[int]:
        begin, end, _ = self._runs.get(money, (0, 0, 0))
        prices = self.measured[PRICE]
        return [begin + row for row in _places(prices.codes[begin:end], [prices.code(bound) for bound in bounds])]

    def first_priced(self, money: int, left: Bits, most: int, after: After | None, *, down: bool) -> Firsts:
        """(id, key) of the first `most` rows by price in this currency; rows without one are not among them."""
        begin, end, _ = self._runs.get(money, (0, 0, 0))
        prices = self.measured[PRICE]
        codes, start, stop = prices.codes[begin:end], 0, end - begin
        if after is not None and after.key == LAST:
            return []
        if after is not None and down:
            stop = _places(codes, [prices.code(1 - after.key)])[0]
        elif after is not None:
            start = _places(codes, [prices.code(after.key)])[0]
        width = _WIDTH
        while True:  # from the dearest, or from the cheapest, until enough rows of the set lie between
            low, high = (max(start, stop - width), stop) if down else (start, min(stop, start + width))
            if down and low < high:
                low = _places(codes, [int(codes[low])])[0]  # those of one price are told together: ids decide
            rows = bits.positions_between(left, begin + low, begin + high)
            values = prices.value_of(prices.codes[rows])
            found = self._cut(rows, -values if down else values, most, after)
            if len(found) == most or high - low == stop - start:
                return found
            width *= 8

    def first_newest(self, left: Bits, most: int, after: After | None) -> Firsts:
        """(id, key) of the first `most` rows, the newest first; what was never listed comes last."""
        if bits.count(left) <= FEW:
            few = bits.positions(left)
            return self._cut(few, self._newness(few), most, after)
        start, width = 0, _WIDTH
        if after is not None:
            start = bisect_right(range(len(self)), (after.key, after.id), key=self._place_of_newest)
        found: Firsts = []
        while len(found) < most and start < len(self):
            rows = self._newest[start : start + width]
            rows = rows[bits.among(left, rows)][: most - len(found)]
            ids = self.ids.value_of(self.ids.codes[rows])
            found += [(int(id_), int(key)) for id_, key in zip(ids, self._newness(rows), strict=True)]
            start, width = start + width, width * 2
        return found

    def _newness(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        """The sort keys of these rows."""
        listed = self.measured[LISTED_AT]
        codes, keys = listed.codes[rows], np.full(len(rows), LAST)
        there = codes != listed.none
        keys[there] = -listed.value_of(codes[there])
        return keys

    def _place_of_newest(self, place: int) -> tuple[int, int]:
        rows = self._newest[place : place + 1]
        return int(self._newness(rows)[0]), int(self.ids.value_of(self.ids.codes[rows])[0])

    def first_by(self, column: Measures, left: Bits, most: int, after: After | None, *, down: bool) -> Firsts:
        """(id, key) of the first `most` rows by a measure; rows without it are not among them."""
        if after is not None and after.key == LAST:
            return []
        beyond, value = most, None
        if after is not None:
            value = -after.key if down else after.key
            beyond += bits.count(left & column.between(value, value))  # those that tie with it may all come before it
        rows = column.first(left, beyond, down=down, after=value)
        values = column.value_of(column.codes[rows])
        return self._cut(rows, -values if down else values, most, after)

    def first_by_rank(self, name: str, ranks: int, left: Bits, most: int, after: After | None) -> Firsts:
        """(id, rank) of the first `most` rows by an enumeration's order; what it does not know comes last."""
        found: Firsts = []
        column = self.chosen[name]
        for rank in range(0 if after is None else min(after.key, ranks), ranks):
            found += self.first_of(left & column.any_of({rank + 1}), rank, most - len(found), after)
            if len(found) == most:
                return found
        return found + self.first_of(left & ~column.any_of(range(1, ranks + 1)), LAST, most - len(found), after)

    def first_by_number(self, numbers: NDArray[Any], left: Bits, most: int, after: After | None) -> Firsts:
        """(id, number) of the first `most` rows by a number that each has; what has none (0) comes last."""
        numbered = bits.packed(numbers > 0)
        rows = bits.positions(left & numbered)
        found = self._cut(rows, numbers[rows].astype(np.int64), most, after)
        return found + self.first_of(left & ~numbered, LAST, most - len(found), after)

    def first_of(self, left: Bits, key: int, most: int, after: After | None) -> Firsts:
        """The first `most` rows by id, which all have this key."""
        if most <= 0:
            return []
        beyond = after.id if after is not None and after.key == key else None
        rows = self.ids.first(left, most + (beyond is not None), down=False, after=beyond)
        return self._cut(rows, np.full(len(rows), key, np.int64), most, after)

    def _cut(self, rows: Rows, keys: NDArray[np.int64], most: int, after: After | None) -> Firsts:
        ids = self.ids.value_of(self.ids.codes[rows])
        if after is not None:
            beyond = (keys > after.key) | ((keys == after.key) & (ids > after.id))
            keys, ids = keys[beyond], ids[beyond]
        if len(keys) > most:  # among those that tie with the last one ids decide
            last = np.partition(keys, most - 1)[most - 1]
            before, ties = keys < last, ids[keys == last]
            wanted = most - int(np.count_nonzero(before))
            ties = np.partition(ties, wanted - 1)[:wanted]
            keys, ids = np.concatenate([keys[before], np.full(wanted, last)]), np.concatenate([ids[before], ties])
        order = np.lexsort((ids, keys))[:most]
        return [(int(ids[row]), int(keys[row])) for row in order]


class Loading:
    """Rows in the columns of `searching.facts`, taken in as they are read."""

    def __init__(self, words: Mapping[str, Words]) -> None:
        self.words = words
        self._flags = {name: _Flags(choice.codes) for name, choice in CHOICES.items() if choice.several}
        self._pieces: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("id", "currency", *_CHOSEN, *_MEASURED, *TEXTS)
        }

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for start in range(0, len(rows), _AT_HAND):
            some = rows[start : start + _AT_HAND]
            for name, column in zip(FACTS, zip(*some, strict=True), strict=True):
                if name in self._pieces:
                    self._pieces[name].append(self._piece(name, column))

    def _piece(self, name: str, column: Sequence[Any]) -> NDArray[Any]:
        if name in TEXTS:
            return np.array([text.encode() for text in column], np.bytes_)
        if name == "id" or name in _MEASURED:
            return _measured(column)
        known = self._flags.get(name, self.words.get(name))
        assert known is not None
        if column[0] == column[-1] and column.count(column[0]) == len(column):  # as most are that few stones have
            return np.full(len(column), known[column[0]], np.int32)
        return np.fromiter(map(known.__getitem__, column), np.int32, len(column))

    def _taken(self, name: str) -> NDArray[Any]:
        """The whole column, which is given up here: a million rows lie in memory once."""
        kind = np.bytes_ if name in TEXTS else np.int64 if name == "id" or name in _MEASURED else np.int32
        return np.concatenate([np.zeros(0, kind), *self._pieces.pop(name)])

    def part(self) -> Part:
        """All that was taken in; nothing more can be after it."""
        ids, price, currency = (self._taken(name) for name in ("id", PRICE, "currency"))
        order = np.lexsort((ids, price, price == NONE, currency))
        ids, price, currency = ids[order], price[order], currency[order]
        listed = self._taken(LISTED_AT)[order]
        measured = {PRICE: price, LISTED_AT: listed}
        return Part(
            Measures.of(ids),
            {name: Sliced.of(self._taken(name)[order]) for name in _CHOSEN},
            {name: Measures.of(measured[name] if name in measured else self._taken(name)[order]) for name in _MEASURED},
            Sliced.of(currency),
            _runs(currency, price),
            np.lexsort((ids, -listed, listed == NONE)).astype(np.int32),
            tuple(Leaves.of(self._taken(name), order) for name in TEXTS),
        )


def _places(codes: NDArray[Any], sought: Sequence[int]) -> list[int]:
    """How many of these rising codes stand before each."""
    most = int(np.iinfo(codes.dtype).max)
    narrow = np.array([min(code, most) for code in sought], codes.dtype)  # another type would copy every row
    found = np.searchsorted(codes, narrow)
    return [len(codes) if code > most else int(place) for code, place in zip(sought, found, strict=True)]


def _measured(column: Sequence[Any]) -> NDArray[np.int64]:
    try:
        return np.fromiter(column, np.int64, len(column))
    except TypeError:  # some stones have none
        return np.array([NONE if value is None else value for value in column], np.int64)


def _runs(currency: NDArray[np.int64], price: NDArray[np.int64]) -> dict[int, tuple[int, int, int]]:
    runs = {}
    for money in np.unique(currency):
        begin, end = (int(row) for row in np.searchsorted(currency, [money, money + 1]))
        runs[int(money)] = begin, begin + int(np.count_nonzero(price[begin:end] != NONE)), end
    return runs
