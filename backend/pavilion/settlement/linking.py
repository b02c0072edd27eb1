"""The invoices of a company by the sale they belong to, for pages of lower storeys that lead there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import InvoiceState


class Bill(NamedTuple):
    number: str | None  # none: not issued yet
    public_id: str


async def bills_of(session: AsyncSession, company_id: int | None) -> Mapping[str, Sequence[Bill]]:
    """By the public id of the sale, in the order of their making."""
    if company_id is None:
        return {}
    wanted = select(Invoice.sale, Invoice.number, Invoice.public_id).where(
        Invoice.company_id == company_id, Invoice.state != InvoiceState.CANCELLED
    )
    found: dict[str, list[Bill]] = {}
    for sale, number, public_id in await session.execute(wanted.order_by(Invoice.id)):
        found.setdefault(sale, []).append(Bill(number, public_id))
    return found
