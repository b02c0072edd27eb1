"""Origins asked for again before a sale is published: a verdict older than a day is no ground to sell on."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import queries
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import FINAL_LOT, VERDICT_FRESH, LotState, SaleState
from pavilion.catalogue import service as catalogue
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.provenance import queries as origins
from pavilion.provenance import service as provenance
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.table_versions import follow_house


async def recheck(
    sessions: Sessions,
    registries: Registries,
    *,
    sale: str,
    actor: Actor,
    now: datetime,
    log: LogSigner | None = None,
) -> int:
    """Stale verdicts of stones in draft lots are given anew; answers how many. No transaction waits for a registry."""
    async with reading(sessions) as session:
        stale = await _stale(session, sale, now)
    await follow_house(sessions, registries, now)
    for name, claims in stale.items():
        if name not in registries.names:
            continue
        dossiers = await provenance.ask(claims, registries, now)
        async with sessions.begin() as session:
            await provenance.settle(session, dossiers=dossiers, now=now, log=log)
            await catalogue.expose_stones(session, [claim.stone for claim in claims], now=now)
            events.record(session, "sale:rechecked", sale, by=actor.public_id, at=now, stones=len(claims))
    return sum(len(claims) for name, claims in stale.items() if name in registries.names)


async def _stale(session: AsyncSession, public_id: str, now: datetime) -> dict[str, list[ListingClaim]]:
    """The claims to ask again, by the producer's registry that they name."""
    sale = await session.scalar(select(Sale).where(Sale.public_id == public_id))
    if sale is None:
        raise NotFound()
    lots = select(Lot.id).where(Lot.sale_id == sale.id, Lot.state.not_in(FINAL_LOT))
    if sale.state != SaleState.DRAFT:  # what came after publication is still to be listed
        lots = lots.where(Lot.state == LotState.DRAFT)
    held = await queries.stones_by_lot(session, list(await session.scalars(lots)))
    if sale.state != SaleState.DRAFT and not held:
        raise ActNotAllowed(state=sale.state)
    stones = [stone.public_id for group in held.values() for stone in group]
    found: dict[str, list[ListingClaim]] = {}
    for stone, verdict in (await origins.verdicts_of(session, stones)).items():
        claim = await origins.claim_of(session, stone)
        if claim is not None and verdict.decided_at < now - VERDICT_FRESH:
            found.setdefault(claim.origin_registry, []).append(claim)
    return found
