"""Papers of a sale: asked for, printed by the worker, kept by the hash of what stands on them."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import catalogue_paper
from pavilion.auctions.models import Sale
from pavilion.auctions.paper_models import SalePaper
from pavilion.catalogue.media_shelf import Shelf
from pavilion.kernel import jobs
from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.db import Sessions, inserting
from pavilion.kernel.jobs import Job, State
from pavilion.webkit import pdf
from pavilion.webkit.i18n import Lang, Tongue
from pavilion.webkit.static import frontend

JOB = "sale_paper"
TEMPLATE = "catalogue.typ"
LOTS_A_SECOND = 12  # printed on a machine with other work, for what a waiting reader is told


class Wanted(NamedTuple):
    """A paper as it would be printed now."""

    source: dict[str, Any]
    sha256: str

    @property
    def seconds(self) -> int:
        """About how long the printing takes."""
        return 2 + len(self.source["lots"]) * len(self.source["langs"]) // LOTS_A_SECOND


async def wanted(session: AsyncSession, sale: Sale, lang: str, *, house: str, tongues: Mapping[Lang, Tongue]) -> Wanted:
    said = await catalogue_paper.source(session, sale, lang, house=house.rstrip("/"), tongues=tongues)
    body = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return Wanted(said, sha256_hex(f"{_template()}\n{body}".encode()))


def print_catalogue(said: Mapping[str, Any], shelf: Shelf) -> bytes:
    """The bytes of the paper; takes seconds, and keeps no other paper waiting."""
    return pdf.render(TEMPLATE, catalogue_paper.drawn(said, shelf), apart=True)


async def printed(session: AsyncSession, sha256: str) -> bytes | None:
    return await session.scalar(select(SalePaper.pdf).where(SalePaper.source_sha256 == sha256))


async def order(session: AsyncSession, sale: Sale, lang: str, sha256: str, now: datetime) -> None:
    """The worker prints it next; one that failed too often, or was printed as it read a moment later, is tried anew."""
    job = await session.scalar(select(Job).where(Job.kind == JOB, Job.key == sha256))
    if job is not None and job.state in (State.FAILED, State.DONE):
        job.state, job.due_at, job.attempts = State.DUE, now, 0
    await jobs.enqueue(session, JOB, sha256, {"sale": sale.public_id, "lang": lang}, due_at=now)


async def tick(sessions: Sessions, tongues: Mapping[Lang, Tongue], house: str, shelf: Shelf, now: datetime) -> int:
    """One paper is printed, if one was asked for."""
    job = await jobs.taken(sessions, now, kinds=[JOB])
    if job is None:
        return 0
    async with sessions() as session:
        sale = await session.scalar(select(Sale).where(Sale.public_id == job.payload["sale"]))
        asked = None
        if sale is not None and sale.state != "draft":
            asked = await wanted(session, sale, job.payload["lang"], house=house, tongues=tongues)
    if sale is None or asked is None:
        async with sessions.begin() as session:
            await jobs.done(session, job.id)
        return 1
    try:
        made = await asyncio.to_thread(print_catalogue, asked.source, shelf)
    except Exception as fault:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(fault).__name__}: {fault}", now)
        raise
    async with sessions.begin() as session:
        row = {"source_sha256": asked.sha256, "sale_id": sale.id, "kind": catalogue_paper.KIND, "at": now}
        row |= {"lang": job.payload["lang"], "sha256": sha256_hex(made), "pdf": made}
        kept = inserting(session, SalePaper).values(**row)
        await session.execute(kept.on_conflict_do_nothing(index_elements=["source_sha256"]))
        await jobs.done(session, job.id)
    return 1


@cache
def _template() -> str:
    return sha256_hex((frontend() / "templates" / "pdf" / TEMPLATE).read_bytes())
