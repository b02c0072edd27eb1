"""Numbers of documents: without a gap, never twice, and in the order of their days (settlement spec 10)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from pavilion.auctions.entities import Entity
from pavilion.kernel.numbering import next_number
from pavilion.settlement.rules import document_number


async def take(
    session: AsyncSession,
    series: str,
    entity: Entity,
    now: datetime,
    *,
    number: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    day: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
) -> tuple[str, date]:
    """The next number of the entity's series and the day it bears: today at the entity's place. Of two who issue around
    midnight the one who came to the number second never bears the earlier day. `number` and `day`: where the series
    keeps them."""
    today = now.astimezone(ZoneInfo(entity.zone)).date()
    taken = await next_number(session, f"{series}-{entity.code}-{today.year}")
    before = document_number(series, entity.code, today.year, taken - 1)
    last = await session.scalar(select(day).where(number == before))
    found = document_number(series, entity.code, today.year, taken)
    return found, max(today, date.fromisoformat(last)) if last else today
