"""The newest of a sale's log as staff read it: what happened, refusals with paddle and code, and the pulse of bids.

One tape per process and sale reads on from where it stopped, so that a console that asks every other second costs what
is new and not the whole log."""

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.bidding.models import BookBid, BookEvent, BookLot, SaleBook, StaffAlias
from pavilion.kernel.instants import micros

KEPT = 120  # lines
BEAT_S, BEATS = 10, 60  # bids per ten seconds, over ten minutes
LOOK_BACK = 30_000  # events in which those ten minutes are looked for when a tape begins
AT_ONCE = 2_000
BIDS = ("bid.accepted", "bid.refused")


class Told(NamedTuple):
    """One line. `kind` is the event's type; amounts in `data` are what the room was shown, never a maximum."""

    n: int
    at: datetime
    lot: str | None
    number: str
    kind: str
    data: Mapping[str, Any]
    paddle: int | None = None  # of a bid
    leader: int | None = None  # paddle of who leads after it, or of the buyer
    by: str = ""  # the member of staff: who entered a bid, or did the act
    mandate: str | None = None


@dataclass
class Tape:
    sale: str
    n: int = -1  # the last event read
    lines: deque[Told] = field(default_factory=lambda: deque(maxlen=KEPT))
    beats: Counter[int] = field(default_factory=Counter)
    numbers: dict[str, str] = field(default_factory=dict)
    paddles: dict[tuple[str, str], int] = field(default_factory=dict)  # (lot, alias)

    async def read(self, session: AsyncSession, now: datetime) -> None:
        """The tape holds everything up to now."""
        if self.n < 0:
            await self._begin(session, now)
        while await self._read_on(session):
            pass
        first = _beat(now) - BEATS
        for beat in [one for one in self.beats if one <= first]:
            del self.beats[beat]

    def pulse(self, now: datetime) -> list[int]:
        """Bids of each ten seconds, the running ten last."""
        last = _beat(now)
        return [self.beats[beat] for beat in range(last - BEATS + 1, last + 1)]

    async def _begin(self, session: AsyncSession, now: datetime) -> None:
        size = await session.scalar(select(SaleBook.size).where(SaleBook.sale == self.sale)) or 0
        bids = select(BookEvent.at).where(
            BookEvent.sale == self.sale, BookEvent.n > size - LOOK_BACK, BookEvent.n < size - KEPT
        )
        for at in await session.scalars(bids.where(BookEvent.type.in_(BIDS))):
            self.beats[_beat(at)] += 1
        self.n = max(self.n, size - KEPT - 1)

    async def _read_on(self, session: AsyncSession) -> bool:
        wanted = select(BookEvent).where(BookEvent.sale == self.sale, BookEvent.n > self.n)
        events = (await session.scalars(wanted.order_by(BookEvent.n).limit(AT_ONCE))).all()
        if not events:
            return False
        first, last = events[0].n, events[-1].n
        bids = {
            bid.n: bid
            for bid in await session.scalars(
                select(BookBid).where(BookBid.sale == self.sale, BookBid.n >= first, BookBid.n <= last)
            )
        }
        staff = await staff_names(session, self.sale)
        clerks = await names_of(session, {bid.entered_by for bid in bids.values() if bid.entered_by})
        if any(event.lot and event.lot not in self.numbers for event in events):
            rows = await session.execute(select(BookLot.lot, BookLot.number).where(BookLot.sale == self.sale))
            self.numbers |= {row.lot: row.number for row in rows}
            await self._name(session)
        for event in events:
            if event.n > self.n:  # another reader of this tape may have been quicker
                self._take(event, bids.get(event.n), staff, clerks)
        return len(events) == AT_ONCE

    async def _name(self, session: AsyncSession) -> None:
        named = select(BookBid.lot, BookBid.alias, BookBid.paddle).where(BookBid.sale == self.sale).distinct()
        self.paddles |= {(lot, alias): paddle for lot, alias, paddle in await session.execute(named)}

    def _take(self, event: BookEvent, bid: BookBid | None, staff: Mapping[str, str], clerks: Mapping[str, str]) -> None:
        self.n = event.n
        data = json.loads(event.body)["data"]
        if event.type in BIDS:
            self.beats[_beat(event.at)] += 1
        lot = event.lot or ""
        if bid is not None:
            self.paddles[(lot, bid.alias)] = bid.paddle
        leader = self.paddles.get((lot, data.get("leader") or data.get("bidder") or ""))
        aliases = data.get("ok") or ([data["by"]] if data.get("by") else [])
        by = clerks.get(bid.entered_by or "", "") if bid else " + ".join(staff.get(one, one) for one in aliases)
        self.lines.append(
            Told(
                event.n, event.at, event.lot, self.numbers.get(lot, ""), event.type, data,
                bid.paddle if bid else None, leader, "" if by == "engine" else by, bid.mandate if bid else None,
            )
        )  # fmt: skip


async def staff_names(session: AsyncSession, sale: str) -> dict[str, str]:
    """The names behind the aliases under which staff stand in this book."""
    wanted = select(StaffAlias.alias, Person.name).join(Person, Person.public_id == StaffAlias.person)
    return {row.alias: row.name for row in await session.execute(wanted.where(StaffAlias.sale == sale))}


async def names_of(session: AsyncSession, people: set[str]) -> dict[str, str]:
    if not people:
        return {}
    wanted = select(Person.public_id, Person.name).where(Person.public_id.in_(people))
    return {row.public_id: row.name for row in await session.execute(wanted)}


def _beat(at: datetime) -> int:
    return micros(at) // (BEAT_S * 1_000_000)
