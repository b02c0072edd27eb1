"""The act by which a curator offers a lot again that was not sold."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.board import sale_of
from pavilion.auctions.reoffering import reoffer
from pavilion.auctions.rules import SaleState
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/lots", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
Id = Annotated[str, Form(pattern=r"^[0-9A-Za-z]{1,40}$")]


@router.post("/{lot}/reoffers")
async def offer_again(request: Request, lot: str, into: Id, actor: Curator, session: Writing, now: Now) -> Response:
    """The new lot stands in the chosen draft; in a published sale its form is next, for what is edited before it is
    listed."""
    ends = await request.app.state.ends_of(session, into)
    new = await reoffer(session, lot=lot, into=into, actor=actor, now=now, ends=ends)
    sale = await sale_of(session, into, drafts=True)
    at = f"#{new.public_id}" if sale.state == SaleState.DRAFT else f"/lots/{new.public_id}"
    return RedirectResponse(f"/staff/sales/{into}{at}", status_code=303)
