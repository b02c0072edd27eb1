"""The act by which a curator offers a lot again that was not sold."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.reoffering import reoffer
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/lots", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
Id = Annotated[str, Form(pattern=r"^[0-9A-Za-z]{1,40}$")]


@router.post("/{lot}/reoffers")
async def offer_again(lot: str, into: Id, actor: Curator, session: Writing, now: Now) -> Response:
    """The new lot stands in the chosen draft."""
    new = await reoffer(session, lot=lot, into=into, actor=actor, now=now)
    return RedirectResponse(f"/staff/sales/{into}#{new.public_id}", status_code=303)
