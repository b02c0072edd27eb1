"""The book of a sale: what is stored of it, the port to its store, and the lot states folded from its events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pavilion.bidding import closing, rules
from pavilion.bidding.leading import best_two, with_newest
from pavilion.bidding.plans import PlanRow
from pavilion.bidding.rules import Commitment, LotTerms, RuleSet, Standing
from pavilion.bidding.tender_book import Guest, HeldRow, Kept, SealedLine, Weighed, seal, sealed_state, sell
from pavilion.bidding.texts import Doc, end_of
from pavilion.bidding.vault import Opening

ZERO_HASH = "0" * 64
FINAL = frozenset({"sold", "passed", "withdrawn"})
# What the room is told of a lot that only waits for a person, in English and Chinese.
VERIFIED_AGAIN = (
    "The stone is verified again; the auctioneer resumes the lot soon.",
    "裸石已重新通过核验，拍卖师即将恢复本拍品。",
)


class Fenced(Exception):
    """Another process has taken this sale over; what we hold in memory is worth nothing."""


# -- what is stored ---------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One event as it stands in the book."""

    n: int
    lot: str | None
    seq: int
    t: int
    at: int
    type: str
    prev: str
    hash: str
    body: str


class PrivateLine(NamedTuple):
    """The secret row beside a decided bid."""

    paddle: int
    key: str
    n: int
    lot: str
    seq: int
    alias: str
    code: str | None
    sealed: bytes
    by: str | None = None  # the member of staff who entered it
    mandate: str | None = None  # on what ground: phone, commission or floor


@dataclass(frozen=True, slots=True)
class BookRow:
    sale: str
    rules: str
    rules_hash: str
    wrapped_key: bytes
    state: str
    size: int


class LotRow(NamedTuple):
    """The projection of a lot, written with the batch that moved it."""

    lot: str
    number: str
    position: int
    currency: str
    opening: int
    state: str
    seq: int
    price: int | None
    ask: int
    leader: int | None
    alias: str | None
    reserve_met: bool | None
    bids: int
    end: int
    published_end: int
    paused_at: int | None
    hash: str
    sealed_reserve: bytes | None


@dataclass(frozen=True, slots=True)
class SignedRoot:
    size: int
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Published:
    """The secrets that the record shows: bids by (n, amount, nonce, key), reserves by (lot, amount, nonce)."""

    bids: Sequence[tuple[int, int, str, str]] = ()
    reserves: Sequence[tuple[str, int, str]] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one commit stores: all of it or none."""

    state: str
    size: int
    lines: Sequence[Line]
    private: Sequence[PrivateLine]
    lots: Sequence[LotRow]
    staff: Sequence[tuple[str, str]]  # person, alias
    root: SignedRoot
    published: Published = Published()
    rules: tuple[str, str] | None = None  # text and hash, when the sale is published anew
    orders: Sequence[int] = ()  # agreements of two persons that are carried out with it
    kept: Kept = field(default_factory=Kept)
    plans: Sequence[PlanRow] = ()  # a batch may hold these alone: they are no event
    rule_sets: Sequence[tuple[str, str]] = ()  # hash and text of those that its events name


@dataclass(frozen=True, slots=True)
class Stored:
    book: BookRow
    lines: Sequence[Line]
    private: Sequence[PrivateLine]
    reserves: Mapping[str, bytes]  # lot -> sealed
    staff: Mapping[str, str]
    envelopes: Sequence[SealedLine] = ()
    plans: Sequence[PlanRow] = ()
    rule_sets: Mapping[str, str] = field(default_factory=dict)  # by hash: every one that the events name
    held: Sequence[HeldRow] = ()
    weighed: Sequence[Weighed] = ()


class Held(NamedTuple):
    """A lease taken: its epoch, the last sign of life before it, and the database's clock."""

    epoch: int
    beat_at: int | None
    now: int


class BookStore(Protocol):
    async def take(self, sale: str, holder: str, lease_us: int) -> Held | None:
        """The lease of the sale is ours under a new epoch, unless another's has not expired."""

    async def renew(self, sale: str, epoch: int, lease_us: int, *, beat: bool) -> int | None:
        """The lease lasts on; the database's clock, or None when the epoch is over."""

    async def release(self, sale: str, epoch: int) -> None:
        """The next writer need not wait for the lease to expire."""

    async def create(self, row: BookRow) -> None:
        """The book exists; one that existed already stays as it is."""

    async def load(self, sale: str) -> Stored | None:
        """Everything stored of the sale, lines in order of n."""

    async def publish(self, sale: str, published: Published) -> None:
        """These secrets of a closed book are public from now on; those that were already stay as they are."""

    async def write(self, sale: str, epoch: int, batch: Batch) -> None:
        """Store the whole batch, durably, and only while `epoch` is current; else raise Fenced."""


# -- a lot in memory --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class LotBook:
    """One lot as its events left it. Only `apply` changes it, live and on replay alike."""

    lot: str
    number: str
    position: int
    currency: str
    terms: LotTerms
    reserve_nonce: str | None
    sealed_reserve: bytes | None
    end: int
    published_end: int
    hard_end: int | None
    hash: str
    stands: Standing
    rules: RuleSet
    rules_hash: str
    place: int = 0  # in the plan of ends
    amended_at: int | None = None
    seq: int = 0
    state: str = "listed"
    lead: dict[str, tuple[int, int]] = field(default_factory=dict)  # the best two of `best`: all that decides a price
    best: dict[str, tuple[int, int]] = field(default_factory=dict)
    aliases: dict[int, str] = field(default_factory=dict)
    paddles: dict[str, int] = field(default_factory=dict)
    live: list[Commitment] = field(default_factory=list)
    fresh: list[Commitment] = field(default_factory=list)  # of this draft; joins `live` when it is stored
    bids: int = 0
    highest: int = 0  # the highest price ever shown
    paused_at: int | None = None
    pause_reason: str | None = None
    closing_at: int | None = None
    passport: str = ""  # the facts hash under which it is sold
    changed_seq: int | None = None  # of the notice that told of another passport
    confirm_by: int | None = None  # until when bidders of before may confirm
    slowed: bool = False  # was extended once for the engine's own slowness
    tendered: bool = False  # bids on it are sealed: nobody here knows an amount
    guests: Mapping[str, Guest] | None = None  # in the final round of a tender: who may seal
    told_again: bool = False  # the room knows that the stone which lost its verdict is verified again
    slow: bool = False  # the engine was slow in the last window; known only to this run

    def copy(self) -> "LotBook":
        new = LotBook.__new__(LotBook)
        for name in _PLAIN:
            setattr(new, name, getattr(self, name))
        new.best, new.aliases, new.paddles = dict(self.best), dict(self.aliases), dict(self.paddles)
        new.lead, new.live, new.fresh = dict(self.lead), self.live, list(self.fresh)
        return new

    def settle(self) -> None:
        """What the draft added is stored: from now on it is part of the lot."""
        self.live += self.fresh
        self.fresh = []

    def clock(self) -> closing.Clock:
        state: closing.State = "open" if self.state == "open" else "paused" if self.state == "paused" else "closed"
        return closing.Clock(self.end, self.hard_end, state, self.paused_at)

    def alias_for(self, paddle: int) -> str:
        """The public name this paddle has on this lot, or would get next."""
        return self.aliases.get(paddle) or rules.alias(len(self.aliases))

    @property
    def first(self) -> str | None:
        """Who leads, or would but for the seller's own bid."""
        return next(iter(self.lead), None)

    def leader(self) -> int | None:
        leads = self.stands.leader
        return None if leads is None or leads == rules.HOUSE else self.paddles[leads]

    def own_state(self, alias: str) -> str:
        """How the lot stands for this bidder, as a code."""
        if self.state == "sold":
            return "won" if self.stands.leader == alias else "lost"
        if self.state in ("passed", "withdrawn"):
            return self.state
        if self.tendered:
            return sealed_state(self, alias)
        held = self.best.get(alias)
        return "voided" if held is None else standing_state(self.stands, alias, held[0])

    def own_max(self, alias: str) -> int | None:
        """The bidder's own maximum; None for who has none, and for a sealed bid."""
        return self.best.get(alias, (0, 0))[0] or None

    def floor(self, alias: str) -> int | None:
        """The first total of a bidder who is invited to the final round of a tender."""
        return self.guests[alias].total if self.guests is not None and alias in self.guests else None

    def row(self) -> LotRow:
        return LotRow(
            self.lot,
            self.number,
            self.position,
            self.currency,
            self.terms.opening,
            self.state,
            self.seq,
            self.stands.price,
            self.stands.ask,
            self.leader(),
            self.stands.leader,
            self.stands.reserve_met,
            self.bids,
            self.end,
            self.published_end,
            self.paused_at,
            self.hash,
            self.sealed_reserve,
        )


_PLAIN = [name for name in LotBook.__slots__ if name not in ("best", "lead", "aliases", "paddles", "live", "fresh")]


def standing_state(stands: Standing, alias: str, own: int) -> str:
    if stands.leader == alias:
        return "winning_reserve_not_met" if stands.reserve_met is False else "winning"
    if stands.leader == rules.HOUSE:
        return "outbid_by_seller"
    return "tied_later" if stands.price == own else "outbid"


def apply(lot: LotBook, line: Line, data: Doc, secret: tuple[int, Opening] | None) -> None:
    """The lot after this event. `secret` is the paddle and the opening of a decided bid."""
    if line.type == "bid.refused":
        assert secret is not None and data["after"] == lot.seq, f"lot {lot.lot}: refusal out of place"
        _name(lot, secret[0], data["bidder"])
        return
    assert line.seq == lot.seq + 1 and line.prev == lot.hash, f"lot {lot.lot}: event {line.seq} after {lot.seq}"
    lot.seq, lot.hash = line.seq, line.hash
    match line.type:
        case "bid.accepted":
            assert secret is not None
            _accept(lot, line, data, *secret)
        case "bid.voided":
            gone = set(data["seqs"])
            lot.live, lot.fresh = [one for one in (*lot.live, *lot.fresh) if one.seq not in gone], []
            lot.bids -= len(gone)
            lot.best = rules.best_of(lot.live)
            lot.lead = best_two(lot.best)
            _stand(lot, data)
        case "lot.extended":
            lot.hard_end = None if lot.hard_end is None else max(lot.hard_end, end_of(data["to"]))
            lot.end, lot.slowed = end_of(data["to"]), lot.slowed or data["cause"] == "slow"
        case "lot.paused":
            lot.state, lot.paused_at, lot.pause_reason = "paused", line.at, data["reason"]
            lot.told_again = False
        case "lot.resumed":
            lot.hard_end = closing.resumed(lot.rules.soft_close, lot.clock(), line.at).hard_end
            lot.end, lot.state, lot.paused_at, lot.pause_reason = end_of(data["end"]), "open", None, None
        case "lot.opened" | "lot.reopened":
            lot.end, lot.state, lot.closing_at = end_of(data["end"]), "open", None
            lot.hard_end = None if lot.hard_end is None else max(lot.hard_end, lot.end)
        case "lot.closing":
            lot.end, lot.state, lot.closing_at = end_of(data["end"]), "closing", line.at
        case "lot.sold" | "lot.passed" | "lot.withdrawn":
            lot.state = line.type.removeprefix("lot.")
            if lot.tendered and line.type == "lot.sold":
                sell(lot, data["bidder"], data["price"], line.seq)
        case "tender.sealed" | "tender.withdrawn":
            assert secret is not None
            _name(lot, secret[0], data["bidder"])
            seal(lot, data["bidder"], line.seq if line.type == "tender.sealed" else None)
        case "lot.reserve_lowered":
            _stand(lot, data)
        case "lot.notice":
            lot.told_again = lot.told_again or data["text_en"] == VERIFIED_AGAIN[0]
            if data["passport"] is not None:
                lot.passport, lot.changed_seq, lot.confirm_by = data["passport"], line.seq, line.at + closing.CONFIRM_IN
        case _:
            raise AssertionError(f"lot {lot.lot}: unknown event {line.type}")


def _accept(lot: LotBook, line: Line, data: Doc, paddle: int, opening: Opening) -> None:
    alias: str = data["bidder"]
    _name(lot, paddle, alias)
    lot.best[alias] = newest = (opening.amount, line.seq)
    lot.lead = with_newest(lot.lead, alias, newest)
    lot.fresh.append(Commitment(alias, opening.amount, line.seq))
    lot.bids += 1
    if data["extended"] is not None:
        lot.end = end_of(data["end"])
    _stand(lot, data)


def _stand(lot: LotBook, data: Doc) -> None:
    stands = Standing(data["leader"], data["price"], data["ask"], data["reserve_met"])
    lot.stands = stands
    if stands.price is not None and stands.price > lot.highest:
        lot.highest = stands.price


def _name(lot: LotBook, paddle: int, alias: str) -> None:
    if paddle not in lot.aliases:
        assert alias == rules.alias(len(lot.aliases)), f"lot {lot.lot}: alias {alias} out of turn"
        lot.aliases[paddle], lot.paddles[alias] = alias, paddle
