"""What all adapters have in common: a question over a line, and an answer that is believed or is none."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pavilion.provenance.registries.lines import Asked, Line, Said, Silent
from pavilion.provenance.registries.port import Answer, Claim, Reason, Status


class Asking(ABC):
    """A registry over a line. What is not of the agreed form is no answer: it is asked again, and never believed."""

    name: str
    address: str

    def __init__(self, name: str, line: Line) -> None:
        self.name, self.address = name, line.address
        self._line = line

    @abstractmethod
    def question(self, claim: Claim, now: datetime) -> Asked:
        """What the house asks this party about the claim."""

    @abstractmethod
    def read(self, claim: Claim, document: Mapping[str, Any], blank: Answer) -> Answer:
        """`blank` is a FOUND without facts. ValueError for nonsense."""

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        try:
            said = await self._line.ask(self.question(claim, now))
        except Silent as silent:
            return Answer(self.name, Status.UNAVAILABLE, now, reason=silent.reason, raw_sha256=silent.raw_sha256)
        return self._answer(claim, said, now)

    async def close(self) -> None:
        await self._line.close()

    def _answer(self, claim: Claim, said: Said, now: datetime) -> Answer:
        document = said.document
        blank = Answer(
            self.name,
            Status.FOUND,
            now,
            raw_sha256=said.raw_sha256,
            signature=said.signature,
            simulated=said.simulated if document is None else document.get("simulated") is True,
        )
        if document is None:
            return replace(blank, status=Status.ABSENT)
        try:
            return self.read(claim, document, blank)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return replace(blank, status=Status.UNAVAILABLE, reason=Reason.SCHEMA, signature=None)


def once(claim: Claim, now: datetime) -> str:
    """The same question on the same day is paid for once, whoever asks it again and from whichever process."""
    return f"{claim.sha256()}-{now.date().isoformat()}"
