"""The public log over HTTP: checkpoint, tiles and policy as C2SP says, and the page that tells people what it is."""

import gzip

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.kernel.errors import NotFound
from pavilion.kernel.tiles import ENTRIES, encode_bundle, parse_tile_path, tile_width
from pavilion.provenance import log_queries, log_showing
from pavilion.provenance.log import LogSigner
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["log"])

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
FOREVER = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=2"
A_MINUTE = "public, max-age=60"


@router.get("/log/checkpoint")
async def checkpoint(session: Reading) -> Response:
    """The last checkpoint that the witnesses have seen, with the line of each."""
    found = await log_queries.covered_checkpoint(session)
    if found is None:
        raise NotFound()
    note = await log_queries.cosigned_note(session, found, newest=True)
    return Response(note.encode(), media_type=TEXT, headers={"Cache-Control": A_MOMENT})


@router.get("/log/tile/{path:path}")
async def tile(request: Request, path: str, session: Reading) -> Response:
    """A tile of hashes or a bundle of entries, as far as a checkpoint was signed over them."""
    try:
        level, number, width = parse_tile_path(f"tile/{path}")
    except ValueError:
        raise NotFound() from None
    signed = await log_queries.last_checkpoint(session)
    if signed is None or width > tile_width(level, number, signed.size):
        raise NotFound()
    headers = {"Cache-Control": FOREVER}
    if level != ENTRIES:
        hashes = await log_queries.hashes(session, level, number)
        return Response(b"".join(hashes[:width]), media_type=BYTES, headers=headers)
    data = encode_bundle(await log_queries.bundle(session, number, width))
    headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        data = gzip.compress(data, 6, mtime=0)
    return Response(data, media_type=BYTES, headers=headers)


@router.get("/log/policy")
async def policy(request: Request) -> Response:
    """Whose cosignatures this house asks for, and how many are enough."""
    return Response(_signer(request).policy.text.encode(), media_type=TEXT, headers={"Cache-Control": A_MINUTE})


@router.get("/log")
async def log(request: Request, session: Reading, now: Now, index: str | None = None) -> Response:
    shown = await log_showing.overview(session, _signer(request), now)
    if index is not None and index.strip():
        wanted = log_showing.index_of(index)
        if wanted is not None and wanted < shown.size:
            return RedirectResponse(f"/log/entries/{wanted}", status_code=303)
        fault = "no_such_entry" if shown.size else "log_empty"
        return page(
            request, "provenance/log.html", 404, shown=shown, address=_address(request), index=index[:20], fault=fault
        )
    return page(request, "provenance/log.html", shown=shown, address=_address(request), index="", fault=None)


@router.get("/log/entries/{index}")
async def entry(request: Request, index: str, session: Reading) -> Response:
    wanted = log_showing.index_of(index)
    shown = None if wanted is None else await log_showing.entry(session, wanted)
    if shown is None:
        raise NotFound()
    return page(request, "provenance/log_entry.html", shown=shown, address=_address(request))


@router.get("/log/entries/{index}/proof")
async def proof(index: str, session: Reading) -> Response:
    """That the entry is in the log; not what it says, for which one needs the salt."""
    wanted = log_showing.index_of(index)
    text = None if wanted is None else await log_queries.proof(session, wanted, opened=False)
    if text is None:
        raise NotFound()
    headers = {
        "Cache-Control": A_MOMENT,
        "Content-Disposition": f'attachment; filename="entry-{wanted}.tlog-proof"',
    }
    return Response(text.encode(), media_type=TEXT, headers=headers)


def _signer(request: Request) -> LogSigner:
    signer: LogSigner | None = request.app.state.log_signer
    if signer is None:
        raise NotFound()
    return signer


def _address(request: Request) -> str:
    return f"{request.app.state.settings.public_url.rstrip('/')}/log"
