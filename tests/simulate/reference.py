"""A second, slow reading of the rules, written apart from the product's: no shared code, no closed forms kept.

It keeps every commitment for ever and works everything out anew each time it is asked.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

MOST = 10**15 - 1
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
FAR = 10**18  # the end of a lot that only a call ends


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


def end_of(text: str | None) -> int:
    return FAR if text is None else micros(text)


@dataclass
class Table:
    tiers: list
    mode: str

    def step(self, p: int) -> int:
        return [step for start, step in self.tiers if start <= p][-1]

    def following(self, p: int) -> int:
        if self.mode == "add":
            return p + self.step(p)
        found = []
        for k, (start, step) in enumerate(self.tiers):
            stop = self.tiers[k + 1][0] if k + 1 < len(self.tiers) else None
            rung = start if start > p else start + (p - start + step) // step * step
            if rung > p and (stop is None or rung < stop):
                found.append(rung)
        return min(found)

    def is_rung(self, amount: int) -> bool:
        return amount == 0 or (amount > 0 and self.following(amount - 1) == amount)


@dataclass
class Commitment:
    bidder: int
    amount: int
    seq: int
    live: bool = True


@dataclass
class Lot:
    opening: int
    reserve: int | None
    rule: str
    table: Table
    end: int
    hard_end: int | None
    state: str = "listed"
    paused_at: int | None = None
    hash: str = ""
    seq: int = 0
    at: int = 0
    all: list[Commitment] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)  # paddle -> alias

    def maxima(self) -> list[tuple[int, int]]:
        """(bidder, own maximum), the best first; of equals the one that reached it first."""
        own: dict[int, tuple[int, int]] = {}
        for one in sorted(self.all, key=lambda one: one.seq):
            if one.live and (one.bidder not in own or one.amount > own[one.bidder][0]):
                own[one.bidder] = (one.amount, one.seq)
        return [(who, amount) for who, (amount, seq) in sorted(own.items(), key=lambda item: (-item[1][0], item[1][1]))]

    def stands(self) -> tuple[object, int | None, int, bool | None]:
        """Leader (a paddle or HOUSE), price, ask, reserve met."""
        ranked, reserve, following = self.maxima(), self.reserve, self.table.following
        if not ranked:
            return None, None, self.opening, None if reserve is None else False
        leader, top = ranked[0]
        base = self.opening if len(ranked) == 1 else min(top, following(ranked[1][1]))
        price, met = base, None
        if reserve is not None:
            met = top >= reserve
            if base < reserve:
                if met:
                    price = reserve
                elif self.rule == "push":
                    price = top
                elif self.rule == "house":
                    bid = following(top)
                    leader, price = ("HOUSE", bid) if bid < reserve else (leader, top)
        return leader, price, following(price), met

    def amount_code(self, paddle: int, amount: int) -> str | None:
        leader, _, ask, _ = self.stands()
        own = dict(self.maxima())
        if amount <= 0:
            return "amount_invalid"
        if amount > MOST:
            return "amount_too_large"
        if self.table.mode == "snap" and amount != self.opening and not self.table.is_rung(amount):
            return "off_ladder"
        if leader is None:
            return "below_opening" if amount < self.opening else None
        if leader == paddle:
            return "not_above_own_max" if amount <= own[paddle] else None
        return "below_ask" if amount < ask else None

    def end_after(self, soft: dict, t: int) -> int:
        """The end after a bid at `t` that moved price or leader."""
        window, extension = soft["window"] * 1_000_000, soft["extension"] * 1_000_000
        if self.end - t > window:
            return self.end
        new = self.end + extension if soft["mode"] == "add" else max(self.end, t + extension)
        return max(self.end, new if self.hard_end is None else min(new, self.hard_end))

    def owed_for(self, paddle: int) -> int:
        """What this lot counts against the paddle's limit before fees."""
        ranked = self.maxima()
        if not ranked or ranked[0][0] != paddle or self.state in ("passed", "withdrawn"):
            return 0
        return self.stands()[1] if self.state == "sold" else ranked[0][1]


def with_fees(amount: int, doc: dict) -> int:
    if not doc["limits"]["include_fees"]:
        return amount
    [[_, rate]] = doc["premium"]["bands"]
    return amount + floor(Fraction(amount * rate, 10_000) + Fraction(1, 2))


def planned_end(doc: dict, place: int) -> int:
    plan = doc["stagger"]
    seconds = (place // plan["per"]) * plan["interval"]
    for at, pause in plan["breaks"]:
        seconds += pause if place >= at else 0
    return micros(plan["first"]) + seconds * 1_000_000
