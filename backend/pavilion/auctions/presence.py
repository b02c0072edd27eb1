"""Who has a lot open: said by the open page itself every so often, and believed for a minute. It bars nobody."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.presence_models import LotPresence
from pavilion.kernel.db import inserting
from pavilion.kernel.errors import NotFound

STALE = timedelta(seconds=60)


async def here(session: AsyncSession, *, sale: str, lot: str, actor: Actor, now: datetime) -> list[str]:
    """The person has the lot open; answers the names of the others who have. What is stale is forgotten."""
    found = await _lot_id(session, sale, lot)
    await session.execute(delete(LotPresence).where(LotPresence.seen_at <= now - STALE))
    seen = inserting(session, LotPresence).values(lot_id=found, person_id=actor.person_id, seen_at=now)
    await session.execute(
        seen.on_conflict_do_update(index_elements=["lot_id", "person_id"], set_={"seen_at": seen.excluded.seen_at})
    )
    return (await _names(session, actor, now, LotPresence.lot_id == found)).get(lot, [])


async def gone(session: AsyncSession, *, sale: str, lot: str, actor: Actor) -> None:
    """The person has closed the lot."""
    found = await _lot_id(session, sale, lot)
    own = (LotPresence.lot_id == found, LotPresence.person_id == actor.person_id)
    await session.execute(delete(LotPresence).where(*own))


async def others_of(session: AsyncSession, sale: Sale, actor: Actor, now: datetime) -> dict[str, list[str]]:
    """By lot the names of those, but the reader, who have it open."""
    held = select(Lot.id).where(Lot.sale_id == sale.id)
    return await _names(session, actor, now, LotPresence.lot_id.in_(held))


async def _names(
    session: AsyncSession, actor: Actor, now: datetime, where: ColumnElement[bool]
) -> dict[str, list[str]]:
    rows = await session.execute(
        select(Lot.public_id, Person.name)
        .join(LotPresence, LotPresence.lot_id == Lot.id)
        .join(Person, Person.id == LotPresence.person_id)
        .where(where, LotPresence.seen_at > now - STALE, LotPresence.person_id != actor.person_id)
        .order_by(Lot.id, Person.name)
    )
    found: dict[str, list[str]] = {}
    for lot, name in rows:
        found.setdefault(lot, []).append(name)
    return found


async def _lot_id(session: AsyncSession, sale: str, lot: str) -> int:
    wanted = select(Lot.id).join(Sale, Sale.id == Lot.sale_id).where(Sale.public_id == sale, Lot.public_id == lot)
    if (found := await session.scalar(wanted)) is None:
        raise NotFound()
    return found
