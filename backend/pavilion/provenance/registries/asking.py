"""All registries of the house, and everything they are asked about one listing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.house import House, shipped_house
from pavilion.provenance.registries import questions
from pavilion.provenance.registries.guarding import GuardedRegistry, guarded
from pavilion.provenance.registries.none import NoRegistry
from pavilion.provenance.registries.port import PRODUCERS, Answer, Claim, Registry, Status


class Registries:
    """Asks all registries that a listing concerns, at once. What a registry cannot be asked before the chain is known
    (who sold the stone, under which certificate) it is asked as soon as the producer has answered."""

    def __init__(self, registries: Mapping[str, GuardedRegistry]) -> None:
        self._registries = dict(registries)
        self._house = shipped_house()

    @classmethod
    def of(cls, *registries: Registry) -> "Registries":
        """These and no others: a registry that is not among them is not asked and holds nothing up."""
        return cls({registry.name: guarded(registry) for registry in registries})

    async def abide(self, house: House) -> None:
        """Every registry is asked as the house now says."""
        if house != self._house:
            self._house = house
            for registry in self._registries.values():
                await registry.abide(house)

    @property
    def in_flight(self) -> int:
        return self._house.in_flight

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._registries)

    def address_of(self, name: str) -> str | None:
        """Where a registry is; empty for one in this process, None for one that is not connected."""
        found = self._registries.get(name)
        return None if found is None else found.address

    def producer_of(self, claim: ListingClaim) -> GuardedRegistry:
        """The producers' registry that the listing names; unknown names are a registry that never answers."""
        name = claim.origin_registry
        found = self._registries.get(name) if name in PRODUCERS else None
        return found or guarded(NoRegistry(name))

    async def ask(self, claim: ListingClaim, now: datetime) -> tuple[Answer, ...]:
        """One answer of each registry that the listing concerns, the producer's first."""
        early = [asked for asked in questions.early(claim) if asked.registry in self._registries]
        producer = self.producer_of(claim)
        asked = questions.to_producer(claim, producer.name)
        chain, *known = await _heard([(producer, asked), *self._pairs(early)], now)
        later: list[Claim] = []
        if chain.status in (Status.FOUND, Status.MISMATCH):
            asked_already = {(e.registry, e.key) for e in early}
            wanted = questions.late(claim, chain.events)
            later = [c for c in wanted if c.registry in self._registries and (c.registry, c.key) not in asked_already]
        late = await _heard(self._pairs(later), now)
        heard = zip([*early, *later], [*known, *late], strict=True)
        chain = replace(chain, claim_sha256=chain.claim_sha256 or asked.sha256(), mandatory=True)
        return (chain, *questions.gathered(claim, heard, chain.events))

    async def confirm(self, claim: Claim, now: datetime) -> Answer | None:
        """What one registry answers to one question; None of one that is not connected."""
        registry = self._registries.get(claim.registry)
        return None if registry is None else await registry.confirm(claim, now)

    def _pairs(self, asked: Sequence[Claim]) -> list[tuple[GuardedRegistry, Claim]]:
        return [(self._registries[claim.registry], claim) for claim in asked]

    async def close(self) -> None:
        for registry in self._registries.values():
            await registry.close()


async def _heard(asked: Sequence[tuple[GuardedRegistry, Claim]], now: datetime) -> list[Answer]:
    """What each answers, all asked at once; an answer that is in hand costs no turn of the loop."""
    heard = [registry.in_hand(claim) for registry, claim in asked]
    open_ = [registry.confirm(claim, now) for (registry, claim), answer in zip(asked, heard, strict=True) if not answer]
    told = iter([await open_[0]] if len(open_) == 1 else await asyncio.gather(*open_) if open_ else ())
    return [answer or next(told) for answer in heard]
