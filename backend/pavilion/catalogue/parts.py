"""Some stones as columns in the order of their price: what the index reads, and how it is loaded. Numpy only."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavilion.catalogue import bits
from pavilion.catalogue.bits import Bits, Rows, Sliced
from pavilion.catalogue.leaves import Leaves
from pavilion.catalogue.measures import NONE, Measures
from pavilion.catalogue.searching import FACTS, LAST, LIES, LISTED_AT, MEASURED, After
from pavilion.catalogue.wanted import CHOICES

TEXTS = ("stock_no_key", "report_no")
PRICE = "ppc"  # rows stand in its order within their currency, so that a span of prices is a run of rows

_MEASURED = (*MEASURED, LISTED_AT)
_CHOSEN = (*CHOICES, LIES)
_DENSE = 50_000_000  # ids up to here are looked up in a table


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
    they end."""

    def __init__(
        self,
        ids: Measures,
        chosen: Mapping[str, Sliced],
        measured: Mapping[str, Measures],
        currency: Sliced,
        runs: Mapping[int, tuple[int, int, int]],
        texts: tuple[Leaves, ...],
    ) -> None:
        self.ids, self.chosen, self.measured, self.currency = ids, chosen, measured, currency
        self.texts, self._runs = texts, runs
        self._bins: dict[str, tuple[list[int], Sliced]] = {}

    def __len__(self) -> int:
        return len(self.ids.codes)

    @property
    def nbytes(self) -> int:
        sliced = [*self.chosen.values(), self.currency, *(bins for _, bins in self._bins.values())]
        measured = [self.ids, *self.measured.values()]
        texts = sum(text.nbytes for text in self.texts)
        return texts + sum(column.nbytes for column in sliced) + sum(column.nbytes for column in measured)

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
        counted = self._bins[name][1].counts(left if money is None else left & self.currency.any_of({money}))
        return [counted.get(number, 0) for number in range(1, len(bounds))]

    def _price_rows(self, bounds: list[int], money: int) -> list[int]:
        begin, end, _ = self._runs.get(money, (0, 0, 0))
        prices = self.measured[PRICE]
        codes = prices.codes[begin:end]
        sought, most = np.array([prices.code(bound) for bound in bounds]), np.iinfo(codes.dtype).max
        rows = np.searchsorted(codes, np.minimum(sought, most).astype(codes.dtype))  # other types would copy every row
        return [begin + int(row) for row in np.where(sought > most, len(codes), rows)]

    def first_by(
        self, column: Measures, left: Bits, most: int, after: After | None, *, down: bool
    ) -> list[tuple[int, int]]:
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

    def first_by_rank(self, name: str, ranks: int, left: Bits, most: int, after: After | None) -> list[tuple[int, int]]:
        """(id, rank) of the first `most` rows by an enumeration's order; what it does not know comes last."""
        found: list[tuple[int, int]] = []
        column = self.chosen[name]
        for rank in range(0 if after is None else min(after.key, ranks), ranks):
            found += self.first_of(left & column.any_of({rank + 1}), rank, most - len(found), after)
            if len(found) == most:
                return found
        return found + self.first_of(left & ~column.any_of(range(1, ranks + 1)), LAST, most - len(found), after)

    def first_by_number(
        self, numbers: NDArray[Any], left: Bits, most: int, after: After | None
    ) -> list[tuple[int, int]]:
        """(id, number) of the first `most` rows by a number that each has; what has none (0) comes last."""
        numbered = bits.packed(numbers > 0)
        rows = bits.positions(left & numbered)
        found = self._cut(rows, numbers[rows].astype(np.int64), most, after)
        return found + self.first_of(left & ~numbered, LAST, most - len(found), after)

    def first_of(self, left: Bits, key: int, most: int, after: After | None) -> list[tuple[int, int]]:
        """The first `most` rows by id, which all have this key."""
        if most <= 0:
            return []
        rows = bits.positions(left)
        return self._cut(rows, np.full(len(rows), key, np.int64), most, after)

    def _cut(self, rows: Rows, keys: NDArray[np.int64], most: int, after: After | None) -> list[tuple[int, int]]:
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
        self._numbers: dict[str, list[NDArray[np.int64]]] = {
            name: [] for name in ("id", "currency", *_CHOSEN, *_MEASURED)
        }
        self._texts: dict[str, list[str]] = {name: [] for name in TEXTS}

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        columns = dict(zip(FACTS, zip(*rows, strict=True), strict=True)) if rows else {}
        for name, column in columns.items():
            if name in self._texts:
                self._texts[name] += column
            elif name in self._numbers:
                self._numbers[name].append(self._in_numbers(name, column))

    def _in_numbers(self, name: str, column: Sequence[Any]) -> NDArray[np.int64]:
        if name in _MEASURED:
            return np.array([NONE if value is None else value for value in column], np.int64)
        if name == "id":
            return np.array(column, np.int64)
        known = self._flags.get(name, self.words.get(name))
        assert known is not None
        return np.fromiter(map(known.__getitem__, column), np.int64, len(column))

    def part(self) -> Part:
        found = {name: np.concatenate([np.zeros(0, np.int64), *pieces]) for name, pieces in self._numbers.items()}
        price, currency = found[PRICE], found["currency"]
        order = np.lexsort((found["id"], price, price == NONE, currency))
        found = {name: column[order] for name, column in found.items()}
        return Part(
            Measures.of(found["id"]),
            {name: Sliced.of(found[name]) for name in _CHOSEN},
            {name: Measures.of(found[name]) for name in _MEASURED},
            Sliced.of(found["currency"]),
            _runs(found["currency"], found[PRICE]),
            tuple(Leaves.of([texts[row] for row in order]) for texts in self._texts.values()),
        )


def _runs(currency: NDArray[np.int64], price: NDArray[np.int64]) -> dict[int, tuple[int, int, int]]:
    runs = {}
    for money in np.unique(currency):
        begin, end = (int(row) for row in np.searchsorted(currency, [money, money + 1]))
        runs[int(money)] = begin, begin + int(np.count_nonzero(price[begin:end] != NONE)), end
    return runs
