"""What the book of a sealed tender keeps beside its events: the envelopes, where the tender stands, what was opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pavilion.bidding.rules import LotTerms, Standing

NO_ENVELOPE = "0" * 64  # in place of an envelope's hash, for a bid that was taken back


class SealedLine(NamedTuple):
    """An envelope beside its event. Nobody at the house can read it before the opening."""

    n: int
    lot: str
    bidder: str  # alias
    hash: str
    envelope: str  # canonical text


class OpenedLine(NamedTuple):
    """What an envelope held. `total` is None where `code` says why the bid is void."""

    n: int
    code: str | None
    entry: str | None
    value: int | None
    total: int | None
    shares: str  # JSON: custodian -> share, of the good ones


class HeldRow(NamedTuple):
    """What an envelope of the first round held, sealed until the award; and whether it is the bid that is invited."""

    n: int
    invited: bool
    sealed: bytes


class First(NamedTuple):
    """The same, read."""

    line: OpenedLine
    invited: bool


class Guest(NamedTuple):
    """Who is invited to the final round of a lot: the first bid, which stands unless a final one replaces it."""

    seq: int  # in the lot's book
    total: int


class Weighed(NamedTuple):
    """What turned entries into totals."""

    lot: str
    mct: int
    benchmark_ppc: int | None


class Lot(Protocol):
    """A lot in memory, as far as sealed bids move it."""

    tendered: bool
    guests: Mapping[str, Guest] | None
    best: dict[str, tuple[int, int]]
    lead: dict[str, tuple[int, int]]
    bids: int
    highest: int
    terms: LotTerms
    stands: Standing


@dataclass(slots=True)
class Kept:
    """Rows of one batch, stored with its events."""

    envelopes: list[SealedLine] = field(default_factory=list)
    opened: list[OpenedLine] = field(default_factory=list)
    weighed: list[Weighed] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.envelopes or self.opened or self.weighed or self.held)


class Round(NamedTuple):
    """Where the tender stands: its round, and the closing that custodians answer to."""

    number: int = 1
    since: int = -1  # n of the opening of the first round
    closed_n: int | None = None
    closed: str = ""  # leaf hash
    closed_at: int = 0

    @property
    def waits(self) -> bool:
        """Closed, and not opened yet."""
        return self.closed_n is not None

    def after(self, kind: str, n: int, hash: str, at: int) -> "Round":
        if kind == "tender.closed":
            return self._replace(closed_n=n, closed=hash, closed_at=at)
        if kind == "tender.opened":
            return Round(self.number + 1, n)
        return self


def counted(sealed: Sequence[SealedLine], back: Mapping[tuple[str, str], int], round_: Round) -> list[SealedLine]:
    """The envelopes that this round's closing counts, in the order of the book: all but those taken back. `back` says
    where a bidder last took a bid back, or where a lot was withdrawn from everybody (bidder empty)."""
    return [
        one
        for one in sealed
        if one.n > max(round_.since, back.get((one.lot, one.bidder), -1), back.get((one.lot, ""), -1))
    ]


# -- a lot in memory --------------------------------------------------------------------------------------------------


def seal(lot: Lot, alias: str, seq: int | None) -> None:
    """A sealed bid stands since `seq`, or None: it was taken back. A final bid taken back leaves the first."""
    lot.tendered = True
    if seq is not None:
        lot.best[alias] = (0, seq)  # that it is there, and since when; how much it is nobody knows
        lot.bids += 1
    elif lot.guests is not None:
        lot.best[alias] = (0, lot.guests[alias].seq)
    else:
        del lot.best[alias]


def sealed_state(lot: Lot, alias: str) -> str:
    """How an undecided lot stands for this bidder, as a code."""
    held = lot.best.get(alias)
    if held is None:
        return "taken_back"
    if lot.guests is None:
        return "sealed"
    guest = lot.guests.get(alias)
    return "not_invited" if guest is None else "invited" if held[1] == guest.seq else "sealed"


def may_take_back(lot: Lot, alias: str | None) -> bool:
    """Whether there is a bid to take back: in the final round only a final one is."""
    return alias in lot.best and (lot.guests is None or sealed_state(lot, alias) == "sealed")


def sell(lot: Lot, winner: str, price: int, seq: int) -> None:
    """A tender has a leader only with its result."""
    met = None if lot.terms.reserve is None else True
    lot.stands = Standing(winner, price, lot.terms.opening, met)
    lot.lead, lot.highest = {winner: (price, seq)}, price
