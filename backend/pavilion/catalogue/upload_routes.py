"""Stock files over HTTP: the supplier's pages, and the same by program."""

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.once import Repeatable, as_done
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import upload_queries as queries
from pavilion.catalogue import uploads
from pavilion.catalogue.answers_stock import FileTaken, FileTold, RowsTold
from pavilion.catalogue.checking import PROFILES, Profile
from pavilion.catalogue.issue_words import Say, beside_name
from pavilion.catalogue.nomenclature import column_name, nomenclature, term
from pavilion.catalogue.upload_forms import ChooseMeaning, ConfirmReplace
from pavilion.catalogue.upload_models import FileState, Mode, Outcome, StockFile
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotAllowed, NotFound, Refusal, TooLarge
from pavilion.kernel.sheet import LIMITS, write_csv
from pavilion.webkit import limits
from pavilion.webkit.answers import Body, Limit, PublicId, answers, bodies
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page, sentence
from pavilion.webkit.idempotent import Done
from pavilion.webkit.upload import FileEmpty, FileMissing, body_to_file, sent_file

router = APIRouter(tags=["stock"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FIX = Body("text/csv", "The bad rows, with `_error`.", "Stock #,Weight,_error\r\nA-101,x,Weight: no number\r\n")
SUPPLIER = "The own company, by name or id; another is refused."
UPLOADS = 60  # a minute of one company from one address


Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]


@router.get("/stock")
async def stock(request: Request, actor: Supplier, session: Reading) -> Response:
    return await _stock_page(request, actor, session)


@router.post("/stock/imports")
async def send(request: Request, actor: Supplier, session: Writing, now: Now) -> Response:
    """The upload form; its body is refused unread when it is too large."""
    try:
        content, filename, said = await sent_file(request, LIMITS.file_bytes)
        sent = await _receive(request, session, actor, content, filename, said, now)
    except (BadInput, FileEmpty, FileMissing, TooLarge) as refused:
        return await _stock_page(request, actor, session, refused)
    again = "?again=yes" if sent.repeated else ""
    return RedirectResponse(f"/stock/imports/{sent.file.public_id}{again}", status_code=303)


@router.get("/stock/imports/{public_id}")
async def one(
    request: Request, public_id: str, actor: Supplier, session: Reading, outcome: str | None = None, after: int = 0
) -> Response:
    file = await _file(session, actor, public_id)
    wanted = outcome if outcome in set(Outcome) else None
    rows, more = await queries.rows_of(session, file, after=max(0, min(after, 10**9)), outcome=wanted)
    lang, say = language(request), _say(request)
    return page(
        request,
        "catalogue/stock_import.html",
        file=file,
        answer=await queries.answer_of(session, file),
        rows=[(row, [(issue, beside_name(issue, lang, say)) for issue in row.issues]) for row in rows],
        waits=await queries.next_tries(session, rows),
        named=partial(column_name, lang=lang),
        more=more,
        outcome=wanted,
        outcomes=[(name, file.counts[name]) for name in Outcome if file.counts.get(name)],
        doubts=await queries.doubts(session, file) if file.ended else [],
        choices=lambda doubt: _choices(request, doubt, lang),
        again=request.query_params.get("again") == "yes",
        going=file.state in (FileState.QUEUED, FileState.RUNNING),
    )


@router.post("/stock/imports/{public_id}/mappings")
async def choose(
    public_id: str, said: Annotated[ChooseMeaning, Form()], actor: Supplier, session: Writing, now: Now
) -> Response:
    file = await _file(session, actor, public_id)
    again = await uploads.choose(session, file=file, **said.model_dump(), by=actor.public_id, now=now)
    return RedirectResponse(f"/stock/imports/{again.file.public_id}", status_code=303)


@router.post("/stock/imports/{public_id}/confirmation")
async def confirm(
    public_id: str, said: Annotated[ConfirmReplace, Form()], actor: Supplier, session: Writing, now: Now
) -> Response:
    file = await _file(session, actor, public_id)
    await uploads.confirm(session, file=file, number=said.number, by=actor.public_id, now=now)
    return RedirectResponse(f"/stock/imports/{public_id}", status_code=303)


@router.get("/stock/imports/{public_id}/fix.csv")
@router.get("/api/v1/stock-files/{public_id}/fix.csv", responses=answers({200: FIX}))
async def fix(request: Request, public_id: PublicId, actor: Supplier, session: Reading) -> Response:
    """The bad rows in the sender's own columns, with what is wrong."""
    file = await _file(session, actor, public_id)
    if file.state in (FileState.QUEUED, FileState.STOPPED):
        raise NotFound()
    faults = await queries.faults_of(session, file, language(request), _say(request))
    body = _fix_body(await queries.content_of(session, file), faults)
    name = f"{Path(file.filename).stem[:80]}-fix.csv".encode("ascii", "ignore").decode().replace('"', "")
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


# -- by program -------------------------------------------------------------------------------------------------------


@router.put(
    "/api/v1/stock-files",
    responses=answers({200: FileTaken, 202: FileTaken}, NotAllowed, TooLarge, KeyReused),
    openapi_extra=bodies("text/csv", XLSX, about="The file as it is: CSV or XLSX.", example="Stock #,Shape,Weight\r\n"),
)
async def put_file(
    request: Request,
    actor: Supplier,
    session: Writing,
    now: Now,
    once: Repeatable,
    mode: Annotated[Mode, Query(description="`replace` withdraws what the file does not name.")] = Mode.ADD,
    profile: Annotated[Profile, Query(description="Whose headers and codes the file uses.")] = "none",
    supplier: Annotated[str | None, Query(description=SUPPLIER, max_length=80, examples=["Scheldt Diamonds"])] = None,
    dry_run: Annotated[bool, Query(description="Everything is answered, nothing is stored.")] = False,
    filename: Annotated[
        str, Query(description="By which people know it.", max_length=200, examples=["a.csv"])
    ] = "stock",
) -> Response:
    """The body is the file; the answer says where its import can be followed."""
    if supplier is not None and not await _is_own(session, actor, supplier):
        raise NotAllowed(supplier=supplier[:40])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        size = await body_to_file(request, path, LIMITS.file_bytes)
        if size == 0:
            raise BadInput(fields={"file": "required_missing"})
        content = await to_thread.run_sync(path.read_bytes)
    said = {"mode": mode.value, "profile": profile, "dry_run": "yes" if dry_run else ""}

    async def act() -> Done:
        sent = await _receive(request, session, actor, content, filename, said, now)
        return as_done(200 if sent.repeated else 202, id=sent.file.public_id)

    return await once(session, act, content)


@router.get("/api/v1/stock-files/{public_id}", responses=answers({200: FileTold}))
async def get_file(public_id: PublicId, actor: Supplier, session: Reading) -> Response:
    """How far the import is, and what came of it."""
    return JSONResponse(await queries.answer_of(session, await _file(session, actor, public_id)))


@router.get("/api/v1/stock-files/{public_id}/rows", responses=answers({200: RowsTold}))
async def get_rows(
    request: Request,
    public_id: PublicId,
    actor: Supplier,
    session: Reading,
    cursor: Annotated[int, Query(ge=0, le=10**9, description="Rows behind this one.", examples=[100])] = 0,
    limit: Annotated[int, Limit] = 100,
    outcome: Annotated[Outcome | None, Query(description="Only rows of which this came.")] = None,
) -> Response:
    """The file's rows with what is wrong with each, in both languages; those that are answered so far."""
    file = await _file(session, actor, public_id)
    rows, more = await queries.rows_of(session, file, after=cursor, outcome=outcome, limit=limit)
    say, waits = _say(request), await queries.next_tries(session, rows)
    return JSONResponse({"rows": [queries.row_answer(row, say, waits) for row in rows], "next_cursor": more})


@router.post(
    "/api/v1/stock-files/{public_id}/confirmation",
    responses=answers({200: FileTaken, 202: FileTaken}, ActNotAllowed, KeyReused),
)
async def post_confirmation(
    public_id: PublicId, said: ConfirmReplace, actor: Supplier, session: Writing, now: Now, once: Repeatable
) -> Response:
    """A file that would withdraw more than usual goes on, once its sender has named how many stones."""
    file = await _file(session, actor, public_id)

    async def act() -> Done:
        await uploads.confirm(session, file=file, number=said.number, by=actor.public_id, now=now)
        return as_done(202, id=public_id)

    return await once(session, act)


@router.post(
    "/api/v1/stock-files/{public_id}/mappings",
    responses=answers({200: FileTaken, 202: FileTaken}, ActNotAllowed, KeyReused),
)
async def post_mapping(
    public_id: PublicId, said: ChooseMeaning, actor: Supplier, session: Writing, now: Now, once: Repeatable
) -> Response:
    """What a doubtful word or header means from now on; the file is read again with it, under the id told."""
    file = await _file(session, actor, public_id)

    async def act() -> Done:
        again = await uploads.choose(session, file=file, **said.model_dump(), by=actor.public_id, now=now)
        return as_done(202, id=again.file.public_id)

    return await once(session, act)


async def _stock_page(
    request: Request, actor: Actor, session: AsyncSession, refused: Refusal | None = None
) -> Response:
    files = await queries.files_of(session, actor.company_id) if actor.company_id is not None else []
    code = None if refused is None else refused.code
    facts = {} if refused is None else {"limit": f"{LIMITS.file_bytes // 10**6} MB"}
    status = 200 if refused is None else refused.status
    return page(
        request,
        "catalogue/stock.html",
        status_code=422 if status == 422 else status,
        files=files,
        modes=list(Mode),
        profiles=PROFILES,
        refused=code,
        facts=facts,
        progress=queries.progress,
    )


def _choices(request: Request, doubt: queries.Doubt, lang: str) -> list[tuple[str, str]]:
    """The meanings on offer, in the trade's words where it has them."""
    if doubt.column in ("list_pct_sign", "date_order"):
        return [(meaning, sentence(request, f"upload_{meaning}")) for meaning in doubt.meanings]
    if doubt.column == "@headers":
        return [(meaning, column_name(meaning, lang)) for meaning in doubt.meanings]
    spec = nomenclature().columns.get(doubt.column)
    return [(meaning, term(spec.enumeration if spec else "", meaning, lang)) for meaning in doubt.meanings]


async def _receive(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    content: bytes,
    filename: str,
    said: Mapping[str, str],
    now: Now,
) -> uploads.Received:
    mode, profile = said.get("mode", "add"), said.get("profile", "none")
    if mode not in set(Mode) or profile not in PROFILES:
        raise BadInput(fields={"mode": "bad_input"})
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    await limits.take(request, "stock", str(actor.company_id), per_minute=UPLOADS)
    return await uploads.receive(
        session,
        supplier_company_id=actor.company_id,
        content=content,
        filename=filename,
        mode=Mode(mode),
        profile=profile,
        dry_run=said.get("dry_run") == "yes",
        by=actor.public_id,
        now=now,
    )


async def _file(session: AsyncSession, actor: Actor, public_id: str) -> StockFile:
    file = await queries.file_of(session, actor, public_id)
    if file is None:
        raise NotFound()
    return file


async def _is_own(session: AsyncSession, actor: Actor, supplier: str) -> bool:
    company = await queries.company_of(session, supplier)
    return company is not None and company.id == actor.company_id


def _say(request: Request) -> Say:
    pages: Pages = request.app.state.pages

    def say(lang: str, code: str, facts: Mapping[str, Any]) -> str:
        return pages.tongues["zh" if lang == "zh" else "en"].say(code, **{str(k): v for k, v in facts.items()})

    return say


def _fix_body(content: bytes, faults: Mapping[int, str]) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock"
        path.write_bytes(content)
        yield from write_csv(queries.fix_rows(path, faults), queries.delimiter_of(path))
