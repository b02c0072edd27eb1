"""What the fairness watch finds, and how much each pattern must outweigh chance. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from pavilion.insight.fairness_chances import bits
from pavilion.insight.fairness_facts import Lot

LEAST_LOTS = 8  # fewer tell nothing about a habit
LEVEL_BITS = 9  # one in 512, after everything that was compared
GATE = Fraction(1, 20)  # what each half of a pattern must be by itself
PRIOR = 4  # a rate of few tries is drawn towards the house's by so many
TOP = 99


class Kind(StrEnum):
    SHARED_OWNER = "shared_owner"
    SHARED_ADDRESS = "shared_address"
    SHARED_BROWSER = "shared_browser"
    NEVER_WINS = "never_wins"
    PUSHES = "pushes"
    LATE_RETRACTIONS = "late_retractions"
    RING = "ring"
    GIVES_WAY = "gives_way"


class Grain(NamedTuple):
    """A lot that belongs to the evidence, and which of its bids."""

    lot: str
    sale: str
    seqs: tuple[int, ...]


class Finding(NamedTuple):
    kind: Kind
    parties: tuple[int, ...]  # in order of their ids, but who gives way stands before whom it is for
    consignor: int | None
    score: int
    figures: Mapping[str, int]  # what the sentence of the pattern names
    grains: tuple[Grain, ...]

    @property
    def key(self) -> str:
        """One case for one pattern and its parties, whenever it is found."""
        return f"{self.kind}:{'-'.join(map(str, self.parties))}" + (f":{self.consignor}" if self.consignor else "")


Test = tuple[Fraction, tuple[int, ...], int | None, Mapping[str, int], Sequence[Lot]]


def flagged(kind: Kind, tests: Sequence[Test]) -> Iterator[Finding]:
    """Those that stay unlikely when one counts how many were looked at."""
    for chance, parties, consignor, figures, lots in tests:
        if chance * len(tests) <= Fraction(1, 2**LEVEL_BITS):
            yield Finding(kind, parties, consignor, capped(bits(chance)), figures, grains_of(lots, parties))


def grains_of(lots: Iterable[Lot], parties: Sequence[int]) -> tuple[Grain, ...]:
    return tuple(Grain(lot.lot, lot.sale, lot.of(*parties)) for lot in lots)


def capped(points: int) -> int:
    return min(TOP, points)


def pairs_of(companies: Sequence[int]) -> Iterator[tuple[int, int]]:
    for place, one in enumerate(companies):
        for other in companies[place + 1 :]:
            yield one, other
