"""The producers' registries: one producer's own database, and the registry that many share (origin spec 10)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pavilion.kernel.clock import monotonic_s
from pavilion.provenance.issuers import NO_KEYS, IssuerKeys
from pavilion.provenance.registries import reading
from pavilion.provenance.registries.answering import Asking, once
from pavilion.provenance.registries.file import differs_from
from pavilion.provenance.registries.lines import Asked, Line, Silent
from pavilion.provenance.registries.port import (
    MATCH,
    OWN_PRODUCTION,
    SHARED_PRODUCER,
    Answer,
    Claim,
    Reason,
    Status,
    plain_bytes,
)
from pavilion.provenance.trust import NOBODY, Trust

TRUST_FRESH_S = 60
MOST_EVENTS = 2_000


class ProducerRegistry(Asking):
    """Hands over a stone's chain, and who may sign in it as the registry knows them."""

    def __init__(self, name: str, line: Line) -> None:
        super().__init__(name, line)
        self._id = "origin_id" if name == OWN_PRODUCTION else "id"
        self._vouched: tuple[Trust, IssuerKeys] = (NOBODY, NO_KEYS)
        self._vouched_at: float | None = None

    def question(self, claim: Claim, now: datetime) -> Asked:
        folder = "stones" if self.name == OWN_PRODUCTION else "v1/diamonds"
        return Asked(f"{folder}/{quote(claim.key, safe='')}", once=once(claim, now))

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        answer = await super().confirm(claim, now)
        if answer.status not in (Status.FOUND, Status.MISMATCH):
            return answer
        try:
            trust, keys = await self._whom_it_vouches_for()
        except Silent as silent:
            return Answer(self.name, Status.UNAVAILABLE, now, reason=silent.reason)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Answer(self.name, Status.UNAVAILABLE, now, reason=Reason.SCHEMA)
        return replace(answer, trust=trust, keys=keys)

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        events = reading.objects(document, "events")
        if document[self._id] != claim.key or document["registry"] != self.name:
            raise ValueError("another stone")
        if self.name == SHARED_PRODUCER and document["view"] != "whole":
            raise ValueError("a part of the chain is kept from us")
        if len(events) > MOST_EVENTS or not events:
            raise ValueError("no chain")
        chain = tuple(events)
        differs = tuple(differs_from(claim.fields, chain))
        return replace(
            blank,
            status=Status.MISMATCH if differs else Status.FOUND,
            differs=differs,
            stone=reading.word(document, "stone"),
            events=chain,
            bodies=tuple(plain_bytes(event).decode() for event in chain),
            fields={name: sorted(reading.words(document, name)) for name in ("stolen", "revoked")},
        )

    async def _whom_it_vouches_for(self) -> tuple[Trust, IssuerKeys]:
        """Heard once a minute: new parties are known soon, and no stone waits for it twice."""
        if self._vouched_at is None or monotonic_s() - self._vouched_at > TRUST_FRESH_S:
            said = await self._line.ask(Asked("trust"))
            if said.document is None:
                raise Silent(Reason.SCHEMA, said.raw_sha256)
            rows, keys = reading.objects(said.document, "trust"), reading.objects(said.document, "keys")
            self._vouched, self._vouched_at = (Trust(rows), IssuerKeys(keys)), monotonic_s()
        return self._vouched


class MatchRegistry(Asking):
    """Whether the scan of the stone fits into the scan of its rough; scores are the registry's."""

    def __init__(self, line: Line) -> None:
        super().__init__(MATCH, line)

    def question(self, claim: Claim, now: datetime) -> Asked:
        return Asked("v1/match", {"id": claim.key}, once=once(claim, now))

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        if document["id"] != claim.key:
            raise ValueError("another stone")
        scores = {name: reading.decimal(document, name) for name in ("score", "threshold")}
        return replace(blank, fields=scores)
