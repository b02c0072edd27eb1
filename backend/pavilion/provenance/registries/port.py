"""What the house asks a registry and what it hears: values only, no network."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pavilion.provenance.trust import Trust

Event = dict[str, Any]
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)


class Status(StrEnum):
    FOUND = "found"
    MISMATCH = "mismatch"  # the registry knows the key and contradicts the claim
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"  # no answer that can be believed; asked again later


class Reason(StrEnum):
    """Why there is no answer to believe."""

    TIMEOUT = "timeout"
    DOWN = "http_5xx"
    BREAKER_OPEN = "breaker_open"
    BAD_SIGNATURE = "bad_signature"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a listing says about a stone. A registry compares only the fields it is given."""

    registry: str
    key: str
    fields: Mapping[str, str | int] = field(default_factory=dict)

    def sha256(self) -> str:
        """The same claim has the same hash: asking twice is one question."""
        return hashlib.sha256(
            plain_bytes({"registry": self.registry, "key": self.key, "fields": dict(self.fields)})
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    registry: str
    status: Status
    at: datetime
    raw_sha256: str | None = None  # of the bytes the registry sent
    reason: Reason | None = None
    differs: tuple[str, ...] = ()  # the fields of the claim that the registry contradicts
    stone: str | None = None  # the registry's own id of the polished piece
    events: tuple[Event, ...] = ()
    bodies: tuple[str, ...] = ()  # each event exactly as it was signed
    trust: "Trust | None" = None  # who may sign what, as accepted when the registry was connected
    signature: str | None = None
    simulated: bool = False


class Registry(Protocol):
    name: str

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        """Never raises for what a registry does wrong: that is an answer too."""


def plain_bytes(document: object) -> bytes:
    """The one spelling that is signed and hashed: keys sorted, no blanks, UTF-8. Documents hold no floats,
    and keys are ASCII, so these are the bytes of RFC 8785 at the speed of the C encoder."""
    return _ENCODER.encode(document).encode()


def chained(events: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Each event names the SHA-256 of the one before it, so none can be left out unseen."""
    linked: list[Event] = []
    before: str | None = None
    for event in events:
        link = {**event} if before is None else {**event, "prev": before}
        before = hashlib.sha256(plain_bytes(link)).hexdigest()
        linked.append(link)
    return linked
