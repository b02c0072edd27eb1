"""Films: the files, and the order for one."""

import re

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import NotAllowed, NotFound, SignedOut
from pavilion.provenance import holders, video_making
from pavilion.provenance.video_encoding import MEDIA_TYPES
from pavilion.webkit.deps import Now, Reading, Writing

router = APIRouter(tags=["provenance"])

_SPAN = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")
_NAME = re.compile(r"[0-9a-f]{64}")
FOREVER = "public, max-age=31536000, immutable"


@router.get("/films/{name}/{file}")
async def film_file(request: Request, name: str, file: str, session: Reading) -> Response:
    """A file of a film; players ask for parts of it."""
    found = await video_making.file(session, name, file[:20]) if _NAME.fullmatch(name) else None
    if found is None:
        raise NotFound()
    kind = MEDIA_TYPES[file.rpartition(".")[2]]
    headers = {"Cache-Control": FOREVER, "ETag": f'"{found.sha256}"', "Accept-Ranges": "bytes"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    span = _SPAN.fullmatch(request.headers.get("range", ""))
    if span is None:
        return Response(found.content, media_type=kind, headers=headers)
    size, first = len(found.content), int(span[1])
    last = min(int(span[2]) if span[2] else size - 1, size - 1)
    if first > last:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(found.content[first : last + 1], 206, media_type=kind, headers=headers)


@router.post("/passports/{stone}/film")
async def order(request: Request, stone: str, actor: CurrentActor, session: Writing, now: Now) -> Response:
    """The worker will make the film; who holds the stone and who curates it may ask."""
    if not await _may_order(request, session, actor, stone):
        raise NotAllowed(right=Permission.LOT_CURATE.value) if actor.signed_in else SignedOut()
    house = request.app.state.settings.public_url.rstrip("/")
    await video_making.order(session, stone, house, by=actor.public_id, now=now)
    return RedirectResponse(f"/passports/{stone}?done=film", status_code=303)


async def _may_order(request: Request, session: AsyncSession, actor: Actor, stone: str) -> bool:
    if actor.may(Permission.LOT_CURATE) or actor.may(Permission.ORIGIN_DECIDE):
        return True
    return await holders.may_present(session, actor, stone, holders.of_app(request.app))
