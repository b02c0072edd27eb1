"""The rank of every stone among like stones, for whole columns: what the index sorts by position. Numpy only.

What is alike is said in `position`. A key tells the groups of like stones apart; its print, of sixteen bits, finds the
few rows whose ranks may have changed when a stone came or went."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pavilion.catalogue import bits
from pavilion.catalogue.bits import Bits, Rows
from pavilion.catalogue.parts import PRICE, Part, Words
from pavilion.catalogue.position import BAND_STARTS, CUTS, FLUORESCENCES, SAME

Ranks = NDArray[Any]  # of each row; 0 where it has none, or stands alone

_OF_STONE = {"fancy_color": "hue", "fancy_intensity": "intensity"}  # column of a stone -> choice, where they differ
_DIGITS = dict.fromkeys((_OF_STONE.get(name, name) for name in SAME), 6)  # of a code's number
_GROUPS = {"cut": CUTS, "fluor": FLUORESCENCES}
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: neighbouring keys get far prints
_PRINTS = 2**16


class Held(NamedTuple):
    """A part as one snapshot holds it: which of its rows still hold, and the ranks of these among all that are held."""

    part: Part
    alive: Bits
    prints: NDArray[np.uint16]
    ranks: Ranks

    @property
    def nbytes(self) -> int:
        return self.part.nbytes + self.alive.nbytes + self.prints.nbytes + self.ranks.nbytes


def held(part: Part, words: Mapping[str, Words]) -> Held:
    """A new part, whole; its ranks are not reckoned yet."""
    found = keys(part, np.arange(len(part)), words).astype(np.uint64) * _ODD >> np.uint64(48)
    return Held(part, bits.everything(len(part)), found.astype(np.uint16), np.zeros(len(part), np.uint8))


def whole(parts: Sequence[Held], words: Mapping[str, Words]) -> list[Held]:
    """With the ranks of all rows."""
    return _ranked(parts, [_counting(one, words) for one in parts], words)


def after_change(
    parts: Sequence[Held], touched: Sequence[NDArray[np.uint16]], words: Mapping[str, Words]
) -> list[Held]:
    """With the ranks after stones came and went. `touched`: the prints of these stones, as they were and as they are,
    and of all whose ranks are not reckoned yet."""
    doubtful = np.zeros(_PRINTS, bool)
    for some in touched:
        doubtful[some] = True
    return _ranked(parts, [_counting(one, words) & bits.packed(doubtful[one.prints]) for one in parts], words)


def keys(part: Part, rows: Rows, words: Mapping[str, Words]) -> NDArray[np.int64]:
    """One number for each group of like stones."""
    found = np.zeros(len(rows), np.int64)
    for name, digits in _DIGITS.items():
        found = found << digits | _fitting(part.chosen[name].at(rows), digits)
    for name, groups in _GROUPS.items():
        found = found << 4 | _fitting(_grouped(words[name], groups)[part.chosen[name].at(rows)], 4)
    found = found << 6 | _fitting(part.currency.at(rows), 6)
    weights = part.measured["ct"]
    bands = np.searchsorted(BAND_STARTS, weights.value_of(weights.codes[rows]), side="right")
    result: NDArray[np.int64] = found << 4 | _fitting(bands, 4)
    return result


def rank(groups: NDArray[np.int64], prices: NDArray[np.int64]) -> NDArray[np.int64]:
    """One more than how many of the group ask less; 0 for who is alone in it."""
    order = np.lexsort((prices, groups))
    group, price = groups[order], prices[order]
    places = np.arange(len(order))
    first = np.r_[True, group[1:] != group[:-1]][: len(order)]
    cheaper = np.maximum.accumulate(np.where(first | np.r_[True, price[1:] != price[:-1]][: len(order)], places, 0))
    found = cheaper - np.maximum.accumulate(np.where(first, places, 0)) + 1
    found[first & np.r_[first[1:], True][: len(order)]] = 0
    told = np.empty(len(order), np.int64)
    told[order] = found
    return told


def _ranked(parts: Sequence[Held], again: Sequence[Bits], words: Mapping[str, Words]) -> list[Held]:
    """The ranks of these rows are reckoned anew; whole groups are always among them."""
    rows = [bits.positions(left) for left in again]
    groups = [keys(one.part, some, words) for one, some in zip(parts, rows, strict=True)]
    prices = [_prices(one.part, some) for one, some in zip(parts, rows, strict=True)]
    nothing = np.zeros(0, np.int64)
    found = rank(np.concatenate([nothing, *groups]), np.concatenate([nothing, *prices]))
    told, done = [], 0
    for one, some in zip(parts, rows, strict=True):
        own = found[done : done + len(some)]
        done += len(some)
        ranks = one.ranks.astype(np.promote_types(one.ranks.dtype, np.min_scalar_type(int(own.max(initial=0)))))
        ranks[some] = own
        told.append(one._replace(ranks=ranks))
    return told


def _prices(part: Part, rows: Rows) -> NDArray[np.int64]:
    return part.measured[PRICE].value_of(part.measured[PRICE].codes[rows])


def _counting(one: Held, words: Mapping[str, Words]) -> Bits:
    """The rows that have a place among their like: with a price, and not sold."""
    sold = one.part.chosen["state"].any_of({words["state"]["sold"]})
    counting: Bits = one.alive & ~sold & one.part.measured[PRICE].between(1, None)
    return counting


def _grouped(codes: Words, groups: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """The number of a code's group, by the code's number; a code of no group is one of its own."""
    of = {code: place for place, group in enumerate(groups) for code in group}
    return np.array([of.get(code, len(groups) + number) for number, code in enumerate(codes.codes)])


def _fitting(numbers: NDArray[Any], digits: int) -> NDArray[np.int64]:
    assert not len(numbers) or int(numbers.max()) < 1 << digits, "more codes than a key has room for"
    return numbers.astype(np.int64)
