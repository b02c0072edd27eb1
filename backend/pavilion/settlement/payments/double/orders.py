"""What is to go wrong: with the next answers, and with the calls to the house."""

import json
from enum import StrEnum
from typing import Any

from pavilion.settlement.payments.double.state import State

LONGEST_MS, MOST_TIMES = 120_000, 1000


class Fault(StrEnum):
    ERROR = "500"  # nothing is done, and asked again it may go well
    KEPT = "500_kept"  # nothing is done, and the answer is kept under the idempotency key
    LIMITED = "429"
    BEFORE = "timeout_before"  # hangs up; nothing is done
    AFTER = "timeout_after"  # done, and hangs up
    CUT = "cut_after"  # done, and hangs up in the middle of the answer
    SLOW = "slow"  # answers after `ms`


class NoSuchOrder(Exception):
    """Nobody here understands it."""


POSTING: dict[str, int] = {
    "late_ms": 0,  # at most so late, drawn by the seed
    "twice_bp": 0,  # so many of 10,000 are told twice
    "lost_bp": 0,  # .. are never told
    "forged_bp": 0,  # .. come once more with a signature of somebody else
    "shuffle": 0,  # 1: those of one moment in another order
    "stopped": 0,  # 1: nothing goes out until it is lifted
    "seed": 1,
}
_LIMITS = {
    "late_ms": 86_400_000,
    "twice_bp": 10_000,
    "lost_bp": 10_000,
    "forged_bp": 10_000,
    "shuffle": 1,
    "stopped": 1,
}


class Orders:
    """Kept with the state: a restart forgets none."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def posting(self) -> dict[str, int]:
        said: dict[str, int] = json.loads(self._state.note("posting") or "{}")
        return POSTING | said

    def post(self, **said: Any) -> None:
        """How calls are made from now on."""
        if unknown := said.keys() - POSTING.keys():
            raise NoSuchOrder(", ".join(sorted(unknown)))
        for name, value in said.items():
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LIMITS.get(name, 2**53):
                raise NoSuchOrder(name)
        self._state.set_note("posting", json.dumps(self.posting | said))

    @property
    def faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._state.note("faults") or "[]")
        return found

    def order(self, fault: str, *, on: str = "POST /v1/", times: int = 1, ms: int = 0) -> None:
        """The next `times` answers to requests that begin with `on` go wrong so."""
        try:
            kind = Fault(fault)
        except ValueError:
            raise NoSuchOrder(fault) from None
        if not (0 < times <= MOST_TIMES and 0 <= ms <= LONGEST_MS and len(on) <= 200):
            raise NoSuchOrder(fault)
        self._set([*self.faults, {"fault": kind.value, "on": on, "times": times, "ms": ms}])

    def take(self, request: str) -> tuple[Fault, int] | None:
        """What is ordered for this request, `METHOD /path`; counted down."""
        standing = self.faults
        for one in standing:
            if request.startswith(one["on"]):
                one["times"] -= 1
                self._set([each for each in standing if each["times"] > 0])
                return Fault(one["fault"]), int(one["ms"])
        return None

    def well(self) -> None:
        """All is in order again."""
        self._set([])
        self._state.set_note("posting", "{}")

    def _set(self, faults: list[dict[str, Any]]) -> None:
        self._state.set_note("faults", json.dumps(faults))
