"""The acts of staff on a running sale."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import acting
from pavilion.bidding.staff_forms import ActForm
from pavilion.kernel.errors import NotDone
from pavilion.webkit.deps import Now
from pavilion.webkit.html import sentence, with_query
from pavilion.webkit.refusals import wants_json

router = APIRouter(tags=["bidding"])

Staff = Annotated[Actor, may(Permission.STAFF_SEE)]


@router.post("/staff/sales/{sale}/acts")
async def act(request: Request, sale: str, said: Annotated[ActForm, Form()], actor: Staff, now: Now) -> Response:
    """Done, proposed or refused, and back to the console, which says it; a program is told which, and what the book
    refuses is a 409 with its code."""
    state = request.app.state
    outcome = await acting.carry_out(acting.Desk(state.sessions, state.rooms, state.vault), sale, said, actor, now)
    refused = outcome.code or "act_not_allowed" if outcome.result == "refused" else None
    if refused and (said.back == "lot" or wants_json(request)):
        raise NotDone(refused)
    if wants_json(request):
        told = {
            "result": outcome.result,
            "code": outcome.code,
            "proposal": outcome.proposal,
            "receipt": outcome.receipt,
        }
        told["sentence"] = sentence(request, outcome.code) if outcome.code else ""
        return JSONResponse(told, 202 if outcome.result != "done" else 200)
    if said.back == "lot" and said.lot:
        return RedirectResponse(f"/lots/{said.lot}", 303)
    came = {"refused": refused} if refused else {"done": outcome.result}
    return RedirectResponse(with_query(f"/staff/sales/{sale}/console", lot=said.lot or None, **came), 303)
