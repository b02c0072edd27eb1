"""Dossiers opened by the thousand: what registries answered is read, and every signature checked, beside the loop."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from anyio import to_thread

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.dossier import Dossier, Signatures, opened
from pavilion.provenance.issuers import NO_KEYS, Signed, holds, signed_by, worth_of
from pavilion.provenance.issuers_process import Check, CheckingProcess
from pavilion.provenance.registries.port import Answer

SHARE = 500  # dossiers opened in one thread


class Opener:
    """Reads answers into dossiers. With `aside` a process of its own checks the signatures until `close`."""

    def __init__(self, *, aside: bool = False) -> None:
        self._process = CheckingProcess() if aside else None

    async def open(self, claims: Sequence[ListingClaim], answers: Sequence[Sequence[Answer]]) -> list[Dossier]:
        shares = [slice(start, start + SHARE) for start in range(0, len(claims), SHARE)]
        # Signatures are checked beside the loop, and the library lets go of the interpreter meanwhile.
        found = await asyncio.gather(*(to_thread.run_sync(self._opened, claims[one], answers[one]) for one in shares))
        return [dossier for share in found for dossier in share]

    async def close(self) -> None:
        if self._process is not None:
            await to_thread.run_sync(self._process.close)

    def _opened(self, claims: Sequence[ListingClaim], answers: Sequence[Sequence[Answer]]) -> list[Dossier]:
        known = self._checked(answers) if self._process is not None else {}
        return [
            opened(claim, heard, known.get(place))
            for place, (claim, heard) in enumerate(zip(claims, answers, strict=True))
        ]

    def _checked(self, answers: Sequence[Sequence[Answer]]) -> Mapping[int, Signatures]:
        """What the signatures of each chain are worth, by the place of its answers; a chain that cannot be read is
        left out."""
        asked: dict[int, list[Signed | None]] = {}
        for place, (producer, *_) in enumerate(answers):
            try:
                asked[place] = [signed_by(event, producer.keys or NO_KEYS) for event in producer.events]
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        held = iter(self._held([signed for each in asked.values() for signed in each if signed is not None]))
        return {place: [_worth(signed, held) for signed in each] for place, each in asked.items()}

    def _held(self, signed: Sequence[Signed]) -> list[bool]:
        if (process := self._process) is not None:
            try:
                return process.holding([Check(one.key.public, one.value, one.text) for one in signed])
            except OSError as fault:
                logging.getLogger(__name__).warning("%s; signatures are checked here", fault)
                process.close()
                self._process = None
        return [holds(one) for one in signed]


def _worth(signed: Signed | None, held: Any) -> Mapping[str, Any]:
    return worth_of(signed, signed is not None and next(held))
