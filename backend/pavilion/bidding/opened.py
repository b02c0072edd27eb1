"""The openings at the end of a record: each against its commitment, and whether any that is due is missing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pavilion.bidding.reading import (
    BidOpening,
    Event,
    Line,
    ReserveOpening,
    bid_commitment,
    reserve_commitment,
)
from pavilion.kernel.money import CURRENCIES


class Failed(Exception):
    """The first line that breaks a rule."""

    def __init__(self, line: int, n: int | None, rule: str, fact: str) -> None:
        super().__init__(f"failed: line {line}, n {'-' if n is None else n}: {rule}: {fact}")
        self.line, self.n, self.rule, self.fact = line, n, rule, fact


@dataclass(frozen=True, slots=True)
class Step:
    """What one event of a lot told the room."""

    n: int
    seq: int
    bidder: str | None
    code: str | None
    leader: str | None
    price: int | None
    ask: int
    gone: frozenset[int] = frozenset()  # seqs that it voided


@dataclass(slots=True)
class Told:
    """One lot, as far as its openings ask."""

    currency: str = ""
    ask: int = 0
    highest: int = 0
    winner: str | None = None
    reserves: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Commits:
    """What the events committed to, against what is opened of it."""

    def __init__(self, sale: str, openings: Sequence[tuple[int, BidOpening | ReserveOpening]], last: int) -> None:
        self.sale, self.openings, self.last = sale, openings, last
        self.bids: dict[int, tuple[str, str, str, bool]] = {}  # n -> lot, bidder, commit, accepted
        self.lots: dict[str, Told] = {}

    def take(self, line: Line) -> None:
        if not isinstance(line, Event) or line.lot is None:
            return
        lot, data = self.lots.setdefault(line.lot, Told()), line.data
        if line.type in ("bid.accepted", "bid.refused"):
            self.bids[line.n] = (line.lot, data["bidder"], data["commit"], line.type == "bid.accepted")
        if line.type in ("lot.listed", "lot.reserve_lowered") and data["reserve_commit"] is not None:
            lot.reserves.append(data["reserve_commit"])
        if line.type == "lot.listed":
            lot.currency, lot.ask = data["currency"], data["opening"]
        elif line.type == "bid.refused":
            lot.steps.append(Step(line.n, 0, data["bidder"], data["code"], None, None, lot.ask))
        elif line.type in ("bid.accepted", "bid.voided", "lot.reserve_lowered"):
            bidder, gone = data.get("bidder"), frozenset(data.get("seqs", ()))
            lot.steps.append(Step(line.n, line.seq, bidder, None, data["leader"], data["price"], lot.ask, gone))
            lot.ask, lot.highest = data["ask"], max(lot.highest, data["price"] or 0)
        elif line.type == "lot.sold":
            lot.winner = data["bidder"]

    def open_all(self, *, losing: bool) -> tuple[dict[int, BidOpening], dict[str, int]]:
        """Amounts by n, and reserves by their commitment; Failed at the first opening that is wrong or missing."""
        amounts: dict[int, BidOpening] = {}
        reserves: dict[str, int] = {}
        for number, one in self.openings:
            if isinstance(one, BidOpening):
                self._open_bid(number, one)
                amounts[one.n] = one
            else:
                reserves[self._open_reserve(number, one)] = one.reserve
        _in_order(self.openings)
        if losing:
            self._none_missing(amounts, reserves)
        return amounts, reserves

    def _open_bid(self, number: int, one: BidOpening) -> None:
        if one.n not in self.bids:
            raise Failed(number, one.n, "opening", "opens what is no bid")
        lot, bidder, commit, accepted = self.bids[one.n]
        own = self.lots[lot].currency
        if bid_commitment(self.sale, lot, bidder, own, one) == commit:
            return
        others = () if accepted else CURRENCIES  # a bid may be refused for its currency
        if not any(bid_commitment(self.sale, lot, bidder, currency, one) == commit for currency in others):
            raise Failed(number, one.n, "opening", "does not open the commitment")

    def _open_reserve(self, number: int, one: ReserveOpening) -> str:
        lot = self.lots.get(one.lot, Told())
        commit = reserve_commitment(self.sale, lot.currency, one)
        if commit not in lot.reserves:
            raise Failed(number, None, "opening", "does not open a reserve's commitment")
        return commit

    def _none_missing(self, amounts: dict[int, BidOpening], reserves: dict[str, int]) -> None:
        for n in sorted(self.bids):
            if n not in amounts and self._is_due(n, amounts):
                later = [number for number, one in self.openings if not isinstance(one, BidOpening) or one.n > n]
                raise Failed(min(later, default=self.last + 1), n, "opening", f"bid {n} is not opened")
        for name, lot in sorted(self.lots.items()):
            if lot.winner is not None and lot.reserves and lot.reserves[-1] not in reserves:
                later = [at for at, one in self.openings if isinstance(one, ReserveOpening) and one.lot > name]
                raise Failed(min(later, default=self.last + 1), None, "opening", f"the reserve of {name} is not opened")

    def _is_due(self, n: int, amounts: dict[int, BidOpening]) -> bool:
        """Losing bids are opened, and those of the winner's that were not above every price the lot showed."""
        name, bidder, _, accepted = self.bids[n]
        lot = self.lots[name]
        if lot.winner != bidder:
            return True
        place = next(k for k, step in enumerate(lot.steps) if step.n == n)
        return _was_reached(lot, place, amounts) if accepted else _was_small(lot, place, amounts)


def _was_reached(lot: Told, place: int, amounts: dict[int, BidOpening]) -> bool:
    """Another led after this bid of the winner's, or the winner's next one is opened: so it was no secret maximum."""
    own = lot.steps[place]
    for step in lot.steps[place:]:
        if own.seq in step.gone:
            return False
        if step.leader is not None and step.leader != lot.winner:
            return True
        if step.seq > own.seq and step.bidder == lot.winner and step.n in amounts:
            return True
    return False


def _was_small(lot: Told, place: int, amounts: dict[int, BidOpening]) -> bool:
    """A refused bid of the winner's whose code shows that it was not above every price."""
    step = lot.steps[place]
    if step.code == "not_above_own_max":
        before = [one.n for one in lot.steps[:place] if one.bidder == lot.winner and one.code is None]
        return bool(before) and before[-1] in amounts
    small = step.code in ("amount_invalid", "below_opening")
    return small or (step.code == "below_ask" and step.ask <= lot.highest)


def _in_order(openings: Sequence[tuple[int, BidOpening | ReserveOpening]]) -> None:
    """Bids by n, then reserves by lot, each once; the first that is out of place is named."""
    places = [(number, _place(one)) for number, one in openings]
    due = sorted(key for _, key in places)
    for k, (number, key) in enumerate(places):
        if key != due[k] or (k and key == due[k - 1]):
            raise Failed(number, key[1] if key[0] == 0 else None, "order", "the openings are not in order")


def _place(one: BidOpening | ReserveOpening) -> tuple[int, int, str, int]:
    return (0, one.n, "", 0) if isinstance(one, BidOpening) else (1, 0, one.lot, one.reserve)
