"""Moving an appointment: the slots, then what the move would lose, then the move."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import db
from pavilion.viewings import (
    appointment_routes,
    asking,
    changing,
    forms,
    service,
    showing,
    showing_book,
    showing_own,
    visitors,
)
from pavilion.viewings.asking import Asker
from pavilion.viewings.changing import OF_A_STONE
from pavilion.viewings.forms import MoveForm
from pavilion.viewings.models import Appointment
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.showing_book import Asked, Page, SlotShown
from pavilion.viewings.showing_own import Own
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Answer, Code
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["viewings"])
Booker = Annotated[Actor, may(Permission.VIEWING_BOOK)]
OWN = frozenset({Code.DESK_TAKEN, Code.STONE_TAKEN, Code.ROOM_FULL, Code.VISITOR_BUSY, Code.OPERATOR_TAKEN})
COUNTED = frozenset({Code.COMPANY_BUSY, Code.COMPANY_DAY_LIMIT, Code.COMPANY_HOURS, Code.QUOTA_FULL})
NEAR = timedelta(hours=4)  # so close to its present time, its own places may be what is in the way


@router.get("/viewings/appointments/{appointment}/move")
async def move_page(request: Request, appointment: str, actor: Booker, session: Reading, now: Now) -> Response:
    asker = asking.asker_of(actor)
    row = await showing_own.found(session, appointment, asker.company_id)
    return await _page(request, session, asker, row, now)


@router.post("/viewings/appointments/{appointment}/move")
async def move(request: Request, appointment: str, actor: Booker, now: Now) -> Response:
    """First what it would lose; said to be sure, the move, in one transaction or not at all."""
    asker = asking.asker_of(actor)
    said = forms.said_in(await request.form())
    form, faults = forms.read(MoveForm, said)
    if form is None:
        async with db.reading(request.app.state.sessions) as session:
            row = await showing_own.found(session, appointment, asker.company_id)
            return await _page(request, session, asker, row, now, faults=faults, status=422)
    slot = forms.slot_of(form.slot)
    if not form.sure:
        return await _preview(request, asker, appointment, form, now)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        stones = await changing.bring(session, asker, row, form.stones)
        return await service.reschedule(
            session, row, start=slot.start, end=slot.end, desk=slot.desk, stones=stones or None,
            by=asker.by, reason=form.reason, now=now,
        )  # fmt: skip

    try:
        row = await appointment_routes.done(request, asker, appointment, "move", form, act, now)
    except ViewingRefused as refused:
        if refused.status == 404:
            raise
        return await _preview(request, asker, appointment, form, now)
    return RedirectResponse(f"/viewings/appointments/{row.public_id}?done=move", status_code=303)


async def _preview(request: Request, asker: Asker, public_id: str, form: MoveForm, now: datetime) -> Response:
    """The move as it would be; nothing is changed by looking."""
    lang = language(request)
    slot = forms.slot_of(form.slot)
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, public_id, asker.company_id)
        seen = await changing.preview(session, row, slot, asker.by, now)
    async with db.reading(request.app.state.sessions) as session:
        row = await showing_own.found(session, public_id, asker.company_id)
        place = await showing_book.desk_of(session, slot.desk)
        if place is None:
            raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="slot")
        if not seen.answer.ok:
            status = ViewingRefused(seen.answer.code).status
            return await _page(request, session, asker, row, now, answer=seen.answer, slot=form.slot, status=status)
        own = await showing_own.own_of(session, row, lang)
        reader = await _reader(request, session, asker, own)
        declares = own.row.mode != ViewingMode.REMOTE and await visitors.declaration_at(session, slot.desk, slot.start)
    return page(
        request,
        "viewings/move.html",
        declares=bool(declares),
        own=own,
        row=own.row,
        reader=reader,
        slot=slot,
        office=place[1],
        desk=place[0],
        office_name=showing.office_name(place[1], lang),
        office_before=showing.office_name(own.place.office, lang),
        seen=seen,
        lost=[(line, reader.sentence(line.code, line.facts, place[1].zone)) for line in seen.lost],
        key=changing.new_key(),
        now=now,
    )


async def _page(
    request: Request,
    session: AsyncSession,
    asker: Asker,
    row: Appointment,
    now: datetime,
    *,
    faults: dict[str, str] | None = None,
    answer: Answer | None = None,
    slot: str = "",
    status: int = 200,
) -> Response:
    lang = language(request)
    own = await showing_own.own_of(session, row, lang)
    reader = await _reader(request, session, asker, own)
    asked = _asked(request, own, slot)
    stones = [line.shown for line in own.kept if line.shown]
    found = await showing_book.page_of(session, asked, stones, reader, asker.company_id, now, sale=row.sale)
    offers: list[SlotShown] = []
    if answer is not None and slot:
        wish = await changing.wish_at(session, row, forms.slot_of(slot))
        near = [one for one in await asking.offers(session, wish, answer, now) if one.start != row.starts_at]
        offers = await showing_book.offers_shown(session, near, reader)
    return page(
        request,
        "viewings/move_slots.html",
        status,
        own=own,
        row=row,
        book=found,
        reader=reader,
        pickable=lambda one: _pickable(own, found, one),
        answer=answer,
        offers=offers,
        faults=faults or {},
        office_before=showing.office_name(own.place.office, lang),
        zones=showing.ZONES,
        here_path=f"/viewings/appointments/{row.public_id}/move",
        now=now,
    )


async def _reader(request: Request, session: AsyncSession, asker: Asker, own: Own) -> showing.Reader:
    lines = [line.shown for line in own.stones if line.shown]
    return await showing.reader_of(request, session, asker.actor, lines)


def _asked(request: Request, own: Own, slot: str) -> Asked:
    query: Any = request.query_params
    office, day = query.get("office", "")[:12], forms.day_asked(query.get("day", ""))
    near = forms.slot_of(slot).start if slot else own.row.starts_at
    return Asked(
        stones=tuple(line.row.stone for line in own.kept),
        office=office or own.place.office.id,
        day=day or (None if office else showing.local_day(near, own.row.zone)),
        mode=ViewingMode(own.row.mode),
        party=max(1, own.row.party),
    )


def _pickable(own: Own, found: Page, slot: SlotShown) -> bool:
    """Free, or in the way of it stands only what the move itself would give up or could leave behind."""
    if slot.free or (slot.code in OF_A_STONE and len(found.stones) > 1) or slot.code in COUNTED:
        return True
    near = slot.start < own.row.ends_at + NEAR and slot.end > own.row.starts_at - NEAR
    return near and slot.code in OWN
