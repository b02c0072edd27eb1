"""The book of a lot as a reader sees it: numbered bids and what happened between them, the latest first."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.bidding import unsaid
from pavilion.bidding.models import BookEvent
from pavilion.kernel.instants import from_stamp, micros

SHOWN = 60
# Told in the book beside the bids; the others (listed, opened, closing) say nothing a bidder needs there.
TOLD = {
    "lot.extended": "extended",
    "lot.paused": "paused",
    "lot.resumed": "resumed",
    "lot.reopened": "reopened",
    "lot.notice": "notice",
    "lot.reserve_lowered": "reserve_lowered",
    "lot.sold": "sold",
    "lot.passed": "passed",
    "lot.withdrawn": "withdrawn",
    "bid.voided": "voided",
}


@dataclass(frozen=True, slots=True)
class BookLine:
    """`event` is empty for a bid. `number`: of a bid, its own in the lot's record, by which everybody calls it."""

    seq: int
    at: datetime
    number: int = 0
    bidder: str = ""
    leader: str = ""
    price: int = 0
    mine: bool = False
    leader_mine: bool = False
    voided: bool = False
    event: str = ""
    to: datetime | None = None
    reason: str = ""
    text: Mapping[str, str] = field(default_factory=dict)
    seqs: Sequence[int] = ()  # the bids that this event voided


@dataclass(frozen=True, slots=True)
class LotBookShown:
    lines: Sequence[BookLine]  # the latest first, at most SHOWN
    bidders: int
    steps: Sequence[tuple[int, int, bool]]  # instant in milliseconds, price, whether it was this reader's bid

    def void_of(self, seqs: Collection[int]) -> str:
        """The reason why the last of these bids was voided; empty where none was."""
        voids = (line.reason for line in self.lines if line.event == "voided" and set(line.seqs) & set(seqs))
        return next(voids, "")

    @property
    def notices(self) -> list[BookLine]:
        return [line for line in self.lines if line.event == "notice"]


async def book_shown(session: AsyncSession, lot: str, alias: str | None, *, withheld: bool = False) -> LotBookShown:
    """`withheld`: this reader is told no word of the lot."""
    bodies = await session.scalars(
        select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.seq > 0).order_by(BookEvent.seq)
    )
    events = [json.loads(body) for body in bodies]
    return fold(events, alias, unsaid.unsaid(events) if withheld else ())


async def last_notices(session: AsyncSession, lots: Sequence[str], actor: Actor) -> dict[str, BookLine]:
    """What the house last told of each of these lots, as far as this reader is told it."""
    kept = await unsaid.of_lots(session, lots, actor)
    told = select(BookEvent.lot, BookEvent.body).where(BookEvent.lot.in_(lots), BookEvent.type == "lot.notice")
    rows = [(lot, json.loads(body)) for lot, body in await session.execute(told.order_by(BookEvent.n))]
    return {
        lot: _happened("notice", body["seq"], from_stamp(body["at"]), _said(body, kept.get(lot, ())))
        for lot, body in rows
        if lot
    }


class Outage(NamedTuple):
    since: datetime
    to: datetime


async def outages(session: AsyncSession, sale: str) -> list[Outage]:
    """The interruptions that moved the ends of lots, the latest first."""
    told = select(BookEvent.body).where(BookEvent.sale == sale, BookEvent.lot.is_(None), BookEvent.type == "incident")
    found = [json.loads(body)["data"] for body in await session.scalars(told.order_by(BookEvent.seq.desc()))]
    return [Outage(from_stamp(data["from"]), from_stamp(data["to"])) for data in found]


def fold(events: Sequence[Mapping[str, Any]], alias: str | None, kept: Collection[int] = ()) -> LotBookShown:
    """The events of one lot in their order, as lines for the reader who bids under `alias`; `kept`: the seqs of notices
    whose words this reader is not told."""
    lines: list[BookLine] = []
    steps: list[tuple[int, int, bool]] = []
    bidders: set[str] = set()
    gone = {seq for event in events if event["type"] == "bid.voided" for seq in event["data"]["seqs"]}
    for event in events:
        data, at, seq = _said(event, kept), from_stamp(event["at"]), event["seq"]
        if event["type"] == "bid.accepted":
            if seq not in gone:
                bidders.add(data["bidder"])
            mine, leads = data["bidder"] == alias, data["leader"] == alias
            if data["extended"]:
                lines.append(BookLine(seq, at, event="extended", to=from_stamp(data["end"]), reason="bid"))
            lines.append(
                BookLine(seq, at, seq, data["bidder"], data["leader"], data["price"], mine, leads, seq in gone)
            )
            steps.append((micros(at) // 1000, data["price"], mine))
        elif kind := TOLD.get(event["type"]):
            lines.append(_happened(_called(data) if kind == "extended" else kind, seq, at, data))
            if kind in ("voided", "reserve_lowered") and data["price"] is not None:
                steps.append((micros(at) // 1000, data["price"], False))
    return LotBookShown(lines[: -SHOWN - 1 : -1], len(bidders), steps)


def _said(event: Mapping[str, Any], kept: Collection[int]) -> Mapping[str, Any]:
    data: dict[str, Any] = event["data"]
    return data | {f"text_{lang}": words for lang, words in unsaid.WORDS.items()} if event["seq"] in kept else data


def _called(data: Mapping[str, Any]) -> str:
    """An end that comes from none is a final call; one that goes takes the call back."""
    return "called" if data["from"] is None else "call_off" if data["to"] is None else "extended"


def _happened(kind: str, seq: int, at: datetime, data: Mapping[str, Any]) -> BookLine:
    to = data.get("to") or data.get("end")
    return BookLine(
        seq,
        at,
        event=kind,
        bidder=data.get("bidder", ""),
        price=data.get("price") or 0,
        to=from_stamp(to) if to else None,
        reason=data.get("reason") or data.get("cause") or "",
        seqs=data.get("seqs", ()),
        text={"en": data.get("text_en", ""), "zh": data.get("text_zh", "")},
    )
