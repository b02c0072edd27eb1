"""Order as text: a key between any two keys, so that a move writes only what moved; pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # ascending bytes
LONGEST = 24  # characters; beyond it the sale's keys are spread anew

T = TypeVar("T")
_VALUE = {character: value for value, character in enumerate(ALPHABET)}


def between(before: str | None, after: str | None) -> str:
    """A key strictly between the two, never ending in `0`; either may be absent."""
    assert before is None or after is None or before < after, f"{before!r} is not before {after!r}"
    return _middle(before or "", after)


def spread(before: str | None, after: str | None, count: int) -> list[str]:
    """`count` rising keys between the two, halving the room again and again so that all stay short."""
    if count <= 0:
        return []
    middle = between(before, after)
    left = (count - 1) // 2
    return [*spread(before, middle, left), middle, *spread(middle, after, count - 1 - left)]


def well_formed(key: str) -> bool:
    return bool(key) and not key.endswith("0") and all(character in _VALUE for character in key)


def rearranged(order: Sequence[T], moving: Sequence[T], position: int) -> list[T]:
    """The order with the moving ones together from this place (counted from 0), in their present relative order."""
    chosen = set(moving)
    block = [one for one in order if one in chosen]
    rest = [one for one in order if one not in chosen]
    place = max(0, min(position, len(rest)))
    return [*rest[:place], *block, *rest[place:]]


def keys_for_move(keys: Sequence[str], moving: Sequence[int], position: int) -> dict[int, str]:
    """New keys for the rows (indexes into the ordered `keys`) that move to `position`; nobody else's key changes."""
    order = rearranged(range(len(keys)), moving, position)
    chosen = set(moving)
    block = [one for one in order if one in chosen]
    first = order.index(block[0])
    before = keys[order[first - 1]] if first > 0 else None
    last = first + len(block)
    after = keys[order[last]] if last < len(order) else None
    return dict(zip(block, spread(before, after, len(block)), strict=True))


def keys_for_order(keys: Sequence[str]) -> dict[int, str]:
    """Rows stand in a wanted order with the keys they have: new keys for as few of them as can be (indexes into it)."""
    keep = _rising(keys)
    fresh: dict[int, str] = {}
    ends = [-1, *keep, len(keys)]
    for before, after in pairwise(ends):
        low, high = (keys[before] if before >= 0 else None), (keys[after] if after < len(keys) else None)
        between_them = range(before + 1, after)
        fresh |= zip(between_them, spread(low, high, len(between_them)), strict=True)
    return fresh


def _rising(keys: Sequence[str]) -> list[int]:
    """The longest run of rows whose keys rise already, others left out between them."""
    tails: list[str] = []
    last: list[int] = []
    behind: list[int] = []
    for at, key in enumerate(keys):
        place = bisect_left(tails, key)
        behind.append(last[place - 1] if place else -1)
        tails[place : place + 1], last[place : place + 1] = [key], [at]
    run, at = [], last[-1] if last else -1
    while at >= 0:
        run.append(at)
        at = behind[at]
    return run[::-1]


def _middle(low: str, high: str | None) -> str:
    if high is not None:
        shared = 0
        while shared < len(high) and (low[shared] if shared < len(low) else "0") == high[shared]:
            shared += 1
        if shared:
            return high[:shared] + _middle(low[shared:], high[shared:])
    floor = _VALUE[low[0]] if low else 0
    ceiling = _VALUE[high[0]] if high else len(ALPHABET)
    if ceiling - floor > 1:
        return ALPHABET[(floor + ceiling + 1) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return ALPHABET[floor] + _middle(low[1:], None)
