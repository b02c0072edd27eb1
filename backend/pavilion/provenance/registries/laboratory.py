"""The laboratories, asked for a report by its number in the shape of GIA's Report Results."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pavilion.provenance.registries.answering import Asking, once
from pavilion.provenance.registries.laboratory_words import QUERY, read
from pavilion.provenance.registries.lines import Asked, Line
from pavilion.provenance.registries.port import LABORATORY, Answer, Claim, Status


class LaboratoryRegistry(Asking):
    """One question is one call of the laboratory's quota, however often it is asked again on that day."""

    def __init__(self, line: Line) -> None:
        super().__init__(LABORATORY, line)

    def question(self, claim: Claim, now: datetime) -> Asked:
        lab, _, number = claim.key.partition(":")
        content = {"query": QUERY, "variables": {"report_number": number}}
        return Asked("", content, once=once(claim, now), lab=quote(lab, safe=""))

    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        lab, _, number = claim.key.partition(":")
        fields, quota_left = read(lab, number, document)
        if fields is None:
            return replace(blank, status=Status.ABSENT)
        if fields["withdrawn"]:
            return replace(blank, status=Status.MISMATCH, differs=("withdrawn",), fields=fields)
        return replace(blank, fields=fields, quota_left=quota_left)
