"""A registry as the house asks it: a bounded number of calls at a time, none waited for too long, none at all for a
while after it failed again and again."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from pavilion.kernel.clock import monotonic_s
from pavilion.provenance.registries.port import Answer, Claim, Reason, Registry, Status

IN_FLIGHT = 64
TIMEOUT_S = 3
FAILURES, FAILURES_WITHIN_S, REST_S = 5, 30, 15


class GuardedRegistry:
    """Answers always and soon; what went wrong is the answer's reason."""

    def __init__(
        self, registry: Registry, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = monotonic_s
    ) -> None:
        self.name = registry.name
        self._registry, self._timeout_s, self._clock = registry, timeout_s, clock
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._failed: deque[float] = deque(maxlen=FAILURES)
        self._rests_until: float | None = None

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        async with self._slots:
            if self._rests_until is not None and self._clock() < self._rests_until:
                return self._silent(now, Reason.BREAKER_OPEN)
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._registry.confirm(claim, now)
            except TimeoutError:
                answer = self._silent(now, Reason.TIMEOUT)
            except OSError:
                answer = self._silent(now, Reason.DOWN)
            except (ValueError, KeyError, TypeError, RecursionError):
                answer = self._silent(now, Reason.SCHEMA)
            self._note(answer)
            return answer

    def _note(self, answer: Answer) -> None:
        """After a rest one call is let through; its failure is enough for another rest."""
        if answer.reason not in (Reason.TIMEOUT, Reason.DOWN):
            self._failed.clear()
            self._rests_until = None
            return
        now = self._clock()
        self._failed.append(now)
        often = len(self._failed) == FAILURES and now - self._failed[0] <= FAILURES_WITHIN_S
        if often or self._rests_until is not None:
            self._rests_until = now + REST_S

    def _silent(self, now: datetime, reason: Reason) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, reason=reason)


def guarded(registry: Registry) -> GuardedRegistry:
    return registry if isinstance(registry, GuardedRegistry) else GuardedRegistry(registry)
