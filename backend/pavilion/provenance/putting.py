"""The documents that verdicts rest on, kept."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.putting import put
from pavilion.provenance.models import VerdictInput


async def put_inputs(session: AsyncSession, documents: Mapping[str, str]) -> None:
    """The documents are kept; one that was kept before stays as it is."""
    rows = [{"sha256": sha256, "document": text} for sha256, text in documents.items()]
    await put(session, VerdictInput, rows, " on conflict do nothing")
