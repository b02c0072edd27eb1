"""Reading passports and what stands beside them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.ids import is_ulid
from pavilion.provenance.passport_models import Countersignature, Logo, Passport, StatusEntry

MOST_VERSIONS = 1_000_000
STATES = ("current", "superseded", "suspended", "revoked")


class Standing(NamedTuple):
    """What may be said of one version today."""

    state: str  # one of STATES
    entry: StatusEntry
    newest: int


async def latest(session: AsyncSession, stone: str) -> Passport | None:
    wanted = select(Passport).where(Passport.stone == stone).order_by(Passport.n.desc())
    return await session.scalar(wanted.limit(1))


async def newest_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, int]:
    """The number of the newest passport of each of these stones that has one."""
    wanted = select(Passport.stone, func.max(Passport.n)).where(Passport.stone.in_(stones)).group_by(Passport.stone)
    return {row[0]: row[1] for row in await session.execute(wanted)}


async def version(session: AsyncSession, stone: str, n: int) -> Passport | None:
    return await session.get(Passport, (stone, n))


async def named(session: AsyncSession, stone: str, n: int | None = None) -> Passport | None:
    """The version that an address names, the newest where it names none; None too for what names nothing."""
    if not is_ulid(stone):
        return None
    if n is None:
        return await latest(session, stone)
    return await version(session, stone, n) if 1 <= n <= MOST_VERSIONS else None


async def versions(session: AsyncSession, stone: str) -> Sequence[Passport]:
    """All versions, the newest first."""
    return (await session.scalars(select(Passport).where(Passport.stone == stone).order_by(Passport.n.desc()))).all()


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


async def countersignature(session: AsyncSession, stone: str, public_id: str) -> Countersignature | None:
    wanted = select(Countersignature).where(Countersignature.public_id == public_id, Countersignature.stone == stone)
    return await session.scalar(wanted)


async def countersignatures_of(session: AsyncSession, stone: str, company_id: int) -> Sequence[Countersignature]:
    """All that a company ever made for a stone, the newest first."""
    wanted = select(Countersignature).where(Countersignature.stone == stone, Countersignature.company_id == company_id)
    return (await session.scalars(wanted.order_by(Countersignature.id.desc()))).all()


async def logo(session: AsyncSession, stone: str, sha256: str) -> Logo | None:
    """A mark, as far as somebody presented this stone with it."""
    wanted = select(Countersignature.id).where(Countersignature.stone == stone, Countersignature.logo_sha256 == sha256)
    return await session.get(Logo, sha256) if await session.scalar(wanted.limit(1)) is not None else None
