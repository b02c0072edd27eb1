"""The line of one process to Redis: what it says leaves in order, what it hears comes in, and a loss is noticed and
mended at once. Nothing is kept here: whoever listens reads anew what it may have missed."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from pavilion.kernel.tasks import being_cancelled

DIAL_S = 0.05  # between two attempts to reach Redis
CONNECT_S = 0.5  # one attempt
RING_S = 0.1  # between two rings of the own bell
UNHEARD = 5  # own rings without an answer, after which the line is dead

log = structlog.get_logger()


def redis_of(url: str) -> Redis:
    """A client that fails at once: the line dials again by itself, and sooner than the library would. It times no
    write either: own rings tell sooner, and `wait_for` (before Python 3.12) may swallow that its task was cancelled."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, socket_connect_timeout=CONNECT_S)


class Silent(OSError):
    """The connection stands, but not even the own rings come back."""


class Doorbell:
    """Hears `channels` and `patterns`; `hear` is called with each message, `level` whenever hearing begins."""

    def __init__(
        self,
        redis: Redis,
        name: str,
        hear: Callable[[str, bytes], None],
        *,
        channels: Sequence[str] = (),
        patterns: Sequence[str] = (),
        level: Callable[[], None] = lambda: None,
    ) -> None:
        self._redis, self._hear, self._level = redis, hear, level
        self._own = f"pavilion:ring:{name}"
        self._channels, self._patterns = (self._own, *channels), tuple(patterns)
        self._sending: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._unsent: tuple[str, bytes] | None = None  # taken from the queue, not yet heard by Redis
        self._unheard = 0  # own rings since anything was heard
        self.connected = False

    def say(self, channel: str, data: bytes) -> None:
        """Queued and sent in order; what is said while Redis is away is sent when it is back."""
        self._sending.put_nowait((channel, data))

    async def run(self) -> None:
        """Hears and sends until cancelled, through every loss of Redis."""
        while True:
            try:
                await self._connected()
            except* (RedisError, OSError) as lost:
                if self.connected:
                    fault = _first(lost)
                    log.warning("bus", act="line", outcome="lost", error=type(fault).__name__)
                self.connected = False
            if being_cancelled():
                raise asyncio.CancelledError
            await asyncio.sleep(DIAL_S)

    async def _connected(self) -> None:
        self._unheard, hearing = 0, asyncio.Event()
        async with self._redis.pubsub() as heard, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ring(hearing))
            tasks.create_task(self._send(hearing))
            await heard.subscribe(*self._channels)
            await heard.psubscribe(*self._patterns)
            last = self._patterns[-1] if self._patterns else self._channels[-1]
            async for message in heard.listen():
                self._unheard = 0
                channel = message["channel"].decode()
                if message["type"] in ("message", "pmessage"):
                    if channel != self._own:
                        self._hear(channel, message["data"])
                elif channel == last:
                    # From here on everything is heard.
                    log.info("bus", act="line", outcome="connected")
                    self.connected = True
                    hearing.set()
                    self._level()

    async def _send(self, hearing: asyncio.Event) -> None:
        await hearing.wait()
        while True:
            if self._unsent is None:
                self._unsent = await self._sending.get()
            await self._redis.publish(*self._unsent)
            self._unsent = None

    async def _ring(self, hearing: asyncio.Event) -> None:
        """Counts rings, not seconds: a process that was held up itself has not rung meanwhile."""
        while True:
            if self._unheard >= UNHEARD:
                raise Silent("own rings are not heard")
            self._unheard += 1
            if hearing.is_set():
                self.say(self._own, b"")
            await asyncio.sleep(RING_S)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    fault: BaseException = group
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault
