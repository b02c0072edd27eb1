"""The books of all sales, followed by (sale, n): what happened in them becomes notices, each once, a moment later."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Registration, Sale
from pavilion.bidding.models import BookBid, BookEvent, BookLot, Checkpoint, SaleBook
from pavilion.bidding.tender_models import TenderHeld
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor, cursor_of
from pavilion.notifications.lot_notices import interested_in
from pavilion.notifications.rules import STALE
from pavilion.notifications.telling import Teller

AT_ONCE = 1000  # events of one book in one transaction
TOGETHER = timedelta(seconds=1)  # a sale resumes its lots in the same breath
LEADING = ("bid.accepted", "bid.voided", "lot.reserve_lowered")
OF_LOT = {
    "lot.paused": "lot_paused",
    "lot.resumed": "lot_resumed",
    "lot.withdrawn": "lot_withdrawn",
    "lot.reopened": "lot_reopened",
    "lot.notice": "lot_notice",
}
OF_SALE = {"sale.paused": "sale_paused", "sale.resumed": "sale_resumed"}
WITH_SALE = "sale_paused"  # the reason of a lot that is paused because its sale is


class _Said(NamedTuple):
    n: int
    lot: str | None
    seq: int
    at: datetime
    type: str
    data: Mapping[str, Any]


async def follow(sessions: Sessions, now: datetime) -> int:
    """How many events were read."""
    place = Cursor.follower == literal("notices:") + SaleBook.sale
    behind = select(SaleBook.sale).outerjoin(Cursor, place).where(SaleBook.size > 0)
    behind = behind.where(Cursor.last_id.is_(None) | (Cursor.last_id < SaleBook.size))
    async with reading(sessions) as session:
        sales = (await session.scalars(behind)).all()
    read = 0
    for sale in sales:
        async with sessions.begin() as session:
            read += await _read(session, sale, now)
    return read


async def _read(session: AsyncSession, sale: str, now: datetime) -> int:
    cursor = await cursor_of(session, f"notices:{sale}")
    wanted = select(BookEvent).where(BookEvent.sale == sale, BookEvent.n >= cursor.last_id).order_by(BookEvent.n)
    rows = (await session.scalars(wanted.limit(AT_ONCE))).all()
    if not rows:
        return 0
    fresh = [
        _Said(row.n, row.lot, row.seq, row.at, row.type, json.loads(row.body)["data"])
        for row in rows
        if row.at > now - STALE
    ]
    if fresh:
        await _Reader(session, sale, now).read(fresh)
    cursor.last_id = rows[-1].n + 1
    return len(rows)


class _Reader:
    """One run of events of one sale, with what is known of its bidders."""

    def __init__(self, session: AsyncSession, sale: str, now: datetime) -> None:
        self.session, self.sale = session, sale
        self.teller = Teller(session, now)
        self.companies: dict[int, int] = {}  # by paddle
        self.bids: list[BookBid] = []  # accepted ones, in order
        self.voided: set[tuple[str, int]] = set()
        self.leaders: dict[str, str | None] = {}
        self.published: frozenset[str] = frozenset()  # the lots that the sale was published with
        self.again: dict[str, str] = {}  # of a lot that offers another of the sale again, that other

    async def read(self, events: Sequence[_Said]) -> None:
        await self._learn(events[0].n)
        resumed = [event.at for event in events if event.type == "sale.resumed"]
        given_back: list[_Said] = []
        for event in events:
            if event.type == "lot.extended" and event.data["cause"] == "outage":
                given_back.append(event)
            elif event.lot is not None:
                with_sale = event.type == "lot.resumed" and any(abs(event.at - at) < TOGETHER for at in resumed)
                if event.type == "lot.listed" and event.lot not in self.published:
                    await self._tell("lot_added", event, list(self.companies.values()), lot=event.lot)
                await self._of_lot(event, event.lot, with_sale)
            elif event.type == "sale.published":
                self.published = frozenset(event.data["lots"])
            elif event.type == "sale.amended":
                await self._tell("sale_amended", event, list(self.companies.values()), lots=event.data["lots"])
            elif event.type == "sale.closed":
                await self._closed(event)
            elif notice := OF_SALE.get(event.type):
                reason = event.data.get("reason", "")
                await self._tell(notice, event, self._bidders(event.n), reason=reason)
        await self._extended(given_back)

    async def _of_lot(self, event: _Said, lot: str, with_sale: bool) -> None:
        if event.type == "bid.accepted":
            await self._accepted(event, lot)
        elif event.type == "bid.voided":
            await self._voided(event, lot)
        elif event.type == "lot.sold":
            await self._sold(event, lot)
        elif event.type == "lot.opened":
            await self._final_round(event, lot)
        elif (notice := OF_LOT.get(event.type)) and not with_sale and event.data.get("reason") != WITH_SALE:
            facts = {name: event.data[name] for name in ("reason", "text_en", "text_zh") if name in event.data}
            companies = self._live(lot, event.n)
            if notice == "lot_notice":
                facts["seq"] = event.seq
                companies = [*companies, *self._earlier(lot, event.n), *await interested_in(self.session, lot)]
            await self._tell(notice, event, companies, lot=lot, **facts)
        if event.type in LEADING:
            self.leaders[lot] = event.data["leader"]

    async def _accepted(self, event: _Said, lot: str) -> None:
        before = await self._leader(lot, event.n)
        after, bidder = event.data["leader"], event.data["bidder"]
        if before not in (None, "HOUSE", after):
            notice = "outbid_by_seller" if after == "HOUSE" else "outbid"
            await self._tell(notice, event, self._company(lot, str(before)), lot=lot, seq=event.seq)
        if event.data["via"] == "staff":
            mandate = next((bid.mandate for bid in self.bids if bid.n == event.n), None)
            await self._tell("behalf", event, self._company(lot, bidder), lot=lot, mandate=mandate or "")

    async def _voided(self, event: _Said, lot: str) -> None:
        """Who lost a bid is told so; everybody else with a live bid is told that the price may have fallen."""
        live = self._live(lot, event.n)
        seqs = set(event.data["seqs"])
        hit = [self.companies.get(bid.paddle) for bid in self.bids if bid.lot == lot and bid.seq in seqs]
        mine = [company for company in hit if company is not None]
        self.voided |= {(lot, seq) for seq in seqs}
        await self._tell("voided", event, mine, lot=lot, reason=event.data["reason"])
        others = [company for company in live if company not in mine]
        await self._tell("void_other", event, others, lot=lot, reason=event.data["reason"])

    async def _sold(self, event: _Said, lot: str) -> None:
        book = await self.session.get(BookLot, lot)
        company = self.companies.get(book.leader) if book is not None and book.leader is not None else None
        if company is not None:
            await self._tell("won", event, [company], lot=lot)

    async def _final_round(self, event: _Said, lot: str) -> None:
        """A lot of a tender that is open again: who bid on it hears whether it is for them."""
        before = [bid for bid in self.bids if bid.lot == lot and bid.n < event.n]
        if not before:
            return  # it opens for the first time
        held = select(TenderHeld).where(TenderHeld.sale == self.sale, TenderHeld.n < event.n)
        invited = {row.n: row.invited for row in await self.session.scalars(held)}
        first = [bid for bid in before if bid.n in invited]
        guests = self._companies(bid for bid in first if invited[bid.n])
        others = [company for company in self._companies(first) if company not in guests]
        await self._tell("tender_invited", event, guests, lot=lot, until=event.data["end"])
        await self._tell("tender_not_invited", event, others, lot=lot)

    async def _closed(self, event: _Said) -> None:
        """One notice for each bidder: what became of the lots they bid on, and the sealed end of the book to keep."""
        lots = {row.lot: row for row in await self.session.scalars(select(BookLot).where(BookLot.sale == self.sale))}
        sealed = select(Checkpoint.text).where(Checkpoint.sale == self.sale, Checkpoint.size > event.n)
        checkpoint = await self.session.scalar(sealed.order_by(Checkpoint.size).limit(1))
        for company in self._bidders(event.n):
            mine = {bid.lot for bid in self.bids if self.companies.get(bid.paddle) == company}
            ends = [lots[lot] for lot in mine if lot in lots]
            won = [row.lot for row in ends if row.state == "sold" and self.companies.get(row.leader or 0) == company]
            lost = [row.lot for row in ends if row.state == "sold" and row.lot not in won]
            other = [row.lot for row in ends if row.state not in ("sold",)]
            if lost or other:
                await self._tell("closed", event, [company], won=won, lost=lost, passed=other)
            await self._tell("record", event, [company], checkpoint=checkpoint or "")

    async def _extended(self, events: Sequence[_Said]) -> None:
        """After an interruption each bidder hears once of all lots that were given time back."""
        lots: dict[int, list[str]] = {}
        for event in events:
            for company in self._live(str(event.lot), event.n):
                lots.setdefault(company, []).append(str(event.lot))
        for company, mine in lots.items():
            await self._tell("extended", events[0], [company], lots=mine)

    async def _tell(self, notice: str, event: _Said, companies: Sequence[int], **facts: Any) -> None:
        key = f"{self.sale}:{event.n}"
        await self.teller.tell(notice, key, companies, at=event.at, sale=self.sale, **facts)

    async def _learn(self, first: int) -> None:
        registered = select(Registration.paddle, Registration.company_id).join(Sale, Sale.id == Registration.sale_id)
        rows = await self.session.execute(
            registered.where(Sale.public_id == self.sale, Registration.paddle.is_not(None))
        )
        self.companies = {paddle: company for paddle, company in rows if paddle is not None}
        accepted = select(BookBid).where(BookBid.sale == self.sale, BookBid.seq > 0).order_by(BookBid.n)
        self.bids = list(await self.session.scalars(accepted))
        told = select(BookEvent.body).where(BookEvent.sale == self.sale, BookEvent.type == "sale.published")
        last = await self.session.scalar(told.where(BookEvent.n < first).order_by(BookEvent.n.desc()).limit(1))
        self.published = frozenset() if last is None else frozenset(json.loads(last)["data"]["lots"])
        listed = select(BookEvent.lot, BookEvent.body).where(
            BookEvent.sale == self.sale, BookEvent.type == "lot.listed"
        )
        for lot, body in await self.session.execute(listed.where(BookEvent.body.contains('"reoffer_of"'))):
            self.again[str(lot)] = json.loads(body)["data"]["reoffer_of"]
        gone = select(BookEvent.lot, BookEvent.body).where(
            BookEvent.sale == self.sale, BookEvent.type == "bid.voided", BookEvent.n < first
        )
        for lot, body in await self.session.execute(gone):
            self.voided |= {(str(lot), seq) for seq in json.loads(body)["data"]["seqs"]}

    async def _leader(self, lot: str, before: int) -> str | None:
        """Who led, as the room saw it, when this event was decided."""
        if lot not in self.leaders:
            last = select(BookEvent.body).where(
                BookEvent.lot == lot, BookEvent.type.in_(LEADING), BookEvent.n < before, BookEvent.seq > 0
            )
            body = await self.session.scalar(last.order_by(BookEvent.seq.desc()).limit(1))
            self.leaders[lot] = None if body is None else json.loads(body)["data"]["leader"]
        return self.leaders[lot]

    def _company(self, lot: str, alias: str) -> list[int]:
        paddle = next((bid.paddle for bid in self.bids if bid.lot == lot and bid.alias == alias), None)
        company = self.companies.get(paddle) if paddle is not None else None
        return [] if company is None else [company]

    def _live(self, lot: str, until: int) -> list[int]:
        """The companies with a live bid on the lot, in the order of their first."""
        return self._companies(bid for bid in self.bids if bid.lot == lot and bid.n <= until)

    def _earlier(self, lot: str, until: int) -> list[int]:
        """Of a lot that offers another of the sale again: the companies that bid on that one."""
        old = self.again.get(lot)
        return [] if old is None else self._companies(bid for bid in self.bids if bid.lot == old and bid.n <= until)

    def _bidders(self, until: int) -> list[int]:
        return self._companies(bid for bid in self.bids if bid.n <= until)

    def _companies(self, bids: Any) -> list[int]:
        found = [self.companies.get(bid.paddle) for bid in bids if (bid.lot, bid.seq) not in self.voided]
        return [company for company in dict.fromkeys(found) if company is not None]
