"""A company's own appointments: confirm, change, cancel; who comes, their passes and links; its own notes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import db
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.settings import Settings
from pavilion.viewings import asking, changing, desk_acts, forms, notes, passes, service, showing, showing_own, visitors
from pavilion.viewings.asking import Asker
from pavilion.viewings.forms import ActForm, NoteForm, VisitorsForm
from pavilion.viewings.models import Appointment
from pavilion.viewings.refusing import ViewingRefused, refuse_unless_ok
from pavilion.viewings.showing_book import offers_shown
from pavilion.viewings.states import AppointmentState
from pavilion.viewings.wishes import Answer, Code
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["viewings"])
Booker = Annotated[Actor, may(Permission.VIEWING_BOOK)]
Verb = Callable[[AsyncSession, Appointment], Awaitable[Answer | None]]
S = AppointmentState


@router.get("/viewings/appointments")
async def own_list(request: Request, actor: Booker, session: Reading, now: Now) -> Response:
    asker = asking.asker_of(actor)
    coming, past = await showing_own.listed(session, asker.company_id, now)
    reader = await showing.reader_of(request, session, actor)
    waiting = await showing_own.waiting_count(session, asker.company_id)
    return page(
        request, "viewings/appointments.html", coming=coming, past=past, reader=reader, waiting=waiting, now=now
    )


@router.get("/viewings/appointments/{appointment}")
async def own(request: Request, appointment: str, actor: Booker, now: Now) -> Response:
    return await shown(request, asking.asker_of(actor), appointment, now)


@router.post("/viewings/appointments/{appointment}/confirmation")
async def confirm(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    """Booked; sent again, the answer is the same. After the hold has ended it is offered anew, never taken silently."""
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await service.confirm(session, row, by=asker.by, now=now)

    return await do(request, asker, appointment, "confirm", said, act, now)


@router.post("/viewings/appointments/{appointment}/renewal")
async def renew(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    """The same wish once more, as a new hold; the ended one stays as it is."""
    asker = asking.asker_of(actor)
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, appointment, asker.company_id)
        wish = await changing.wish_again(session, row, now)
        tried = await asking.hold(session, asker, wish, asking.key_of(asker, said.key, f"renew {row.public_id}"), now)
    if tried.appointment is not None and tried.answer.ok:
        return RedirectResponse(f"/viewings/appointments/{tried.appointment.public_id}", status_code=303)
    refused = ViewingRefused(tried.answer.code, **tried.answer.facts)
    return await shown(request, asker, appointment, now, refused=refused, wish=tried.wish)


@router.post("/viewings/appointments/{appointment}/giving-back")
async def give_back(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    """A hold or an offer that is not wanted; its place is free at once."""
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await service.decline(session, row, by=asker.by, reason=said.reason, now=now)

    return await do(request, asker, appointment, "give back", said, act, now)


@router.post("/viewings/appointments/{appointment}/cancellation")
async def cancel(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await service.cancel(session, row, by=asker.by, staff=False, reason=said.reason, now=now)

    return await do(request, asker, appointment, "cancel", said, act, now)


@router.post("/viewings/appointments/{appointment}/late-cancellation")
async def ask_to_cancel(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    """After the cut-off the office decides: it is told, and the appointment stands until it has."""
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> None:
        await changing.ask_to_cancel(session, row, by=asker.by, reason=said.reason, now=now)

    return await do(request, asker, appointment, "late cancel", said, act, now)


@router.post("/viewings/appointments/{appointment}/declaration")
async def declare(
    request: Request, appointment: str, said: Annotated[ActForm, Form()], actor: Booker, now: Now
) -> Response:
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> None:
        await visitors.declare(session, row, by=asker.by, now=now)

    return await do(request, asker, appointment, "declare", said, act, now)


@router.post("/viewings/appointments/{appointment}/visitors")
async def set_visitors(request: Request, appointment: str, actor: Booker, now: Now) -> Response:
    """Those who are ticked come, and those who are written down; nobody else does any more."""
    asker = asking.asker_of(actor)
    said = forms.said_in(await request.form())
    form, faults = forms.read(VisitorsForm, said)
    if form is None:
        return await shown(request, asker, appointment, now, said=said, faults=faults)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await changing.set_visitors(session, asker, row, form, now)

    try:
        return await do(request, asker, appointment, "visitors", form, act, now)
    except BadInput as fault:
        return await shown(request, asker, appointment, now, said=said, faults=fault.fields)


@router.post("/viewings/appointments/{appointment}/passes/{visitor}")
async def make_pass(appointment: str, visitor: str, actor: Booker, session: Writing) -> Response:
    """A new pass, shown to who asked for it; an earlier one of the same visitor opens nothing any more."""
    asker = asking.asker_of(actor)
    row = await showing_own.found(session, appointment, asker.company_id)
    _, person = await visitors.link_of(session, row, visitor)
    token = await passes.issue(session, row, person)
    return RedirectResponse(f"/viewings/pass/{token}", status_code=303)


@router.post("/viewings/appointments/{appointment}/links/{visitor}")
async def make_link(request: Request, appointment: str, visitor: str, actor: Booker, now: Now) -> Response:
    """The address for a visitor, shown once; the earlier one opens nothing any more."""
    asker = asking.asker_of(actor)
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, appointment, asker.company_id)
        token = await visitors.make_link(session, row, visitor, by=asker.by, now=now)
    settings: Settings = request.app.state.settings
    link = f"{settings.public_url.rstrip('/')}/viewings/link/{token}"
    return await shown(request, asker, appointment, now, link=link, link_of=visitor)


@router.post("/viewings/appointments/{appointment}/notes")
async def write_note(request: Request, appointment: str, actor: Booker, now: Now) -> Response:
    asker = asking.asker_of(actor)
    said = forms.said_in(await request.form())
    form, faults = forms.read(NoteForm, said)
    if form is None:
        return await shown(
            request, asker, appointment, now, said=said, faults={"words": faults.get("words", "bad_input")}
        )
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, appointment, asker.company_id)
        if not await changing.has_stone(session, row, form.stone):
            raise NotFound()
        await notes.write(
            session, company_id=asker.company_id, person_id=asker.person_id, stone=form.stone, appointment=row,
            words=form.words, key=form.key, now=now,
        )  # fmt: skip
    return RedirectResponse(f"/viewings/appointments/{row.public_id}#{form.stone}", status_code=303)


@router.post("/viewings/appointments/{appointment}/notes/{note}/erasure")
async def erase_note(appointment: str, note: str, actor: Booker, session: Writing, now: Now) -> Response:
    asker = asking.asker_of(actor)
    row = await showing_own.found(session, appointment, asker.company_id)
    gone = await notes.erase(session, asker.company_id, note[:26], now)
    return RedirectResponse(f"/viewings/appointments/{row.public_id}#{gone.stone}", status_code=303)


async def do(
    request: Request, asker: Asker, public_id: str, kind: str, said: Any, verb: Verb, now: datetime
) -> Response:
    """The verb in one transaction, once for its key; a refusal comes back on the appointment's page."""
    try:
        row = await done(request, asker, public_id, kind, said, verb, now)
    except ViewingRefused as refused:
        if refused.status == 404:
            raise
        return await shown(request, asker, public_id, now, refused=refused)
    return RedirectResponse(f"/viewings/appointments/{row.public_id}?done={kind.replace(' ', '_')}", status_code=303)


async def done(
    request: Request, asker: Asker, public_id: str, kind: str, said: Any, verb: Verb, now: datetime
) -> Appointment:
    asked = said.model_dump(mode="json", exclude={"key"})
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, public_id, asker.company_id)

        async def act() -> dict[str, object]:
            answer = await verb(session, row)
            if answer is not None:
                refuse_unless_ok(answer)
            return {"appointment": row.public_id}

        key = asking.key_of(asker, said.key, f"{kind} {row.public_id}")
        await desk_acts.once(session, key, f"buyer {kind}", asked, act, now=now)
    return row


async def shown(
    request: Request,
    asker: Asker,
    public_id: str,
    now: datetime,
    *,
    refused: Refusal | None = None,
    wish: Any = None,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    link: str = "",
    link_of: str = "",
) -> Response:
    lang = language(request)
    async with db.reading(request.app.state.sessions) as session:
        row = await showing_own.found(session, public_id, asker.company_id)
        own = await showing_own.own_of(session, row, lang)
        lines = [line.shown for line in own.stones if line.shown]
        reader = await showing.reader_of(request, session, asker.actor, lines)
        answer = Answer(Code(refused.code), refused.facts) if refused and refused.code in set(Code) else None
        offers = await asking.offers(session, wish, answer, now) if wish is not None and answer is not None else ()
        known = await visitors.known_of(session, asker.company_id)
        facts: dict[str, Any] = {
            "own": own, "row": own.row, "reader": reader, "now": now, "key": changing.new_key(), "zones": showing.ZONES,
            "office_name": showing.office_name(own.place.office, lang),
            "held": changing.is_held(own.row, now), "lapsed": changing.is_lapsed(own.row, now),
            "refused": refused, "offers": await offers_shown(session, offers, reader),
            "known": known, "said": said or {}, "faults": faults or {},
            "documents": [(kind, reader.say(f"document_{kind}")) for kind in forms.DOCUMENTS],
            "link": link, "link_of": link_of, "done": request.query_params.get("done", "")[:12],
            "declarable": visitors.declarable_from(own.row), "passable": own.row.state in passes.COMING - {S.HELD},
            "refused_words": "" if refused is None else reader.sentence(
                refused.code, refused.facts, own.row.zone
            ),
        }  # fmt: skip
    status = refused.status if refused else 422 if faults else 200
    return page(request, "viewings/appointment.html", status, **facts)
