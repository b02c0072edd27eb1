"""A whole house around a sale: published by two persons, buyers with paddles, the engine at work beside it."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from pavilion.accounts.rules import Actor
from pavilion.auctions import registering
from pavilion.auctions.models import Sale
from pavilion.bidding.bus import LocalRooms, Pace
from pavilion.bidding.deciding import Answer, BidOrder
from pavilion.bidding.wiring import one_process
from pavilion.kernel.db import Sessions
from tests.auctions import world
from tests.auctions.world import OPENS
from tests.bidding.room import HandClock
from tests.make import NOON, SECOND

DATA_KEY, SALE_KEY = bytes(range(32)), bytes(range(32, 64))
HOST = "auctions.example"


@dataclass
class House:
    url: str
    sessions: Sessions
    rooms: LocalRooms
    clock: HandClock
    world: world.World
    sale: str
    rules: str
    lots: list[str]
    buyers: list[Actor]
    registrations: list[str]

    def order(self, buyer: int = 0, amount: int = 400_000, lot: int = 0, **changes: Any) -> BidOrder:
        company = self.buyers[buyer].company_id
        assert company is not None
        facts = {"sale": self.sale, "lot": self.lots[lot], "company_id": company, "key": secrets.token_hex(16)}
        facts |= {"max": amount, "currency": "USD", "rules": self.rules, "confirm": amount}
        return BidOrder(**facts | changes)

    async def bid(self, buyer: int = 0, amount: int = 400_000, lot: int = 0, **changes: Any) -> Answer:
        return await self.rooms.place(self.order(buyer, amount, lot, **changes))

    async def until(self, happened, seconds: float = 5) -> None:
        """Waits for what must come; time in the house stands still meanwhile."""
        async with asyncio.timeout(seconds):
            while True:
                found = happened()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                self.rooms.engine.ring()
                for writer in self.rooms.engine.writers.values():
                    writer.ring()
                await asyncio.sleep(0.005)

    async def sale_state(self) -> str | None:
        async with self.sessions() as session:
            return await session.scalar(select(Sale.state).where(Sale.public_id == self.sale))


async def registered(sessions: Sessions, made: world.World, sale: str, number: int, limit: int = 50_000_000):
    buyer = await world.buyer(sessions, number)
    registration = await world.applied(sessions, sale, buyer)
    async with sessions.begin() as session:
        await registering.approve(session, registration=registration, limit_minor=limit, actor=made.registrar, now=NOON)
    return buyer, registration


@asynccontextmanager
async def at_work(url: str, sessions: Sessions, clock: HandClock) -> AsyncIterator[LocalRooms]:
    keys = {"data_key": DATA_KEY, "sale_key": SALE_KEY, "host_name": HOST}
    async with one_process(url, sessions, clock, **keys) as rooms:
        seconds = itertools.count()
        rooms.pace = Pace(lambda: next(seconds))  # nobody here bids too often
        yield rooms


@asynccontextmanager
async def house(
    url: str,
    sessions: Sessions,
    lots: int = 2,
    buyers: int = 3,
    reserve: int | dict[int, int] | None = None,
    **changes: Any,
) -> AsyncIterator[House]:
    """Open for bids. One reserve is that of every lot; several are those of the lots at these places."""
    made = await world.build(sessions, lots)
    sale = await world.draft(sessions, made, **changes)
    if reserve is not None:
        each = reserve if isinstance(reserve, dict) else dict.fromkeys(range(lots), reserve)
        await world.reserved(sessions, made, sale, each)
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    people = [await registered(sessions, made, sale, n) for n in range(1, buyers + 1)]
    async with at_sale(url, sessions, made, sale, people) as one:
        yield one


@asynccontextmanager
async def at_sale(
    url: str, sessions: Sessions, made: world.World, sale: str, people: Sequence[tuple[Actor, str]] = ()
) -> AsyncIterator[House]:
    """Of a sale that is published already."""
    clock = HandClock(OPENS + SECOND)
    async with sessions() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        assert row is not None and row.rules_hash is not None
        rules = row.rules_hash
    async with at_work(url, sessions, clock) as rooms:
        one = House(
            url, sessions, rooms, clock, made, sale, rules, await world.order(sessions, sale),
            [buyer for buyer, _ in people], [registration for _, registration in people],
        )  # fmt: skip
        await one.until(lambda: sale in rooms.engine.writers and rooms.engine.writers[sale].book.state == "open")
        yield one
