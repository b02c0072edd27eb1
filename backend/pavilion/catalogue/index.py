"""The column index: every listed stone as numbers in memory, so that exact counts cost milliseconds.

A snapshot is a large part that is never changed, a small part of what changed since, and marks on rows of the large
part that are out of date. Readers hold one snapshot for a whole question; a new one replaces it in one assignment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavilion.catalogue.searching import LAST, After, Answer, Bars, cut
from pavilion.catalogue.wanted import CHOICES, HISTOGRAMS, RANGES, Wanted, edges

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]

NONE = -(2**62)  # a measure the stone does not have


class Words:
    """Codes of one choice as small numbers: 0 is none, the others stand in the enumeration's order. Only ever grows."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.codes = ["", *codes]
        self._number = {code: number for number, code in enumerate(self.codes)}

    def number(self, code: str | None) -> int:
        if code is None:
            return 0
        if (found := self._number.get(code)) is None:
            found = self._number[code] = len(self.codes)
            self.codes.append(code)
        return found

    def known(self, codes: Iterable[str]) -> list[int]:
        return [self._number[code] for code in codes if code in self._number]


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of some stones in the order of their inner ids."""

    ids: Numbers
    chosen: dict[str, Numbers]  # numbers of Words; bits where a stone may have several
    measured: dict[str, Numbers]
    currency: Numbers
    texts: tuple[tuple[Numbers, Numbers], ...]  # sorted keys with their rows: stock numbers, report numbers

    def __len__(self) -> int:
        return len(self.ids)


def part(rows: Sequence[Mapping[str, Any]], words: Mapping[str, Words]) -> Part:
    rows = sorted(rows, key=lambda row: row["id"])
    chosen = {}
    for name, choice in CHOICES.items():
        if choice.several:
            bits = [sum(1 << choice.codes.index(code) for code in (row[name] or "").split()) for row in rows]
            chosen[name] = np.array(bits, np.uint16)
        else:
            kind = np.uint16 if choice.free else np.uint8
            chosen[name] = np.array([words[name].number(row[name]) for row in rows], kind)
    measured = {name: _column([row[name] for row in rows], name) for name in RANGES}
    texts = tuple(_sorted_text([row[name] for row in rows]) for name in ("stock_no_key", "report_no"))
    currency = np.array([words["currency"].number(row["currency"]) for row in rows], np.uint8)
    return Part(np.array([row["id"] for row in rows], np.int64), chosen, measured, currency, texts)


def _column(values: list[int | None], name: str) -> Numbers:
    """Money may need 64 bits; nothing else does."""
    if RANGES[name].money:
        return np.array([NONE if value is None else value for value in values], np.int64)
    return np.array([_NONE32 if value is None else value for value in values], np.int32)


_NONE32 = -(2**31)


def _sorted_text(values: list[str]) -> tuple[Numbers, Numbers]:
    keys = np.array([value.encode() for value in values], np.bytes_) if values else np.array([], "S1")
    order = np.argsort(keys, kind="stable").astype(np.int32)
    return keys[order], order


def _missing(column: Numbers) -> Mask:
    missing: Mask = column == (_NONE32 if column.dtype == np.int32 else NONE)
    return missing


class Snapshot:
    """The listed stones as of one change; answers any question exactly."""

    def __init__(
        self, base: Part, dead: Mask, fresh: Part, words: Mapping[str, Words], as_of: int, events: int
    ) -> None:
        self._base, self._dead, self._fresh, self._words = base, dead, fresh, words
        self._no_dead = np.zeros(len(fresh), bool)
        self.as_of, self.events = as_of, events
        self._bounds: dict[tuple[str, str], list[int]] = {}
        self._bins: dict[tuple[int, str, str], Numbers] = {}

    @property
    def parts(self) -> tuple[tuple[Part, Mask], ...]:
        return (self._base, self._dead), (self._fresh, self._no_dead)

    @property
    def stale_rows(self) -> int:
        """How much has changed since the large part was built."""
        return len(self._fresh) + int(np.count_nonzero(self._dead))

    def changed(self, rows: Sequence[Mapping[str, Any]], touched: set[int], as_of: int, events: int) -> "Snapshot":
        """A snapshot in which the touched stones are exactly `rows`: those that are still listed."""
        ids = np.array(sorted(touched), np.int64)
        dead = self._dead | np.isin(self._base.ids, ids)
        keep = ~np.isin(self._fresh.ids, ids)
        fresh = _joined(_taken(self._fresh, keep), part(rows, self._words))
        return Snapshot(self._base, dead, fresh, self._words, as_of, events)

    def ask(self, wanted: Wanted, *, size: int, after: After | None = None) -> Answer:
        facets: dict[str, dict[str, int]] = {name: {} for name in CHOICES}
        bars = {name: [0] * max(0, len(self._bounds_of(name, wanted)) - 1) for name in HISTOGRAMS}
        total, rows = 0, []
        for number, (columns, dead) in enumerate(self.parts):
            if not len(columns):
                continue
            left = _Left(columns, dead, wanted, self._words)
            total += int(np.count_nonzero(left.all))
            for name in CHOICES:
                _add(facets[name], self._facet(columns, name, left.but(name)))
            for name in HISTOGRAMS:
                counts = self._bar_counts(number, columns, name, wanted, left.but(name))
                bars[name] = [a + int(b) for a, b in zip(bars[name], counts, strict=True)]
            rows += self._first(columns, left.all, wanted, size + 1, after)
        rows.sort(key=lambda row: (row[1], row[0]))
        ids, last = cut(rows[: size + 1], size)
        histograms = {name: Bars(self._bounds_of(name, wanted), counts) for name, counts in bars.items()}
        return Answer(total, facets, histograms, ids, last, self.as_of, "index")

    def _facet(self, columns: Part, name: str, left: Mask) -> dict[str, int]:
        choice, column = CHOICES[name], columns.chosen[name]
        if choice.several:
            found = column[left]
            counts = {code: int(np.count_nonzero(found & (1 << bit))) for bit, code in enumerate(choice.codes)}
            return {code: n for code, n in counts.items() if n}
        codes = self._words[name].codes
        numbers = np.bincount(column[left], minlength=len(codes))
        return {codes[number]: int(numbers[number]) for number in np.flatnonzero(numbers) if number}

    def _bounds_of(self, name: str, wanted: Wanted) -> list[int]:
        currency = wanted.currency if RANGES[name].money else ""
        if (name, currency) not in self._bounds:
            ends = []
            for columns, dead in self.parts:
                column = columns.measured[name]
                there = ~dead & ~_missing(column)
                if currency:
                    there &= np.isin(columns.currency, self._words["currency"].known([currency]))
                if there.any():
                    ends += [int(column[there].min()), int(column[there].max())]
            self._bounds[name, currency] = edges(min(ends), max(ends)) if ends else []
        return self._bounds[name, currency]

    def _bar_counts(self, number: int, columns: Part, name: str, wanted: Wanted, left: Mask) -> Numbers:
        bounds = self._bounds_of(name, wanted)
        currency = wanted.currency if RANGES[name].money else ""
        if (number, name, currency) not in self._bins:
            column = columns.measured[name]
            bins = np.searchsorted(np.array(bounds, np.int64), column, side="right").astype(np.uint8)
            if currency:  # bin 0 is outside
                bins[~np.isin(columns.currency, self._words["currency"].known([currency]))] = 0
            bins[_missing(column)] = 0
            self._bins[number, name, currency] = bins
        counts = np.bincount(self._bins[number, name, currency][left], minlength=len(bounds) + 1)
        return counts[1 : len(bounds)]

    def _first(
        self, columns: Part, left: Mask, wanted: Wanted, most: int, after: After | None
    ) -> list[tuple[int, int]]:
        found = np.flatnonzero(left)
        keys, ids = self._keys(columns, wanted)[found], columns.ids[found]
        if after is not None:
            beyond = (keys > after.key) | ((keys == after.key) & (ids > after.id))
            keys, ids = keys[beyond], ids[beyond]
        if len(keys) > most:  # all that tie with the last one stay, so that ids decide among them
            near = keys <= np.partition(keys, most - 1)[most - 1]
            keys, ids = keys[near], ids[near]
        order = np.lexsort((ids, keys))[:most]
        return [(int(ids[row]), int(keys[row])) for row in order]

    def _keys(self, columns: Part, wanted: Wanted) -> Numbers:
        """`searching.key_of`, in numbers."""
        name, down = wanted.sort.rstrip("-"), wanted.sort.endswith("-")
        if name == "new":
            return -columns.ids
        if name in CHOICES:
            ranks = columns.chosen[name].astype(np.int64) - 1
            return np.where((ranks < 0) | (ranks >= len(CHOICES[name].codes)), LAST, ranks)
        column = columns.measured[name]
        absent = _missing(column)
        if RANGES[name].money:
            absent |= ~np.isin(columns.currency, self._words["currency"].known([wanted.currency]))
        keys = column.astype(np.int64)
        return np.where(absent, LAST, -keys if down else keys)


class _Left:
    """Which rows each filter leaves: `all` of them together, and all but one."""

    def __init__(self, columns: Part, dead: Mask, wanted: Wanted, words: Mapping[str, Words]) -> None:
        self._passed = dict(_masks(columns, wanted, words))
        self._failed = dead.astype(np.uint8) * np.uint8(100)
        for mask in self._passed.values():
            self._failed += ~mask
        self.all: Mask = self._failed == 0

    def but(self, name: str) -> Mask:
        if name not in self._passed:
            return self.all
        left: Mask = self.all | ((self._failed == 1) & ~self._passed[name])
        return left


def _masks(columns: Part, wanted: Wanted, words: Mapping[str, Words]) -> Iterable[tuple[str, Mask]]:
    if wanted.text:
        mask = np.zeros(len(columns), bool)
        spellings = (wanted.text.casefold(), wanted.text.upper())
        for text, spelling in zip(columns.texts, spellings, strict=True):
            mask[_beginning(text, spelling)] = True
        if wanted.report is not None:
            lab, number = wanted.report
            rows = _beginning(columns.texts[1], number)
            mask[rows[np.isin(columns.chosen["lab"][rows], words["lab"].known([lab]))]] = True
        yield "q", mask
    for name, codes in wanted.chosen.items():
        column = columns.chosen[name]
        if CHOICES[name].several:
            bits = sum(1 << CHOICES[name].codes.index(code) for code in codes)
            yield name, (column & np.uint16(bits)) != 0
        else:
            table = np.zeros(len(words[name].codes), bool)
            table[words[name].known(codes)] = True
            yield name, table[column]
    for name, (least, most) in wanted.ranges.items():
        column = columns.measured[name]
        mask = ~_missing(column)
        if least is not None:
            mask &= column >= least
        if most is not None:
            mask &= column <= most
        if RANGES[name].money:
            mask &= np.isin(columns.currency, words["currency"].known([wanted.currency]))
        yield name, mask


def _beginning(text: tuple[Numbers, Numbers], first: str) -> Numbers:
    """The rows whose text begins so."""
    keys, rows = text
    low, high = np.searchsorted(keys, [first.encode(), first.encode() + b"\xff"])
    found: Numbers = rows[low:high]
    return found


def new_words() -> dict[str, Words]:
    return {name: Words(choice.codes) for name, choice in CHOICES.items()} | {"currency": Words(())}


def snapshot(rows: Sequence[Mapping[str, Any]], as_of: int, events: int) -> Snapshot:
    """All rows in the large part."""
    words = new_words()
    base, none = part(rows, words), part([], words)
    return Snapshot(base, np.zeros(len(base), bool), none, words, as_of, events)


def _taken(columns: Part, keep: Mask) -> Part:
    moved = np.cumsum(keep) - 1
    texts = tuple((keys[keep[rows]], moved[rows[keep[rows]]].astype(np.int32)) for keys, rows in columns.texts)
    return Part(
        columns.ids[keep],
        {name: column[keep] for name, column in columns.chosen.items()},
        {name: column[keep] for name, column in columns.measured.items()},
        columns.currency[keep],
        texts,
    )


def _joined(a: Part, b: Part) -> Part:
    """Both parts; rows of `b` after those of `a`."""
    texts = []
    for (keys_a, rows_a), (keys_b, rows_b) in zip(a.texts, b.texts, strict=True):
        keys, rows = np.concatenate([keys_a, keys_b]), np.concatenate([rows_a, rows_b + np.int32(len(a))])
        order = np.argsort(keys, kind="stable")
        texts.append((keys[order], rows[order]))
    return Part(
        np.concatenate([a.ids, b.ids]),
        {name: np.concatenate([a.chosen[name], b.chosen[name]]) for name in a.chosen},
        {name: np.concatenate([a.measured[name], b.measured[name]]) for name in a.measured},
        np.concatenate([a.currency, b.currency]),
        tuple(texts),
    )


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for code, n in more.items():
        counts[code] = counts.get(code, 0) + n
