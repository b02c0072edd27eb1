"""How often a program may ask: ten at once and ten a second, ten thousand a day; told on each answer.

One process counts in memory. Several count together over Redis, and each by itself while Redis is away.
"""

from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.datastructures import MutableHeaders
from starlette.types import Message

from pavilion.kernel.clock import monotonic_s
from pavilion.webkit.log import get_logger

PER_SECOND, PER_DAY = 10, 10_000
MOST_CALLERS = 20_000  # kept in memory; then who asked least is forgotten
DAY_S = 86_400
_STEP_US = 1_000_000 // PER_SECOND  # a token comes back so often
_FULL_US = PER_SECOND * _STEP_US
POLICY = f'"second";q={PER_SECOND};w=1, "day";q={PER_DAY};w={DAY_S}'

log = get_logger()


class Standing(NamedTuple):
    """What a caller has left, after this request."""

    taken: bool
    second_left: int
    day_left: int
    day_ends_s: int  # until the next day begins, by UTC

    @property
    def wait_s(self) -> int:
        """Whole seconds after which another request is taken."""
        return self.day_ends_s if self.day_left == 0 else 1

    def write(self, message: Message) -> None:
        """The fields of draft-ietf-httpapi-ratelimit-headers-10."""
        headers = MutableHeaders(scope=message)
        headers["ratelimit-policy"] = POLICY
        headers["ratelimit"] = f'"second";r={self.second_left};t=1, "day";r={self.day_left};t={self.day_ends_s}'
        if not self.taken:
            headers["retry-after"] = str(self.wait_s)


class Rates(Protocol):
    async def take(self, caller: str, now: datetime) -> Standing: ...

    async def close(self) -> None: ...


def drawn(empty_us: int, now_us: int) -> tuple[int, bool]:
    """The bucket after one more draw, and whether it held a token. It is told by the instant at which it was full."""
    begun = max(empty_us, now_us)
    return (begun + _STEP_US, True) if begun + _STEP_US - now_us <= _FULL_US else (begun, False)


def left(full_us: int, now_us: int) -> int:
    return max(0, (_FULL_US - max(0, full_us - now_us)) // _STEP_US)


class InMemory:
    """For a house of one process."""

    def __init__(self) -> None:
        self._callers: MutableMapping[str, tuple[int, int, int]] = {}  # full at, day, asked on that day

    async def take(self, caller: str, now: datetime) -> Standing:
        at, (today, ends) = round(monotonic_s() * 1_000_000), _day(now)
        full, day, asked = self._callers.get(caller, (0, today, 0))
        asked = asked if day == today else 0
        full, had = drawn(full, at) if asked < PER_DAY else (full, False)
        asked += had
        self._callers[caller] = full, today, asked
        if len(self._callers) > MOST_CALLERS:
            self._forget(today)
        return Standing(had, left(full, at), PER_DAY - asked, ends)

    async def close(self) -> None:
        self._callers.clear()

    def _forget(self, today: int) -> None:
        of_today = sorted((one for one in self._callers.items() if one[1][1] == today), key=lambda one: -one[1][2])
        self._callers = dict(of_today[: MOST_CALLERS // 2])


# The same draw in one step at the server, by the server's own clock, so that processes need not agree on the time.
_DRAW = f"""
local t = redis.call('time')
local now = t[1] * 1000000 + t[2]
local asked = tonumber(redis.call('get', KEYS[2]) or '0')
local full = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), now)
local had = 0
if asked < {PER_DAY} and full + {_STEP_US} - now <= {_FULL_US} then
  had = 1
  full = full + {_STEP_US}
  redis.call('set', KEYS[1], string.format('%.0f', full), 'PX', 2000)
  asked = redis.call('incr', KEYS[2])
  redis.call('expire', KEYS[2], {DAY_S})
end
return {{had, math.floor(({_FULL_US} - (full - now)) / {_STEP_US}), {PER_DAY} - asked}}
"""


class OverRedis:
    """For a house of several processes, which count together."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._alone = redis, InMemory()
        self._draw = redis.register_script(_DRAW)

    async def take(self, caller: str, now: datetime) -> Standing:
        today, ends = _day(now)
        try:
            had, second, day = await self._draw(keys=[f"rate:{caller}", f"rate:{today}:{caller}"])
        except RedisError as error:
            log.warning("rates_alone", error=type(error).__name__)
            return await self._alone.take(caller, now)
        return Standing(bool(had), int(second), int(day), ends)

    async def close(self) -> None:
        await self._redis.aclose()


def in_memory() -> Rates:
    return InMemory()


def over_redis(url: str) -> OverRedis:
    return OverRedis(Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=0.5, socket_connect_timeout=0.5))


def _day(now: datetime) -> tuple[int, int]:
    """The number of the day and the seconds until it ends."""
    seconds = int(now.astimezone(UTC).timestamp())
    return seconds // DAY_S, DAY_S - seconds % DAY_S
