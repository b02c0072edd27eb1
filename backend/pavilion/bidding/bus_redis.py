"""The rooms of a web or edge process, over Redis: a doorbell that may be lost, never the place where a bid is kept."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis

from pavilion.bidding import planning, wire
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.bus import OwnOpening, Pace
from pavilion.bidding.deciding import Answer, BidOrder, away
from pavilion.bidding.door import Door
from pavilion.bidding.doorbell import Doorbell
from pavilion.bidding.engine import Reply
from pavilion.bidding.hub import Hub
from pavilion.bidding.news import Mine
from pavilion.bidding.orders import Order
from pavilion.bidding.planning import PlanOrder, PlanSeen
from pavilion.bidding.vitals import Figures
from pavilion.bidding.wire import Doc, Sealer
from pavilion.kernel.clock import Clock
from pavilion.kernel.instants import micros

ANSWER_S = 5  # after which nobody can say
ASK_AGAIN_S = 0.5  # a question may be lost with the doorbell; asking changes nothing
WATERMARK_S = 0.1
AUDIENCE_S = 1


class Stream:
    """The numbered orders of this process for one sale; unanswered ones are kept to be sent again."""

    def __init__(self) -> None:
        self.counter = 0
        self.ring: dict[int, Doc] = {}
        self.replies: dict[int, Callable[[Doc], None]] = {}


class RedisRooms:
    """Bids go to whichever engine holds the sale; its answers and news come back."""

    def __init__(
        self, redis: Redis, sealer: Sealer, hub: Hub, door: Door, clock: Clock, verifier: str, pace: Pace | None = None
    ) -> None:
        self.hub, self.door, self.verifier, self.pace = hub, door, verifier, pace or Pace()
        self._sealer, self._clock = sealer, clock
        self.run_id = secrets.token_hex(8)
        self._line = Doorbell(
            redis, self.run_id, self._hear, level=self._level,
            channels=[wire.edge(self.run_id), wire.CROWDS], patterns=[wire.own("*"), wire.news("*")],
        )  # fmt: skip
        self._streams: dict[str, Stream] = defaultdict(Stream)
        self._asked: dict[str, asyncio.Future[Doc]] = {}

    # -- the port -----------------------------------------------------------------------------------------------------

    async def place(self, order: BidOrder) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        await self.place_soon(order, lambda given: None if answer.done() else answer.set_result(given))
        return await answer

    async def place_soon(self, order: BidOrder, reply: Reply) -> None:
        if not self.pace.take(order.sale, order.company_id):
            reply(Answer("refused", order.lot, order.key, "slow_down", sale=order.sale))
            return
        self._put(order.sale, order, reply, away(order))

    async def plan(self, order: PlanOrder) -> Answer:
        if not self.pace.take(order.sale, order.company_id):
            return Answer("refused", key=order.key, code="slow_down", sale=order.sale)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._put(
            order.sale, order, lambda told: None if answer.done() else answer.set_result(told), planning.away(order)
        )
        return await answer

    async def plans(self, sale: str, company_id: int) -> list[PlanSeen] | None:
        told = await self._ask(sale, "plans", company_id=company_id)
        return None if told is None else wire.plans_in(told)

    async def command(self, act: StaffAct) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        nobody = Answer("unknown", act.lot, code="engine_away", sale=act.sale)
        self._put(act.sale, act, lambda given: None if answer.done() else answer.set_result(given), nobody)
        return await answer

    async def say(self, sale: str, encoded: bytes) -> None:
        self._line.say(wire.news(sale), encoded)

    async def mine(self, sale: str, company_id: int) -> Mine | None:
        told = await self._ask(sale, "mine", company_id=company_id)
        return None if told is None else wire.mine_in(told)

    async def opening(self, sale: str, n: int, company_id: int) -> OwnOpening | None:
        told = await self._ask(sale, "opening", company_id=company_id, n=n)
        return None if told is None else OwnOpening(**told)

    async def answer(self, sale: str, company_id: int, key: str) -> Answer | None:
        told = await self._ask(sale, "answer", company_id=company_id, key=key)
        return None if told is None else wire.answer_in(told)

    async def vitals(self, sale: str) -> Figures | None:
        told = await self._ask(sale, "vitals", company_id=0)
        return None if told is None else Figures(**told)

    # -- at work ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hears and sends until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._line.run())
            tasks.create_task(self._mark())
            tasks.create_task(self._tell_crowds())

    def _level(self) -> None:
        """From here on everything is heard. What passed while nothing was is read anew, and what was not answered is
        said again: a bid that was decided meanwhile is answered by its key."""
        for sale, stream in self._streams.items():
            for counter in sorted(stream.ring):
                self._tell_order(sale, counter)
        self.hub.resync("bus")

    async def _mark(self) -> None:
        """The engine learns ten times a second up to which instant everything was sent."""
        while True:
            if self._line.connected:
                self._say(wire.NO_SALE, {"kind": "alive"})
                for sale, stream in self._streams.items():
                    oldest = min(stream.ring, default=stream.counter + 1)
                    mark = {"kind": "mark", "stamp": micros(self._clock()), "counter": stream.counter, "oldest": oldest}
                    self._say(sale, mark)
            await asyncio.sleep(WATERMARK_S)

    async def _tell_crowds(self) -> None:
        """The other processes learn who listens in this one; what is not said again is forgotten there."""
        while True:
            if self._line.connected:
                told = {"edge": self.run_id, "rooms": wire.crowds_out(self.hub.crowds())}
                self._line.say(wire.CROWDS, self._sealer.seal(told, wire.CROWDS))
            await asyncio.sleep(AUDIENCE_S)

    def _put(self, sale: str, order: Order, reply: Reply, nobody: Answer) -> None:
        stream = self._streams[sale]
        stream.counter = counter = stream.counter + 1
        stream.ring[counter] = wire.order_out(order) | {"stamp": micros(self._clock())}

        def answered(document: Doc | None) -> None:
            stream.ring.pop(counter, None)
            if stream.replies.pop(counter, None) is not None:
                giving_up.cancel()
                reply(nobody if document is None else wire.answer_in(document))

        giving_up = asyncio.get_running_loop().call_later(ANSWER_S, answered, None)
        stream.replies[counter] = answered
        self._tell_order(sale, counter)

    def _tell_order(self, sale: str, counter: int) -> None:
        stream = self._streams[sale]
        oldest = min(stream.ring, default=counter)
        self._say(sale, {"kind": "order", "counter": counter, "oldest": oldest, "order": stream.ring[counter]})

    async def _ask(self, sale: str, what: str, **facts: Any) -> Doc | None:
        request = secrets.token_hex(8)
        future: asyncio.Future[Doc] = asyncio.get_running_loop().create_future()
        self._asked[request] = future
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    self._say(sale, {"kind": "ask", "what": what, "request": request, **facts})
                    if (await asyncio.wait([future], timeout=ASK_AGAIN_S))[0]:
                        told: Doc | None = future.result()["told"]
                        return told
        except TimeoutError:
            return None
        finally:
            del self._asked[request]

    def _say(self, sale: str, document: Doc) -> None:
        channel = wire.orders(sale)
        self._line.say(channel, self._sealer.seal(document | {"edge": self.run_id}, channel))

    def _hear(self, channel: str, data: bytes) -> None:
        sale = channel.rpartition(":")[2]
        if channel == wire.news(sale):
            self.hub.tell_all(sale, data)
            return
        document = self._sealer.open(data, channel)
        if document is None:
            return
        if channel == wire.CROWDS:
            if document["edge"] != self.run_id:
                self.hub.hear_of(document["edge"], wire.crowds_in(document["rooms"]))
            return
        if channel == wire.own(sale):
            self.hub.tell_own(sale, wire.own_in(document))
            return
        match document["kind"]:
            case "answer":
                if (answered := self._streams[document["sale"]].replies.get(document["counter"])) is not None:
                    answered(document["answer"])
            case "again":
                stream = self._streams[document["sale"]]
                for counter in sorted(set(stream.ring) & set(document["counters"])):
                    self._tell_order(document["sale"], counter)
                for counter in set(document["counters"]) - set(stream.ring):
                    self._say(document["sale"], {"kind": "gone", "counter": counter})
            case "told":
                if (future := self._asked.get(document["request"])) is not None and not future.done():
                    future.set_result(document)
