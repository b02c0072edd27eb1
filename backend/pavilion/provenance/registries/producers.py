"""The producers' registries: one producer's own database, and the registry that many share (origin spec 10)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pavilion.provenance.registries import reading
from pavilion.provenance.registries.answering import Asking, once
from pavilion.provenance.registries.file import differs_from
from pavilion.provenance.registries.lines import Asked, Line
from pavilion.provenance.registries.port import (
    MATCH,
    OWN_PRODUCTION,
    SHARED_PRODUCER,
    Answer,
    Claim,
    Status,
    plain_bytes,
)

MOST_EVENTS = 2_000


class ProducerRegistry(Asking):
    """Hands over a stone's chain. Who may sign in it, and with which key, is for the house's own table to say."""

    def __init__(self, name: str, line: Line) -> None:
        super().__init__(name, line)
        self._id = "origin_id" if name == OWN_PRODUCTION else "id"

    def question(self, claim: Claim, now: datetime) -> Asked:
        folder = "stones" if self.name == OWN_PRODUCTION else "v1/diamonds"
        return Asked(f"{folder}/{quote(claim.key, safe='')}", once=once(claim, now))

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
