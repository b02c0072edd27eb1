"""Who listens in this process: one encoded frame per commit for all, own states only to their own."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from pavilion.bidding.messages import Notice, Presence, Resync, frame, news_frame, you
from pavilion.bidding.news import News, OwnState
from pavilion.kernel.clock import monotonic_s

FEW = 3
CROWD_S = 5  # for which a word of another process holds


class Crowd(NamedTuple):
    """Who listens to one sale: sockets, and the companies behind them."""

    sockets: int
    companies: frozenset[int]


class Listener(Protocol):
    @property
    def company_id(self) -> int | None: ...

    def hear(self, encoded: bytes) -> None:
        """Queues and returns: never waits, never raises."""


class Hub:
    """The audience of all sales in this process, and word of those in others."""

    def __init__(self, monotonic: Callable[[], float] = monotonic_s) -> None:
        self._monotonic = monotonic
        self._elsewhere: dict[str, tuple[float, dict[str, Crowd]]] = {}  # process -> heard when, and by sale
        self._rooms: dict[str, set[Listener]] = defaultdict(set)
        self._bells: dict[str, asyncio.Event] = {}
        self.versions: dict[str, int] = defaultdict(int)  # counts the commits heard of, so that caches know their age
        self.on_news: list[Callable[[News], None]] = []

    def join(self, sale: str, listener: Listener) -> None:
        self._rooms[sale].add(listener)

    def leave(self, sale: str, listener: Listener) -> None:
        self._rooms[sale].discard(listener)
        if not self._rooms[sale]:
            del self._rooms[sale]

    def announce(self, news: News) -> None:
        for hook in self.on_news:
            hook(news)
        self.tell_own(news.sale, news.own)
        if news.lines:
            self.tell_all(news.sale, news_frame(news))
        for line in news.lines:
            if line.type == "lot.notice" and line.lot is not None:
                self.tell_all(news.sale, frame(Notice(lot=line.lot, key="lot_notice", n=line.n)))

    def tell_own(self, sale: str, own: Sequence[OwnState]) -> None:
        """Each company hears how its own lots stand, before the room hears the events."""
        listeners = self._rooms.get(sale)
        if not listeners:
            return
        by_company: dict[int, list[bytes]] = defaultdict(list)
        for state in own:
            by_company[state.company_id].append(frame(you(state)))
        for listener in listeners:
            for encoded in by_company.get(listener.company_id or 0, ()):
                listener.hear(encoded)

    def tell_all(self, sale: str, encoded: bytes) -> None:
        self.versions[sale] += 1
        for listener in self._rooms.get(sale, ()):
            listener.hear(encoded)
        if (bell := self._bells.pop(sale, None)) is not None:
            bell.set()

    def resync(self, reason: str) -> None:
        """Something may not have been heard: every room of this process is read anew from the book."""
        for sale in list(self._rooms.keys() | self._bells.keys()):
            self.tell_all(sale, frame(Resync(sale=sale, reason=reason)))

    def presence(self) -> None:
        """Every watcher hears how many others there are."""
        for sale, listeners in self._rooms.items():
            watching, bidders = self.audience(sale)
            encoded = frame(Presence(sale=sale, watching=_few(watching), bidders=_few(bidders)))
            for listener in listeners:
                listener.hear(encoded)

    def audience(self, sale: str) -> tuple[int, int]:
        """How many sockets watch the sale in all processes, and how many companies stand behind them."""
        since = self._monotonic() - CROWD_S
        told = [crowds[sale] for at, crowds in self._elsewhere.values() if at > since and sale in crowds]
        crowds = [self._crowd(sale), *told]
        companies = frozenset[int]().union(*(crowd.companies for crowd in crowds))
        return sum(crowd.sockets for crowd in crowds), len(companies)

    def crowds(self) -> dict[str, Crowd]:
        """Who listens in this process."""
        return {sale: self._crowd(sale) for sale in self._rooms}

    def _crowd(self, sale: str) -> Crowd:
        listeners = self._rooms.get(sale, set())
        return Crowd(len(listeners), frozenset(one.company_id for one in listeners if one.company_id is not None))

    def hear_of(self, process: str, crowds: dict[str, Crowd]) -> None:
        """Another process says who listens there; a process that no longer says so is forgotten."""
        now = self._monotonic()
        told = {name: word for name, word in self._elsewhere.items() if word[0] > now - CROWD_S}
        self._elsewhere = told | {process: (now, crowds)}

    def bell(self, sale: str) -> asyncio.Event:
        """Set at the next commit of the sale; taken before reading, nothing is missed."""
        return self._bells.setdefault(sale, asyncio.Event())


def _few(count: int) -> int | Literal["few"]:
    return count if count >= FEW else "few"
