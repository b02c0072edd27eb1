"""The column index: every listed stone as numbers in memory, so that exact counts cost milliseconds.

A snapshot is a large part that is never changed, smaller parts of what changed since, and for each the rows that still
hold. Readers hold one snapshot for a whole question; a new one replaces it in one assignment.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from pavilion.catalogue import bits, ranks
from pavilion.catalogue.bits import Bits, Picked
from pavilion.catalogue.parts import PRICE, Firsts, Loading, Part, Words, new_words
from pavilion.catalogue.ranks import Held
from pavilion.catalogue.searching import LAST, LIES, After, Answer, Bars, by_office, cut, on_days
from pavilion.catalogue.wanted import CHOICES, DATED, HISTOGRAMS, RANGES, Wanted, edges

TAIL = 2000  # changed stones in the last part, which alone is made anew at each change
MOST_PARTS = 8


class Snapshot:
    """The listed stones as of one change; answers any question exactly."""

    def __init__(
        self,
        parts: Sequence[Held],
        tail: Mapping[int, Sequence[Any]],
        words: Mapping[str, Words],
        as_of: int,
        events: int,
    ) -> None:
        self._parts, self._tail, self._words = tuple(parts), tail, words
        self.as_of, self.events = as_of, events
        self._bounds: dict[tuple[str, str], list[int]] = {}

    @property
    def nbytes(self) -> int:
        return sum(one.nbytes for one in self._parts)

    @property
    def stones(self) -> int:
        return sum(bits.count(one.alive) for one in self._parts)

    @property
    def worn(self) -> bool:
        """So much has changed since the large part was built that it is time to build it anew."""
        base, *later = self._parts
        size = len(base.part)
        gone = size - bits.count(base.alive)
        return len(later) > MOST_PARTS or gone + sum(len(one.part) for one in later) > max(5000, size // 10)

    def changed(self, rows: Sequence[Sequence[Any]], touched: set[int], as_of: int, events: int) -> "Snapshot":
        """A snapshot in which the touched stones are exactly `rows`: those that are still listed."""
        ids = np.array(sorted(touched), np.int64)
        kept = self._parts[:-1] if self._tail else self._parts
        rows_of = [one.part.rows_of(ids) for one in self._parts]
        prints = [one.prints[found] for one, found in zip(self._parts, rows_of, strict=True)]
        parts = [
            one._replace(alive=one.alive & ~bits.some(found, len(one.part)))
            for one, found in zip(kept, rows_of, strict=False)
        ]
        tail = {id_: row for id_, row in self._tail.items() if id_ not in touched} | {row[0]: row for row in rows}
        if tail:
            loading = Loading(self._words)
            loading.add(list(tail.values()))
            parts.append(ranks.held(loading.part(), self._words))
            prints.append(parts[-1].prints)
        parts = ranks.after_change(parts, prints, self._words)
        return Snapshot(parts, tail if len(tail) <= TAIL else {}, self._words, as_of, events)

    def ask(
        self,
        wanted: Wanted,
        *,
        size: int,
        after: After | None = None,
        facets: Collection[str] = CHOICES.keys(),
        bars: Collection[str] = HISTOGRAMS,
    ) -> Answer:
        """`facets` and `bars`: what is to be counted beside the total."""
        counted: dict[str, dict[str, int]] = {name: {} for name in facets}
        bounds = {name: self._bounds_of(name, wanted) for name in bars}
        heights = {name: [0] * max(0, len(bounds[name]) - 1) for name in bars}
        total, rows = 0, []
        for one in self._parts:
            part, left = one.part, _Left(one.part, one.alive, wanted, self._words)
            total += left.picked("").total
            for name in facets:
                _add(counted[name], self._facet(part, name, wanted, left.picked(name)))
            for name in bars:
                counts = part.bars(name, bounds[name], self._money_of(name, wanted), left.but(name))
                heights[name] = [a + b for a, b in zip(heights[name], counts, strict=True)]
            rows += self._first(one, left.all, wanted, size + 1, after)
        rows.sort(key=lambda row: (row[1], row[0]))
        ids, last = cut(rows[: size + 1], size)
        histograms = {name: Bars(bounds[name], counts) for name, counts in heights.items()}
        return Answer(total, counted, histograms, ids, last, self.as_of, "index")

    def _facet(self, part: Part, name: str, wanted: Wanted, left: Picked) -> dict[str, int]:
        if name == "office" and DATED in wanted.ranges:
            texts = self._words[LIES].codes
            return by_office(wanted, {texts[number]: n for number, n in part.chosen[LIES].counts(left).items()})
        choice, column = CHOICES[name], part.chosen[name]
        if choice.several:
            counts = [bits.count(left.bits & left.near(digit)) for digit in column.digits]
            return {code: n for code, n in zip(choice.codes, counts, strict=False) if n}
        codes = self._words[name].codes
        return {codes[number]: n for number, n in sorted(column.counts(left).items()) if number}

    def _money_of(self, name: str, wanted: Wanted) -> int | None:
        """The currency that a measure is asked in, as its number; none: it is no money. 0: no stone has it."""
        return self._words["currency"].get(wanted.currency, 0) if RANGES[name].money else None

    def _bounds_of(self, name: str, wanted: Wanted) -> list[int]:
        key = (name, wanted.currency if RANGES[name].money else "")
        if key not in self._bounds:
            money = self._money_of(name, wanted)
            ends = [
                end
                for one in self._parts
                for end in one.part.measured[name].ends(
                    one.alive if money is None else one.alive & one.part.currency.any_of({money})
                )
            ]
            self._bounds[key] = edges(min(ends), max(ends)) if ends else []
        return self._bounds[key]

    def _first(self, one: Held, left: Bits, wanted: Wanted, most: int, after: After | None) -> Firsts:
        """(id, sort key) of the first rows of the set, in the order of `searching.key_of`."""
        part, name, down = one.part, wanted.sort.rstrip("-"), wanted.sort.endswith("-")
        if name == "position":
            return part.first_by_number(one.ranks, left, most, after)
        if name in CHOICES:
            return part.first_by_rank(name, len(CHOICES[name].codes), left, most, after)
        if name == "new":
            return part.first_newest(left, most, after)
        money = self._money_of(name, wanted)
        priced = left if money is None else left & part.currency.any_of({money})
        if name == PRICE:
            found = part.first_priced(money or 0, priced, most, after, down=down)
        else:
            found = part.first_by(part.measured[name], priced, most, after, down=down)
        if len(found) < most:
            rest = left & ~(priced & part.measured[name].between(None, None))
            found += part.first_of(rest, LAST, most - len(found), after)
        return found


class _Left:
    """Which rows each filter leaves: `all` of them together, and all but one."""

    def __init__(self, part: Part, alive: Bits, wanted: Wanted, words: Mapping[str, Words]) -> None:
        self._passed = _passed(part, wanted, words)
        names = list(self._passed)
        before = [alive]  # met by the filters up to each; from the other end, `behind`
        for name in names:
            before.append(before[-1] & self._passed[name])
        self.all: Bits = before[-1]
        self._but: dict[str, Bits] = {}
        self._picked: dict[str, Picked] = {}
        behind: Bits | None = None
        for place in reversed(range(len(names))):
            self._but[names[place]] = before[place] if behind is None else before[place] & behind
            behind = self._passed[names[place]] if behind is None else behind & self._passed[names[place]]

    def but(self, name: str) -> Bits:
        return self._but.get(name, self.all)

    def picked(self, name: str) -> Picked:
        """The same, to be counted; most filters are not set, and share all that is left."""
        name = name if name in self._but else ""
        if name not in self._picked:
            self._picked[name] = Picked.of(self.but(name))
        return self._picked[name]


def _passed(part: Part, wanted: Wanted, words: Mapping[str, Words]) -> dict[str, Bits]:
    """The rows that each filter lets through, by its name."""
    found: dict[str, Bits] = {}
    if wanted.text:
        found["q"] = part.beginning(wanted.text, wanted.report, words["lab"])
    days = on_days(wanted, words[LIES].codes[1:]) if DATED in wanted.ranges else {}
    for name, codes in wanted.chosen.items():
        if name == "office" and DATED in wanted.ranges:
            found[name] = part.chosen[LIES].any_of([words[LIES][text] for text, at in days.items() if at & codes])
            continue
        column = part.chosen[name]
        if CHOICES[name].several:
            some = bits.nothing(len(part))
            for place, digit in enumerate(column.digits):
                if CHOICES[name].codes[place] in codes:
                    some = some | digit
            found[name] = some
        else:
            found[name] = column.any_of([words[name][code] for code in codes if code in words[name]])
    for name, (least, most) in wanted.ranges.items():
        if name == DATED:
            found[name] = part.chosen[LIES].any_of([words[LIES][text] for text, at in days.items() if at])
            continue
        found[name] = part.measured[name].between(least, most)
        if RANGES[name].money:
            found[name] &= part.currency.any_of({words["currency"].get(wanted.currency, 0)} - {0})
    return found


def empty() -> tuple[Loading, dict[str, Words]]:
    words = new_words()
    return Loading(words), words


def snapshot(rows: Sequence[Sequence[Any]], as_of: int, events: int) -> Snapshot:
    """All rows, in the columns of `searching.facts`, in the large part."""
    loading, _ = empty()
    loading.add(rows)
    return of(loading, as_of, events)


def of(loading: Loading, as_of: int, events: int) -> Snapshot:
    """What was loaded as the large part."""
    base = ranks.held(loading.part(), loading.words)
    return Snapshot(ranks.whole([base], loading.words), {}, loading.words, as_of, events)


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for code, n in more.items():
        counts[code] = counts.get(code, 0) + n
