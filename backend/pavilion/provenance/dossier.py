"""A listing and what its registries answered, read and checked: the signatures first of all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import Happening, happenings, moment
from pavilion.provenance.issuers import NO_KEYS, SIGNATURE, IssuerKeys, signature_of
from pavilion.provenance.registries.port import Answer, Reason, Status, plain_bytes
from pavilion.provenance.trust import NOBODY, Trust

Signatures = Sequence[Mapping[str, Any]]


class Link(NamedTuple):
    """One event as it is kept: its exact bytes, their hash, and the hash of the one before."""

    kind: str
    at: datetime
    body: str
    sha256: str
    prev_sha256: str | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """`answers` begin with the producer's, which hands over the chain. `heard_now` is false where they were heard and
    kept before."""

    claim: ListingClaim
    answers: tuple[Answer, ...]
    links: tuple[Link, ...] = ()
    events: tuple[Happening, ...] = ()
    keys: IssuerKeys = NO_KEYS  # by which the events' signatures were checked
    heard_now: bool = True

    @property
    def producer(self) -> Answer:
        return self.answers[0]

    @property
    def silent(self) -> frozenset[str]:
        """The registries without whose word there is no verdict, and that have not given it."""
        return frozenset(a.registry for a in self.answers if a.mandatory and a.status is Status.UNAVAILABLE)

    @property
    def keeps_chain(self) -> bool:
        """The record is of this very stone, whatever it says; only then may it become the stone's chain."""
        return bool(self.links) and "origin_id" not in self.producer.differs

    @property
    def piece(self) -> str:
        """The registry's name of the polished stone."""
        return self.producer.stone or self.claim.origin_id

    @property
    def trust(self) -> Trust:
        """Who the connected registries vouch for."""
        return self.producer.trust or NOBODY

    def checked_with(self, keys: IssuerKeys) -> "Dossier":
        """The same dossier, its signatures held against these keys."""
        if keys.sha256 == self.keys.sha256:
            return self
        if all(keys.find(kid) == self.keys.find(kid) for kid in map(_kid, self.producer.events) if kid is not None):
            return replace(self, keys=keys)
        links, events = chain_of(self.producer.events, [link.body for link in self.links], keys)
        return replace(self, links=links, events=events, keys=keys)


def opened(claim: ListingClaim, answers: Sequence[Answer], signatures: Signatures | None = None) -> Dossier:
    """What the answers hold. A chain that cannot be read is no answer. `signatures`: what those of the events are
    worth, where that is known already."""
    producer, *others = answers
    keys = producer.keys or NO_KEYS
    bodies = producer.bodies or [plain_bytes(event).decode() for event in producer.events]
    try:
        links, events = chain_of(producer.events, bodies, keys, signatures)
    except (ValueError, TypeError, KeyError, AttributeError):
        silent = replace(producer, status=Status.UNAVAILABLE, reason=Reason.SCHEMA, events=(), stone=None, fields={})
        return Dossier(claim, (silent, *others))
    return Dossier(claim, tuple(answers), links, events, keys)


def chain_of(
    events: Sequence[Mapping[str, Any]], bodies: Sequence[str], keys: IssuerKeys, signatures: Signatures | None = None
) -> tuple[tuple[Link, ...], tuple[Happening, ...]]:
    """Each event is signed by its issuer and names the one before: both are checked here and told to the rules, and
    nothing the record itself says about signature or log is believed. Whether an event stands in the log is told
    later; here only that it continues the one before."""
    links: list[Link] = []
    told: list[dict[str, Any]] = []
    before: str | None = None
    worth = signatures or [signature_of(event, keys) for event in events]
    for place, (event, body, found) in enumerate(zip(events, bodies, worth, strict=True)):
        if event.get("seq", place) != place:
            raise ValueError("a record's events stand in their own order")
        linked = event.get("prev") == before
        before = hashlib.sha256(body.encode()).hexdigest()
        links.append(Link(event["t"], moment(event["at"])[0], body, before, event.get("prev")))
        told.append({**event, "sig": _signature(event, found, keys), "log": linked})
    return tuple(links), happenings(told)


def _kid(event: Mapping[str, Any]) -> str | None:
    said = event.get(SIGNATURE)
    kid = said.get("kid") if isinstance(said, Mapping) else None
    return kid if isinstance(kid, str) else None


def _signature(event: Mapping[str, Any], found: Mapping[str, Any], keys: IssuerKeys) -> Mapping[str, Any]:
    kid = _kid(event)
    key = keys.find(kid) if kid is not None else None
    if key is None or key.revoked is None:
        return found
    return {**found, "revoked": key.revoked.isoformat()}
