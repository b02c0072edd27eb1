"""The kept versions of a published sale: the first is the list as it was published, each later one adds the notices.
Their hashes stand in the origin log, so that nobody can say later that something else was published."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import withheld_lots
from pavilion.auctions.version_models import CatalogueVersion
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.errors import Refusal
from pavilion.provenance import log, log_queries
from pavilion.provenance.log import Leaf


async def keep(session: AsyncSession, sale: str, document: Mapping[str, Any], now: datetime) -> CatalogueVersion:
    """The document is the next version of the sale, and a `decision` in the house's log."""
    last = await session.scalar(select(func.max(CatalogueVersion.n)).where(CatalogueVersion.sale == sale))
    n, body = (last or 0) + 1, canonical(dict(document))
    house: str | None = session.info.get("house")  # handed in by `main.py`
    places = await log.append(session, [Leaf("decision", subject(sale, n), body, house)], now) if house else [None]
    row = CatalogueVersion(sale=sale, n=n, document=body.decode(), sha256=sha256_hex(body), at=now)
    row.log_index = places[0]
    session.add(row)
    await session.flush()
    return row


def subject(sale: str, n: int) -> str:
    return f"{sale}/catalogue/{n}"


async def of_sale(session: AsyncSession, sale: str) -> Sequence[CatalogueVersion]:
    """Every version, the first one first, without its document."""
    rows = select(CatalogueVersion).where(CatalogueVersion.sale == sale).order_by(CatalogueVersion.n)
    return (await session.scalars(rows)).all()


async def latest(session: AsyncSession, sale: str) -> CatalogueVersion | None:
    rows = select(CatalogueVersion).where(CatalogueVersion.sale == sale).order_by(CatalogueVersion.n.desc())
    return await session.scalar(rows.limit(1))


class VersionWithheld(Refusal):
    """The version tells of a lot of which this reader is told no word now; its hash, entry and proof stand."""

    status, code = 409, "version_withheld"


async def told_of(session: AsyncSession, sale: str, n: int, actor: Actor) -> bytes | None:
    """The bytes of a version for this reader: whole, since nothing else has its hash, or not at all."""
    if n in await withheld_from(session, sale, actor):
        raise VersionWithheld(n=n)
    return await document_of(session, sale, n)


async def withheld_from(session: AsyncSession, sale: str, actor: Actor) -> dict[int, list[str]]:
    """The versions that are kept from this reader now, each with the numbers of the lots for whose sake."""
    lots = select(Lot).join(Sale, Sale.id == Lot.sale_id).where(Sale.public_id == sale).order_by(Lot.rank)
    lost = (await session.scalars(lots.where(Lot.public_id.in_(withheld_lots(actor))))).all()
    if not lost:
        return {}
    kept = select(CatalogueVersion.n, CatalogueVersion.document).where(CatalogueVersion.sale == sale)
    found = {n: [lot.number_text for lot in lost if lot.public_id in text] for n, text in await session.execute(kept)}
    return {n: numbers for n, numbers in found.items() if numbers}


async def document_of(session: AsyncSession, sale: str, n: int) -> bytes | None:
    """The bytes whose hash the page of the sale names."""
    kept = select(CatalogueVersion.document).where(CatalogueVersion.sale == sale, CatalogueVersion.n == n)
    text = await session.scalar(kept)
    return None if text is None else text.encode()


async def entry_of(session: AsyncSession, sale: str, n: int) -> bytes | None:
    """The entry of the log that commits to the version."""
    index = await _index(session, sale, n)
    found = None if index is None else await log_queries.entry(session, index)
    return None if found is None else found[0]


async def proof_of(session: AsyncSession, sale: str, n: int) -> str | None:
    """That the entry stands in the log, with the salt that opens its commitment: whoever has the version may see it.
    None while no checkpoint covers it."""
    index = await _index(session, sale, n)
    return None if index is None else await log_queries.proof(session, index)


async def _index(session: AsyncSession, sale: str, n: int) -> int | None:
    kept = select(CatalogueVersion.log_index).where(CatalogueVersion.sale == sale, CatalogueVersion.n == n)
    return await session.scalar(kept)
