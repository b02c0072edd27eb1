"""Forty invented sales by seed: honest bidders with values, budgets and habits of their own, and six schemes planted
among them. Prices come from the product's own rule; what the watch then finds is held against what was planted.

`python -m tests.simulate.fairness` prints the table of docs/fairness.md.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from pavilion.auctions.ruleset import INCREMENTS
from pavilion.bidding.rules import Increments, LotTerms, standing
from pavilion.insight.fairness_facts import (
    Bid,
    Firm,
    History,
    Lot,
    Retraction,
    SignedIn,
    band_of,
    domains_of,
    number_of,
    spelled,
)
from pavilion.insight.fairness_findings import LEAST_LOTS, Finding, Kind
from pavilion.insight.fairness_rules import find
from pavilion.kernel.instants import micros
from tests.luck import Random
from tests.make import HOUR, NOON

FIRST_SEED, SEEDS, SALES, LOTS = 1000, 30, 40, 15  # what the watch calls unlikely was settled on seeds 0 to 29
HONEST = range(1, 27)
CONSIGNORS = range(101, 106)
SHILL, RETRACTOR = 31, 32
RING = (33, 34, 35)
FOLLOWER, FAVOURED = 36, 37
OWNERS, DESK, HOUSES = (38, 39), (40, 41), (42, 43)  # one owner, one browser, one e-mail domain
WEAK, LOYAL, NARROW = (1, 2, 3, 4), (5, 6), (7, 8, 9, 10)  # honest, and looking otherwise at first sight
CLUMSY, MAILERS, COMMON = 11, (12, 13), (14, 15)  # retracts once; have a public mailbox; hand round a common browser
LADDER = Increments(tuple((a, b) for a, b in INCREMENTS))
START = NOON - timedelta(days=300)
BROWSERS = tuple(f"Mozilla/5.0 (common {n})" for n in range(4))


class Planted(NamedTuple):
    kinds: frozenset[Kind]
    parties: frozenset[int]
    consignor: int | None = None


PLANTED = {
    "shill": Planted(frozenset({Kind.NEVER_WINS, Kind.PUSHES}), frozenset({SHILL}), CONSIGNORS[0]),
    "ring": Planted(frozenset({Kind.RING}), frozenset(RING)),
    "retractor": Planted(frozenset({Kind.LATE_RETRACTIONS}), frozenset({RETRACTOR})),
    "follower": Planted(frozenset({Kind.GIVES_WAY}), frozenset({FOLLOWER, FAVOURED})),
    "one owner": Planted(frozenset({Kind.SHARED_OWNER}), frozenset(OWNERS)),
    "one desk": Planted(frozenset({Kind.SHARED_BROWSER}), frozenset(DESK)),
    "one domain": Planted(frozenset({Kind.SHARED_ADDRESS}), frozenset(HOUSES)),
}


@dataclass
class Bidder:
    company: int
    interest: float
    bias: float
    patient: bool  # bids what is asked, step by step; the others leave a maximum at once
    budget: int
    bands: frozenset[int] | None = None
    loyal_to: int | None = None


@dataclass
class World:
    rng: Random
    bidders: dict[int, Bidder]
    lots: list[Lot] = field(default_factory=list)
    paddles: dict[str, frozenset[int]] = field(default_factory=dict)
    turn: int = 0


def world(seed: int, planted: bool = True) -> History:
    rng = Random(seed)
    people = [*HONEST, RETRACTOR, *RING, FOLLOWER, FAVOURED, *OWNERS, *DESK, *HOUSES]
    made = World(rng, {n: _bidder(rng, n) for n in people})
    if planted:
        made.bidders[SHILL] = Bidder(SHILL, 0.4, 0.9, True, 10**12, loyal_to=CONSIGNORS[0])
    for number in range(SALES):
        _hold(made, number, planted)
    return History(made.lots, made.paddles, _firms(planted, people), _sign_ins(rng, people, planted))


def _bidder(rng: Random, n: int) -> Bidder:
    bias = 0.78 if n in WEAK else rng.uniform(0.9, 1.08)
    interest = rng.uniform(0.2, 0.3) if n > max(HONEST) else rng.uniform(0.08, 0.25)
    one = Bidder(n, interest, bias, rng.random() < 0.5, rng.choice((4, 8, 30)) * 2_000_000)
    if n in NARROW:
        one.bands, one.interest = frozenset({rng.choice((0, 1))}) if n % 2 else frozenset({2}), 0.35
    if n in LOYAL:
        one.loyal_to, one.interest = rng.choice(CONSIGNORS), 0.25
    if n in (FOLLOWER, FAVOURED):
        one.patient, one.interest, one.budget, one.bias = n == FOLLOWER, 0.7, 10**9, 1.0
    return one


def _hold(made: World, number: int, planted: bool) -> None:
    rng, sale = made.rng, f"S{number:03d}"
    here = {n for n in made.bidders if n > max(HONEST) or rng.random() < 0.7}
    made.paddles[sale] = frozenset(here)
    left = {n: made.bidders[n].budget for n in here}
    for place in range(LOTS):
        size = rng.choice((0, 1, 2))
        worth = int((80_000, 400_000, 2_000_000)[size] * rng.uniform(0.8, 1.25))
        consignor = rng.choice(CONSIGNORS)
        came = [n for n in sorted(here) if _comes(made, n, consignor, size, planted)]
        if planted:
            came = _by_turns(made, came)
        values = {n: min(left[n], int(worth * made.bidders[n].bias * rng.uniform(0.72, 1.18))) for n in came}
        if SHILL in values:
            values[SHILL] = (
                worth * 19 // 20
            )  # the seller's friend raises late, a step at a time, while somebody else leads
        lot = _sell(made, f"{sale}-{place}", sale, consignor, worth // 2 // 5000 * 5000, values, number, planted)
        if lot.winner is not None:
            left[lot.winner] -= lot.bids[-1].price
            made.turn = lot.winner - RING[0] + 1 if lot.winner in RING else made.turn
        made.lots.append(lot)


def _comes(made: World, n: int, consignor: int, size: int, planted: bool) -> bool:
    one = made.bidders[n]
    if one.bands is not None and size not in one.bands:
        return False
    odds = one.interest
    if one.loyal_to is not None:
        odds = one.interest * 2 if one.loyal_to == consignor else 0.05 if n == SHILL else one.interest / 2
    return made.rng.random() < odds


def _by_turns(made: World, came: list[int]) -> list[int]:
    """Of the ring only the one who has waited longest for a lot bids; it is agreed before."""
    inside = [n for n in RING if n in came]
    if len(inside) < 2:
        return came
    chosen = min(inside, key=lambda n: (n - RING[0] - made.turn) % len(RING))
    return [n for n in came if n not in RING or n == chosen]


def _sell(
    made: World, lot: str, sale: str, consignor: int, opening: int, values: dict[int, int], number: int, planted: bool
) -> Lot:
    """Everybody comes in an order of chance; the patient go on while they are asked less than it is worth to them."""
    rng, terms = made.rng, LotTerms(opening, None, "jump", LADDER)
    opened = micros(START + number * timedelta(days=7))
    ended = opened + micros(START + 72 * HOUR) - micros(START)
    best: dict[str, tuple[int, int]] = {}
    bids: list[Bid] = []
    waiting = [n for n in values if values[n] >= opening]
    rng.shuffle(waiting)
    gone: set[int] = set()
    stands = standing(terms, best)
    pace = (ended - opened) // (40 * max(1, len(waiting)))
    while waiting:
        n = waiting.pop(0)
        leader = int(stands.leader) if stands.leader else None
        if n == leader or n in gone or values[n] < stands.ask or len(bids) > 200:
            continue
        if planted and n == FOLLOWER and leader == FAVOURED and str(n) in best and rng.random() < 0.9:
            gone.add(n)
            continue
        if n == SHILL and stands.ask > values[n] * 3 // 4 and rng.random() < 0.15:
            gone.add(n)  # the longer it goes on, the nearer it comes to buying the lot back
            continue
        step = made.bidders[n].patient
        amount = stands.ask if step else values[n]
        seq = len(bids) + 1
        best[str(n)] = (amount, seq)
        stands = standing(terms, best)
        bids.append(Bid(seq, opened + seq * pace, n, int(stands.leader or 0), stands.price or 0))
        again = [m for m in ({n, leader} - {None}) if m != int(stands.leader or 0) and made.bidders[m].patient]
        for m in again:
            waiting.insert(0 if m == n == SHILL else rng.randint(0, len(waiting)), m)
    retractions = _retractions(made, values, bids, ended, number, planted)
    out = {seq for one in retractions for seq in one.seqs}
    left = [bid for bid in bids if bid.seq not in out]
    winner = bids[-1].leader if left else None
    return Lot(lot, sale, lot, consignor, band_of(opening), opened, ended, tuple(bids), winner, retractions)


def _retractions(
    made: World, values: dict[int, int], bids: list[Bid], ended: int, number: int, planted: bool
) -> tuple[Retraction, ...]:
    """A high bid made on the last day to see how far the others go, and taken back."""
    rng = made.rng
    late = ended - 3_600_000_000
    if planted and RETRACTOR in values and bids and rng.random() < 0.06:
        bids.append(Bid(len(bids) + 1, late, RETRACTOR, bids[-1].leader, bids[-1].price))
        return (Retraction(RETRACTOR, late, (len(bids),)),)
    if CLUMSY in values and number == 20 and (seqs := tuple(bid.seq for bid in bids if bid.company == CLUMSY)):
        return (Retraction(CLUMSY, late, seqs[-1:]),)
    if bids and rng.random() < 0.004:
        n = rng.choice(bids).company
        return (Retraction(n, late, ()),)
    return ()


def _firms(planted: bool, people: list[int]) -> dict[int, Firm]:
    firms = {
        n: Firm(frozenset({f"owner {n}"}), domains_of([f"desk@firm{n}.example"]), number_of(f"T {n}")) for n in people
    }
    for n in MAILERS:
        firms[n] = firms[n]._replace(domains=domains_of(["someone@gmail.com"]))
    if planted:
        for n, name in zip(OWNERS, ("Márc Oriel", "ORIEL, Marc"), strict=True):
            firms[n] = firms[n]._replace(owners=frozenset({spelled(name)}))
        for n in HOUSES:
            firms[n] = firms[n]._replace(domains=domains_of([f"{n}@harbour.example"]))
    return firms


def _sign_ins(rng: Random, people: list[int], planted: bool) -> list[SignedIn]:
    found = []
    for number in range(SALES):
        day = micros(START + number * timedelta(days=7))
        for n in people:
            begun = day + rng.randrange(72 * 3600) * 1_000_000
            found.append(SignedIn(n, rng.choice(BROWSERS), begun, begun + 1_800_000_000))
        for n, pair, browser in ((3, DESK, "Rare 9.1"), (4, COMMON, BROWSERS[0])):
            if (planted or pair != DESK) and number % n == 0:
                first = day + 36_000_000_000
                found.append(SignedIn(pair[0], browser, first, first + 600_000_000))
                found.append(SignedIn(pair[1], browser, first + 700_000_000, first + 1_500_000_000))
    return found


# -- measuring --------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    right: Counter[str] = field(default_factory=Counter)  # by pattern: findings that name what was planted
    wrong: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)  # by scheme: the runs in which it was found
    runs: int = 0

    def precision(self, kind: str) -> tuple[int, int]:
        return self.right[kind], self.right[kind] + self.wrong[kind]

    def recall(self, scheme: str) -> tuple[int, int]:
        return self.seen[scheme], self.runs


Watch = Callable[[History], list[Finding]]


def seeds(count: int = SEEDS) -> range:
    return range(FIRST_SEED, FIRST_SEED + count)


def watch(history: History) -> list[Finding]:
    return find(history, NOON)


def naive(history: History) -> list[Finding]:
    """The floor: whoever bid on so many lots of one consignor and won hardly any, at most one in fifteen."""
    tried: Counter[tuple[int, int]] = Counter()
    won: Counter[tuple[int, int]] = Counter()
    for lot in history.lots:
        if lot.winner is not None:
            tried.update((company, lot.consignor) for company in lot.bidders)
            won[lot.winner, lot.consignor] += 1
    return [
        Finding(Kind.NEVER_WINS, (company,), consignor, 0, {}, ())
        for (company, consignor), n in sorted(tried.items())
        if n >= LEAST_LOTS and won[company, consignor] * 15 <= n
    ]


def measure(look: Watch, pasts: Sequence[History], planted: bool = True) -> Tally:
    tally = Tally()
    for past in pasts:
        tally.runs += 1
        found = look(past)
        for one in found:
            scheme = _scheme(one) if planted else None
            (tally.right if scheme else tally.wrong)[one.kind] += 1
        tally.seen.update({scheme for one in found if planted and (scheme := _scheme(one))})
    return tally


def _scheme(one: Finding) -> str | None:
    for name, planted in PLANTED.items():
        if (
            one.kind in planted.kinds
            and frozenset(one.parties) == planted.parties
            and one.consignor == planted.consignor
        ):
            return name
    return None


def main() -> None:
    pasts = [world(seed) for seed in seeds()]
    for words, look in (("watch", watch), ("never wins, counted only", naive)):
        tally = measure(look, pasts)
        print(words)
        for kind in Kind:
            right, found = tally.precision(kind)
            print(f"  {kind:18} right {right:4} of {found:4}")
        for scheme in PLANTED:
            print(f"  {scheme:18} found in {tally.seen[scheme]:3} of {tally.runs}")
    print("nothing planted:", dict(measure(watch, [world(seed, False) for seed in seeds()], False).wrong))


if __name__ == "__main__":
    main()
