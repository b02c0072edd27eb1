"""A bidding plan: win at most so many of these lots, for at most so much, each up to a maximum of its own (bidding spec
5.9). Pure: how a plan stands is told to it, and it says on which lot it would bid and what it may cost at most."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pavilion.kernel.money import MAX_AMOUNT

MOST_LOTS = 100  # of one plan
MOST_PLANS = 20  # of one paddle in one sale
_BLOCK = 1024  # sealed plans have few lengths, so that a length tells no amount
_KEY = b"pavilion/plan/v1\n"


class Aim(NamedTuple):
    """A lot of a plan with the most it is worth to the bidder; 0: taken out again."""

    lot: str
    max: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan as it was last cut. Lots stand in the order in which they are wanted."""

    id: str
    paddle: int
    aims: tuple[Aim, ...]
    win_at_most: int
    budget: int
    nonce: str  # secret; the keys of its bids are made from it
    version: int = 1

    def key(self, lot: str) -> str:
        """The key of the one bid that this plan may place on the lot."""
        return hashlib.sha256(_KEY + f"{self.nonce}|{lot}".encode()).hexdigest()[:32]

    @property
    def lots(self) -> list[str]:
        return [aim.lot for aim in self.aims]


class Seat(NamedTuple):
    """How one lot of a plan stands. Costs are what counts against budget and limit, premium and tax included."""

    lot: str
    cost: int  # of its maximum
    ready: bool  # open, not led by the bidder, not bid on by the plan yet, and the ask is within the maximum
    held: str = ""  # `led` or `won`, since the plan bid on it
    weight: int = 0  # of a held lot: its price when won, the bidder's own maximum while led
    by_hand: bool = False  # held by a later bid of the bidder's own, which counts by itself
    paid: bool = False
    over: bool = False  # decided, and not won through the plan


# -- what a plan does -------------------------------------------------------------------------------------------------


def spent(seats: Iterable[Seat]) -> int:
    """What the held lots would cost."""
    return sum(seat.weight for seat in seats if seat.held)


def wanted(plan: Plan, seats: Sequence[Seat]) -> Iterator[Seat]:
    """The lots on which the plan may bid now, the most wanted first."""
    if sum(bool(seat.held) for seat in seats) >= plan.win_at_most:
        return
    room = plan.budget - spent(seats)
    yield from (seat for seat in seats if seat.ready and seat.cost <= room)


def exposure(plan: Plan, seats: Sequence[Seat]) -> int:
    """The most the plan can still come to owe: what it won, and of the other lots the dearest that its places and its
    budget allow. A cut below what it leads changes nothing about what it leads."""
    own = [seat for seat in seats if not seat.by_hand]
    won = [seat for seat in own if seat.held == "won"]
    led = sum(seat.weight for seat in own if seat.held == "led")
    others = [seat.weight if seat.held else seat.cost for seat in own if seat.held != "won" and not seat.over]
    places = max(0, plan.win_at_most - len(won))
    dearest = sum(sorted(others, reverse=True)[:places])
    left = max(0, plan.budget - sum(seat.weight for seat in won))
    return sum(seat.weight for seat in won if not seat.paid) + max(led, min(left, dearest))


# -- what a bidder may ask --------------------------------------------------------------------------------------------


def judge(aims: Sequence[Aim], win_at_most: int, budget: int) -> str | None:
    """The code that refuses a plan of this shape, or None."""
    sums = [budget, *(aim.max for aim in aims)]
    if not 1 <= len(aims) <= MOST_LOTS or len({aim.lot for aim in aims}) != len(aims):
        return "plan_invalid"
    if not 1 <= win_at_most <= len(aims) or not all(0 < one <= MAX_AMOUNT for one in sums):
        return "plan_invalid"
    return None


def cut(
    plan: Plan, committed: frozenset[str], *, win_at_most: int | None, budget: int | None, maxima: Mapping[str, int]
) -> Plan | None:
    """The plan with less of what is named, or None: nothing may rise, and what a bid was placed for stays."""
    now = {aim.lot: aim.max for aim in plan.aims}
    places = plan.win_at_most if win_at_most is None else win_at_most
    most = plan.budget if budget is None else budget
    if not 0 <= places <= plan.win_at_most or not 0 <= most <= plan.budget:
        return None
    for lot, amount in maxima.items():
        if lot not in now or not 0 <= amount <= now[lot] or (lot in committed and amount != now[lot]):
            return None
    aims = tuple(Aim(aim.lot, maxima.get(aim.lot, aim.max)) for aim in plan.aims)
    after = replace(plan, aims=aims, win_at_most=places, budget=most)
    return plan if after == plan else replace(after, version=plan.version + 1)


# -- all plans of a sale ----------------------------------------------------------------------------------------------


class PlanRow(NamedTuple):
    """One version of a plan as it is stored: everything but whose and when is sealed."""

    plan: str
    version: int
    place: int  # by creation, counted in the sale
    paddle: int
    key: str
    at: int
    sealed: bytes


class Asked(NamedTuple):
    """What was asked under a key, and what came of it."""

    body: str
    plan: str
    version: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """The plans of a sale in the order of their creation."""

    plans: Mapping[str, Plan] = field(default_factory=dict)
    asked: Mapping[tuple[int, str], Asked] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.plans)

    def put(self, plan: Plan, key: str, body: str) -> "Shelf":
        told = Asked(body, plan.id, plan.version)
        return Shelf({**self.plans, plan.id: plan}, {**self.asked, (plan.paddle, key): told})

    def of(self, paddle: int) -> list[Plan]:
        return [plan for plan in self.plans.values() if plan.paddle == paddle]

    def place(self, plan: str) -> int:
        return list(self.plans).index(plan)


def plain(plan: Plan, body: str) -> bytes:
    """The secret part of a plan, of one of few lengths."""
    document = {"aims": plan.aims, "k": plan.win_at_most, "budget": plan.budget, "nonce": plan.nonce, "body": body}
    text = json.dumps(document).encode()
    return text.ljust(-(-len(text) // _BLOCK) * _BLOCK)


def read(row: PlanRow, text: bytes) -> tuple[Plan, str]:
    """The plan of a stored row, once it is unsealed, and what had been asked."""
    document: dict[str, Any] = json.loads(text)
    aims = tuple(Aim(lot, most) for lot, most in document["aims"])
    plan = Plan(row.plan, row.paddle, aims, document["k"], document["budget"], document["nonce"], row.version)
    return plan, document["body"]
