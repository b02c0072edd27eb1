"""At the desk: stones out and in, the end of a viewing, viewings by video, and incidents."""

from datetime import datetime
from secrets import token_urlsafe
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.once import form_once
from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import BadInput, Refusal
from pavilion.provenance.custody_keeping import Weighed
from pavilion.viewings import board, desk, desk_acts, desk_views, incidents, remote, staffing, stone_cards
from pavilion.viewings.day_forms import ActForm, CloseForm, FinishForm, OpenForm, RemoteForm, mct_of
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Office
from pavilion.viewings.staff_pages import Runner, by_of, hand_of, office_facts, said_of, status_of, tried
from pavilion.viewings.states import IncidentKind
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.refusals import wants_json

router = APIRouter(tags=["viewings"])
HOME = "/staff/viewings"


@router.get(HOME + "/{office_id}/appointments/{appointment_id}/desk")
async def desk_page(
    request: Request, office_id: str, appointment_id: str, actor: Runner, session: Reading, now: Now
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id)
    return await _show(request, session, actor, office, visit, now)


@router.post(HOME + "/{office_id}/desk-acts")
async def act(
    request: Request, office_id: str, said: Annotated[ActForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    """One stone or tray is handed out or taken in, once however often the act arrives."""
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, said.appointment, lock=True)
    answers: list[dict[str, object]] = []

    async def once() -> None:
        asked = said.model_dump(exclude={"key"})
        done = await desk_acts.once(
            session, said.key, said.act, asked, lambda: _acted(session, office, visit, said, by_of(actor), now), now=now
        )
        answers.append(done)

    refused = await tried(request, session, once())
    if refused is None and wants_json(request):
        return JSONResponse(answers[0])
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/appointments/{said.appointment}/desk", status_code=303)
    visit = await staffing.appointment_at(session, office, said.appointment)
    return await _show(request, session, actor, office, visit, now, refused=refused, said=said)


async def _acted(
    session: AsyncSession, office: Office, visit: Appointment, said: ActForm, by: str, now: datetime
) -> dict[str, object]:
    mct = mct_of(said.weight)
    if mct is None:
        raise BadInput(fields={"weight": "weight_unreadable"})
    if bool(said.stone) == bool(said.tray):
        raise BadInput(fields={"stone": "bad_input"})
    weighed = Weighed(mct, said.count, said.photo_sha256 or None)
    which = {"stone": said.stone or None, "tray": said.tray or None}
    if said.act == "out":
        if said.to not in {one.public_id for one in await desk_views.takers_of(session, visit, now)}:
            raise BadInput(fields={"to": "visitor_not_inside"})
        entry = await desk.hand_out(
            session, office, visit, weighed, **which, as_it_is=said.as_it_is == "yes", by=by, to=said.to, now=now
        )
        return {"done": "out", "entry": entry.public_id, "mct": mct}
    taken = await desk.take_in(
        session, office, visit, weighed, **which, as_it_is=said.as_it_is == "yes", by=by, now=now
    )
    incident = None if taken.incident is None else taken.incident.public_id
    return {"done": "in", "entry": taken.entry.public_id, "difference": taken.difference, "incident": incident}


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/end")
async def finish(
    request: Request,
    office_id: str,
    appointment_id: str,
    said: Annotated[FinishForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id, lock=True)

    async def ended() -> dict[str, object]:
        await desk.finish(session, office, visit, hand=hand_of(request), by=by_of(actor), now=now)
        return {"done": "end"}

    async def once() -> None:
        await desk_acts.once(session, said.key, "end", {"appointment": appointment_id}, ended, now=now)

    refused = await tried(request, session, once())
    if refused is None and wants_json(request):
        return JSONResponse({"done": "end"})
    if refused is None:
        day = board.local_day(office, visit.starts_at)
        return RedirectResponse(f"{HOME}/{office.id}/{day}#visit-{visit.public_id}", status_code=303)
    visit = await staffing.appointment_at(session, office, appointment_id)
    return await _show(request, session, actor, office, visit, now, refused=refused)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/call")
async def begin_call(
    request: Request, office_id: str, appointment_id: str, actor: Runner, session: Writing, now: Now
) -> Response:
    """The company has joined by video: its appointment is checked in as at a door."""
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id, lock=True)
    refused = await tried(request, session, remote.begin(session, visit, by=by_of(actor), now=now))
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/appointments/{visit.public_id}/desk", status_code=303)
    visit = await staffing.appointment_at(session, office, appointment_id)
    return await _show(request, session, actor, office, visit, now, refused=refused)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/remote")
async def write_remote(
    request: Request,
    office_id: str,
    appointment_id: str,
    said: Annotated[RemoteForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id, lock=True)
    told = remote.Said(**said.model_dump())
    refused = await tried(request, session, remote.write(session, visit, told, by=by_of(actor), now=now))
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/appointments/{visit.public_id}/desk#remote", status_code=303)
    visit = await staffing.appointment_at(session, office, appointment_id)
    return await _show(request, session, actor, office, visit, now, refused=refused, written=said)


@router.get(HOME + "/{office_id}/incidents")
async def incidents_page(request: Request, office_id: str, actor: Runner, session: Reading, now: Now) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    return await _show_incidents(request, session, actor, office, now)


@router.post(HOME + "/{office_id}/incidents")
async def open_incident(
    request: Request, office_id: str, said: Annotated[OpenForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    office = await staffing.office_for(session, actor, office_id)

    async def opened() -> str:
        stone = await stone_cards.named(session, said.stone) if said.stone else None
        tray = await desk.tray_called(session, office, said.tray) if said.tray else None
        if stone is None and tray is None:
            raise BadInput(fields={"stone": "stone_unknown"})
        row = await incidents.open_incident(
            session, office, IncidentKind(said.kind), stone=stone, tray=tray, words=said.words, by=by_of(actor), now=now
        )
        return row.public_id

    what = ("incident", office.id, said.model_dump())
    once = form_once(session, actor=actor, name=said.once, said=what, act=opened, now=now)
    refused = await tried(request, session, once)
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/incidents", status_code=303)
    return await _show_incidents(request, session, actor, office, now, refused=refused, opening=said)


@router.post(HOME + "/{office_id}/incidents/{incident_id}/closing")
async def close_incident(
    request: Request,
    office_id: str,
    incident_id: str,
    said: Annotated[CloseForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    closing = incidents.close(session, office, incident_id, resolution=said.resolution, by=by_of(actor), now=now)
    refused = await tried(request, session, closing)
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/incidents#{incident_id}", status_code=303)
    return await _show_incidents(
        request, session, actor, office, now, refused=refused, about=incident_id, words=said.resolution
    )


async def _show(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    office: Office,
    visit: Appointment,
    now: datetime,
    *,
    refused: Refusal | None = None,
    said: ActForm | None = None,
    written: RemoteForm | None = None,
) -> Response:
    facts = await office_facts(request, session, actor, office, now)
    return page(
        request,
        "viewings/desk.html",
        status_code=status_of(refused),
        partial="desk",
        view=await desk_views.view_of(session, office, visit, actor, now),
        visit=visit,
        day=board.local_day(office, visit.starts_at),
        key=lambda: token_urlsafe(18),
        refused=refused,
        refusal=said_of(facts["reader"], refused, office.zone),
        said=said,
        written=written,
        **facts,
    )


async def _show_incidents(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    office: Office,
    now: datetime,
    *,
    refused: Refusal | None = None,
    about: str = "",
    words: str = "",
    opening: OpenForm | None = None,
) -> Response:
    facts: dict[str, Any] = await office_facts(request, session, actor, office, now)
    rows = await incidents.of_office(session, office)
    people = [one for row in rows for one in (row.opened_by, row.closed_by) if one]
    return page(
        request,
        "viewings/incidents.html",
        status_code=status_of(refused),
        rows=rows,
        cards=await stone_cards.of_stones(session, actor, [row.stone for row in rows if row.stone]),
        trays=await incidents.trays_of(session, rows),
        names=await incidents.names_of(session, people),
        others=[name for one, name in (await staffing.names_of(session, office)).items() if one != by_of(actor)],
        refused=refused,
        refusal=said_of(facts["reader"], refused, office.zone),
        about=about,
        words=words,
        opening=opening,
        cu04=incidents.CU04_MCT,
        **facts,
    )
