"""The archive of results for people and programs: pages, files, JSON, and what became of one stone."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import cursors, showing
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.keeping import index_of
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.catalogue.searching import After
from pavilion.insight import appearances, result_charts, result_sheets, results
from pavilion.insight.answers import ResultsTold
from pavilion.insight.answers_asked import of_results
from pavilion.insight.result_asking import PAGE, Asked, asked, plain, two_or_three
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import CURRENCIES
from pavilion.kernel.xlsx_writing import write_xlsx
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["results"])

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SORTS = ("ended-", "ended+", "hammer-", "hammer+", "ppc-", "ppc+", "ct-", "ct+", "against-", "against+")


@router.get("/results")
async def archive(request: Request, session: Reading, actor: CurrentActor, now: Now) -> Response:
    """What closed sales brought, lot by lot, as far as the address asks for it."""
    sales = await results.closed_sales(session)
    main = results.main_currency(sales)
    question = asked(request.query_params.multi_items(), main)
    after, faults = _place(request, question), dict(question.faults)
    if question.cursor and after is None:
        faults["cursor"] = "search_cursor_foreign"
    kept = await results.withheld_of(session, actor)
    rows, last = await results.page_of(session, question, after, PAGE, kept)
    sums, points = await _sums(request).of(session, question, kept)
    drawn = next((one for one in sums if one.sold), None)
    codes = nomenclature().codes
    return page(
        request,
        "insight/results.html",
        asked=question,
        faults=faults,
        lines=await results.lines(session, rows, actor, now),
        sums=sums,
        drawn=drawn,
        prices=result_charts.prices(points),
        points=len(points),
        bars=result_charts.distribution(drawn) if drawn else [],
        first=question.address() if after else None,
        following=question.address(cursor=_sealed(request, question, last)) if last else None,
        before=after.shown if after else 0,
        sales=sales,
        currencies=sorted({sale.currency for sale in sales} | ({question.currency} - {""})) or sorted(CURRENCIES)[:1],
        main=main,
        sorts=SORTS,
        shapes=codes["shape"],
        colors=[*codes["color"][:10], *codes["fancy_color"]],
        clarities=codes["clarity"],
        labs=sorted(nomenclature().labs),
        plain=plain,
        typed_ct=two_or_three,
    )


@router.get("/results.csv")
async def as_csv(request: Request, session: Reading, actor: CurrentActor, now: Now) -> Response:
    question = await _strict(request, session)
    lines = _lines(request, question, actor, now)
    return StreamingResponse(result_sheets.csv_pieces(lines), media_type=CSV, headers=_named("csv"))


@router.get("/results.xlsx")
async def as_workbook(request: Request, session: Reading, actor: CurrentActor, now: Now) -> Response:
    question = await _strict(request, session)
    rows = result_sheets.typed_rows(_lines(request, question, actor, now))
    body = write_xlsx("Results", result_sheets.COLUMNS, rows)
    return StreamingResponse(body, media_type=XLSX, headers=_named("xlsx"))


@router.get("/api/v1/results", responses=answers({200: ResultsTold}), openapi_extra=of_results(), tags=["sales"])
async def as_json(request: Request, session: Reading, actor: CurrentActor, now: Now) -> JSONResponse:
    """The same question as the page; what cannot be read is refused, field by field."""
    question = await _strict(request, session)
    after = _place(request, question)
    if question.cursor and after is None:
        raise BadInput(fields={"cursor": "search_cursor_foreign"})
    kept = await results.withheld_of(session, actor)
    rows, last = await results.page_of(session, question, after, question.limit, kept)
    answer: dict[str, Any] = {
        "items": [result_sheets.facts(line) for line in await results.lines(session, rows, actor, now)],
        "cursor": _sealed(request, question, last) if last else None,
    }
    if after is None:
        sums, _ = await _sums(request).of(session, question, kept)
        answer["totals"] = [_totals(one) for one in sums]
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


@router.get("/stones/{stone}/history")
async def stone_history(request: Request, stone: str, session: Reading, actor: CurrentActor, now: Now) -> Response:
    """Every sale in which this stone stood, for whoever may see the stone."""
    found = await catalogue.asked_stone(session, actor, stone)
    return page(
        request,
        "insight/stone_history.html",
        stone=found,
        name=showing.name_of(found, language(request)),
        stood=await appearances.of_stone(session, found, actor, now),
        inside=catalogue.sees_supplier_of(actor, found),
        now=now,
    )


def _sums(request: Request) -> results.Sums:
    """Those of this process."""
    state = request.app.state
    if not hasattr(state, "result_sums"):
        state.result_sums = results.Sums()
    found: results.Sums = state.result_sums
    return found


def _totals(one: results.Money) -> dict[str, Any]:
    return {
        "currency": one.currency,
        "sold": one.sold,
        "sold_after": one.sold_after,
        "cancelled": one.cancelled,
        "passed": one.passed,
        "withdrawn": one.withdrawn,
        "sold_by_lot_bp": one.by_lot_bp,
        "sold_by_value_bp": one.by_value_bp,
        "hammer_minor": one.hammer,
        "premium_minor": one.premium,
        "with_premium_minor": one.total,
        "against": dict(one.against),
    }


async def _strict(request: Request, session: Reading) -> Asked:
    """The question, or the refusal that names what was not understood: a file tells nobody what it left out."""
    main = results.main_currency(await results.closed_sales(session))
    question = asked(request.query_params.multi_items(), main)
    if question.faults:
        raise BadInput(fields=dict(question.faults))
    return question


def _lines(request: Request, question: Asked, actor: Actor, now: datetime) -> AsyncIterator[results.Line]:
    return results.everything(request.app.state.sessions, question, actor, now)


def _named(kind: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="pavilion-results.{kind}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def _place(request: Request, question: Asked) -> After | None:
    return (
        cursors.opened(question.cursor, question.address(), index_of(request.app).secret) if question.cursor else None
    )


def _sealed(request: Request, question: Asked, after: After) -> str:
    return cursors.sealed(after, question.address(), 0, index_of(request.app).secret)
