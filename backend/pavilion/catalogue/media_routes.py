"""Photographs, turns, videos and reports over HTTP: sending them, what became of them, and the pictures themselves."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.once import Repeatable
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import media, queries, showing
from pavilion.catalogue import media_queries as reads
from pavilion.catalogue.media_answers import (
    Arrived,
    MediaTold,
    SendingAccepted,
    SendingTold,
    media_told,
    sending_told,
)
from pavilion.catalogue.media_drawing import FRAMES, MEGABYTE
from pavilion.catalogue.media_matching import printable
from pavilion.catalogue.media_models import MediaKind, MediaSending, SendingState
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput, KeyReused, NotAllowed, NotFound, Refusal, SignedOut, TooLarge
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.webkit import limits
from pavilion.webkit.answers import PublicId, answers, bodies
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page
from pavilion.webkit.idempotent import Done
from pavilion.webkit.upload import FileMissing, PouredFile, body_to_file, files_to_folder

router = APIRouter(tags=["stock"])

MOST_BYTES = 256 * MEGABYTE  # of all files that come together
MOST_FILES = FRAMES.stop + 80
ASKED = 50  # files of which one asks at once whether they are here
SENDINGS = 60  # a minute of one company from one address
TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "mp4": "video/mp4", "pdf": "application/pdf"}
ALONE = "default-src 'none'; sandbox"  # opened by itself a file may do nothing

Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]


@router.get("/stock/media")
async def overview(request: Request, actor: Supplier, session: Reading, lacks: MediaKind = MediaKind.PHOTO) -> Response:
    return await _overview(request, actor, session, lacks)


@router.post("/stock/media")
async def send(request: Request, actor: Supplier, session: Writing, now: Now) -> Response:
    """Any number of files, or archives of them; each finds its stone by its name."""
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    try:
        sending = await _received(request, session, actor, None, now)
    except (FileMissing, TooLarge, media.TooMuchWaiting) as refused:
        return await _overview(request, actor, session, MediaKind.PHOTO, refused)
    return RedirectResponse(f"/stock/media/{sending.public_id}", status_code=303)


@router.get("/stock/media/{sending}")
async def one(request: Request, sending: str, actor: CurrentActor, session: Reading) -> Response:
    """What became of each file; for its sender's company and for the house."""
    found = await _sending(session, actor, sending)
    pieces = await reads.pieces_of(session, found)
    told = sending_told(found, pieces)
    going = found.state != SendingState.DONE
    return page(request, "catalogue/stock_sending.html", sending=found, pieces=pieces, told=told, going=going)


@router.get("/stones/{stone}/media")
async def of_stone(request: Request, stone: str, actor: CurrentActor, session: Reading) -> Response:
    """The page on which its supplier, or the house, sends, orders and removes what is shown of one stone."""
    return await _stone_page(request, session, await _own(session, actor, stone))


@router.post("/stones/{stone}/media")
async def send_for(request: Request, stone: str, actor: CurrentActor, session: Writing, now: Now) -> Response:
    """Whatever the files are called, they are of this stone."""
    _may_tend(actor)
    try:
        sending = await _received(request, session, actor, stone, now)
    except (FileMissing, TooLarge, media.TooMuchWaiting) as refused:
        return await _stone_page(request, session, await _own(session, actor, stone), refused)
    return RedirectResponse(f"/stock/media/{sending.public_id}", status_code=303)


@router.post("/stones/{stone}/media/{medium}/removal")
async def remove(stone: str, medium: str, actor: CurrentActor, session: Writing, now: Now) -> Response:
    found = await _own(session, actor, stone)
    await media.remove(session, found, medium, by=str(actor.public_id), now=now)
    return RedirectResponse(f"/stones/{stone}/media", status_code=303)


@router.post("/stones/{stone}/media/{medium}/place")
async def bring_forward(
    stone: str,
    medium: str,
    to: Annotated[str, Form(pattern="^first$")],
    actor: CurrentActor,
    session: Writing,
    now: Now,
) -> Response:
    found = await _own(session, actor, stone)
    assert to == "first"
    await media.bring_forward(session, found, medium, by=str(actor.public_id), now=now)
    return RedirectResponse(f"/stones/{stone}/media", status_code=303)


@router.get("/stones/{stone}/media/{medium}/{file}")
async def drawn(
    request: Request, stone: str, medium: str, file: str, actor: CurrentActor, session: Reading
) -> Response:
    """What we drew, by our own name and type, to whoever may see the stone."""
    found = await queries.asked_stone(session, actor, stone)
    shown = await reads.one_of(session, found, medium) if is_ulid(medium) else None
    if shown is None or file not in reads.FILES[MediaKind(shown.kind)]:
        raise NotFound()
    path = _shelf(request).place(shown.address) / file
    if not await to_thread.run_sync(path.is_file):
        raise NotFound()
    cache = "public, max-age=3600" if found.listed else "private, no-store"
    headers = {"ETag": f'"{shown.address}-{file}"', "Cache-Control": cache, "Content-Security-Policy": ALONE}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    kind = TYPES[file.rpartition(".")[2]]
    if file.endswith(".pdf"):
        name = re.sub("[^A-Za-z0-9-]", "", f"{found.lab}-{found.report_no}")
        headers["Content-Disposition"] = f'attachment; filename="report-{name}.pdf"'
    return FileResponse(path, media_type=kind, headers=headers)


# -- by program -------------------------------------------------------------------------------------------------------


@router.put(
    "/api/v1/media-files",
    status_code=202,
    responses=answers(
        {200: SendingAccepted, 202: SendingAccepted}, NotFound, KeyReused, TooLarge, media.TooMuchWaiting
    ),
    openapi_extra=bodies("application/octet-stream", about="A picture, video, PDF or ZIP archive.", example="(bytes)"),
)
async def put_media(
    request: Request,
    actor: Supplier,
    session: Writing,
    now: Now,
    once: Repeatable,
    filename: Annotated[
        str, Query(min_length=1, max_length=200, description="Says which stone it is of.", examples=["PV-000127_2.jpg"])
    ],
    stone: Annotated[
        str | None,
        Query(max_length=26, description="Of this stone, whatever its name.", examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"]),
    ] = None,
) -> JSONResponse:
    """Send one photograph, video or report, or a ZIP archive of them. `filename` says which stone it is of, by stock
    number, report number or the cell of the stock file; `stone` says it whatever the name."""
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    found = None if stone is None else await queries.asked_stone(session, actor, stone)
    if found is not None and found.supplier_company_id != actor.company_id:
        raise NotFound()
    await limits.take(request, "media", str(actor.company_id), per_minute=SENDINGS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        size = await body_to_file(request, path, MOST_BYTES)
        if size == 0:
            raise BadInput(fields={"file": "required_missing"})
        public_id = ulid(now)
        file = await to_thread.run_sync(_shelved, _shelf(request), public_id, path, filename, size)
    shelf, company = _shelf(request), actor.company_id

    async def act() -> Done:
        sending = await _kept(request, session, actor, company, found, public_id, [file], now)
        return Done(202, SendingAccepted(id=sending.public_id).model_dump())

    taken = False
    try:
        answer = await once(session, act, file.sha256.encode())
        taken = answer.status_code == 202
        return answer
    finally:
        if not taken:  # what was sent before, or refused, needs no second place
            await to_thread.run_sync(shelf.forget, shelf.sent(public_id))


@router.get("/api/v1/media-files", responses=answers({200: Arrived}))
async def get_arrived(
    actor: Supplier,
    session: Reading,
    sha256: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]],
        Query(min_length=1, max_length=ASKED, description="Of each file, hexadecimal.", examples=[["4f" * 32]]),
    ],
) -> JSONResponse:
    """Which of these files are here already: after a cut line only the others are sent."""
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    known = sorted(await reads.arrived(session, actor.company_id, sha256))
    return JSONResponse({"known": known}, headers={"Cache-Control": "no-store"})


@router.get("/api/v1/media-files/{sending}", responses=answers({200: SendingTold}, SignedOut, NotAllowed))
async def get_sending(sending: PublicId, actor: CurrentActor, session: Reading) -> JSONResponse:
    """What became of each file that was sent together, and why those that were refused were."""
    found = await _sending(session, actor, sending)
    return JSONResponse(sending_told(found, await reads.pieces_of(session, found)).model_dump())


@router.get("/api/v1/stones/{stone}/media", tags=["stones"], responses=answers({200: MediaTold}))
async def get_media(stone: PublicId, actor: CurrentActor, session: Reading) -> JSONResponse:
    """Photographs, turns, videos and reports of a stone, with the addresses of each size."""
    found = await queries.asked_stone(session, actor, stone)
    return JSONResponse(media_told(found, await reads.of_stone(session, found.id)).model_dump())


async def _received(request: Request, session: AsyncSession, actor: Actor, stone: str | None, now: Now) -> MediaSending:
    await limits.take(request, "media", str(actor.company_id), per_minute=SENDINGS)
    shelf, public_id = _shelf(request), ulid(now)
    folder = shelf.sent(public_id)
    await to_thread.run_sync(lambda: folder.mkdir(parents=True))
    try:
        files, _ = await files_to_folder(request, folder, MOST_BYTES, MOST_FILES)
        found = None if stone is None else await _own(session, actor, stone)
        company = actor.company_id if found is None else found.supplier_company_id
        assert company is not None
        return await _kept(request, session, actor, company, found, public_id, files, now)
    except BaseException:
        await to_thread.run_sync(shelf.forget, folder)
        raise


async def _kept(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    company: int,
    stone: Stone | None,
    public_id: str,
    files: list[PouredFile],
    now: Now,
) -> MediaSending:
    shelf = _shelf(request)
    await media.may_receive(session, company)
    await to_thread.run_sync(shelf.seal, shelf.sent(public_id))
    told: list[dict[str, Any]] = [
        {"name": printable(one.name) or "-", "bytes": one.size, "sha256": one.sha256} for one in files
    ]
    return await media.receive(
        session, public_id=public_id, supplier_company_id=company, stone=stone, files=told, by=actor.public_id, now=now
    )


def _shelved(shelf: Shelf, public_id: str, path: Path, name: str, size: int) -> PouredFile:
    folder = shelf.sent(public_id)
    folder.mkdir(parents=True)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    shutil.move(path, folder / "0")
    return PouredFile(name, size, digest)


async def _overview(
    request: Request, actor: Actor, session: AsyncSession, lacks: MediaKind, refused: Refusal | None = None
) -> Response:
    company = actor.company_id or 0
    sendings = await reads.sendings_of(session, company)
    lacking, stones = await reads.lacking(session, company, lacks)
    return page(
        request,
        "catalogue/stock_media.html",
        status_code=200 if refused is None else refused.status,
        sendings=sendings,
        counts=await reads.counts_of(session, sendings),
        lacking=lacking,
        lacks=lacks,
        stones=stones,
        names={stone.id: showing.name_of(stone, language(request)) for stone in stones},
        kinds=list(MediaKind),
        refused=None if refused is None else refused.code,
        facts=_facts(refused),
    )


async def _stone_page(
    request: Request, session: AsyncSession, stone: Stone, refused: Refusal | None = None
) -> Response:
    shown = await reads.of_stone(session, stone.id)
    return page(
        request,
        "catalogue/stone_media.html",
        status_code=200 if refused is None else refused.status,
        stone=stone,
        name=showing.name_of(stone, language(request)),
        items=shown,
        first={kind: next((one.id for one in shown if one.kind == kind), 0) for kind in MediaKind},
        refused=None if refused is None else refused.code,
        facts=_facts(refused),
    )


def _facts(refused: Refusal | None) -> dict[str, Any]:
    """The limit as a person reads it."""
    if isinstance(refused, TooLarge):
        return {"limit": f"{MOST_BYTES // MEGABYTE} MB"}
    return {} if refused is None else refused.facts


def _shelf(request: Request) -> Shelf:
    return Shelf(request.app.state.settings.data_dir)


def _may_tend(actor: Actor) -> None:
    if not (actor.may(Permission.STOCK_WRITE) or actor.may(Permission.LOT_CURATE)):
        raise NotAllowed(right=Permission.STOCK_WRITE.value) if actor.signed_in else SignedOut()


async def _own(session: AsyncSession, actor: Actor, stone: str) -> Stone:
    """The stone, for its supplier and for who curates; for others it is not there."""
    _may_tend(actor)
    found = await queries.asked_stone(session, actor, stone)
    own = found.supplier_company_id == actor.company_id and actor.may(Permission.STOCK_WRITE)
    if not own and not (actor.is_staff and actor.may(Permission.LOT_CURATE)):
        raise NotFound()
    return found


async def _sending(session: AsyncSession, actor: Actor, sending: str) -> MediaSending:
    if not actor.signed_in:
        raise SignedOut()
    found = await reads.sending_of(session, actor, sending) if is_ulid(sending) else None
    if found is None:
        raise NotFound()
    return found
