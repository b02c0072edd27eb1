"""What the simulators have been ordered to do wrong, and what happened in their world since its files were written."""

from collections import defaultdict
from enum import StrEnum
from typing import Any

LONGEST_DELAY_MS = 60_000


class Fault(StrEnum):
    """What a simulator can be ordered to do wrong with every question."""

    SLOW = "slow"
    DOWN = "down"
    DROP = "drop"  # hangs up
    GARBLE = "garble"  # sends other bytes than it signed
    LYING = "lying"  # says what is not so
    SWAPPED = "wrong"  # answers about something else


class Mark(StrEnum):
    """What can happen to one stone, report, certificate or party."""

    WITHDRAWN = "withdrawn"  # the laboratory takes a report back
    STOLEN = "stolen"  # the producer has a theft on record
    REVOKE = "revoke"  # an issuer takes back its word about a stone
    USED = "used"  # somebody else's rough has gone out under the certificate
    LAPSED = "lapsed"  # no longer a member, no longer registered
    LISTED = "listed"  # put on the sanctions list


MARKS: dict[str, tuple[Mark, ...]] = {
    "own-production": (Mark.STOLEN, Mark.REVOKE),
    "shared-producer": (Mark.STOLEN, Mark.REVOKE),
    "match": (),
    "laboratory": (Mark.WITHDRAWN,),
    "kp": (Mark.USED,),
    "rjc": (Mark.LAPSED,),
    "warranty": (Mark.LAPSED,),
    "sanctions": (Mark.LISTED,),
}


class NoSuchOrder(ValueError):
    """There is no such simulator, or it cannot do that."""


class Orders:
    """The standing orders of one process of simulators."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._marks: dict[tuple[str, Mark], dict[str, None]] = defaultdict(dict)
        self._delays: dict[str, int] = {}

    def give(self, registry: str, order: str, key: str | None = None) -> None:
        """`well` ends a fault; a mark goes away with `not-` before its name; `delay` takes milliseconds for its key.
        `*` for the registry means all of them: `well` then takes back everything ever ordered."""
        if registry == "*" and order == "well":
            self._faults.clear()
            self._marks.clear()
            self._delays.clear()
            return
        if registry == "*" and order == "delay":
            for name in MARKS:
                self.give(name, order, key)
            return
        if registry not in MARKS:
            raise NoSuchOrder("registry")
        if order == "well":
            self._faults.pop(registry, None)
        elif order == "delay" and key is not None and key.isdigit() and int(key) <= LONGEST_DELAY_MS:
            self._delays[registry] = int(key)
        elif order in set(Fault) and not key:
            self._faults[registry] = Fault(order)
        elif order.removeprefix("not-") in MARKS[registry] and key and len(key) <= 200:
            marked = self._marks[registry, Mark(order.removeprefix("not-"))]
            if order.startswith("not-"):
                marked.pop(key, None)
            else:
                marked[key] = None
        else:
            raise NoSuchOrder("order")

    def fault(self, registry: str) -> Fault | None:
        return self._faults.get(registry)

    def delay_ms(self, registry: str) -> int:
        return self._delays.get(registry, 0)

    def marked(self, registry: str, mark: Mark, *keys: str) -> bool:
        marked = self._marks.get((registry, mark), {})
        return any(key in marked for key in keys)

    def all_marked(self, registry: str, mark: Mark) -> list[str]:
        return list(self._marks.get((registry, mark), ()))

    def document(self) -> dict[str, Any]:
        """The orders as they stand, by registry."""
        return {
            name: {
                "fault": self._faults.get(name),
                "delay_ms": self.delay_ms(name),
                **{mark.value: self.all_marked(name, mark) for mark in marks},
            }
            for name, marks in MARKS.items()
        }
