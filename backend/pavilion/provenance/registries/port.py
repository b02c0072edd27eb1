"""What the house asks a registry and what it hears: values only, no network.

`Answer.fields` holds what the rules need, in one form whatever the wire looks like; texts, whole numbers, booleans,
None, lists and objects of these, never a fraction. Equal answers have equal fields, though their raw bytes may differ.
With status MISMATCH the fields are there too; ABSENT and UNAVAILABLE have none.

own-production, shared-producer (key: the origin id; events and bodies besides)
    `stolen` [piece], `revoked` [event type]: what the registry knows since the events were signed.
match (key: the origin id)
    `score`, `threshold`: decimal texts. Asked only where the chain names a scan of the rough and one of the stone.
laboratory (key: `LAB:NUMBER`)
    `lab no type date weight shape color clarity cut polish symmetry fluorescence species variety inscription`
    `treatment`: the laboratory's words, None where the report is silent; `meas`: three decimal texts in mm or None;
    `origin`: {name, code} of the source disclosed, or None; `withdrawn`: true makes the status MISMATCH, and the
    fields end there.
kp (key: the certificates' numbers, parted by commas)
    `certificates` {no: {no issuer issued expires hs origin ct usd parcels exporter importer used_mct confirmed
    conflict}}: `used_mct` is the rough that the authority knows on it apart from this chain's pieces; `conflict`: the
    chain says something else under this number; `confirmed`: the day on which the importer confirmed it, or None.
warranty (key: the sellers of the chain, parted by commas)
    `companies` {id: {name registered self_assessed}}: `self_assessed` is the day of the last one, or None. A company
    that the register does not know is None.
rjc (key: the membership numbers that events claim in their member `rjc`, parted by commas)
    `members` {no: {party status issued expires term_years}}; a number that is not on the list is left out.
sanctions (key: `parties`, fields {party: name}; the list is matched in this house)
    `version`: the list's; `issued`: its day; `matched` [party]; `near` [{party, entry}]: names so alike that a person
    must look.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pavilion.provenance.issuers import IssuerKeys
    from pavilion.provenance.trust import Trust

OWN_PRODUCTION, SHARED_PRODUCER, MATCH = "own-production", "shared-producer", "match"
LABORATORY, KP, RJC, WARRANTY, SANCTIONS = "laboratory", "kp", "rjc", "warranty", "sanctions"
PRODUCERS = (OWN_PRODUCTION, SHARED_PRODUCER)
NAMES = (*PRODUCERS, LABORATORY, KP, RJC, WARRANTY, SANCTIONS, MATCH)

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
    fields: Mapping[str, str | int] = field(default_factory=dict)  # whole numbers and texts only

    def sha256(self) -> str:
        """The same claim has the same hash: asking twice is one question."""
        return _hash(self.registry, self.key, self.fields) if self.fields else _hash_of_key(self.registry, self.key)


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
    fields: Mapping[str, Any] = field(default_factory=dict)  # facts for the rules, see above
    keys: "IssuerKeys | None" = None  # of the parties that signed the events, as the registry hands them on
    mandatory: bool = False  # without its word there is no verdict
    claim_sha256: str = ""  # the question's
    ms: int | None = None  # how long it took; None where nobody was asked
    quota_left: int | None = None  # questions that the registry still allows


class Registry(Protocol):
    name: str

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        """Never raises for what a registry does wrong: that is an answer too."""


def _hash(registry: str, key: str, fields: Mapping[str, str | int]) -> str:
    return hashlib.sha256(plain_bytes({"registry": registry, "key": key, "fields": dict(fields)})).hexdigest()


@lru_cache(maxsize=4096)
def _hash_of_key(registry: str, key: str) -> str:
    return _hash(registry, key, {})


def plain_bytes(document: object) -> bytes:
    """The one spelling that is signed and hashed: keys sorted, no blanks, UTF-8. Documents hold no floats,
    and keys are ASCII, so these are the bytes of RFC 8785 at the speed of the C encoder."""
    return _ENCODER.encode(document).encode()
