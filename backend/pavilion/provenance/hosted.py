"""Keys that the house keeps for companies that have none of their own: each follows from the house's data key, so
nothing secret is stored, and its public half stands in the key table like anybody's."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.events import record
from pavilion.provenance.did import party_of
from pavilion.provenance.proofs import Signer
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed

_PURPOSE = b"pavilion/hosted/v1\n"
HOUSE = "house"  # the party under which the house itself signs events


class Hosted(NamedTuple):
    did: str
    name: str
    signer: Signer


async def of_company(session: AsyncSession, company_id: int, *, did: str, seed: bytes, now: datetime) -> Hosted:
    """The company's key, made when it is first needed."""
    company = await session.get(Company, company_id)
    assert company is not None
    slug = slug_of(company)
    signer = await _signer(session, slug, company.public_id, did=did, seed=seed, by="passports", now=now)
    return Hosted(party_of(slug, did), company.name, signer)


async def of_house(session: AsyncSession, *, did: str, seed: bytes, now: datetime) -> Hosted:
    """The key with which the house signs what it did with stones itself."""
    return Hosted(did, HOUSE, await _signer(session, HOUSE, HOUSE, did=did, seed=seed, by=HOUSE, now=now))


async def _signer(
    session: AsyncSession, slug: str, subject: str, *, did: str, seed: bytes, by: str, now: datetime
) -> Signer:
    kid = f"{slug}#1"
    signer = Signer(f"{party_of(slug, did)}#1", seed_of(seed, slug))
    known = select(IssuerKeyAct.id).where(IssuerKeyAct.kid == kid, IssuerKeyAct.act == KeyDeed.ADD)
    if await session.scalar(known) is None:
        await one_at_a_time(session, f"key {kid}")
    if await session.scalar(known) is None:
        session.add(
            IssuerKeyAct(
                act=KeyDeed.ADD,
                issuer=slug,
                kid=kid,
                public=signer.public.hex(),
                from_day=now.date().isoformat(),
                to_day=None,
                hosted=True,
                reason="kept by the house",
                proposed_by=by,
                approved_by=None,
                at=now,
            )
        )
        record(session, "key:hosted", subject, by=by, at=now, kid=kid)
        await session.flush()
    return signer


def slug_of(company: Company) -> str:
    return company.public_id.lower()


def seed_of(seed: bytes, slug: str) -> bytes:
    return hashlib.sha256(_PURPOSE + seed + slug.encode()).digest()
