"""For buyers who bid by program: a ticket for the socket, and the socket's protocol as a document."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import SignedInActor
from pavilion.bidding import tickets
from pavilion.bidding.answers import AsyncDocument, TicketTold
from pavilion.bidding.asyncapi import document
from pavilion.kernel.instants import stamp
from pavilion.webkit import limits
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Writing

router = APIRouter(tags=["partners"])

TICKETS_A_MINUTE = 30


@router.post("/api/v1/tickets", responses=answers({201: TicketTold}))
async def make_ticket(request: Request, session: Writing, actor: SignedInActor, now: Now) -> Response:
    """201: a ticket for the `hello` of one socket, within half a minute. It is shown once."""
    await limits.take(request, "tickets", per_minute=TICKETS_A_MINUTE)
    ticket = await tickets.make(session, actor=actor, now=now)
    until = stamp(now + tickets.GOOD_FOR)
    return JSONResponse({"ticket": ticket, "expires_at": until}, 201, headers={"Cache-Control": "no-store"})


@router.get("/api/v1/asyncapi.json", responses=answers({200: AsyncDocument}))
async def asyncapi(request: Request) -> Response:
    """Every message of the live socket, generated from what the socket itself reads and writes."""
    return JSONResponse(document(request.app.state.settings.public_url), headers={"Cache-Control": "max-age=3600"})
