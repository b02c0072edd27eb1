"""For buyers who bid by program: a ticket for the socket, and the socket's protocol as a document."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.once import Repeatable, as_done
from pavilion.bidding import tickets
from pavilion.bidding.answers import AsyncDocument, TicketTold
from pavilion.bidding.asyncapi import document
from pavilion.kernel.errors import KeyReused
from pavilion.kernel.instants import stamp
from pavilion.webkit import limits
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Writing
from pavilion.webkit.idempotent import Done

router = APIRouter(tags=["partners"])

TICKETS_A_MINUTE = 30


@router.post("/api/v1/tickets", responses=answers({200: TicketTold, 201: TicketTold}, KeyReused))
async def make_ticket(request: Request, session: Writing, actor: SignedInActor, now: Now, once: Repeatable) -> Response:
    """A ticket for the `hello` of one socket, within half a minute. It is good once."""
    await limits.take(request, "tickets", per_minute=TICKETS_A_MINUTE)
    until = stamp(now + tickets.GOOD_FOR)
    secret = request.app.state.settings.secret_key.get_secret_value().encode()

    def named(until: str) -> str | None:
        """A ticket asked for under a key can be told again without being kept."""
        return once.key and tickets.named(secret, f"{once.caller} {actor.key} {actor.session_id}", once.key, until)

    ticket = named(until) or tickets.fresh()

    async def act() -> Done:
        await tickets.keep(session, ticket, actor=actor, now=now)
        return as_done(201, expires_at=until)

    done = await once.done(session, act)
    told = {"ticket": named(done.body["expires_at"]) or ticket, **done.body}
    return JSONResponse(told, done.status, headers={"Cache-Control": "no-store"})


@router.get("/api/v1/asyncapi.json", responses=answers({200: AsyncDocument}))
async def asyncapi(request: Request) -> Response:
    """Every message of the live socket, generated from what the socket itself reads and writes."""
    return JSONResponse(document(request.app.state.settings.public_url), headers={"Cache-Control": "max-age=3600"})
