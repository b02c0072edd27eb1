"""The live room over a WebSocket of this process: bytes in and out of a LiveSession."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from pavilion.accounts.rules import VISITOR, Actor, Permission
from pavilion.bidding import queries, tickets, unsaid
from pavilion.bidding.deciding import Answer, BidOrder
from pavilion.bidding.live import TRY_AGAIN_LATER, LiveSession, Viewer
from pavilion.bidding.messages import (
    Ack,
    AskClock,
    ClockOut,
    Error,
    FromBrowser,
    Hello,
    Message,
    Ping,
    PlaceBid,
    Pong,
    SealBid,
    Unwatch,
    Watch,
    Welcome,
    You,
    ack,
    batch_frame,
    frame,
)
from pavilion.bidding.tendering import seal_order
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import reading
from pavilion.kernel.instants import micros, stamp

PROTOCOL = "pavilion.1"
LOOK_S = 5  # how often a silent socket is looked at

router = APIRouter()


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """Refused before the upgrade: a foreign page, or a program that speaks another protocol."""
    origin = websocket.headers.get("origin")
    foreign = origin is not None and origin not in websocket.app.state.settings.origins
    if foreign or PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.close()
        return
    await websocket.accept(subprotocol=PROTOCOL)
    visit = Visit(websocket, LiveSession(_viewer(getattr(websocket.state, "actor", VISITOR)), monotonic_s()))
    await visit.run()


def _viewer(actor: Actor) -> Viewer:
    may_bid = actor.company_id is not None and actor.may(Permission.BID_PLACE)
    return Viewer(actor.public_id, actor.person_id, actor.company_id, actor.session_id, may_bid, actor.key)


class Visit:
    """One connected browser."""

    def __init__(self, websocket: WebSocket, session: LiveSession) -> None:
        self.websocket, self.session = websocket, session
        state = websocket.app.state
        self.rooms, self.sessions, self.clock = state.rooms, state.sessions, state.clock
        self._sales: dict[str, str] = {}  # lot -> sale, of what was watched
        self._bell = asyncio.Event()

    @property
    def company_id(self) -> int | None:
        return self.session.viewer.company_id

    def hear(self, encoded: bytes) -> None:
        if encoded:
            self.session.tell(encoded)
        self._bell.set()

    async def run(self) -> None:
        if not self.rooms.door.admit(self):
            self.session.tell(frame(Error(code="slow_down")))
            self.session.close_code = TRY_AGAIN_LATER
        reading_on = asyncio.create_task(self._read())
        try:
            await self._write()
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass  # the browser went away while we wrote
        finally:
            self._leave()
            self.rooms.door.leave(self)
            reading_on.cancel()
            await asyncio.gather(reading_on, return_exceptions=True)

    async def _write(self) -> None:
        """Sends what waits, until the session says to close."""
        while True:
            for encoded in self.session.take():
                await self.websocket.send_text(encoded.decode())
            if self.session.close_code is not None:
                if self.websocket.application_state is WebSocketState.CONNECTED:
                    await self.websocket.close(self.session.close_code)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._bell.wait()
            self._bell.clear()
            self.session.look(monotonic_s())

    async def _read(self) -> None:
        try:
            while self.session.close_code is None:
                message = await self.websocket.receive()
                if message["type"] != "websocket.receive":
                    break
                order = self.session.receive(message.get("text") or "", monotonic_s())
                if order is not None:
                    await self._carry_out(order)
                self._bell.set()
        finally:
            self.session.close_code = self.session.close_code or 1000
            self._bell.set()

    async def _carry_out(self, order: FromBrowser) -> None:
        received = self.clock()
        match order:
            case PlaceBid() | SealBid():
                await self._bid(order)
            case AskClock():
                t1, t2 = micros(received), micros(self.clock())
                self._tell(ClockOut(t0=order.t0, t1=t1, t2=t2))
            case Ping():
                self._tell(Pong(id=order.id))
            case Watch():
                await self._watch(order)
            case Unwatch():
                self._leave()
            case Hello():
                if not self.session.greeted and not await self._enter(order.ticket or "", received):
                    return
                self._tell(Welcome(user=self.session.viewer.user or "", t=stamp(received)))

    async def _enter(self, ticket: str, now: datetime) -> bool:
        """Whoever holds the ticket comes in with it, once; false when it is not good."""
        async with self.sessions.begin() as session:
            actor = await tickets.redeem(session, ticket, now)
        if actor is None:
            self.session.refuse("signed_out")
            return False
        self.rooms.door.leave(self)
        self.session.enter(_viewer(actor))
        if self.rooms.door.admit(self):
            return True
        self.session.refuse("slow_down")
        return False

    async def _bid(self, bid: PlaceBid | SealBid) -> None:
        sale = self._sales.get(bid.lot)
        if sale is None:
            async with reading(self.sessions) as session:
                sale = await queries.sale_of_lot(session, bid.lot)
        if sale is None or self.company_id is None:
            self._tell(Ack(key=bid.key, lot=bid.lot, result="refused", code="lot_unknown"))
            return
        person = self.session.viewer.user
        order: BidOrder
        if isinstance(bid, SealBid):
            envelope = json.dumps(bid.envelope, ensure_ascii=False)
            order = seal_order(sale, bid.lot, self.company_id, bid.key, envelope, person)
        else:
            order = BidOrder(
                sale, bid.lot, self.company_id, bid.key, bid.max, bid.currency, bid.rules, bid.confirm, person=person
            )
        await self.rooms.place_soon(order, self._answered)

    def _answered(self, answer: Answer) -> None:
        """Queued before the room hears of the bid."""
        self._tell(ack(answer))

    async def _watch(self, order: Watch) -> None:
        """From now on this sale's news come here; what was missed comes first, as events or as a snapshot."""
        self._leave()
        self.session.sale = order.sale
        self.rooms.hub.join(order.sale, self)  # before reading, so that nothing falls between
        wanted = None if order.lots == "all" else frozenset(order.lots)
        after = {lot: seq for lot, seq in order.after.items() if wanted is None or lot in wanted}
        async with reading(self.sessions) as session:
            kept = await unsaid.of_sale(session, order.sale)
            bodies, unknown = await queries.missed(session, order.sale, after, kept)
            shown = unknown if wanted is None else unknown & wanted
            snapshot = await queries.snapshot(session, order.sale, self.clock(), shown)
        if snapshot is None:
            self._leave()
            self._tell(Error(code="not_found"))
            return
        self._sales |= dict.fromkeys(unknown | after.keys(), order.sale)
        self._tell(snapshot)
        if bodies:
            self.hear(batch_frame(order.sale, micros(self.clock()), bodies, None))
        await self._tell_own(order.sale)

    async def _tell_own(self, sale: str) -> None:
        if self.company_id is None or (mine := await self.rooms.mine(sale, self.company_id)) is None:
            return
        for lot, own in mine.lots.items():
            self._tell(You(lot=lot, seq=own.seq, alias=own.alias, state=own.state, max=own.max, headroom=mine.headroom))

    def _leave(self) -> None:
        if self.session.sale is not None:
            self.rooms.hub.leave(self.session.sale, self)
            self.session.sale = None

    def _tell(self, message: Message) -> None:
        self.hear(frame(message))
