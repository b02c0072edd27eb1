"""What the room hears of a commit, and what one company may know of its own bids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pavilion.bidding.book import Line


class OwnState(NamedTuple):
    """How a lot now stands for one of its bidders; for that bidder's eyes only."""

    company_id: int
    lot: str
    seq: int
    alias: str
    state: str
    max: int | None
    headroom: int | None


@dataclass(frozen=True, slots=True)
class News:
    """One commit, as the room hears of it: the public lines once for all, the own states one by one."""

    sale: str
    at: int
    lines: Sequence[Line]
    checkpoint: str
    own: Sequence[OwnState]
    closed: bool


@dataclass(frozen=True, slots=True)
class OwnLot:
    alias: str
    max: int | None
    state: str
    seq: int
    floor: int | None = None  # in the final round of a tender: the own first total, below which no bid counts


@dataclass(frozen=True, slots=True)
class Mine:
    """A company in a sale: its paddle, what is left of its limit, and its own lots."""

    sale: str
    paddle: int | None
    registration: str
    limit: int | None
    headroom: int | None
    lots: dict[str, OwnLot]
    planned: tuple[str, ...] = ()  # lots on which a plan may still bid, or has


class Audience(Protocol):
    def announce(self, news: News) -> None:
        """Queues and returns: never waits, never raises."""
