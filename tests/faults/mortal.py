"""A house of money that dies by signal 9 at a step of its life, and the one that comes after it.

A step is the moment before and the moment after each COMMIT and each call of the payment provider. What is outside the
house lives on: the database, the provider (its double, a process of its own), and what people were answered."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from pavilion.kernel.db import Sessions, create_engine, sessions_of
from pavilion.kernel.errors import Refusal
from pavilion.kernel.seals import AmountSeal
from pavilion.notifications import money_notices
from pavilion.provenance import issuing
from pavilion.settings import Settings
from pavilion.settlement import ticks, webhooks
from pavilion.settlement.payments.double import checkout
from pavilion.settlement.payments.double.control import give
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.state import State
from pavilion.settlement.payments.double.telling import answered, due
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.stripe_adapter import StripePayments
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests.bidding.house import DATA_KEY
from tests.make import NOON
from tests.provenance import issued

PAGES = pages_of(static.frontend())
SETTINGS = Settings(data_key=SecretStr(DATA_KEY.hex()), public_url="https://house.example")
SLOW = frozenset({"papers", "statements set", "release papers", "passports"})
LATER = timedelta(minutes=6)  # whoever comes after has to wait out the leases of the dead
BETWEEN = timedelta(seconds=10)  # from one act to the next


Tick = Callable[[datetime], Awaitable[int]]
Asks = Callable[[str], bool]  # whether the worker does this part of its work, by its name


def fast(name: str) -> bool:
    """All but what takes long."""
    return name not in SLOW


class Life:
    """Counts its steps; `last` is the one at which it ends, without a word."""

    def __init__(self, last: int | None = None) -> None:
        self.last, self.step = last, 0

    def step_on(self) -> None:
        self.step += 1
        if self.step == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def mortal(engine: AsyncEngine, life: Life) -> AsyncEngine:
    """Before and after each commit the life may end."""
    dialect: Any = engine.sync_engine.dialect
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        life.step_on()
        commit(connection)
        life.step_on()

    dialect.do_commit = do_commit
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _at_once)
    return engine


def _at_once(connection: Any, _record: Any) -> None:
    """The embedded database is asked where we are, not in its driver's thread: in these houses nobody else waits, and
    the way there and back is most of a statement's time."""

    async def execute(verb: Callable[..., Any], *args: Any, **said: Any) -> Any:
        return verb(*args, **said)

    connection.driver_connection._execute = execute


class Line:
    """Our line to the provider; before and after each call the life may end."""

    def __init__(self, payments: StripePayments, life: Life) -> None:
        self._payments, self._life = payments, life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._payments, name)
        if name in ("told", "close"):
            return found
        return self._listed(found) if name in ("movements", "cash_of") else self._called(found)

    def _called(self, verb: Callable[..., Awaitable[Any]]) -> Any:
        async def called(*args: Any, **said: Any) -> Any:
            self._life.step_on()
            answer = await verb(*args, **said)
            self._life.step_on()
            return answer

        return called

    def _listed(self, verb: Callable[..., Any]) -> Any:
        async def listed(*args: Any, **said: Any) -> Any:
            self._life.step_on()
            async for one in verb(*args, **said):
                yield one
            self._life.step_on()

        return listed


class Clock:
    """The time at the provider, which stands as long as nobody moves it on."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._state.note("now") or NOON.isoformat())


def world_at(folder: Path, name: str = "house") -> World:
    """The provider's world, to be acted in by others than the house."""
    state = State(folder / f"there-{name}.db")
    return World(state, Clock(state), "sk_" + "test_killed", "whsec_killed")


class House:
    """One life of the house. Acts that were answered in the life before are not done again; the first that was not is
    done once more by whoever had asked for it, and being told that it stands is an answer too."""

    def __init__(
        self, sessions: Sessions, database: str, url: str, folder: Path, life: Life, late: timedelta, asks: Asks
    ) -> None:
        self.sessions, self.database, self._life = sessions, database, life
        self.nothing, self._asked = set[int](), 0  # what the worker asked when there was nothing to do
        self._world = world_at(folder)
        self.payments: Any = Line(StripePayments(self._world.key, self._world.secret, url, live=False), life)
        work: list[tuple[str, Tick]] = ticks.of_house(SETTINGS, sessions, PAGES, self.payments)
        work += [("money told", money_notices.hearing(sessions).tick), ("told by the provider", self._hear)]
        work += [("passports", lambda now: issuing.tick(sessions, issued.issuer(), now))]
        self._ticks = [(name, tick) for name, tick in work if asks(name)]
        self.worked = set[str]()  # who had anything to do
        self._answers = folder / "answers"
        self.answered = len(self._answers.read_bytes()) if self._answers.exists() else 0
        self.start, self.late, self.acts = NOON, late, 0
        self.refused = ""  # how who asked once more heard that it was done

    @property
    def now(self) -> datetime:
        return self.start + self.acts * BETWEEN + self.late

    def at(self, when: datetime) -> None:
        """From here on it is that day."""
        self.start = when - self.acts * BETWEEN

    async def close(self) -> None:
        await self.payments.close()
        self._world.state.close()

    async def act(self, does: Callable[[], Awaitable[Any]]) -> None:
        """Done, and answered: that is known outside, whatever becomes of this house."""
        self.acts += 1
        if self.acts <= self.answered:
            return
        self._world.state.set_note("now", self.now.isoformat())
        try:
            await does()
        except Refusal as refused:
            if not (self.late and self.acts == self.answered + 1):
                raise
            self.refused = refused.code
        with self._answers.open("ab") as file:
            file.write(b".")

    async def press(self, verb: Callable[..., Awaitable[Any]], **said: Any) -> None:
        """A person's act, in one transaction."""

        async def once() -> None:
            async with self.sessions.begin() as session:
                await verb(session, now=self.now, **said)

        await self.act(once)

    async def order(self, what: str, **said: Any) -> None:
        """Somebody does this at the provider: a buyer, a bank, the provider itself."""

        async def once() -> None:
            told = {name: await one(self.sessions) if callable(one) else one for name, one in said.items()}
            give(self._world, Postman(self._world), {"do": what, **told})

        await self.act(once)

    async def run(self) -> None:
        """The worker does all there is to do, and what the provider tells is heard, until nothing is left."""

        async def until_idle() -> None:
            idle = place = 0
            while idle < len(self._ticks):
                idle = 0 if await self._worked(*self._ticks[place % len(self._ticks)]) else idle + 1
                place += 1
                assert place < 1_000, "the house never comes to rest"

        await self.act(until_idle)

    async def _worked(self, name: str, tick: Tick) -> int:
        """How much it did. A life that is the same as one before, up to its end, need not ask where there was nothing
        to do."""
        self._asked += 1
        if self._asked in self.nothing and not self.late:
            return 0
        before = self._life.step
        worked = await tick(self.now)
        if not worked and self._life.step == before:
            self.nothing.add(self._asked)
        else:
            self.worked.add(name)
        return worked

    async def _hear(self, now: datetime) -> int:
        """A call that was not answered is made again, as it stands."""
        checkout.expire_due(self._world)
        heard = 0
        while calls := due(self._world):
            for call in calls:
                told = self.payments.told(call.body, call.signature, now)
                await webhooks.take(self.sessions, self.payments, told, now)
                answered(self._world, call, 200)
                heard += 1
        return heard


@asynccontextmanager
async def house_at(
    database: str, url: str, folder: Path, life: Life, *, late: timedelta = timedelta(), asks: Asks = fast
) -> AsyncIterator[House]:
    """A house that lives as long as this block, or as this life."""
    engine = mortal(create_engine(database), life)
    house = House(sessions_of(engine, AmountSeal(DATA_KEY)), database, url, folder, life, late, asks)
    try:
        yield house
    finally:
        await house.close()
        await engine.dispose()
