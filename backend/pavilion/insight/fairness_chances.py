"""How likely chance alone makes what was seen: exact, in whole numbers and fractions. Pure."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import comb, factorial, prod
from typing import NamedTuple

ONE = Fraction(1)


class Stratum(NamedTuple):
    """Of `lots` lots one bidder came to `ours` and another to `theirs`."""

    lots: int
    ours: int
    theirs: int


def at_most(seen: int, tries: int, rate: Fraction) -> Fraction:
    """The chance of so few successes or fewer, in so many independent tries."""
    return Fraction(_sum_of_terms(range(min(seen, tries) + 1), tries, rate), rate.denominator**tries)


def at_least(seen: int, tries: int, rate: Fraction) -> Fraction:
    """The chance of so many successes or more."""
    return Fraction(_sum_of_terms(range(max(seen, 0), tries + 1), tries, rate), rate.denominator**tries)


def meeting_at_least(seen: int, one: Stratum) -> Fraction:
    """The chance that both come to so many of the lots or more, each going where it will (Fisher's exact test)."""
    most = min(one.ours, one.theirs)
    ways = sum(_ways(one, both) for both in range(max(seen, 0), most + 1))
    return Fraction(ways, comb(one.lots, one.theirs))


def meeting_at_most(seen: int, strata: Sequence[Stratum]) -> Fraction:
    """The chance that both come to so few of the lots or fewer, over all kinds of goods together: who trades in one
    kind only is compared within that kind."""
    ways, total = [1], 1
    for one in strata:
        total *= comb(one.lots, one.theirs)
        here = [_ways(one, both) for both in range(min(seen, one.ours, one.theirs) + 1)]
        ways = _folded(ways, here, seen)
    return Fraction(sum(ways), total)


def product(chances: Sequence[Fraction]) -> Fraction:
    """The chance of independent tests that together come out so low or lower: their product, and what belongs to it
    because every way of reaching that product counts (Fisher's method, from above: ln 2 is less than 7/10)."""
    together = prod(chances, start=ONE)
    log = Fraction((bits(together) + 1) * 7, 10)
    return min(ONE, together * sum(Fraction(log**j, factorial(j)) for j in range(len(chances))))


def bits(chance: Fraction) -> int:
    """How often a coin must fall the same way to be as unlikely: one in 1,024 is 10."""
    if chance <= 0:
        return 99
    return max(0, (chance.denominator // chance.numerator).bit_length() - 1)


def _sum_of_terms(range_: Iterable[int], tries: int, rate: Fraction) -> int:
    hit, miss = rate.numerator, rate.denominator - rate.numerator
    return sum(comb(tries, k) * hit**k * miss ** (tries - k) for k in range_)


def _ways(one: Stratum, both: int) -> int:
    return comb(one.ours, both) * comb(one.lots - one.ours, one.theirs - both)


def _folded(left: Sequence[int], right: Sequence[int], most: int) -> list[int]:
    folded = [0] * min(most + 1, len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right[: most + 1 - i]):
            folded[i + j] += a * b
    return folded
