"""Tables by their name and hash: as they are shipped, or as they stood when verdicts rested on them."""

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import sha256_hex
from pavilion.provenance.models import VerdictInput
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.tables import NAMES, shipped, shipped_bytes
from pavilion.provenance.trust import Trust


async def table(session: AsyncSession, name: str, sha256: str) -> bytes | None:
    """The bytes that have this hash; None when the house never had them under that name."""
    if name in NAMES and shipped().sha256.get(name) == sha256:
        return shipped_bytes(name)
    text = None
    if name in NAMES:
        wanted = select(TableVersion.document).where(TableVersion.name == name, TableVersion.sha256 == sha256)
        text = await session.scalar(wanted.limit(1))
    elif name == "trust":
        text = await session.scalar(select(VerdictInput.document).where(VerdictInput.sha256 == sha256))
        text = text if text is not None and _is_trust(text, sha256) else None
    raw = None if text is None else text.encode()
    return raw if raw is not None and sha256_hex(raw) == sha256 else None


def _is_trust(text: str, sha256: str) -> bool:
    """Cases, decisions and keys are kept beside the states of the trust table, and are not for everybody's eyes."""
    try:
        return text.startswith("[") and Trust(json.loads(text)).sha256 == sha256
    except (ValueError, TypeError, AttributeError, KeyError):
        return False
