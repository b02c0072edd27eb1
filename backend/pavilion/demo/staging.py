"""Plays a sale through in seconds: a real engine on the real database, its clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - seeded; plays, guards nothing

from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.bidding import jobs
from pavilion.bidding.bus import LocalRooms
from pavilion.bidding.door import Door
from pavilion.bidding.due import next_due
from pavilion.bidding.engine import SaleWriter
from pavilion.bidding.hub import Hub
from pavilion.bidding.running import Engine
from pavilion.bidding.service import World
from pavilion.bidding.vault import Vault
from pavilion.bidding.wiring import open_store
from pavilion.demo import rivals
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.instants import micros
from pavilion.kernel.signing import SigningKey
from pavilion.settings import Settings

LOOKS = 400  # times the writer is waited for before the play gives up
LOOK_S = 0.01
CALM_ONE_IN = 4  # looks are minutes apart here


class OneSale(World):
    """The house as the engine of one sale sees it: the clock of that play is no clock for the other sales."""

    def __init__(self, sessions: Sessions, clock: Clock, sale: str) -> None:
        super().__init__(sessions, clock)
        self.sale = sale

    async def running(self) -> Sequence[str]:
        return [sale for sale in await super().running() if sale == self.sale]


class HandClock:
    """Stands still until it is set, and only ever forward."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> None:
        self.at = max(self.at, at)


class Stage:
    """One engine under a hand-moved clock."""

    def __init__(self, engine: Engine, hub: Hub, clock: HandClock, sessions: Sessions) -> None:
        self.engine, self.clock, self.sessions = engine, clock, sessions
        self.rooms = LocalRooms(engine, hub, Door(sessions, clock))
        self.unwanted: set[str] = set()  # lots on which nobody bids

    async def writer(self, sale: str) -> SaleWriter:
        await self.engine.sweep()
        for _ in range(LOOKS):
            if (writer := self.engine.writers.get(sale)) is not None and writer.book.state != "unpublished":
                return writer
            await asyncio.sleep(LOOK_S)
        raise RuntimeError(f"no engine took sale {sale}")

    async def move_to(self, sale: str, at: datetime) -> None:
        """The clock shows `at`, and everything due by then is done."""
        writer = await self.writer(sale) if sale not in self.engine.writers else self.engine.writers[sale]
        self.clock.set(at)
        await writer.lease.renew()  # the heart beats by this clock too: an outage that never was extends no lot
        writer.ring()
        for _ in range(LOOKS):
            due = next_due(writer.book)
            if writer.book.closed or due is None or due > micros(self.clock.at):
                return
            await asyncio.sleep(LOOK_S)
            writer.ring()
        raise RuntimeError(f"sale {sale} does not move on")

    async def rivals_bid(self, sale: str, luck: Random) -> None:
        writer = self.engine.writers.get(sale)
        if writer is None:
            return
        async with reading(self.sessions) as session:
            chances, held = await rivals.chances(session, sale), await rivals.paddles(session)
        open_lots = [chance for chance in chances if chance.lot not in self.unwanted]
        for order in rivals.orders(open_lots, held, luck, self.clock.at, CALM_ONE_IN):
            await writer.place(order)

    async def leave(self, sale: str, lot: int) -> None:
        """Nobody wants the lot at this place: every sale has one that passes."""
        async with reading(self.sessions) as session:
            self.unwanted.add((await rivals.chances(session, sale))[lot - 1].lot)

    async def bid_maximum(self, sale: str, firm: str, lots: Sequence[int], share_bp: int) -> None:
        """This company bids a maximum of so much of the low estimate on the lots at these places."""
        writer = self.engine.writers[sale]
        async with reading(self.sessions) as session:
            open_lots = await rivals.chances(session, sale)
            company = await session.scalar(select(Company.id).where(Company.name == firm))
        for place in lots:
            chance = open_lots[place - 1]
            amount = max(chance.ask, chance.low * share_bp // 10_000)
            await writer.place(rivals.order_of(chance, company or 0, amount))

    async def play(self, sale: str, until: datetime, step: timedelta, luck: Random) -> None:
        """Rivals bid and lots close as the clock goes on in steps."""
        while self.clock.at < until and sale in self.engine.writers:
            await self.move_to(sale, min(until, self.clock.at + step))
            await self.rivals_bid(sale, luck)
        await jobs.tick(self.sessions, self.clock.at)

    async def play_out(self, sale: str, step: timedelta, luck: Random) -> None:
        """Until the sale has closed."""
        while sale in self.engine.writers:
            await self.move_to(sale, self.clock.at + step)
            await self.rivals_bid(sale, luck)
            await asyncio.sleep(0)
        await jobs.tick(self.sessions, self.clock.at)


@asynccontextmanager
async def stage(settings: Settings, sessions: Sessions, at: datetime, sale: str) -> AsyncIterator[Stage]:
    """The other sales are left alone: played along by this clock, their hearts would have stopped in its past."""
    clock = HandClock(at)
    store = open_store(settings.database, clock)
    vault = Vault(bytes.fromhex(settings.data_key.get_secret_value()))
    signer = SigningKey(settings.host_name, bytes.fromhex(settings.sale_key.get_secret_value()))
    hub = Hub()
    engine = Engine(store, OneSale(sessions, clock, sale), vault, signer, clock, hub)
    try:
        yield Stage(engine, hub, clock, sessions)
    finally:
        await engine.stop()
        await store.close()
