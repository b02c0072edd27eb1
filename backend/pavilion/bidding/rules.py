"""What a bid may do and what a lot then costs. Pure: the same facts always give the same answer.

Amounts are whole minor units. A bidder is known by the alias of the lot; `HOUSE` is the seller, never a commitment.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from pavilion.bidding.closing import Outage, SoftClose, Stagger
from pavilion.kernel.money import MAX_AMOUNT

HOUSE = "HOUSE"
MAX_TIERS = 64
ReserveRule = Literal["jump", "push", "house"]
Best = Mapping[str, tuple[int, int]]  # bidder -> (own maximum, seq of the bid that first reached it)


@dataclass(frozen=True, slots=True)
class Increments:
    """The table of steps. `add`: the next price is one step up; `snap`: the next rung of the ladder."""

    tiers: tuple[tuple[int, int], ...]
    mode: Literal["add", "snap"] = "add"
    _froms: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        froms = tuple(start for start, _ in self.tiers)
        steps = [step for _, step in self.tiers]
        if not 1 <= len(froms) <= MAX_TIERS or froms[0] != 0:
            raise ValueError("the first tier starts at 0 and there are at most 64")
        if any(a >= b for a, b in pairwise(froms)) or froms[-1] > MAX_AMOUNT:
            raise ValueError("tiers rise")
        if steps[0] <= 0 or steps != sorted(steps) or steps[-1] > MAX_AMOUNT:
            raise ValueError("steps are positive and never smaller in a later tier")
        object.__setattr__(self, "_froms", froms)

    def step(self, p: int) -> int:
        return self.tiers[bisect_right(self._froms, p) - 1][1]

    def next(self, p: int) -> int:
        """The price after `p`, which need not be on the ladder itself."""
        place = bisect_right(self._froms, p)
        start, step = self.tiers[place - 1]
        if self.mode == "add":
            return p + step
        rung = start + ((p - start) // step + 1) * step
        return min(rung, self._froms[place]) if place < len(self._froms) else rung

    def on_ladder(self, amount: int) -> bool:
        start, step = self.tiers[bisect_right(self._froms, amount) - 1]
        return (amount - start) % step == 0

    def ladder(self, p: int, n: int) -> tuple[int, ...]:
        """`n` amounts a bidder may be offered: `p`, then each next."""
        rungs = [p]
        while len(rungs) < n:
            rungs.append(self.next(rungs[-1]))
        return tuple(rungs[:n])


@dataclass(frozen=True, slots=True)
class LotTerms:
    opening: int
    reserve: int | None
    reserve_rule: ReserveRule
    increments: Increments


class Standing(NamedTuple):
    leader: str | None
    price: int | None
    ask: int
    reserve_met: bool | None  # None without a reserve


class Commitment(NamedTuple):
    bidder: str
    amount: int
    seq: int


def alias(place: int) -> str:
    """The public name of the bidder who came to this lot at `place` (from 0): A..Z, AA..ZZ, AAA.."""
    letters = ""
    place += 1
    while place > 0:
        place, letter = divmod(place - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def best_of(live: Iterable[Commitment]) -> dict[str, tuple[int, int]]:
    """Each bidder's own maximum with the seq that first reached it; what a void leaves is found anew from here."""
    best: dict[str, tuple[int, int]] = {}
    for bidder, amount, seq in live:
        held = best.get(bidder)
        if held is None or amount > held[0] or (amount == held[0] and seq < held[1]):
            best[bidder] = (amount, seq)
    return best


def standing(terms: LotTerms, best: Best) -> Standing:
    """Leader, price and ask in closed form: one pass over the bidders, no duel bid by bid."""
    leader, first, first_seq, second = None, 0, 0, 0
    for bidder, (amount, seq) in best.items():
        if amount > first or (amount == first and seq < first_seq):
            leader, first, first_seq, second = bidder, amount, seq, first
        elif amount > second:
            second = amount
    reserve = terms.reserve
    if leader is None:
        return Standing(None, None, terms.opening, None if reserve is None else False)
    following = terms.increments.next
    price = min(first, following(second)) if second else terms.opening
    if reserve is None:
        return Standing(leader, price, following(price), None)
    if price < reserve:
        if first >= reserve:
            price = reserve
        elif terms.reserve_rule != "jump":
            price = first
            if terms.reserve_rule == "house" and (seller := following(first)) < reserve:
                leader, price = HOUSE, seller
    return Standing(leader, price, following(price), first >= reserve)


def judge_amount(terms: LotTerms, best: Best, now_stands: Standing, bidder: str, amount: object) -> str | None:
    """The code that refuses this amount, or None. `now_stands` is `standing(terms, best)`, which the caller holds."""
    if type(amount) is not int or amount <= 0:
        return "amount_invalid"
    if amount > MAX_AMOUNT:
        return "amount_too_large"
    increments = terms.increments
    if increments.mode == "snap" and amount != terms.opening and not increments.on_ladder(amount):
        return "off_ladder"
    leader = now_stands.leader
    if leader is None:
        return "below_opening" if amount < terms.opening else None
    if leader == bidder:
        return None if amount > best[bidder][0] else "not_above_own_max"
    return "below_ask" if amount < now_stands.ask else None


def changed(before: Standing, after: Standing) -> bool:
    """Price or leader moved: what can extend a lot, and what the room is told."""
    return before.price != after.price or before.leader != after.leader


def needs_confirm(increments: Increments, factor: int, steps: int, ask: int, amount: int) -> bool:
    """So far above the ask that a slip of the finger is likelier than intent."""
    return amount > factor * ask and amount > ask + steps * increments.step(ask)


def judge_reserve(terms: LotTerms, now_stands: Standing, lower: int) -> str | None:
    """May the reserve come down to `lower`? Only under `jump`, only while not met; never up."""
    if terms.reserve is None or terms.reserve_rule != "jump":
        return "act_not_allowed"
    if now_stands.reserve_met:
        return "reserve_met"
    return None if terms.opening <= lower < terms.reserve else "act_not_allowed"


def sold(now_stands: Standing) -> bool:
    """At the end: there is a leader, not the seller, and the reserve is met or absent."""
    return now_stands.leader not in (None, HOUSE) and now_stands.reserve_met is not False


# -- the rule set of a sale -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JumpConfirm:
    factor: int
    steps: int


@dataclass(frozen=True, slots=True)
class Retraction:
    slip_factor: int
    within_minutes: int
    before_end_hours: int


@dataclass(frozen=True, slots=True)
class ViewingGate:
    gate_bp: int
    lots: Literal["all"] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clerked:
    """A sale that a clerk runs lot by lot: a lot ends this long after the final call, unless a bid stops it."""

    final_call: int


@dataclass(frozen=True, slots=True)
class BestAndFinal:
    """A second sealed round among the best of the first."""

    top: int
    within_bp: int
    hours: int


@dataclass(frozen=True, slots=True)
class Tender:
    """How sealed bids are kept, opened and awarded (bidding spec 6). `custodians`: P-256 points, base64url."""

    sealed: bool
    k: int
    custodians: tuple[str, ...]
    replace: Literal["latest", "highest"]
    withdraw: bool
    price_rule: Literal["first", "second"]
    min_bidders: int
    best_and_final: BestAndFinal | None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The frozen document of a sale, read. Instants and lengths are microseconds. Exactly the part of its own format
    is there: a timed sale has neither, and a tender's soft close never moves an end."""

    format: Literal["timed", "clerked", "tender"]
    clerked: Clerked | None
    tender: Tender | None
    currency: str
    zone: str
    opens_at: int
    increments: Increments
    reserve_rule: ReserveRule
    soft_close: SoftClose
    stagger: Stagger
    hold_results: bool
    edge_delay: int
    close_wait_extend: int
    outage: Outage
    premium_bands: tuple[tuple[int | None, int], ...]
    early_bands: tuple[tuple[int | None, int], ...] | None
    early_before_hours: int
    limits_required: bool
    limits_include_fees: bool
    viewing_gate: ViewingGate | None
    retraction: Retraction
    jump_confirm: JumpConfirm
    openings: Literal["losing", "auditor"]
    passed_offer_days: int
    terms: str

    def lot(self, opening: int, reserve: int | None) -> LotTerms:
        return LotTerms(opening, reserve, self.reserve_rule, self.increments)
