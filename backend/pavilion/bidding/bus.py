"""The door to the rooms: one port for pages, programs and sockets, wherever the engine runs."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from pavilion.bidding import planning
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.deciding import Answer, BidOrder, away
from pavilion.bidding.door import Door
from pavilion.bidding.engine import Reply, SaleWriter
from pavilion.bidding.hub import Hub
from pavilion.bidding.news import Mine
from pavilion.bidding.planning import PlanOrder, PlanSeen
from pavilion.bidding.running import Engine
from pavilion.bidding.vitals import Figures
from pavilion.kernel.clock import monotonic_s

A_SECOND, A_MINUTE = 5, 60  # bids of one paddle
KNOWN_PACES = 10_000


class OwnOpening(NamedTuple):
    """The secret part of a bid, for its bidder."""

    amount: int
    nonce: str
    key: str


class Rooms(Protocol):
    """Bids go in, answers come out; news reach those who joined the hub."""

    hub: Hub
    door: Door
    verifier: str  # the key that signs the checkpoints, as it is printed

    async def place(self, order: BidOrder) -> Answer:
        """The answer to this bid once it is true on disk; `engine_away` when nobody can say yet."""

    async def place_soon(self, order: BidOrder, reply: Reply) -> None:
        """The same for a caller who must hear the answer before the room hears of the bid."""

    async def plan(self, order: PlanOrder) -> Answer:
        """The plan stands, or is refused with a code."""

    async def plans(self, sale: str, company_id: int) -> list[PlanSeen] | None:
        """The company's own plans as they stand; None while no engine answers."""

    async def command(self, act: StaffAct) -> Answer:
        """`done`, or refused with a code."""

    async def say(self, sale: str, encoded: bytes) -> None:
        """Everybody in the room hears this frame."""

    async def mine(self, sale: str, company_id: int) -> Mine | None:
        """What this company may know of its own bids; None while no engine answers."""

    async def opening(self, sale: str, n: int, company_id: int) -> OwnOpening | None:
        """The opening of the company's own bid at this place of the log."""

    async def answer(self, sale: str, company_id: int, key: str) -> Answer | None:
        """The answer the company's bid with this key was given."""

    async def vitals(self, sale: str) -> Figures | None:
        """How the writer of the sale fares; None while nobody writes it."""


class Pace:
    """How often one paddle may bid: so many a second and so many a minute."""

    def __init__(self, monotonic: Callable[[], float] = monotonic_s) -> None:
        self._monotonic = monotonic
        self._taken: dict[tuple[str, int], deque[float]] = {}

    def take(self, sale: str, company_id: int) -> bool:
        now = self._monotonic()
        if len(self._taken) > KNOWN_PACES:
            self._taken = {who: times for who, times in self._taken.items() if times and now - times[-1] < 60}
        times = self._taken.setdefault((sale, company_id), deque())
        while times and now - times[0] >= 60:
            times.popleft()
        if len(times) >= A_MINUTE or sum(now - at < 1 for at in times) >= A_SECOND:
            return False
        times.append(now)
        return True


class LocalRooms:
    """Engine and listeners in one process."""

    def __init__(self, engine: Engine, hub: Hub, door: Door, pace: Pace | None = None) -> None:
        self.engine, self.hub, self.door = engine, hub, door
        self.verifier = str(engine.signer.verifier)
        self.pace = pace or Pace()

    async def place(self, order: BidOrder) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        await self.place_soon(order, lambda given: None if answer.done() else answer.set_result(given))
        return await answer

    async def place_soon(self, order: BidOrder, reply: Reply) -> None:
        if not self.pace.take(order.sale, order.company_id):
            reply(Answer("refused", order.lot, order.key, "slow_down", sale=order.sale))
            return
        writer = await self._writer(order.sale)
        if writer is None:
            reply(away(order))
        else:
            writer.put(order, reply)

    async def plan(self, order: PlanOrder) -> Answer:
        if not self.pace.take(order.sale, order.company_id):
            return Answer("refused", key=order.key, code="slow_down", sale=order.sale)
        writer = await self._writer(order.sale)
        return planning.away(order) if writer is None else await writer.place(order)

    async def plans(self, sale: str, company_id: int) -> list[PlanSeen] | None:
        writer = await self._writer(sale)
        return None if writer is None else writer.plans(company_id)

    async def command(self, act: StaffAct) -> Answer:
        writer = await self._writer(act.sale)
        if writer is None:
            return Answer("unknown", act.lot, code="engine_away", sale=act.sale)
        return await writer.place(act)

    async def say(self, sale: str, encoded: bytes) -> None:
        self.hub.tell_all(sale, encoded)

    async def mine(self, sale: str, company_id: int) -> Mine | None:
        writer = await self._writer(sale)
        return None if writer is None else writer.mine(company_id)

    async def opening(self, sale: str, n: int, company_id: int) -> OwnOpening | None:
        writer = await self._writer(sale)
        found = None if writer is None else writer.own_bid(n, company_id)
        return None if found is None else OwnOpening(found.opening.amount, found.opening.nonce, found.key)

    async def answer(self, sale: str, company_id: int, key: str) -> Answer | None:
        writer = await self._writer(sale)
        return None if writer is None else writer.answer_to(company_id, key)

    async def vitals(self, sale: str) -> Figures | None:
        writer = self.engine.writers.get(sale)
        return None if writer is None else writer.vitals.figures()

    async def _writer(self, sale: str) -> SaleWriter | None:
        return self.engine.writers.get(sale) or await self.engine.writer(sale)
