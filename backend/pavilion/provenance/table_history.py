"""Tables by their name and hash: as they are shipped, or as they stood when verdicts rested on them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import sha256_hex
from pavilion.provenance.law_models import LawVersion
from pavilion.provenance.models import VerdictInput
from pavilion.provenance.tables import DATA, NAMES, shipped


async def table(session: AsyncSession, name: str, sha256: str) -> bytes | None:
    """The bytes that have this hash; None when the house never had them under that name."""
    if name in NAMES and shipped().sha256.get(name) == sha256:
        return (DATA / NAMES[name]).read_bytes()
    text = None
    if name == "law":
        text = await session.scalar(select(LawVersion.document).where(LawVersion.sha256 == sha256).limit(1))
    elif name == "trust":
        text = await session.scalar(select(VerdictInput.document).where(VerdictInput.sha256 == sha256))
    raw = None if text is None else text.encode()
    return raw if raw is not None and sha256_hex(raw) == sha256 else None
