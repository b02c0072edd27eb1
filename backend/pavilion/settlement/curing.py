"""Paid after its default: what the company is forgiven by that."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.settlement.default_models import LotRemedy
from pavilion.settlement.models import Invoice


async def cured(session: AsyncSession, invoice: Invoice, *, by: str | None, now: datetime) -> None:
    """The strike of the invoice is closed, unless a lot of it went another way before it was paid."""
    assert invoice.number is not None
    gone = select(LotRemedy.id).where(LotRemedy.invoice_id == invoice.id).limit(1)
    if await session.scalar(gone) is None:
        await strikes.cure(session, invoice=invoice.number, by=by, now=now)
