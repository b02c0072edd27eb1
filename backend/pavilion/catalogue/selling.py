"""How long stones stood on the list before they were sold here: a supplier's own, and those like one of them."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.position import like
from pavilion.catalogue.queries import LISTED

_IS_SOLD = and_(
    StoneCommitment.stone_id == Stone.id,
    StoneCommitment.released_at.is_(None),
    StoneCommitment.kind == CommitmentKind.SOLD,
)
_DAY = timedelta(days=1)


class OwnSales(NamedTuple):
    """`listed`: stones on the list now. `before`: by a number of days, own stones first listed at least so long ago.
    `took`: the days that each sold one of them took."""

    listed: int
    before: dict[int, int]
    took: dict[int, list[int]]


async def on_the_list(session: AsyncSession, company_id: int, *, after: str, most: int) -> tuple[list[Stone], str]:
    """The company's listed stones that are not sold, by stock number behind the one named, and behind which the next
    begin; empty at the end."""
    wanted = select(Stone).where(_own_listed(company_id), Stone.stock_no_key > after.casefold())
    found = list(await session.scalars(wanted.order_by(Stone.stock_no_key).limit(most + 1)))
    return found[:most], found[most - 1].stock_no if len(found) > most else ""


async def own_sales(session: AsyncSession, company_id: int, now: datetime, spans: tuple[int, ...]) -> OwnSales:
    """Counted over every stone that stood on the list long enough to have been sold within so many days."""
    listed = await session.scalar(select(func.count(Stone.id)).where(_own_listed(company_id)))
    own = Stone.supplier_company_id == company_id
    sold = select(Stone.listed_at, StoneCommitment.made_at).join(StoneCommitment, _IS_SOLD).where(own)
    before: dict[int, int] = {}
    took: dict[int, list[int]] = {}
    for days in spans:
        old = Stone.listed_at <= now - days * _DAY
        before[days] = await session.scalar(select(func.count(Stone.id)).where(own, old)) or 0
        took[days] = [_days(*row) for row in await session.execute(sold.where(old))]
    return OwnSales(listed or 0, before, took)


async def sold_like(session: AsyncSession, stone: Stone) -> list[tuple[int, int]]:
    """Supplier and days on the list of every like stone that was sold here."""
    wanted = (
        select(Stone.supplier_company_id, Stone.listed_at, StoneCommitment.made_at)
        .join(StoneCommitment, _IS_SOLD)
        .where(*like(stone), Stone.listed_at.is_not(None))
    )
    return [(row[0], _days(row[1], row[2])) for row in await session.execute(wanted)]


def _own_listed(company_id: int) -> ColumnElement[bool]:
    sold = select(StoneCommitment.id).where(_IS_SOLD).exists()
    return and_(Stone.supplier_company_id == company_id, LISTED, ~sold)


def _days(listed_at: datetime | None, sold_at: datetime) -> int:
    return max(0, (sold_at - (listed_at or sold_at)) // _DAY)
