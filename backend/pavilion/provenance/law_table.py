"""The law in force: the shipped table, or the newest version that two persons agreed on."""

import hashlib

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance.law_models import LawVersion
from pavilion.provenance.tables import DATA, NAMES, Tables, shipped, with_law

_READ: dict[str, Tables] = {}  # by hash of the law; a new version is a rare event


async def tables_in_force(session: AsyncSession) -> Tables:
    """All tables of the day, the law among them as it stands now."""
    sha256 = await session.scalar(select(LawVersion.sha256).order_by(LawVersion.id.desc()).limit(1))
    if sha256 is None or sha256 == shipped().sha256["law"]:
        return shipped()
    if sha256 not in _READ:
        _READ[sha256] = with_law(shipped(), await law_in_force(session))
    return _READ[sha256]


async def law_in_force(session: AsyncSession) -> bytes:
    """The law table's own bytes."""
    newest = await session.scalar(select(LawVersion.document).order_by(LawVersion.id.desc()).limit(1))
    return (DATA / NAMES["law"]).read_bytes() if newest is None else newest.encode()


def law_sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
