"""The shared link of a named visitor: their own time, way and pass; no company, no stone, nobody else."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.kernel.errors import NotFound
from pavilion.viewings import passes, showing, showing_own, visitors
from pavilion.viewings.states import AppointmentState
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["viewings"])
TRIES = 30  # a minute from one address
LENGTHS = range(20, 30)
SECRET = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Cache-Control": "no-store"}


@router.get("/viewings/link/{token}")
async def shared(request: Request, token: str, session: Reading, now: Now) -> Response:
    await limits.take(request, "visitor link", per_minute=TRIES)
    appointment, link, visitor = await visitors.by_link(session, _sane(token))
    place = await showing_own.place_of(session, appointment.desk_id)
    reader = await showing.reader_of(request, session, request.state.actor)
    rules = await showing_own.rules_of(session, place.office, appointment.sale)
    answer = page(
        request,
        "viewings/link.html",
        row=appointment,
        visitor=visitor,
        office=place.office,
        office_name=showing.office_name(place.office, language(request)),
        reader=reader,
        early=rules.checkin_early,
        token=token,
        used=link.pass_used_at is not None,
        off=appointment.state in (AppointmentState.CANCELLED, AppointmentState.EXPIRED),
        passable=appointment.state in passes.COMING - {AppointmentState.HELD} and link.pass_used_at is None,
        zones=showing.ZONES,
        now=now,
    )
    answer.headers.update(SECRET)
    return answer


@router.post("/viewings/link/{token}/pass")
async def show_pass(request: Request, token: str, session: Writing) -> Response:
    """A new pass for who holds the link; an earlier one opens nothing any more."""
    await limits.take(request, "visitor link", per_minute=TRIES)
    appointment, _, visitor = await visitors.by_link(session, _sane(token))
    made = await passes.issue(session, appointment, visitor)
    return RedirectResponse(f"/viewings/pass/{made}", status_code=303, headers=SECRET)


def _sane(token: str) -> str:
    if len(token) not in LENGTHS or not token.isascii():
        raise NotFound()
    return token
