"""A stone as it was when somebody chose it: what names it and what it is drawn from, kept beside the link to its
exposure. Prices are no part of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone
from pavilion.provenance.models import ExposedStone

_COLUMNS = [
    *(Stone.public_id, Stone.stock_no, Stone.lab, Stone.report_no),
    *(Stone.species, Stone.variety, Stone.shape, Stone.weight_mct, Stone.color, Stone.clarity),
    *(Stone.fancy_color, Stone.fancy_secondary, Stone.fancy_intensity, Stone.fancy_overtone),
    *(Stone.ratio, Stone.table_pct),
]


async def of_exposed(session: AsyncSession, stones: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What those of these stones (public ids) are that are exposed; the others are left out. They stay exposed until
    this transaction ends, and who takes the exposures of several away waits for them in the same order."""
    if not stones:
        return {}
    shown = select(*_COLUMNS).join(ExposedStone, ExposedStone.stone == Stone.exposed_id)
    shown = shown.where(Stone.public_id.in_(stones)).order_by(ExposedStone.stone)
    rows = await session.execute(shown.with_for_update(read=True, key_share=True, of=ExposedStone))
    return {row.public_id: dict(row._mapping) for row in rows}


def as_it_was(snapshot: Mapping[str, Any]) -> Stone:
    """It belongs to no session and says that it is listed no longer."""
    return Stone(**snapshot)
