"""Everything that belongs to a bought stone in one file: invoice, papers of its release and of the law, passport and
the bundle it is checked with. Equal contents give equal bytes."""

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import bundle, bundling, passport_queries
from pavilion.provenance.bundling import Press
from pavilion.settlement.legal_models import LegalPaper
from pavilion.settlement.models import InvoicePaper
from pavilion.settlement.papers import PDF
from pavilion.settlement.release_models import Goods, Ownership, Release, ReleaseFile

FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier one; the same for every file


async def files_of(session: AsyncSession, owned: Ownership, press: Press | None, now: datetime) -> dict[str, bytes]:
    """By the name each has in the bundle. Only papers of the owner's own purchase are among them."""
    found: dict[str, bytes] = {}
    for paper in await session.scalars(select(InvoicePaper).where(InvoicePaper.invoice_id == owned.invoice_id)):
        found[f"invoice-{paper.lang}.pdf"] = paper.pdf
    legal = select(LegalPaper).where(LegalPaper.invoice_id == owned.invoice_id, LegalPaper.stone == owned.stone)
    for law in await session.scalars(legal):
        found[f"law/{law.kind}-{law.lang}.pdf"] = law.pdf
    release = await release_of(session, owned)
    if release is not None:
        files = select(ReleaseFile).where(
            ReleaseFile.release_id == release.id, ReleaseFile.version == release.version, ReleaseFile.media == PDF
        )
        for file in await session.scalars(files.where(ReleaseFile.lang != "")):
            found[f"papers/{file.kind}-{file.lang}.pdf"] = file.content
    return found | await _passport(session, owned.stone, press, now)


async def release_of(session: AsyncSession, owned: Ownership) -> Release | None:
    """By which the stone leaves, or left, the house."""
    named = select(Goods.release).where(Goods.lot == owned.lot, Goods.invoice_id == owned.invoice_id)
    found: Release | None = await session.scalar(select(Release).where(Release.public_id.in_(named)))
    return found


def zipped(files: Mapping[str, bytes]) -> bytes:
    """With a list of every file and its SHA-256."""
    told = "".join(f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in (("SHA256SUMS", told.encode()), *sorted(files.items())):
            pack.writestr(zipfile.ZipInfo(name, FIRST_DAY), content)
    return out.getvalue()


async def _passport(session: AsyncSession, stone: str, press: Press | None, now: datetime) -> dict[str, bytes]:
    newest = await passport_queries.latest(session, stone)
    if newest is None:
        return {}
    found = {"passport/passport.json": newest.document.encode()}
    if press is None:
        return found
    try:
        full = await bundling.may_leave(session, newest)
        parts = await bundling.parts_of(session, press, newest, full=full, now=now)
    except bundling.NotYetLogged:  # the witnesses come a moment later; the passport itself is there
        return found
    return found | {"passport/bundle.zip": await to_thread.run_sync(bundle.pack, parts)}
