"""An answer of the catalogue to take along: a CSV file or a workbook, of what the reader sees on the page."""

from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import benchmarks, forms, queries, sheets
from pavilion.catalogue.benchmarks import Choice
from pavilion.catalogue.keeping import index_of
from pavilion.catalogue.wanted import MOST, Wanted
from pavilion.kernel import db, events
from pavilion.kernel.errors import BadInput
from pavilion.kernel.sheet import write_csv
from pavilion.kernel.xlsx_writing import Cell, write_xlsx
from pavilion.webkit.deps import Now

router = APIRouter()

MOST_ROWS = 10_000
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/stones.csv")
async def as_csv(request: Request, actor: SignedInActor, now: Now) -> Response:
    wanted = await _logged(request, actor, now, "csv")
    lists = await _lists(request, actor)
    body = csv_of(_columns(actor, lists), _rows(request, actor, wanted, lists))
    return StreamingResponse(body, media_type=CSV, headers=named("csv"))


@router.get("/stones.xlsx")
async def as_workbook(request: Request, actor: SignedInActor, now: Now) -> Response:
    wanted = await _logged(request, actor, now, "xlsx")
    lists = await _lists(request, actor)
    body = write_xlsx("Stones", _columns(actor, lists), _rows(request, actor, wanted, lists))
    return StreamingResponse(body, media_type=XLSX, headers=named("xlsx"))


async def _logged(request: Request, actor: Actor, now: Now, kind: str) -> Wanted:
    """The question of the address; who takes its answer along, and how much of it, is written down first."""
    prices = queries.sees_prices(actor)
    asked = forms.asked(request.query_params.multi_items(), prices=prices, staff=actor.is_staff)
    if asked.faults:
        raise BadInput(fields=dict(asked.faults))
    async with request.app.state.sessions.begin() as session:
        answer = await index_of(request.app).ask(session, asked.wanted, size=1, facets=(), bars=())
        told = {"kind": kind, "rows": min(answer.total, MOST_ROWS), "as_of": answer.as_of}
        query = forms.address(asked.wanted, prices=prices)
        events.record(
            session, "stones:exported", actor.public_id or "", by=actor.public_id, at=now, query=query, **told
        )
    return asked.wanted


async def _lists(request: Request, actor: Actor) -> Choice:
    """The price list that the reader's pages set stones against."""
    async with db.reading(request.app.state.sessions) as session:
        return await benchmarks.choice_of(session, actor, request.cookies.get(benchmarks.COOKIE, ""))


def _columns(actor: Actor, lists: Choice) -> list[str]:
    return sheets.columns(prices=queries.sees_prices(actor), against=lists.chosen is not None)


async def _rows(request: Request, actor: Actor, wanted: Wanted, lists: Choice) -> AsyncIterator[Sequence[Cell]]:
    """The stones in the order of the page, each asked once more of the database whether it may be shown."""
    index, after, left = index_of(request.app), None, MOST_ROWS
    prices = queries.sees_prices(actor)
    while left:
        async with db.reading(request.app.state.sessions) as session:
            answer = await index.ask(session, wanted, size=min(MOST, left), after=after, facets=(), bars=())
            stones = await queries.listed_of(session, answer.ids)
            promised = await queries.commitments_of(session, [stone.id for stone in stones])
            beside = await benchmarks.discounts(session, lists, stones)
        for stone in stones:
            told = beside.get(stone.id)
            yield sheets.cells(
                stone, promised.get(stone.id), prices=prices, against=lists.chosen is not None, beside=told
            )
        left -= len(answer.ids)
        if (after := answer.after) is None:
            return


async def csv_of(columns: Sequence[str], rows: AsyncIterator[Sequence[Cell]]) -> AsyncIterator[bytes]:
    held, mark = [list(columns)], b""
    async for row in rows:
        held.append(sheets.texts(row))
        if len(held) == MOST:
            yield b"".join(write_csv(iter(held), figures=True)).removeprefix(mark)
            held, mark = [], BOM_UTF8
    yield b"".join(write_csv(iter(held), figures=True)).removeprefix(mark)


def named(ending: str, name: str = "stones") -> dict[str, str]:
    disposition = f'attachment; filename="{name}.{ending}"'
    return {"Content-Disposition": disposition, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
