"""The stones that a company bought here and owns, page by page, as their invoices called them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.release_models import Goods, Ownership
from pavilion.settlement.rules import LineKind

PAGE = 50


class Owned(NamedTuple):
    """`goods`: where its lot is; none where nobody keeps it any more."""

    row: Ownership
    line: InvoiceLine
    invoice: Invoice
    goods: Goods | None


class Page(NamedTuple):
    """`after`: from where it goes on; none at the end."""

    stones: Sequence[Owned]
    after: int | None


async def page_of(session: AsyncSession, company_id: int, *, said: str = "", after: int | None = None) -> Page:
    """The newest purchase first. `said`: part of an invoice's or report's number, or of a title; or a lot's number."""
    wanted = _owned(company_id).order_by(Ownership.id.desc()).limit(PAGE + 1)
    if said:
        wanted = wanted.where(
            or_(
                Invoice.number.icontains(said, autoescape=True),
                func.upper(InvoiceLine.facts["number"].as_string()) == said.upper(),
                InvoiceLine.facts["report"].as_string().icontains(said, autoescape=True),
                InvoiceLine.text_en.icontains(said, autoescape=True),
                InvoiceLine.text_zh.icontains(said, autoescape=True),
            )
        )
    if after is not None:
        wanted = wanted.where(Ownership.id < after)
    rows = [Owned(*row) for row in await session.execute(wanted)]
    return Page(rows[:PAGE], rows[PAGE - 1].row.id if len(rows) > PAGE else None)


async def count(session: AsyncSession, company_id: int) -> int:
    found = select(func.count()).select_from(_owned(company_id).subquery())
    return int(await session.scalar(found) or 0)


def _owned(company_id: int) -> Select[Ownership, InvoiceLine, Invoice, Goods | None]:
    """The purchase of each: a stone that came back because its buyer's invoice was credited is under the own invoice,
    if it was ever bought here, not the buyer's. Read along the indexes of one stone, not through all that was sold."""
    last, again, bill = aliased(Ownership), aliased(Ownership), aliased(Invoice)
    owner = select(last.company_id).where(last.stone == Ownership.stone).order_by(last.id.desc()).limit(1)
    later = select(again.id).join(bill, bill.id == again.invoice_id).where(
        again.stone == Ownership.stone, again.id > Ownership.id, again.company_id == company_id,
        bill.company_id == company_id,
    )  # fmt: skip
    hammer = and_(
        InvoiceLine.invoice_id == Ownership.invoice_id,
        InvoiceLine.lot == Ownership.lot,
        InvoiceLine.kind == LineKind.HAMMER,
    )
    wanted = select(Ownership, InvoiceLine, Invoice, Goods).join(Invoice, Invoice.id == Ownership.invoice_id)
    wanted = wanted.join(InvoiceLine, hammer).outerjoin(Goods, Goods.lot == Ownership.lot)
    wanted = wanted.where(Ownership.company_id == company_id, Invoice.company_id == company_id)
    return wanted.where(owner.correlate(Ownership).scalar_subquery() == company_id, ~later.exists())
