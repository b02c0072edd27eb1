"""At the door: the pass and its reading, who comes in and who leaves, and who comes unannounced."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.viewings import board, desk_views, door, passes, showing, staffing, stone_cards
from pavilion.viewings.day_forms import AdmitForm, LeaveForm, PassForm, WalkInForm
from pavilion.viewings.door import Shown, WalkIn
from pavilion.viewings.forms import DOCUMENTS
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.passes import Read
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.staff_pages import Runner, by_of, office_facts, said_of, status_of, tried
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["viewings"])
HOME = "/staff/viewings"
PER_MINUTE = 30  # passes asked for from one address: a token of 128 bits is not guessed, and nobody need try
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@router.get("/viewings/pass/{token}")
async def pass_page(request: Request, token: str, session: Reading, now: Now) -> Response:
    """The pass itself, for whoever has its address: a name, an office, a time, and the code. No stone."""
    await limits.take(request, "pass", per_minute=PER_MINUTE)
    try:
        found = await passes.of_token(session, token)
    except Refusal:
        raise NotFound() from None
    reader = await showing.reader_of(request, session, request.state.actor)
    made = page(
        request,
        "viewings/pass.html",
        found=found,
        code=_code(passes.plain(token) or ""),
        grouped=passes.grouped(passes.plain(token) or ""),
        opens_at=await passes.opens_at(session, found),
        over=found.appointment.state not in passes.COMING or now >= found.appointment.ends_at,
        reader=reader,
        now=now,
    )
    for name, value in PRIVATE.items():
        made.headers[name] = value
    return made


@router.get(HOME + "/{office_id}/door")
async def door_page(request: Request, office_id: str, actor: Runner, session: Reading, now: Now) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    return await _show(request, session, actor, office, now)


@router.post(HOME + "/{office_id}/door")
async def read(
    request: Request, office_id: str, said: Annotated[PassForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    """Whose pass it is; nobody is inside yet."""
    await limits.take(request, "door", per_minute=240)
    office = await staffing.office_for(session, actor, office_id)
    try:
        found = await passes.read(session, office, said.token, now)
    except Refusal as refused:
        if (booked := await _of_number(session, office, said.token)) is not None:
            return RedirectResponse(f"{HOME}/{office.id}/appointments/{booked}/desk#visitors", status_code=303)
        return await _show(request, session, actor, office, now, refused=refused)
    return await _show(request, session, actor, office, now, found=found, token=said.token)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/admission")
async def admit(
    request: Request,
    office_id: str,
    appointment_id: str,
    said: Annotated[AdmitForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    """With the pass that was read, or by name where the telephone stayed at home."""
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id, lock=True)
    visitor, link = await _guest(session, visit, said.visitor)
    shown = Shown(said.document_seen == "yes", said.document_kind, said.declared == "yes", said.override)

    async def act() -> None:
        if said.token:
            read = await passes.read(session, office, said.token, now)
            if read.visitor.id != visitor.id:
                raise NotFound()
        await door.admit(session, visit, visitor, link, shown, by=by_of(actor), now=now)

    refused = await tried(request, session, act())
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/appointments/{visit.public_id}/desk", status_code=303)
    visit = await staffing.appointment_at(session, office, appointment_id)
    visitor, link = await _guest(session, visit, said.visitor)
    found = Read(link, visitor, visit, await session.get_one(Desk, visit.desk_id), office)
    return await _show(request, session, actor, office, now, found=found, token=said.token, refused=refused, said=said)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/leaving")
async def leave(
    office_id: str, appointment_id: str, said: Annotated[LeaveForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    visit = await staffing.appointment_at(session, office, appointment_id, lock=True)
    _, link = await _guest(session, visit, said.visitor)
    await door.leave(session, visit, link, by=by_of(actor), now=now)
    return RedirectResponse(f"{HOME}/{office.id}/appointments/{visit.public_id}/desk", status_code=303)


@router.post(HOME + "/{office_id}/walk-ins")
async def walk_in(
    request: Request, office_id: str, said: Annotated[WalkInForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    """Somebody without an appointment sits down where a desk is free."""
    office = await staffing.office_for(session, actor, office_id)
    made: list[Appointment] = []

    async def act() -> None:
        wish = WalkIn(
            said.company, said.name, said.desk, said.minutes, await _stones(session, said.lots), 1, said.document_kind,
            said.born,
        )  # fmt: skip
        shown = Shown(said.document_seen == "yes", said.document_kind, said.declared == "yes", said.override)
        made.append(await door.walk_in(session, office, wish, shown, by=by_of(actor), now=now))

    refused = await tried(request, session, act())
    if refused is None:
        return RedirectResponse(f"{HOME}/{office.id}/appointments/{made[0].public_id}/desk", status_code=303)
    return await _show(request, session, actor, office, now, refused=refused, walk=said)


async def _show(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    office: Office,
    now: datetime,
    *,
    found: Read | None = None,
    token: str = "",
    refused: Refusal | None = None,
    said: AdmitForm | None = None,
    walk: WalkInForm | None = None,
) -> Response:
    facts = await office_facts(request, session, actor, office, now)
    day = await board.day_of(session, office, board.local_day(office, now), actor, now)
    at_door = [one for one in day.visits if one.mode == "in_person"]
    inside = [one for one in at_door if one.state in ("checked_in", "in_progress")]
    companies = await session.scalars(
        select(Company.name).where(Company.state == CompanyState.APPROVED).order_by(Company.name).limit(1000)
    )
    return page(
        request,
        "viewings/checkin.html",
        status_code=status_of(refused),
        shown=day,
        coming=[one for one in at_door if one.state in ("booked", "no_show") and one.ends_at > now],
        inside=inside,
        missing=await _missing(session, [one.public_id for one in inside]),
        declaring=await door.declaration_asked(session, office, now),
        found=found,
        view=None if found is None else await desk_views.view_of(session, office, found.appointment, actor, now),
        token=token,
        refused=refused,
        refusal=said_of(facts["reader"], refused, office.zone),
        said=said,
        walk=walk,
        companies=list(companies),
        documents=DOCUMENTS,
        **facts,
    )


async def _of_number(session: AsyncSession, office: Office, typed: str) -> str | None:
    """The appointment of this office whose number was typed in place of a pass: its page lets in by name."""
    number = "".join(typed.split()).upper()
    wanted = select(Appointment.public_id).join(Desk, Desk.id == Appointment.desk_id)
    return await session.scalar(wanted.where(Desk.office_id == office.id, Appointment.number == number).limit(1))


async def _missing(session: AsyncSession, visits: Sequence[str]) -> dict[str, int]:
    """How many of those named have not come in yet, by appointment whose first ones are inside."""
    rows = await session.execute(
        select(Appointment.public_id, func.count())
        .join(AppointmentVisitor, AppointmentVisitor.appointment_id == Appointment.id)
        .where(Appointment.public_id.in_(visits), AppointmentVisitor.document_seen_at.is_(None))
        .group_by(Appointment.public_id)
    )
    return {row[0]: row[1] for row in rows}


async def _guest(session: AsyncSession, visit: Appointment, visitor_id: str) -> tuple[Visitor, AppointmentVisitor]:
    row = (
        await session.execute(
            select(Visitor, AppointmentVisitor)
            .join(AppointmentVisitor, AppointmentVisitor.visitor_id == Visitor.id)
            .where(AppointmentVisitor.appointment_id == visit.id, Visitor.public_id == visitor_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row[0], row[1]


async def _stones(session: AsyncSession, typed: str) -> tuple[str, ...]:
    """Stones as they were named, parted by blanks or commas."""
    found = []
    for word in typed.replace(",", " ").split()[:50]:
        if (stone := await stone_cards.named(session, word)) is None:
            raise BadInput(fields={"lots": "lot_unknown"})
        found.append(stone)
    return tuple(dict.fromkeys(found))


def _code(token: str) -> Markup:
    """The token and nothing else, as a code that a scanner at the door reads."""
    image = io.BytesIO()
    made = segno.make_qr(token, error="m")
    made.save(
        image, kind="svg", border=4, light="#fff", omitsize=True, xmldecl=False, svgclass="pass-code", lineclass=None
    )
    return Markup(image.getvalue().decode())  # noqa: S704 - drawn here, of letters and digits only
