"""Stones that a vector only names, exposed as a stone must be before somebody can come to see it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue.models import Stone
from pavilion.kernel.ids import ulid
from pavilion.provenance.models import ExposedStone, StoneVerdict

_VERDICT: dict[str, Any] = {"verdict": "verified", "grade": "B", "assurance": "B", "ruleset": "-", "codes": ""}
_VERDICT |= {"findings": [], "claim": {}, "registry_name": "-", "simulated": True, "attempts": 0}
_VERDICT |= {"inputs_sha256": "-", "verdict_sha256": "-"}
_STONE: dict[str, Any] = {"shape": "round", "weight_mct": 1000, "color": "D", "clarity": "VS1", "lab": "GIA", "seq": 0}


async def expose(session: AsyncSession, names: Iterable[str], at: datetime) -> None:
    """A listed stone of each name, which is its public id and all its numbers too."""
    if not (named := list(dict.fromkeys(names))):
        return
    supplier = Company(public_id=ulid(at), name="Supplier", country="BE", state="approved", applied_at=at)
    session.add(supplier)
    await session.flush()
    numbers = ("public_id", "stock_no", "stock_no_key", "report_no", "origin_id", "exposed_id")
    listed = {"supplier_company_id": supplier.id, "listed_at": at, "updated_at": at}
    await session.execute(insert(StoneVerdict), [{"stone": one, "decided_at": at} | _VERDICT for one in named])
    await session.execute(
        insert(ExposedStone), [{"stone": one, "verdict": "verified", "exposed_at": at} for one in named]
    )
    await session.execute(insert(Stone), [dict.fromkeys(numbers, one) | _STONE | listed for one in named])
