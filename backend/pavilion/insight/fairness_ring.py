"""Bidders who act together instead of against each other. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from math import comb
from typing import NamedTuple

from pavilion.insight.fairness_chances import Stratum, at_most, bits, meeting_at_most, product
from pavilion.insight.fairness_facts import History, Lot
from pavilion.insight.fairness_findings import (
    GATE,
    LEAST_LOTS,
    LEVEL_BITS,
    PRIOR,
    Finding,
    Kind,
    Test,
    capped,
    flagged,
    grains_of,
    pairs_of,
)

LEAST_MET = 4  # so often two must be expected on one lot before their never meeting says something


def rings(past: History) -> Iterator[Finding]:
    """Companies of one trade that keep off each other's lots, all of them, and win by turns."""
    apart, compared = _apart(past)
    for group in _cliques(set(apart)):
        pairs = [apart[pair] for pair in pairs_of(group)]
        keeping_off = product([one.chance for one in pairs])
        won = [lot for lot in past.lots if lot.winner in group]
        winners = [lot.winner for lot in won]
        if len(won) < LEAST_LOTS or len(set(winners)) < len(group):
            continue
        repeats = sum(a == b for a, b in pairwise(winners))
        share = sum(Fraction(n * n, len(won) ** 2) for n in Counter(winners).values())
        turns = at_most(repeats, len(won) - 1, Fraction(share))
        if (len(group) == 2 and turns > GATE) or keeping_off * turns * comb(compared, len(group)) > Fraction(
            1, 2**LEVEL_BITS
        ):
            continue
        figures = {
            "met": sum(one.met for one in pairs),
            "expected": sum(one.expected for one in pairs),
            "lots": len({lot.lot for one in group for lot in past.bid_on[one]}),
            "won": len(won),
            "repeats": repeats,
        }
        yield Finding(Kind.RING, group, None, capped(bits(keeping_off * turns)), figures, grains_of(won, group))


class _Apart(NamedTuple):
    chance: Fraction
    met: int
    expected: int


def _apart(past: History) -> tuple[dict[tuple[int, int], _Apart], int]:
    """The pairs that meet far less often than two who each go where they will, among lots of the same kind; and among
    how many companies they were sought."""
    offered: dict[str, Counter[int]] = defaultdict(Counter)
    for lot in past.lots:
        offered[lot.sale][lot.band] += 1
    came = {company: Counter((lot.sale, lot.band) for lot in lots) for company, lots in past.bid_on.items()}
    found: dict[tuple[int, int], _Apart] = {}
    compared: set[int] = set()
    for one, other in pairs_of(sorted(past.bid_on)):
        strata = _strata(
            past.open_to.get(one, frozenset()) & past.open_to.get(other, frozenset()), offered, came, one, other
        )
        expected = sum((Fraction(s.ours * s.theirs, s.lots) for s in strata), Fraction(0))
        if expected < LEAST_MET:
            continue
        compared |= {one, other}
        met = len(past.meetings.get((one, other), ()))
        if 3 * met < expected and (chance := meeting_at_most(met, strata)) <= GATE:
            found[one, other] = _Apart(chance, met, expected // 1)
    return found, len(compared)


def _strata(
    sales: frozenset[str],
    offered: Mapping[str, Counter[int]],
    came: Mapping[int, Counter[tuple[str, int]]],
    one: int,
    other: int,
) -> list[Stratum]:
    lots, ours, theirs = Counter[int](), Counter[int](), Counter[int]()
    for sale in sales:
        for band, n in offered[sale].items():
            lots[band] += n
            ours[band] += came[one][sale, band]
            theirs[band] += came[other][sale, band]
    return [Stratum(n, ours[band], theirs[band]) for band, n in sorted(lots.items()) if ours[band] and theirs[band]]


def _cliques(pairs: set[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The largest groups of which every two are such a pair."""
    beside: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        beside[one].add(other)
        beside[other].add(one)
    found: list[tuple[int, ...]] = []

    def grow(group: set[int], more: set[int], done: set[int]) -> None:
        if not more and not done:
            found.append(tuple(sorted(group)))
        for one in sorted(more):
            grow(group | {one}, more & beside[one], done & beside[one])
            more, done = more - {one}, done | {one}

    grow(set(), set(beside), set())
    return sorted(group for group in found if len(group) > 1)


def gives_way(past: History) -> Iterator[Finding]:
    """Once this one is outbid by that one it does not come back, though outbid by others it does."""
    back: Counter[tuple[int, int]] = Counter()
    outbid: dict[tuple[int, int], list[Lot]] = defaultdict(list)
    for lot in past.lots:
        for loser, rival, again in _contests(lot):
            outbid[loser, rival].append(lot)
            back[loser, rival] += again
    of_loser: dict[int, tuple[int, int]] = {}
    for (loser, rival), lots in outbid.items():
        times, came = of_loser.get(loser, (0, 0))
        of_loser[loser] = (times + len(lots), came + back[loser, rival])
    all_times, all_back = sum(n for n, _ in of_loser.values()), sum(n for _, n in of_loser.values())
    tests: list[Test] = []
    for (loser, rival), lots in sorted(outbid.items()):
        if len(lots) < LEAST_LOTS:
            continue
        came = back[loser, rival]
        times, own = of_loser[loser][0] - len(lots), of_loser[loser][1] - came
        house = Fraction(all_back, all_times)
        rate = Fraction(own + PRIOR * house, times + PRIOR)
        figures = {"lots": len(lots), "back": came, "permille": rate * 1000 // 1}
        tests.append((at_most(came, len(lots), rate), (loser, rival), None, figures, lots))
    yield from flagged(Kind.GIVES_WAY, tests)


def _contests(lot: Lot) -> Iterator[tuple[int, int, bool]]:
    """Per bidder who was outbid: by whom last before it either came back or stayed away, once for each rival."""
    seen: dict[tuple[int, int], bool] = {}
    waiting: dict[int, int] = {}  # who is outbid now, and by whom
    leader: int | None = None
    for bid in lot.bids:
        if (rival := waiting.pop(bid.company, None)) is not None:
            seen[bid.company, rival] = True
        if bid.leader is not None and bid.leader != bid.company:
            waiting[bid.company] = bid.leader
        elif leader is not None and leader != bid.company:
            waiting[leader] = bid.company
        leader = bid.leader
    for loser, rival in waiting.items():
        seen.setdefault((loser, rival), False)
    for (loser, rival), again in seen.items():
        yield loser, rival, again
