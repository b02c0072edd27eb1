"""Stones that nobody, or one company alone, may see for a time."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings.wishes import Answer


async def memo_out(
    session: AsyncSession, stone: str, *, frm: datetime, to: datetime, company_id: int | None, by: str, now: datetime
) -> Answer:
    """From `frm` to `to` nobody sees the stone here; refused over claims."""
    raise NotImplementedError


async def memo_return(session: AsyncSession, stone: str, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def stone_hold(
    session: AsyncSession, stone: str, *, company_id: int, frm: datetime, to: datetime, by: str, now: datetime
) -> Answer:
    """From `frm` to `to` that company alone sees it."""
    raise NotImplementedError


async def stone_hold_end(session: AsyncSession, stone: str, *, company_id: int, by: str, now: datetime) -> Answer:
    raise NotImplementedError
