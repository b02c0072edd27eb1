"""Market figures for those who report, and for staff: charts, the same as tables, and the published bytes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.insight import charts, queries
from pavilion.insight.grid import CLARITIES, COLORS, SHAPES, SIZES
from pavilion.insight.quarters import latest_due, named, quarter_of
from pavilion.kernel.errors import NotAllowed, NotFound, SignedOut
from pavilion.kernel.sheet import write_csv
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["insight"])

WIDEST = 10  # comparisons shown before the whole list


async def _reader(actor: CurrentActor) -> Actor:
    if actor.may(Permission.OUTCOME_REPORT) or actor.is_staff:
        return actor
    raise NotAllowed(right=Permission.OUTCOME_REPORT.value) if actor.signed_in else SignedOut()


Reader = Annotated[Actor, Depends(_reader)]


@router.get("/insight")
async def insight(
    request: Request,
    actor: Reader,
    session: Reading,
    now: Now,
    quarter: str | None = None,
    size: str = "",
    shape: str = "",
) -> Response:
    published = await queries.quarters(session)
    wanted = quarter if quarter in published else (published[0] if published else None)
    found = await queries.figures(session, wanted) if wanted else None
    chosen = named(wanted) if wanted else None
    before = await queries.figures(session, str(chosen.before)) if chosen else None
    own = await queries.comparisons(session, wanted, actor.company_id or 0) if wanted else ()
    pairs = charts.beside_peers(own)
    asked = charts.of(pairs.rows, size, shape)
    coming = latest_due(now).next
    return page(
        request,
        "insight/show.html",
        quarters=published,
        figures=found,
        before=before,
        shapes=charts.by_size(found, before) if found else [],
        grades=charts.by_grade(found) if found else [],
        grid=charts.whole_grid(found) if found else [],
        pairs=pairs,
        asked=asked,
        size=size,
        shape=shape,
        widest=sorted(asked, key=lambda one: -abs(one.own_bp - one.peer_bp))[:WIDEST],
        log_index=await queries.log_index(session, wanted) if wanted else None,
        coming=coming,
        current=quarter_of(now),
        sizes=[size for size, _ in SIZES],
        groups=[shape for shape, _ in SHAPES],
        colors=[color for color, _ in COLORS],
        clarities=[clarity for clarity, _ in CLARITIES],
    )


@router.get("/insight/{quarter}.json")
async def document(quarter: str, actor: Reader, session: Reading) -> Response:
    """The canonical bytes whose hash stands in the public log."""
    found = await queries.snapshot(session, quarter)
    if found is None:
        raise NotFound()
    return Response(found.document.encode(), media_type="application/json")


@router.get("/insight/{quarter}.csv")
async def table(quarter: str, actor: Reader, session: Reading) -> Response:
    found = await queries.figures(session, quarter)
    if found is None:
        raise NotFound()

    def spelled(mct: int | None) -> str:
        return "" if mct is None else f"{mct // 1000}.{mct % 1000:03d}"

    cells = [("cell", row, col, spelled(mct)) for (row, col), mct in found.cells.items()]
    rows = [("row_total", row, "", spelled(mct)) for row, mct in found.row_totals.items()]
    cols = [("col_total", "", col, spelled(mct)) for col, mct in found.col_totals.items()]
    body = b"".join(write_csv(iter([("kind", "size_shape", "color_clarity", "carat"), *cells, *rows, *cols])))
    headers = {
        "content-disposition": f'attachment; filename="pavilion-{found.quarter}.csv"',
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
