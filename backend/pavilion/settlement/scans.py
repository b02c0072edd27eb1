"""The picture of a statement line that a cashier enters: drawn again by us or refused, kept once by its hash."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.db import inserting
from pavilion.kernel.errors import BadInput
from pavilion.settlement.receipt_models import WireScan
from pavilion.webkit import pictures

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
SIDE = 2_400  # pixels of the longer side: a page at 200 dots an inch
JPEG, PDF = "image/jpeg", "application/pdf"


def read(data: bytes) -> tuple[str, bytes]:
    """Media type and bytes to keep: a picture encoded anew, so that nothing but the picture comes through; a PDF as it
    came, which is only ever handed out as a file."""
    if not data or len(data) > MOST_BYTES:
        raise _refused()
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2_048:]:
            raise _refused()
        return PDF, data
    try:
        return JPEG, pictures.as_jpeg(data, most_pixels=MOST_PIXELS, side=SIDE)
    except pictures.Unreadable:
        raise _refused() from None


async def keep(session: AsyncSession, media: str, content: bytes, now: datetime) -> str:
    """Its hash; the same picture is kept once."""
    digest = sha256_hex(content)
    row = inserting(session, WireScan).values(sha256=digest, media=media, content=content, at=now)
    await session.execute(row.on_conflict_do_nothing(index_elements=["sha256"]))
    return digest


async def of(session: AsyncSession, digest: str) -> WireScan | None:
    found: WireScan | None = await session.scalar(select(WireScan).where(WireScan.sha256 == digest))
    return found


def _refused() -> BadInput:
    return BadInput(fields={"file": "scan_unreadable"})
