"""An answer of the catalogue to take along: a CSV file or a workbook, of what the reader sees on the page."""

from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import benchmarks, forms, queries, sheets, table_columns
from pavilion.catalogue.benchmarks import Choice
from pavilion.catalogue.forms import Asked
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


class _Taken(NamedTuple):
    """What is taken along; `places`: of its columns among all that there are."""

    wanted: Wanted
    lists: Choice
    places: Sequence[int]
    columns: Sequence[str]


@router.get("/stones.csv")
async def as_csv(request: Request, actor: SignedInActor, now: Now) -> Response:
    taken = await _taken(request, actor, await _logged(request, actor, now, "csv"))
    body = csv_of(taken.columns, _rows(request, actor, taken))
    return StreamingResponse(body, media_type=CSV, headers=named("csv"))


@router.get("/stones.xlsx")
async def as_workbook(request: Request, actor: SignedInActor, now: Now) -> Response:
    taken = await _taken(request, actor, await _logged(request, actor, now, "xlsx"))
    body = write_xlsx("Stones", taken.columns, _rows(request, actor, taken))
    return StreamingResponse(body, media_type=XLSX, headers=named("xlsx"))


async def _logged(request: Request, actor: Actor, now: Now, kind: str) -> Asked:
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
    return asked


async def _taken(request: Request, actor: Actor, asked: Asked) -> _Taken:
    """The columns that the reader has chosen where the table is taken along, else every one that he may see; and the
    price list that his pages set stones against."""
    async with db.reading(request.app.state.sessions) as session:
        lists = await benchmarks.choice_of(session, actor, request.cookies.get(benchmarks.COOKIE, ""))
        chosen = await table_columns.of_reader(session, actor, request.cookies.get(table_columns.COOKIE, ""))
    columns = sheets.columns(prices=queries.sees_prices(actor), against=lists.chosen is not None)
    places = sheets.of_table(columns, chosen) if asked.view == "table" else list(range(len(columns)))
    return _Taken(asked.wanted, lists, places, [columns[place] for place in places])


async def _rows(request: Request, actor: Actor, taken: _Taken) -> AsyncIterator[Sequence[Cell]]:
    """The stones in the order of the page, each asked once more of the database whether it may be shown."""
    index, after, left, lists = index_of(request.app), None, MOST_ROWS, taken.lists
    prices = queries.sees_prices(actor)
    while left:
        async with db.reading(request.app.state.sessions) as session:
            answer = await index.ask(session, taken.wanted, size=min(MOST, left), after=after, facets=(), bars=())
            stones = await queries.listed_of(session, answer.ids)
            promised = await queries.commitments_of(session, [stone.id for stone in stones])
            beside = await benchmarks.discounts(session, lists, stones)
        for stone in stones:
            told = beside.get(stone.id)
            row = sheets.cells(
                stone, promised.get(stone.id), prices=prices, against=lists.chosen is not None, beside=told
            )
            yield [row[place] for place in taken.places]
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
