"""The lot list of a sale as a file: taken out, handed in, looked at, and only then applied."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, sheet_applying, sheet_columns, sheet_comparing, sheets
from pavilion.auctions.formats import SaleType
from pavilion.auctions.forms import Said
from pavilion.auctions.models import Sale
from pavilion.auctions.sheets import Read, SheetPreview
from pavilion.auctions.titles import title_of
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal, TooLarge
from pavilion.kernel.sheet import SheetFault, write_csv
from pavilion.kernel.xlsx_writing import Cell, write_xlsx
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.upload import sent_file

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE_CODES = {"too_many_rows": "sheet_too_many_lots"}  # where the words of other files would be wrong


class Unreadable(Refusal):
    """The file is no table of lots; `code` says why."""

    status, code = 422, "sheet_not_a_table"

    def __init__(self, fault: SheetFault) -> None:
        self.code = _FILE_CODES.get(fault.code, f"sheet_{fault.code}")
        super().__init__(**fault.facts)


class Document(Said):
    """What a preview handed out, to be applied."""

    document: Annotated[str, StringConstraints(min_length=1, max_length=1_000_000)]


@router.get("/{sale}/sheet")
async def sheet_page(request: Request, sale: str, actor: Curator, session: Reading) -> Response:
    return await _page(request, session, await board.sale_of(session, sale, drafts=True), actor)


@router.get("/{sale}/sheet.xlsx")
async def as_workbook(sale: str, actor: Curator, session: Reading) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    columns = _columns(row, actor)
    rows = sheets.typed_rows(row, await sheets.held_of(session, row, actor), columns)
    body = write_xlsx("Lots", [sheet_columns.head_of(column, row.currency) for column in columns], _each(rows))
    return StreamingResponse(body, media_type=XLSX, headers=_named(sale, "xlsx"))


@router.get("/{sale}/sheet.csv")
async def as_csv(sale: str, actor: Curator, session: Reading) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    columns = _columns(row, actor)
    rows = sheets.text_rows(row, await sheets.held_of(session, row, actor), columns)
    head = [sheet_columns.head_of(column, row.currency) for column in columns]
    body = write_csv(chain([head], rows))
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=_named(sale, "csv"))


@router.post("/{sale}/sheet")
async def preview(request: Request, sale: str, actor: Curator, session: Reading) -> Response:
    """What the file would change; nothing is stored."""
    row = await board.sale_of(session, sale, drafts=True)
    if row.state != "draft":
        raise ActNotAllowed(state=row.state)
    try:
        sent = await sent_file(request, sheet_columns.LIMITS.file_bytes)
        read = await to_thread.run_sync(_read, sent.content, row.currency)
        found = await sheet_comparing.compare(session, row, read, actor)
    except Refusal as refused:
        return await _page(request, session, row, actor, refused=refused)
    except SheetFault as fault:
        return await _page(request, session, row, actor, refused=Unreadable(fault))
    return await _page(request, session, row, actor, found=found)


@router.post("/{sale}/sheet/changes")
async def apply(
    request: Request, sale: str, said: Annotated[Document, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """The previewed file, unless something stands against it now; then it is shown again, as it would be now."""
    read = sheets.read_document(said.document)
    try:
        async with session.begin_nested():
            await sheet_applying.apply_sheet(session, sale=sale, read=read, actor=actor, now=now)
    except NotFound:
        raise
    except Refusal as refused:
        row = await board.sale_of(session, sale, drafts=True)
        if row.state != "draft":
            raise
        found = await sheet_comparing.compare(session, row, read, actor)
        return await _page(request, session, row, actor, found=found, refused=refused)
    return RedirectResponse(f"/staff/sales/{sale}", status_code=303)


async def _page(
    request: Request,
    session: AsyncSession,
    sale: Sale,
    actor: Actor,
    *,
    found: SheetPreview | None = None,
    refused: Refusal | None = None,
) -> Response:
    return page(
        request,
        "auctions/sheet.html",
        status_code=200 if refused is None else 422 if isinstance(refused, TooLarge) else refused.status,
        sale=sale,
        found=found,
        refused=refused,
        columns=_columns(sale, actor),
        amounts=sheet_columns.MONEY,
        title_of=title_of,
        sees_reserve=actor.may(Permission.RESERVE_SEE),
    )


def _columns(sale: Sale, actor: Actor) -> list[sheet_columns.Column]:
    return sheet_columns.columns_of(sale.type == SaleType.COLLECTION, actor.may(Permission.RESERVE_SEE))


def _read(content: bytes, currency: str) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        path.write_bytes(content)
        return sheets.read_file(path, currency)


async def _each(rows: Iterator[list[Cell]]) -> AsyncIterator[list[Cell]]:
    for row in rows:
        yield row


def _named(sale: str, kind: str) -> dict[str, str]:
    disposition = f'attachment; filename="lots-{sale}.{kind}"'
    return {"content-disposition": disposition, "cache-control": "no-store"}
