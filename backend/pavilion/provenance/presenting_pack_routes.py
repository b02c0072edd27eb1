"""The pack with which a holder presents a stone, as a download."""

from functools import partial

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Permission
from pavilion.kernel.errors import NotFound
from pavilion.provenance import (
    holders,
    log_queries,
    passport_pdf,
    passport_queries,
    passport_showing,
    presenting_pack,
)
from pavilion.provenance.journey import Sees
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.presenting_pack import LANGUAGES, Ingredients
from pavilion.provenance.video_models import FilmFile
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading

router = APIRouter(tags=["provenance"])

PER_MINUTE = 6
STANDING = "current"


@router.get("/passports/{stone}/pack")
async def pack(request: Request, stone: str, actor: CurrentActor, session: Reading, now: Now) -> Response:
    """For who owns or keeps the stone and for who curates it, while its passport stands."""
    found = await passport_queries.named(session, stone)
    inside = actor.may(Permission.LOT_CURATE) or actor.may(Permission.ORIGIN_SEE)
    if found is None or not (inside or await holders.may_present(session, actor, stone, holders.of_app(request.app))):
        raise NotFound()
    if (await passport_queries.standing_of(session, found)).state != STANDING:
        raise NotFound()
    await limits.take(request, "presenting-pack", per_minute=PER_MINUTE)
    said = await _gathered(request, session, found, now)
    data = await to_thread.run_sync(presenting_pack.packed, said)
    headers = {
        "Content-Disposition": f'attachment; filename="{stone}-{found.n}-pack.zip"',
        "Cache-Control": "private, no-store",
    }
    return Response(data, media_type="application/zip", headers=headers)


async def _gathered(request: Request, session: AsyncSession, found: Passport, now: Now) -> Ingredients:
    base = request.app.state.settings.public_url.rstrip("/")
    facts = await passport_showing.page_facts(session, found, sees=Sees.PUBLIC, now=now, base=base)
    index, pages = found.log_index, request.app.state.pages
    proof = None if index is None else await log_queries.proof(session, index, reaching=index + 1)
    papers = {
        lang: await to_thread.run_sync(partial(passport_pdf.render, pages, facts, lang, proof=proof))
        for lang in LANGUAGES
    }
    signed = await passport_queries.countersignatures(session, found.stone)
    marks = [await passport_queries.logo(session, found.stone, row.logo_sha256) for row in signed if row.logo_sha256]
    return Ingredients(
        stone=found.stone,
        n=found.n,
        document=found.content,
        code=facts["code"],
        papers=papers,
        film=await _film(session, facts["media"]),
        presenters=[one.name for one in facts["presented"] if one.matches],
        logos=[("png" if mark.media_type == "image/png" else "svg", mark.data) for mark in marks if mark is not None],
    )


async def _film(session: AsyncSession, media: list[dict[str, str]]) -> dict[str, bytes]:
    named = [one["parameters"].rpartition(":")[2] for one in media if one.get("kind") == "video-story"]
    if not named:
        return {}
    rows = await session.scalars(select(FilmFile).where(FilmFile.parameters_sha256 == named[-1]))
    return {row.name: row.content for row in rows}
