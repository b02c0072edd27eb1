"""Reading passports and what stands beside them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance.passport_models import Countersignature, Passport, StatusEntry


class Standing(NamedTuple):
    """What may be said of one version today."""

    state: str  # current, superseded, suspended, revoked
    entry: StatusEntry
    newest: int


async def latest(session: AsyncSession, stone: str) -> Passport | None:
    wanted = select(Passport).where(Passport.stone == stone).order_by(Passport.n.desc())
    return await session.scalar(wanted.limit(1))


async def version(session: AsyncSession, stone: str, n: int) -> Passport | None:
    return await session.get(Passport, (stone, n))


async def versions(session: AsyncSession, stone: str) -> Sequence[Passport]:
    """All versions, the newest first."""
    return (await session.scalars(select(Passport).where(Passport.stone == stone).order_by(Passport.n.desc()))).all()


async def latest_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, Passport]:
    top = select(Passport.stone, func.max(Passport.n).label("n")).where(Passport.stone.in_(stones))
    last = top.group_by(Passport.stone).subquery()
    rows = await session.scalars(
        select(Passport).join(last, (Passport.stone == last.c.stone) & (Passport.n == last.c.n))
    )
    return {row.stone: row for row in rows}


async def standing_of(session: AsyncSession, passport: Passport) -> Standing:
    entry = await session.get(StatusEntry, (passport.status_list, passport.status_index))
    newest = await session.scalar(select(func.max(Passport.n)).where(Passport.stone == passport.stone))
    assert entry is not None and newest is not None
    if entry.revoked_at is not None:
        return Standing("revoked", entry, newest)
    if passport.n < newest:
        return Standing("superseded", entry, newest)
    return Standing("suspended" if entry.suspended_at is not None else "current", entry, newest)


async def countersignatures(session: AsyncSession, stone: str) -> Sequence[Countersignature]:
    """Those that stand, the first first."""
    wanted = select(Countersignature).where(Countersignature.stone == stone, Countersignature.withdrawn_at.is_(None))
    return (await session.scalars(wanted.order_by(Countersignature.id))).all()
