"""What a company would pay in tax on what it buys in a sale, before any invoice says it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions import fees
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Registration


async def tax_of(session: AsyncSession, entity_code: str, row: Registration, now: datetime) -> fees.Tax | None:
    """The tax this company would pay here, or None where nobody may guess it."""
    entity = entities().get(entity_code)
    if entity is None:
        return None
    tax_no = await session.scalar(select(Company.tax_no).where(Company.id == row.company_id))
    return entity.tax(row.destination, has_tax_no=bool(tax_no), on=now.date())
