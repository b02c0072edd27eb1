"""The engine's end of Redis: orders of each edge in the order it stamped them, answers before news."""

import asyncio
import secrets
from collections import defaultdict

from redis.asyncio import Redis

from pavilion.bidding import closing, wire
from pavilion.bidding.bus import OwnOpening
from pavilion.bidding.deciding import Answer
from pavilion.bidding.doorbell import Doorbell
from pavilion.bidding.engine import SaleWriter
from pavilion.bidding.messages import Notice, frame, news_frame
from pavilion.bidding.news import News
from pavilion.bidding.running import Engine
from pavilion.bidding.wire import Doc, Sealer
from pavilion.kernel.clock import Clock
from pavilion.kernel.instants import micros

ALIVE_US = 2_000_000  # an edge that has not spoken for longer is gone


class Edge:
    """What came from one process for one sale."""

    def __init__(self, first: int) -> None:
        self.expected = first
        self.early: dict[int, Doc | None] = {}  # arrived before one that is still missing; None: given up by the edge
        self.largest: int | None = None
        self.mark = 0
        self.marked_counter = 0
        self.heard_at = 0

    def watermark(self) -> int:
        """Counts only when everything up to it arrived."""
        return self.mark if self.expected > self.marked_counter else 0


class SaleEdges:
    """Every process that sends bids for one sale."""

    def __init__(self) -> None:
        self.edges: dict[str, Edge] = {}

    def drained(self, now: int, end: int) -> bool:
        alive = [edge.watermark() for edge in self.edges.values() if now - edge.heard_at < ALIVE_US]
        return closing.drained(end, alive)

    def alive(self, now: int) -> int:
        return sum(now - edge.heard_at < ALIVE_US for edge in self.edges.values())


class EngineBus:
    """Listens for orders of the sales that this engine writes, and tells the edges."""

    def __init__(self, redis: Redis, sealer: Sealer, clock: Clock) -> None:
        self._sealer, self._clock = sealer, clock
        self.engine: Engine | None = None
        self._sales: dict[str, SaleEdges] = defaultdict(SaleEdges)
        self._line = Doorbell(redis, secrets.token_hex(8), self._hear, patterns=[wire.orders("*")])
        self._edge_heard_s: float | None = None  # by the monotonic clock
        self._asking: set[asyncio.Task[None]] = set()

    def watermarks(self, sale: str) -> SaleEdges:
        return self._sales[sale]

    def announce(self, news: News) -> None:
        """Own states sealed, the room's frame as everybody may read it."""
        sale = news.sale
        if news.own:
            self._put(wire.own(sale), wire.own_out(list(news.own)))
        if news.lines:
            self._line.say(wire.news(sale), news_frame(news))
        for line in news.lines:
            if line.type == "lot.notice" and line.lot is not None:
                self._line.say(wire.news(sale), frame(Notice(lot=line.lot, key="lot_notice", n=line.n)))

    async def run(self) -> None:
        """Hears and tells until cancelled."""
        await self._line.run()

    def _hear(self, channel: str, data: bytes) -> None:
        document, sale = self._sealer.open(data, channel), channel.rpartition(":")[2]
        if document is None:
            return
        assert self.engine is not None
        if document["kind"] == "alive":
            self._an_edge_lives()
            return
        if document["kind"] == "ask":
            task = asyncio.create_task(self._tell(sale, document))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            return
        writer = self.engine.writers.get(sale)
        if writer is None:
            if document["kind"] == "order":
                task = asyncio.create_task(self._order_after_the_end(sale, document))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            return
        self._from_edge(writer, document)

    def _an_edge_lives(self) -> None:
        """When no process could bring a bid for as long as an outage takes, the open lots get that time back."""
        assert self.engine is not None
        now_s, before = self.engine.monotonic(), self._edge_heard_s
        self._edge_heard_s = now_s
        silent = 0 if before is None else round((now_s - before) * 1_000_000)
        for writer in list(self.engine.writers.values()):
            if silent >= writer.book.rules.outage.min:
                writer.interrupted(micros(self._clock()) - silent)

    def _from_edge(self, writer: SaleWriter, document: Doc) -> None:
        edges, run = self._sales[writer.sale].edges, document["edge"]
        first = document.get("oldest", document["counter"] + (document["kind"] == "mark"))
        edge = edges.get(run)
        if edge is None:
            edge = edges[run] = Edge(first)
        edge.heard_at = micros(self._clock())
        match document["kind"]:
            case "mark":
                edge.mark, edge.marked_counter = document["stamp"], document["counter"]
                self._ask_again(writer.sale, run, edge, document["counter"] + 1)
                writer.ring()
            case "order":
                if document["counter"] >= edge.expected:
                    edge.early[document["counter"]] = document["order"]
                elif (
                    document["order"] and document["order"]["kind"] != "act"
                ):  # decided before; the edge has not heard the answer
                    self._put_order(writer, run, document["counter"], document["order"], edge.largest)
                self._take_in_order(writer, run, edge)
                self._ask_again(writer.sale, run, edge, document["counter"])
            case "gone":
                edge.early.setdefault(document["counter"], None)
                self._take_in_order(writer, run, edge)

    def _take_in_order(self, writer: SaleWriter, run: str, edge: Edge) -> None:
        while edge.expected in edge.early:
            counter, order = edge.expected, edge.early.pop(edge.expected)
            edge.expected += 1
            if order is None:
                continue
            delay = writer.book.rules.edge_delay
            edge.largest = closing.effective(order["stamp"], micros(self._clock()), delay, edge.largest)
            self._put_order(writer, run, counter, order, edge.largest)

    def _put_order(self, writer: SaleWriter, run: str, counter: int, order: Doc, t: int | None) -> None:
        def reply(answer: Answer) -> None:
            told = {"kind": "answer", "sale": writer.sale, "counter": counter, "answer": wire.answer_out(answer)}
            self._put(wire.edge(run), told)

        bare = {name: value for name, value in order.items() if name != "stamp"}
        writer.put(wire.order_in(bare), reply, t=t, edge=run, counter=counter)

    def _ask_again(self, sale: str, run: str, edge: Edge, before: int) -> None:
        missing = [counter for counter in range(edge.expected, before) if counter not in edge.early]
        if missing:
            self._put(wire.edge(run), {"kind": "again", "sale": sale, "counters": missing})

    async def _order_after_the_end(self, sale: str, document: Doc) -> None:
        """A closed book still answers; a sale that nobody writes stays without an answer."""
        assert self.engine is not None
        writer = await self.engine.writer(sale)
        if writer is None or not writer.book.closed:
            return
        order = {name: value for name, value in document["order"].items() if name != "stamp"}
        answer = wire.answer_out(await writer.place(wire.order_in(order)))
        told = {"kind": "answer", "sale": sale, "counter": document["counter"], "answer": answer}
        self._put(wire.edge(document["edge"]), told)

    async def _tell(self, sale: str, document: Doc) -> None:
        assert self.engine is not None
        writer = await self.engine.writer(sale)
        if writer is None:
            return
        company, told = document["company_id"], None
        match document["what"]:
            case "mine":
                told = wire.mine_out(writer.mine(company))
            case "plans":
                told = wire.plans_out(writer.plans(company))
            case "opening":
                if (given := writer.own_bid(document["n"], company)) is not None:
                    told = OwnOpening(given.opening.amount, given.opening.nonce, given.key)._asdict()
            case "answer":
                if (answer := writer.answer_to(company, document["key"])) is not None:
                    told = wire.answer_out(answer)
            case "vitals":
                told = writer.vitals.figures(self._sales[sale].alive(micros(self._clock())))._asdict()
        self._put(wire.edge(document["edge"]), {"kind": "told", "request": document["request"], "told": told})

    def _put(self, channel: str, document: Doc) -> None:
        self._line.say(channel, self._sealer.seal(document, channel))
