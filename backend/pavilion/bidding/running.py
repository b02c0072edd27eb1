"""The engine of this process: finds the sales that need a writer, takes their leases, keeps them told and running."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from pavilion.bidding import folding
from pavilion.bidding.acts import Agreed, StaffAct
from pavilion.bidding.book import BookRow, BookStore, Fenced, Held, Stored
from pavilion.bidding.deciding import Facts
from pavilion.bidding.engine import OneProcess, SaleWriter, Watermarks
from pavilion.bidding.lease import Lease
from pavilion.bidding.news import Audience
from pavilion.bidding.publication import Publication, of_passed
from pavilion.bidding.vault import Vault
from pavilion.kernel.clock import Clock, monotonic_s
from pavilion.kernel.signing import SigningKey
from pavilion.kernel.tasks import whole

SWEEP_S = 0.2
FIND_EVERY = 5  # sweeps between two looks for sales that nobody told us of
PUBLISH_EVERY = 300  # sweeps between two looks for passed lots whose days of offer are over
NOT_TAKEN = frozenset({"again_over", "again_before_opening", "again_closed", "again_no_time"})
KEPT_CLOSED = 32  # books of ended sales kept in memory for those who ask about them

log = structlog.get_logger()


class Surroundings(Protocol):
    """The other domains, as the engine asks them."""

    async def running(self) -> Sequence[str]: ...
    async def publication(self, sale: str) -> Publication | None: ...
    async def facts(self, sale: str) -> Facts: ...
    async def changed(self) -> bool: ...
    async def offers_over(self) -> Sequence[str]: ...
    async def unpublished(self, sale: str) -> tuple[str, tuple[str, ...]]: ...
    async def agreed(self, sale: str) -> Sequence[Agreed]: ...
    async def refused(self, order: int, code: str) -> None: ...
    async def not_listed(self, sale: str, lot: str, code: str) -> None: ...


class Engine:
    """One writer per sale that runs; a second engine process stands by for each lease."""

    def __init__(
        self,
        store: BookStore,
        world: Surroundings,
        vault: Vault,
        signer: SigningKey,
        clock: Clock,
        audience: Audience,
        watermarks: Callable[[str], Watermarks] = lambda _sale: OneProcess(),
        monotonic: Callable[[], float] = monotonic_s,
    ) -> None:
        self.store, self.world, self.vault, self.signer = store, world, vault, signer
        self.clock, self.audience, self.monotonic = clock, audience, monotonic
        self.watermarks = watermarks
        self.holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.writers: dict[str, SaleWriter] = {}
        self._closed: dict[str, SaleWriter] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._untold: set[str] = set()  # sales whose writers do not know yet what changed
        self._bell = asyncio.Event()
        self._sweeping = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled; then every lease is given back."""
        sweeps = 0
        try:
            while True:
                try:
                    await whole(self.sweep(find=sweeps % FIND_EVERY == 0))
                    if sweeps % PUBLISH_EVERY == 0:
                        await whole(self.publish_passed())
                except Exception as fault:
                    log.error("engine", act="sweep", error=type(fault).__name__, exc_info=fault)
                sweeps += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_S):
                        await self._bell.wait()
                self._bell.clear()
        finally:
            await self.stop()

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def ring(self) -> None:
        """Something changed that the next sweep should see at once."""
        self._bell.set()

    async def sweep(self, *, find: bool = True) -> None:
        """New sales have writers, and every writer knows what the other domains said. One at a time: what was read
        before never takes the place of what was read after."""
        async with self._sweeping:
            await self._sweep(find)

    async def _sweep(self, find: bool) -> None:
        changed = await self.world.changed()
        if changed:
            self._untold |= self.writers.keys()
        for sale in sorted(self._untold & self.writers.keys()):
            facts = await self.world.facts(sale)  # if this fails, the next sweep asks again
            if (writer := self.writers.get(sale)) is not None:
                writer.learn(facts)
                await self._carry_out_agreed(writer)
            self._untold.discard(sale)
        self._untold &= self.writers.keys()
        if find or changed:
            for writer in list(self.writers.values()):
                await self._give_back(writer)
        if not (find or changed):
            return
        running = set(await self.world.running())
        for sale in running - self._tasks.keys() - self._closed.keys():
            await self._start(sale)
        for sale, writer in list(self.writers.items()):
            if sale not in running and writer.book.state == "published":
                reason, ok = await self.world.unpublished(sale)
                await writer.place(StaffAct(sale, "unpublish", reason=reason, ok=ok))

    async def _carry_out_agreed(self, writer: SaleWriter) -> None:
        """Acts of two persons, each once: what the book carries out it marks as done in the same commit."""
        for one in await self.world.agreed(writer.sale):
            amount = None if one.sealed is None else self.vault.amounts.open(one.sealed, one.place)
            facts = {**one.document, "ok": tuple(one.document["ok"]), "seqs": tuple(one.document["seqs"])}
            facts["lots"] = tuple(one.document.get("lots", ()))
            answer = await writer.place(StaffAct(**facts | {"amount": amount, "order": one.id}))
            if answer.result == "refused" and answer.code is not None:
                await self.world.refused(one.id, answer.code)

    async def _give_back(self, writer: SaleWriter) -> None:
        """A lot that is to come back into its sale and that the book cannot list any more is given back at once: nobody
        waits for it, and its stones are free. What the writer knows of it is not read anew meanwhile."""
        for one in writer.facts.late:
            if one.reoffer_of is None or one.lot in writer.book.lots:
                continue
            answer = await writer.place(StaffAct(writer.sale, "list_late", one.lot))
            if answer.code is not None and answer.code in NOT_TAKEN:
                await self.world.not_listed(writer.sale, one.lot, answer.code)
                self._untold.add(writer.sale)

    async def publish_passed(self) -> None:
        """Bids on lots that passed are opened when the days in which they could be offered by hand are over."""
        for sale in await self.world.offers_over():
            writer = await self.writer(sale)
            if writer is not None and writer.book.closed:
                await self.store.publish(sale, of_passed(writer.book))

    async def writer(self, sale: str) -> SaleWriter | None:
        """Who answers for this sale here: its writer, or the closed book."""
        found = self.writers.get(sale) or self._closed.get(sale)
        if found is not None:
            return found
        stored = await self.store.load(sale)
        if stored is None or stored.book.state != "closed":
            return None
        nobody = Lease(self.store, sale, Held(0, None, 0), self.monotonic)
        return self._keep_closed(self._writer(nobody, stored, await self.world.facts(sale)))

    async def _start(self, sale: str) -> None:
        lease = await Lease.take(self.store, sale, self.holder, self.monotonic)
        if lease is None:
            return
        publication = await self.world.publication(sale)
        stored = await self.store.load(sale)
        if stored is None and publication is not None:
            _, wrapped = self.vault.new_sale(sale)
            await self.store.create(BookRow(sale, publication.rules, publication.rules_hash, wrapped, "unpublished", 0))
            stored = await self.store.load(sale)
        if stored is None:
            await lease.release()
            return
        writer = self._writer(lease, stored, await self.world.facts(sale))
        if writer.book.closed:
            self._keep_closed(writer)
            await lease.release()
            return
        self.writers[sale] = writer
        self._tasks[sale] = asyncio.create_task(self._keep(writer, publication), name=f"sale {sale}")

    def _writer(self, lease: Lease, stored: Stored, facts: Facts) -> SaleWriter:
        sale = stored.book.sale
        book = folding.load(stored, self.vault.of_sale(sale, stored.book.wrapped_key))
        return SaleWriter(lease, self.store, book, facts, self.signer, self.clock, self.audience, self.watermarks(sale))

    async def _keep(self, writer: SaleWriter, publication: Publication | None) -> None:
        sale = writer.sale
        log.info("engine", act="lease", subject=sale, outcome="taken", epoch=writer.lease.epoch)
        keeping = asyncio.create_task(writer.lease.keep())
        try:
            await writer.run(publication)
        except Fenced:
            log.warning("engine", act="lease", subject=sale, outcome="lost")
        except Exception as fault:
            log.error("engine", act="write", subject=sale, error=type(fault).__name__, exc_info=fault)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            self.writers.pop(sale, None)
            self._tasks.pop(sale, None)
            if writer.book.closed:
                self._keep_closed(writer)
            with suppress(Exception):
                await writer.lease.release()

    def _keep_closed(self, writer: SaleWriter) -> SaleWriter:
        self._closed[writer.sale] = writer
        while len(self._closed) > KEPT_CLOSED:
            self._closed.pop(next(iter(self._closed)))
        return writer
