"""The right to write one sale's book: taken with an epoch, renewed while its holder lives."""

import asyncio
from collections.abc import Callable

from pavilion.bidding.book import BookStore, Fenced, Held

LEASE_US = 1_500_000
RENEW_S = 0.5
TRUST_S = 1.0  # without a renewal for so long, by the monotonic clock, nothing more is decided


class Lease:
    """One held lease. `fresh` says whether a decision may rest on it."""

    def __init__(self, store: BookStore, sale: str, held: Held, monotonic: Callable[[], float]) -> None:
        self.store, self.sale, self.epoch = store, sale, held.epoch
        self.beat_at, self.taken_at = held.beat_at, held.now
        self._monotonic = monotonic
        self._renewed = monotonic()
        self._lost = False
        self.beat = False  # the outage before this lease is settled: from now on the heart beats

    @classmethod
    async def take(cls, store: BookStore, sale: str, holder: str, monotonic: Callable[[], float]) -> "Lease | None":
        held = await store.take(sale, holder, LEASE_US)
        return None if held is None else cls(store, sale, held, monotonic)

    @property
    def fresh(self) -> bool:
        """True while it can be trusted; a lease known to be lost ends its holder."""
        if self._lost:
            raise Fenced(f"sale {self.sale}: epoch {self.epoch} is over")
        return self._monotonic() - self._renewed < TRUST_S

    async def renew(self) -> None:
        asked = self._monotonic()
        if await self.store.renew(self.sale, self.epoch, LEASE_US, beat=self.beat) is None:
            self._lost = True
        else:
            self._renewed = asked

    async def keep(self) -> None:
        """Renews until cancelled; a failed renewal is tried again, since trust runs out by itself."""
        while not self._lost:
            try:
                await self.renew()
            except Exception:  # noqa: BLE001 - whatever the database says, time decides
                await asyncio.sleep(RENEW_S / 5)
                continue
            await asyncio.sleep(RENEW_S)

    async def release(self) -> None:
        await self.store.release(self.sale, self.epoch)
