"""The act by which one person lists a lot that came after publication."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import adding
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Builder = Annotated[Actor, may(Permission.SALE_BUILD)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]


@router.post("/{sale}/lots/{lot}/listing")
async def list_lot(request: Request, sale: Id, lot: Id, actor: Builder, session: Writing, now: Now) -> Response:
    """The sale's book has the lot next."""
    ends = await request.app.state.ends_of(session, sale)
    await adding.list_lot(session, sale=sale, lot=lot, actor=actor, now=now, ends=ends)
    return RedirectResponse(f"/staff/sales/{sale}?listed={lot}#{lot}", status_code=303)
