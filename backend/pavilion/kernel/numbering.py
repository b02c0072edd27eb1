"""Gapless document numbers from a locked counter row (settlement spec 10, "Numbering")."""

from sqlalchemy import String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, inserting


class Counter(Base):
    __tablename__ = "counters"

    series: Mapped[str] = mapped_column(String(60), primary_key=True)
    last: Mapped[int]


async def next_number(session: AsyncSession, series: str) -> int:
    """1, 2, 3.. per series; the row stays locked until the issuing transaction ends, so none is lost or doubled."""
    await session.execute(inserting(session, Counter).values(series=series, last=0).on_conflict_do_nothing())
    await session.execute(update(Counter).where(Counter.series == series).values(last=Counter.last + 1))
    number = await session.scalar(select(Counter.last).where(Counter.series == series))
    assert number is not None
    return number
