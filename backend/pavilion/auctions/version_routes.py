"""What a sale said when it was published and what was said of it since: to read, to keep, and to check offline."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from pavilion.accounts.deps import CurrentActor
from pavilion.auctions import board, noticing, versions
from pavilion.auctions.told import told
from pavilion.kernel.errors import NotFound
from pavilion.webkit.deps import Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["sales"])

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
N = Annotated[int, Path(ge=1, le=100_000)]


@router.get("/sales/{sale}/versions")
async def show(request: Request, sale: Id, session: Reading, actor: CurrentActor) -> Response:
    row = await board.sale_of(session, sale)
    kept, notices = await versions.of_sale(session, sale), await noticing.of_sale(session, sale)
    lots = await board.titles_of(session, row, [one.lot for one in notices])
    return page(
        request,
        "auctions/versions.html",
        sale=row,
        versions=kept,
        notices=notices,
        lots=await told(session, lots.values(), actor),
        withheld=await versions.withheld_from(session, sale, actor),
    )


@router.get("/sales/{sale}/versions/{n:int}.json")
async def document(sale: Id, n: N, session: Reading, actor: CurrentActor) -> Response:
    """The bytes that were hashed, and nothing beside."""
    await board.sale_of(session, sale)
    return _file(await versions.told_of(session, sale, n, actor), f"{sale}-v{n}.json", "application/json")


@router.get("/sales/{sale}/versions/{n:int}.entry.json")
async def entry(sale: Id, n: N, session: Reading) -> Response:
    """The log's entry about it, as it was hashed."""
    await board.sale_of(session, sale)
    return _file(await versions.entry_of(session, sale, n), f"{sale}-v{n}.entry.json", "application/json")


@router.get("/sales/{sale}/versions/{n:int}.tlog-proof")
async def proof(sale: Id, n: N, session: Reading) -> Response:
    await board.sale_of(session, sale)
    text = await versions.proof_of(session, sale, n)
    return _file(None if text is None else text.encode(), f"{sale}-v{n}.tlog-proof", "text/plain; charset=utf-8")


def _file(content: bytes | None, name: str, kind: str) -> Response:
    if content is None:
        raise NotFound()
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})
