"""Reading what was published, and what one reporter may see beside it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.insight.models import Comparison, Snapshot
from pavilion.provenance import log_queries


class Figures(NamedTuple):
    """A published quarter. None is a figure that is not told; what is not in `cells` is nothing at all."""

    quarter: str
    at: datetime
    sha256: str
    cells: Mapping[tuple[str, str], int | None]
    row_totals: Mapping[str, int | None]
    col_totals: Mapping[str, int | None]


async def quarters(session: AsyncSession) -> Sequence[str]:
    """The published quarters, the latest first."""
    return (await session.scalars(select(Snapshot.quarter).order_by(Snapshot.quarter.desc()))).all()


async def snapshot(session: AsyncSession, quarter: str) -> Snapshot | None:
    return await session.get(Snapshot, quarter)


async def figures(session: AsyncSession, quarter: str) -> Figures | None:
    found = await session.get(Snapshot, quarter)
    if found is None:
        return None
    document = json.loads(found.document)
    return Figures(
        found.quarter,
        found.at,
        found.sha256,
        {(row, col): mct for row, col, mct in document["cells"]},
        dict(document["row_totals"]),
        dict(document["col_totals"]),
    )


async def comparisons(session: AsyncSession, quarter: str, company_id: int) -> Sequence[Comparison]:
    wanted = select(Comparison).where(Comparison.quarter == quarter, Comparison.company_id == company_id)
    return (await session.scalars(wanted)).all()


async def log_index(session: AsyncSession, quarter: str) -> int | None:
    """Where the quarter stands in the public log."""
    subject = f"insight/{quarter}"
    return dict(await log_queries.indices(session, "outcome", [subject])).get(subject)
