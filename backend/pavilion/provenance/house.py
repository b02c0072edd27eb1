"""How the house goes about its work: no rule of origin, but how long it waits and how often it looks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from typing import Any

from pavilion.kernel.canon import read_json
from pavilion.provenance.tables import DATA, NAMES, shipped_bytes

HOUSE = "house"
ALL = (*NAMES, HOUSE)  # what two persons may change
MOST = 256 * 1024  # bytes of one table


@dataclass(frozen=True, slots=True)
class House:
    """The figures of the document `house`; two persons change them while the house runs."""

    in_flight: int  # calls to one registry at a time
    timeout_ms: int  # for one call
    breaker_failures: int  # after so many failures
    breaker_within_s: int  # in this time
    breaker_rest_s: int  # a registry is left in peace so long
    pending_hours: int  # a pending stone waits, then a person looks at it
    unwitnessed_minutes: int  # an event waits for the log's witnesses, then it counts as not logged
    sweep_hours: int  # between two looks at a stone in the catalogue
    live_minutes: int  # between two looks at a stone in a live lot
    stop_hours: int  # one person's emergency stop of a trust row lasts

    @property
    def give_up(self) -> timedelta:
        return timedelta(hours=self.pending_hours)

    @property
    def unwitnessed(self) -> timedelta:
        return timedelta(minutes=self.unwitnessed_minutes)

    @property
    def stop_lasts(self) -> timedelta:
        return timedelta(hours=self.stop_hours)

    def document(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def house_of(document: Mapping[str, Any]) -> House:
    """ValueError for any other members, and for what is no whole number from one."""
    said = document["house"]
    if document.keys() - {"note"} != {"version", "house"} or said.keys() != {field.name for field in fields(House)}:
        raise ValueError("other figures than the house knows")
    for name, value in said.items():
        if type(value) is not int or value < 1:
            raise ValueError(name)
    return House(**said)


def shipped_of(name: str) -> bytes:
    return (DATA / "house.json").read_bytes() if name == HOUSE else shipped_bytes(name)


@cache
def shipped_house() -> House:
    return house_of(read_json(shipped_of(HOUSE)))
