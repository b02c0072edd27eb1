"""What became of lots after the sale: written by settlement, read wherever a result is shown."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.business_days import business_days_after
from pavilion.auctions.entities import entities
from pavilion.auctions.sequel_models import After, LotSequel
from pavilion.kernel import events

CHANGED = "lot:became"


async def became(session: AsyncSession, *, lot: str, sale: str, what: After, by: str | None, now: datetime) -> None:
    """From now on this is what the lot came to. Said again it is said once."""
    if (await of_lots(session, [lot])).get(lot) == what:
        return
    session.add(LotSequel(lot=lot, sale=sale, became=what, by=by, at=now))
    await session.flush()
    events.record(session, CHANGED, lot, by=by, at=now, sale=sale, became=what.value)


async def of_lots(session: AsyncSession, lots: Collection[str]) -> dict[str, After]:
    """Of these lots, those that came to something else than the auction said."""
    if not lots:
        return {}
    return await _told(session, LotSequel.lot.in_(lots))


async def of_sale(session: AsyncSession, sale: str) -> dict[str, After]:
    return await _told(session, LotSequel.sale == sale)


async def _told(session: AsyncSession, which: ColumnElement[bool]) -> dict[str, After]:
    rows = await session.execute(select(LotSequel.lot, LotSequel.became).where(which).order_by(LotSequel.id))
    return {lot: After(what) for lot, what in rows}


def last_offer_day(ended_at: datetime, zone: str, days: int, entity: str) -> date:
    """The last day, in the city of the sale, on which offers of a lot that passed can be made (settlement spec 9)."""
    return business_days_after(ended_at.astimezone(ZoneInfo(zone)).date(), days, entities()[entity].holidays)


def takes_offers(ended_at: datetime, zone: str, days: int, entity: str, now: datetime) -> bool:
    return now.astimezone(ZoneInfo(zone)).date() <= last_offer_day(ended_at, zone, days, entity)
