"""A registry as the house asks it: a bounded number of calls at a time, none waited for too long, none at all for a
while after it failed again and again, and none twice for what it has just answered."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from inspect import isawaitable

from pavilion.kernel.clock import monotonic_s
from pavilion.provenance.house import House, shipped_house
from pavilion.provenance.registries.port import Answer, Claim, Reason, Registry, Status

REMEMBERED = 100  # failures, as many as a house may set
IN_HAND_S = 10  # so long an answer is still in hand; a withdrawn report is heard of within a minute all the same
IN_HAND = 4_096
_FAILED = (Reason.TIMEOUT, Reason.DOWN)


class Slots:
    """So many calls at a time and no more, also while that number changes."""

    def __init__(self, most: int) -> None:
        self._most, self._owed, self._free = most, 0, asyncio.Semaphore(most)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self._free.acquire()
        try:
            yield
        finally:
            if self._owed:
                self._owed -= 1
            else:
                self._free.release()

    async def resize(self, most: int) -> None:
        """Fewer: what is under way is let go on, and its places are not given again."""
        self._owed += self._most - most
        self._most = most
        while self._owed > 0 and not self._free.locked():
            self._owed -= 1
            await self._free.acquire()  # at hand, so nobody comes between
        while self._owed < 0:
            self._owed += 1
            self._free.release()


class GuardedRegistry:
    """Answers always and soon; what went wrong is the answer's reason."""

    def __init__(
        self, registry: Registry, *, timeout_s: float | None = None, clock: Callable[[], float] = monotonic_s
    ) -> None:
        """`timeout_s` holds whatever the house says."""
        self.name = registry.name
        self.address: str | None = getattr(registry, "address", None)  # None: it is not connected
        self._registry, self._timeout_s, self._clock = registry, timeout_s, clock
        self._house = shipped_house()
        self._slots = Slots(self._house.in_flight)
        self._failed: deque[float] = deque(maxlen=REMEMBERED)
        self._rests_until: float | None = None
        self._on_trial = False
        self._in_hand: OrderedDict[str, tuple[float, Answer]] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[Answer]] = {}

    async def abide(self, house: House) -> None:
        """From the next call on it is asked as the house now says."""
        self._house = house
        await self._slots.resize(house.in_flight)

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        """The same claim is one question, however many ask it at once or soon after."""
        sha256 = claim.sha256()
        if (answer := self._known(sha256)) is not None:
            return answer
        if (under_way := self._under_way.get(sha256)) is not None:
            return await asyncio.shield(under_way)
        under_way = self._under_way[sha256] = asyncio.get_running_loop().create_future()
        answer = self._silent(now, Reason.TIMEOUT)  # what the others hear if this one is called off
        try:
            answer = await self._asked(claim, sha256, now)
            self._keep(sha256, answer)
            return answer
        finally:
            del self._under_way[sha256]
            under_way.set_result(answer)

    def in_hand(self, claim: Claim) -> Answer | None:
        """What it has just answered to the same claim."""
        return self._known(claim.sha256()) if self._in_hand else None

    async def close(self) -> None:
        close = getattr(self._registry, "close", None)
        if close is not None and isawaitable(closing := close()):
            await closing

    async def _asked(self, claim: Claim, sha256: str, now: datetime) -> Answer:
        async with self._slots.one():
            if not self._may_be_asked():
                return self._silent(now, Reason.BREAKER_OPEN)
            started = self._clock()
            try:
                async with asyncio.timeout(self._timeout_s or self._house.timeout_ms / 1000):
                    answer = await self._registry.confirm(claim, now)
            except TimeoutError:
                answer = self._silent(now, Reason.TIMEOUT)
            except OSError:
                answer = self._silent(now, Reason.DOWN)
            except (ValueError, KeyError, TypeError, RecursionError):
                answer = self._silent(now, Reason.SCHEMA)
            finally:
                self._on_trial = False
            self._note(answer)
            return replace(answer, claim_sha256=sha256, ms=round((self._clock() - started) * 1000))

    def _may_be_asked(self) -> bool:
        """After a rest one call is let through, and the others wait for its outcome by going without."""
        if self._rests_until is None:
            return True
        if self._on_trial or self._clock() < self._rests_until:
            return False
        self._on_trial = True
        return True

    def _note(self, answer: Answer) -> None:
        if answer.reason not in _FAILED:
            self._failed.clear()
            self._rests_until = None
            return
        now = self._clock()
        self._failed.append(now)
        most, within_s = self._house.breaker_failures, self._house.breaker_within_s
        often = len(self._failed) >= most and now - self._failed[-most] <= within_s
        if often or self._rests_until is not None:
            self._rests_until = now + self._house.breaker_rest_s

    def _known(self, sha256: str) -> Answer | None:
        kept = self._in_hand.get(sha256)
        if kept is None or self._clock() - kept[0] >= IN_HAND_S:
            return None
        self._in_hand.move_to_end(sha256)
        return kept[1]

    def _keep(self, sha256: str, answer: Answer) -> None:
        """Chains are asked for once each and are too large to hold."""
        if answer.status is Status.UNAVAILABLE or answer.events:
            return
        self._in_hand[sha256] = (self._clock(), answer)
        self._in_hand.move_to_end(sha256)
        if len(self._in_hand) > IN_HAND:
            self._in_hand.popitem(last=False)

    def _silent(self, now: datetime, reason: Reason) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, reason=reason)


def guarded(registry: Registry) -> GuardedRegistry:
    return registry if isinstance(registry, GuardedRegistry) else GuardedRegistry(registry)
