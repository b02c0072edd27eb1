"""Spans in which fewer may come."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings.place_models import Regime
from pavilion.viewings.wishes import Answer


async def set_regime(
    session: AsyncSession,
    office: str,
    *,
    frm: datetime,
    to: datetime,
    factor_pct: int = 100,
    gap_min: int = 0,
    companies: int | None = None,
    declaration: bool = False,
    name_en: str = "",
    name_zh: str = "",
    by: str,
    now: datetime,
) -> tuple[Regime | None, Answer]:
    """New bookings in the span obey it. Those that stand stay where they are."""
    raise NotImplementedError


async def end_regime(session: AsyncSession, regime: Regime, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError
