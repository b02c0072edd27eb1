"""What a file says about the stones a supplier has already: those it names, and those it leaves out."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import listing
from pavilion.catalogue.checking import StockSheet
from pavilion.catalogue.models import AwaitedStone, Stone, StoneCommitment
from pavilion.catalogue.upload_models import StockFile
from pavilion.kernel.db import Sessions

OVER_30_PERCENT = "replace_would_withdraw_over_30_percent"
HITS_RESERVED = "replace_hits_reserved"
MOST_PERCENT = 30  # default: beyond it the sender types the number
_LISTED_MOST = 50  # reserved stones named in an answer
_CHUNK = 500


async def issues_before(
    session: AsyncSession, file: StockFile, named: Collection[str], now: datetime
) -> list[dict[str, Any]]:
    """What must be said before a replacing file is applied."""
    missing = await missing_stock_nos(session, file.supplier_company_id, named, now)
    reserved = await _reserved(session, file.supplier_company_id, named, now)
    total = len(await _stock(session, file.supplier_company_id))
    issues: list[dict[str, Any]] = []
    if total and len(missing) * 100 > MOST_PERCENT * total:
        issues.append({"code": OVER_30_PERCENT, "facts": {"n": len(missing), "total": total}})
    if reserved:
        issues.append({"code": HITS_RESERVED, "facts": {"n": len(reserved), "stock_nos": reserved[:_LISTED_MOST]}})
    return issues


async def missing_stock_nos(
    session: AsyncSession, supplier_company_id: int, named: Collection[str], now: datetime
) -> list[str]:
    """Stones the file does not name, but for those promised to somebody, or awaited by somebody who will see them."""
    promised = await _promised(session, supplier_company_id, now)
    return [key for key in await _stock(session, supplier_company_id) if key not in named and key not in promised]


async def named_stones(sessions: Sessions, file: StockFile, sheet: StockSheet) -> dict[str, dict[str, Any]]:
    """What is known of the stones a file names, by their stock number without case."""
    keys, found = sorted(sheet.stock_keys), {}
    async with sessions() as session:
        for start in range(0, len(keys), _CHUNK):
            wanted = select(*Stone.__table__.columns).where(
                Stone.supplier_company_id == file.supplier_company_id,
                Stone.stock_no_key.in_(keys[start : start + _CHUNK]),
            )
            for stone in (await session.execute(wanted)).mappings():
                found[stone["stock_no_key"]] = listing.values_of(dict(stone))
    return found


async def _stock(session: AsyncSession, supplier_company_id: int) -> list[str]:
    wanted = select(Stone.stock_no_key).where(
        Stone.supplier_company_id == supplier_company_id, Stone.withdrawn_at.is_(None)
    )
    return list(await session.scalars(wanted.order_by(Stone.stock_no_key)))


async def _promised(session: AsyncSession, supplier_company_id: int, now: datetime) -> dict[str, str]:
    """By stock number without case, the number as its supplier writes it."""
    promised = select(StoneCommitment.stone_id).where(StoneCommitment.released_at.is_(None))
    awaited = select(AwaitedStone.stone_id).where(AwaitedStone.until > now)
    wanted = select(Stone.stock_no_key, Stone.stock_no).where(
        Stone.supplier_company_id == supplier_company_id, or_(Stone.id.in_(promised), Stone.id.in_(awaited))
    )
    return {row.stock_no_key: row.stock_no for row in await session.execute(wanted.order_by(Stone.stock_no_key))}


async def _reserved(
    session: AsyncSession, supplier_company_id: int, named: Collection[str], now: datetime
) -> list[str]:
    promised = await _promised(session, supplier_company_id, now)
    return [stock_no for key, stock_no in promised.items() if key not in named]
