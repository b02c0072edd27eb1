"""Several registrations approved at once: looked at first, then done."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import approving
from pavilion.auctions.forms import Line
from pavilion.webkit.deps import Now, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["auctions"])


class Chosen(BaseModel):
    """Registrations, each at the version in which it was seen: `ID~3`; `until`: their end, on the clock of each one's
    sale."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pick: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,40}~\d{1,9}$")]], Field(max_length=approving.MOST)
    ] = []
    until: Annotated[Line, Field(max_length=20)] = ""
    sure: bool = False


@router.post("/staff/registrations/approvals")
async def approvals(
    request: Request,
    said: Annotated[Chosen, Form()],
    actor: Annotated[Actor, may(Permission.REGISTRATION_DECIDE)],
    session: Writing,
    now: Now,
) -> Response:
    """What would become of the chosen ones; or, being sure, what became of them."""
    seen = {id: int(version) for id, version in (one.split("~") for one in said.pick)}
    act = approving.approve_all if said.sure else approving.looked_at
    days = request.app.state.settings.screening_days
    outcomes = await act(session, seen, days=days, actor=actor, now=now, until=said.until)
    return page(request, "auctions/approvals.html", outcomes=outcomes, done=said.sure, days=days, until=said.until)
