"""The house's keys for passports: the one that signs now, and all that ever did with the time they were good for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import Refusal
from pavilion.kernel.events import record
from pavilion.provenance.passport_models import PassportKey
from pavilion.provenance.proofs import Secret, Signer

OVERLAP = timedelta(days=30)  # how long a key stays good after another has taken its place


class KeyEnded(Refusal):
    """The key that the settings name was replaced more than thirty days ago, or revoked: it signs nothing any more."""

    status, code = 503, "passport_key_ended"


async def current(session: AsyncSession, did: str, seed: Secret, now: datetime) -> Signer:
    """The signer of this seed. A seed not seen before is a new key of this year, and ends the one before it; KeyEnded
    for one that has ended itself."""
    public = Signer("", seed).public.hex()
    known = await session.scalar(select(PassportKey).where(PassportKey.public == public))
    if known is None:
        await one_at_a_time(session, "passport key")
        known = await session.scalar(select(PassportKey).where(PassportKey.public == public))
    if known is None:
        known = await _added(session, public, now)
    return _signing(known, did, seed, now)


async def known(session: AsyncSession, did: str, seed: Secret, now: datetime) -> Signer | None:
    """The signer of this seed, if its key stands in the table; KeyEnded for one that has ended."""
    public = Signer("", seed).public.hex()
    row = await session.scalar(select(PassportKey).where(PassportKey.public == public))
    return None if row is None else _signing(row, did, seed, now)


async def adopt(session: AsyncSession, seed: Secret, now: datetime) -> str | None:
    """The key signs from now on, under the name that is answered; None for one that the table has already."""
    public = Signer("", seed).public.hex()
    await one_at_a_time(session, "passport key")
    if await session.scalar(select(PassportKey.kid).where(PassportKey.public == public)) is not None:
        return None
    return (await _added(session, public, now)).kid


async def all_keys(session: AsyncSession) -> Sequence[PassportKey]:
    return (await session.scalars(select(PassportKey).order_by(PassportKey.valid_from, PassportKey.kid))).all()


async def revoke(session: AsyncSession, kid: str, *, reason: str, by: str, now: datetime) -> None:
    """Nothing the key signs from now on counts; what it signed before stays good."""
    key = await session.get(PassportKey, kid)
    assert key is not None
    key.revoked_at, key.reason = now, reason
    record(session, "passport:key_revoked", kid, by=by, at=now, reason=reason)


def _signing(key: PassportKey, did: str, seed: Secret, now: datetime) -> Signer:
    if key.revoked_at is not None or (key.valid_to is not None and now > key.valid_to):
        raise KeyEnded()
    return Signer(f"{did}#{key.kid}", seed)


async def _added(session: AsyncSession, public: str, now: datetime) -> PassportKey:
    before = await all_keys(session)
    year = f"passport-{now.year}"
    nth = sum(1 for key in before if key.kid.startswith(year))
    key = PassportKey(
        kid=year if nth == 0 else f"{year}-{nth + 1}", public=public, valid_from=now.replace(microsecond=0)
    )
    for old in before:
        if old.valid_to is None:
            old.valid_to = now + OVERLAP
    session.add(key)
    record(session, "passport:key_added", key.kid, by="passports", at=now, public=public)
    await session.flush()
    return key
