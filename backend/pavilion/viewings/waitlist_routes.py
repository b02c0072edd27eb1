"""The waiting wishes of a company: their place, why they were passed over, and offers to take."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.viewings import asking, changing, desk_acts, service, showing, showing_own
from pavilion.viewings.forms import ActForm
from pavilion.viewings.models import Appointment
from pavilion.viewings.refusing import refuse_unless_ok
from pavilion.viewings.states import WaitState
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["viewings"])
Booker = Annotated[Actor, may(Permission.VIEWING_BOOK)]


@router.get("/viewings/waitlist")
async def waitlist(request: Request, actor: Booker, session: Reading, now: Now) -> Response:
    asker = asking.asker_of(actor)
    lang = language(request)
    lines = await showing_own.waiting_of(session, asker.company_id, lang)
    stones = [stone for line in lines for stone in line.stones]
    reader = await showing.reader_of(request, session, actor, stones)
    return page(
        request,
        "viewings/waitlist.html",
        lines=lines,
        names=[showing.office_name(one.place.office, lang) for one in lines],
        reader=reader,
        left=request.query_params.get("left") == "1",
        key=changing.new_key(),
        now=now,
    )


@router.post("/viewings/waitlist/{entry}/leaving")
async def leave(entry: str, said: Annotated[ActForm, Form()], actor: Booker, session: Writing, now: Now) -> Response:
    """The wish waits no more; an offer made to it is given back with it."""
    asker = asking.asker_of(actor)
    row = await showing_own.entry_of(session, entry, asker.company_id)

    async def act() -> dict[str, object]:
        answer = await service.leave(session, row, by=asker.by, now=now)
        if row.state == WaitState.OFFERED and row.appointment_id is not None:
            offer = await session.get_one(Appointment, row.appointment_id)
            answer = await service.decline(session, offer, by=asker.by, now=now)
        refuse_unless_ok(answer)
        return {"entry": row.public_id}

    key = asking.key_of(asker, said.key, f"leave {row.public_id}")
    await desk_acts.once(session, key, "buyer leave", {}, act, now=now)
    return RedirectResponse("/viewings/waitlist?left=1", status_code=303)
