"""An order of the lots that serves the sale better than the one that stands: five terms, and a local search over them.

Pure and decided by the seed alone. Each term is a whole number that is better the lower it is (curation spec 6):

* arc: how far each lot is from the course of prices that a sale should take, in thousandths of its rank by price;
* hue: how far apart the hues of neighbours stand on the circle, in degrees;
* like: pairs within three places that have one owner, or one cell of grades;
* load: lots that everybody will want to see and that crowd in one stretch of the sale, more so in one place;
* stars: pairs of the dearest lots that close in the same minute or in two adjacent ones."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

STEPS, CHECKED_EVERY = 20_000, 250
NEAR = 3  # places within which two like lots disturb each other
FAR = 90  # degrees between two colours of which one has no place on the circle, or is none
LONGEST = 8  # lots moved or turned round at once
# Where a lot should stand by price, in thousandths of the cheapest to the dearest, over thousandths of the sale.
ARC = ((0, 400), (200, 800), (400, 550), (650, 1000), (1000, 250))
WEIGHTS = (1, 4, 300, 150, 2000)
STALLED = 400  # steps without gain after which a few lots change places by chance


class LotFeature(NamedTuple):
    """Numbers stand for what is only compared; 0 is nothing. `value` is the middle of the estimate, 0 where there is
    none yet. `hue`: degrees on the circle, none for a fancy colour without a place there. `group`: its heading, which
    it does not leave."""

    lot: str
    value: int = 0
    fancy: str = ""
    hue: int | None = None
    owner: int = 0
    cell: int = 0
    place: str = ""  # where the stone can be seen
    must_see: bool = False
    star: bool = False
    pinned: bool = False
    group: int = 0


class Terms(NamedTuple):
    arc: int
    hue: int
    like: int
    load: int
    stars: int

    @property
    def total(self) -> int:
        return sum(weight * term for weight, term in zip(WEIGHTS, self, strict=True))


class Suggested(NamedTuple):
    order: Sequence[str]
    before: Terms
    after: Terms
    steps: int


def suggest(
    lots: Sequence[LotFeature],
    closes: Sequence[int],
    stretches: Sequence[int],
    seed: int,
    *,
    steps: int = STEPS,
    over: Callable[[], bool] = lambda: False,
) -> Suggested:
    """The best order found from the present one. `closes` says in which minute each place closes, `stretches` to which
    part of the sale it belongs. Pinned lots stay; the others keep to the places of their own heading. The steps are
    counted, so that a seed gives one order on every machine; `over` ends a search early that never should be."""
    course = Course(lots, closes, stretches)
    order = list(range(len(lots)))
    free = _free(lots)
    best, best_cost, cost, since, done = list(order), course.cost(order), course.cost(order), 0, 0
    luck = Luck(seed)
    while free and done < steps and not (done % CHECKED_EVERY == 0 and done and over()):
        done += 1
        if since >= STALLED:  # from the best, a little disturbed
            order, since = list(best), 0
            for _ in range(3):
                _turn(order, _change(free, luck))
            cost = course.cost(order)
        change = _change(free, luck)
        before = course.around(order, change)
        _turn(order, change)
        gain = before - course.around(order, change)
        if gain < 0:
            _turn_back(order, change)
        cost -= max(gain, 0)
        since = 0 if gain > 0 else since + 1
        if cost < best_cost:
            best, best_cost = list(order), cost
    return Suggested([lots[at].lot for at in best], course.terms(range(len(lots))), course.terms(best), done)


def terms_of(lots: Sequence[LotFeature], closes: Sequence[int], stretches: Sequence[int]) -> Terms:
    """Of the order in which the lots are given."""
    return Course(lots, closes, stretches).terms(range(len(lots)))


class Change(NamedTuple):
    """The lots at these places change to one another's: `now` says which place the lot of each comes from."""

    places: Sequence[int]
    now: Sequence[int]


class Luck:
    """Chance that is the same for every run of a seed and on every machine."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, n: int) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = (self._state ^ (self._state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _MASK
        return (mixed ^ (mixed >> 31)) % n


_MASK = 2**64 - 1


class Course:
    """What an order costs, as a whole and around a few places."""

    def __init__(self, lots: Sequence[LotFeature], closes: Sequence[int], stretches: Sequence[int]) -> None:
        self._closes, self._stretches = closes, stretches
        self._ranks = _ranks([lot.value for lot in lots])
        self._wanted = [_course(at * 1000 // max(len(lots) - 1, 1)) for at in range(len(lots))]
        self._must_see, self._star = [lot.must_see for lot in lots], [lot.star for lot in lots]
        self._crowded, self._starred = any(self._must_see), any(self._star)
        self._where = [lot.place for lot in lots]
        self._owner, self._cell = [lot.owner for lot in lots], [lot.cell for lot in lots]
        self._fancy, self._degrees = [lot.fancy for lot in lots], [lot.hue for lot in lots]

    def cost(self, order: Sequence[int]) -> int:
        return self.terms(order).total

    def terms(self, order: Sequence[int]) -> Terms:
        return Terms(
            sum(self._arc(order, at) for at in range(len(order))),
            sum(self._hue(order[at], order[at + 1]) for at in range(len(order) - 1)),
            sum(
                self._like(order[at], order[later])
                for at in range(len(order))
                for later in range(at + 1, min(at + NEAR + 1, len(order)))
            ),
            self._load(order),
            self._stars(order),
        )

    def around(self, order: Sequence[int], change: Change) -> int:
        """The part of the cost that this change can alter."""
        n, touched = len(order), set(change.places)
        arc = sum(self._arc(order, at) for at in touched)
        hue = like = 0
        for at in touched:
            for other in range(max(at - NEAR, 0), min(at + NEAR + 1, n)):
                if other > at or (other < at and other not in touched):
                    like += self._like(order[at], order[other])
                    if abs(other - at) == 1:
                        hue += self._hue(order[at], order[other])
        load = self._load(order) if self._crowded and self._touches(order, touched, self._must_see) else 0
        stars = self._stars(order) if self._starred and self._touches(order, touched, self._star) else 0
        return Terms(arc, hue, like, load, stars).total

    def _touches(self, order: Sequence[int], touched: set[int], which: Sequence[bool]) -> bool:
        return any(which[order[at]] for at in touched)

    def _arc(self, order: Sequence[int], at: int) -> int:
        rank = self._ranks[order[at]]
        return 0 if rank is None else abs(rank - self._wanted[at])

    def _hue(self, one: int, other: int) -> int:
        a, b = self._fancy[one], self._fancy[other]
        if not a and not b:
            return 0
        degrees, others = self._degrees[one], self._degrees[other]
        if degrees is None or others is None:
            return 0 if a == b else FAR
        apart = abs(degrees - others) % 360
        return min(apart, 360 - apart)

    def _like(self, one: int, other: int) -> int:
        owner, cell = self._owner[one], self._cell[one]
        return (owner == self._owner[other] != 0) + (cell == self._cell[other] != 0)

    def _load(self, order: Sequence[int]) -> int:
        stretches, where, must_see = self._stretches, self._where, self._must_see
        seen = Counter([(stretches[at], where[lot]) for at, lot in enumerate(order) if must_see[lot]])
        whole: Counter[int] = Counter()
        for (stretch, _), n in seen.items():
            whole[stretch] += n
        return sum(n * (n - 1) // 2 for n in (*whole.values(), *seen.values()))

    def _stars(self, order: Sequence[int]) -> int:
        closes, star = self._closes, self._star
        minutes = [closes[at] for at, lot in enumerate(order) if star[lot]]
        return sum(abs(a - b) <= 1 for a, b in combinations(minutes, 2))


def _free(lots: Sequence[LotFeature]) -> list[list[int]]:
    """The places of each heading whose lots may move; two or more."""
    found: dict[int, list[int]] = {}
    for at, lot in enumerate(lots):
        if not lot.pinned:
            found.setdefault(lot.group, []).append(at)
    return [places for places in found.values() if len(places) > 1]


def _change(free: Sequence[Sequence[int]], luck: Luck) -> Change:
    """Two lots swap, one moves past some others, or a few are turned round."""
    chosen = luck.below(sum(map(len, free)))
    for places in free:
        if chosen < len(places):
            break
        chosen -= len(places)
    kind = luck.below(4)
    if kind < 2:
        other = (chosen + 1 + luck.below(len(places) - 1)) % len(places)
        pair = places[chosen], places[other]
        return Change(pair, pair[::-1])
    size = 2 + luck.below(min(LONGEST, len(places)) - 1)
    start = min(chosen, len(places) - size)
    several = places[start : start + size]
    if kind == 2:
        return Change(several, several[::-1])
    turned = [*several[1:], several[0]] if luck.below(2) else [several[-1], *several[:-1]]
    return Change(several, turned)


def _turn(order: list[int], change: Change) -> None:
    for place, lot in zip(change.places, [order[at] for at in change.now], strict=True):
        order[place] = lot


def _turn_back(order: list[int], change: Change) -> None:
    for place, lot in zip(change.now, [order[at] for at in change.places], strict=True):
        order[place] = lot


def _ranks(values: Sequence[int]) -> list[int | None]:
    """Thousandths from the cheapest to the dearest; equals stand in the middle of their places."""
    known = sorted(value for value in values if value)
    last = max(2 * (len(known) - 1), 1)
    return [
        (bisect_left(known, value) + bisect_right(known, value) - 1) * 1000 // last if value else None
        for value in values
    ]


def _course(at: int) -> int:
    for (start, low), (end, high) in pairwise(ARC):
        if at <= end:
            return low + (high - low) * (at - start) // (end - start)
    return ARC[-1][1]
