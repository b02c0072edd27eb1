"""The Kimberley authorities, the Responsible Jewellery Council's members, the System of Warranties' register."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pavilion.provenance.registries import reading
from pavilion.provenance.registries.answering import Asking
from pavilion.provenance.registries.lines import Asked, Line
from pavilion.provenance.registries.port import KP, RJC, WARRANTY, Answer, Claim


class KimberleyRegistry(Asking):
    """What stands on a certificate, when it was confirmed, and the rough that has gone out under it."""

    def __init__(self, line: Line) -> None:
        super().__init__(KP, line)

    def question(self, claim: Claim, now: datetime) -> Asked:
        return Asked(f"certificates/{quote(claim.key, safe='')}")

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        if document["no"] != claim.key:
            raise ValueError("another certificate")
        texts = {name: reading.word(document, name) for name in ("no", "issuer", "hs")}
        days = {name: reading.day(document, name) for name in ("issued", "expires")}
        parties = {name: reading.optional_word(document, name) for name in ("exporter", "importer")}
        numbers = {name: reading.optional_whole(document, name, 10**15) for name in ("usd", "parcels")}
        facts: dict[str, Any] = {**texts, **days, **parties, **numbers}
        facts |= {"origin": reading.words(document, "origin"), "ct": reading.decimal(document, "ct")}
        facts |= {
            "confirmed": reading.optional_day(document, "confirmed"),
            "pieces": reading.masses(document, "pieces"),
        }
        return replace(blank, fields=facts)


class MemberList(Asking):
    """The certified members of the Responsible Jewellery Council."""

    def __init__(self, line: Line) -> None:
        super().__init__(RJC, line)

    def question(self, claim: Claim, now: datetime) -> Asked:
        return Asked(f"members/{quote(claim.key, safe='')}")

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        if document["no"] != claim.key:
            raise ValueError("another member")
        facts: dict[str, Any] = {name: reading.word(document, name) for name in ("party", "status")}
        facts |= {name: reading.day(document, name) for name in ("issued", "expires")}
        return replace(blank, fields=facts | {"term_years": reading.whole(document, "term_years", 10)})


class WarrantyRegister(Asking):
    """The companies under the System of Warranties and their last self-assessments."""

    def __init__(self, line: Line) -> None:
        super().__init__(WARRANTY, line)

    def question(self, claim: Claim, now: datetime) -> Asked:
        return Asked(f"companies/{quote(claim.key, safe='')}")

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        if document["id"] != claim.key:
            raise ValueError("another company")
        facts: dict[str, Any] = {"name": reading.word(document, "name")}
        facts |= {"registered": reading.truth(document, "registered")}
        return replace(blank, fields=facts | {"self_assessed": reading.optional_day(document, "self_assessed")})
