"""What the book of a sealed tender keeps beside its events: the envelopes, where the tender stands, what was opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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


class Weighed(NamedTuple):
    """What turned entries into totals."""

    lot: str
    mct: int
    benchmark_ppc: int | None


@dataclass(slots=True)
class Kept:
    """Rows of one batch, stored with its events."""

    envelopes: list[SealedLine] = field(default_factory=list)
    opened: list[OpenedLine] = field(default_factory=list)
    weighed: list[Weighed] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.envelopes or self.opened or self.weighed)


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
