"""The office's day: board, trays, and the appointment as staff see it, with its move and its answers."""

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import Refusal, StaleVersion
from pavilion.viewings import (
    board,
    desk_views,
    finding,
    local_times,
    placing,
    private_viewers,
    recording,
    service,
    staffing,
)
from pavilion.viewings.day_forms import ShiftForm, WordForm
from pavilion.viewings.finding import Slot
from pavilion.viewings.models import Appointment, AppointmentEvent
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.refusing import ViewingRefused, refuse_unless_ok
from pavilion.viewings.staff_pages import Runner, by_of, office_facts, said_of, status_of, tried
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Answer
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["viewings"])
HOME = "/staff/viewings"


@router.get(HOME)
async def offices_page(request: Request, actor: Runner, session: Reading, now: Now) -> Response:
    """The offices of this member of staff, each with what waits there today."""
    offices = await staffing.offices_of(session, actor)
    days = [await board.day_of(session, one, board.local_day(one, now), actor, now) for one in offices]
    viewers = await private_viewers.asking(session, [one.id for one in offices])
    return page(request, "viewings/offices.html", days=days, viewers=viewers, now=now)


@router.get(HOME + "/{office_id}/today")
async def today(office_id: str, actor: Runner, session: Reading, now: Now) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    return RedirectResponse(f"{HOME}/{office.id}/{board.local_day(office, now)}", status_code=303)


@router.get(HOME + "/{office_id}/{day:isoday}")
async def day_page(request: Request, office_id: str, day: date, actor: Runner, session: Reading, now: Now) -> Response:
    """The board. A script asks for its part alone, and hears 304 while nothing has changed: the day changes a few times
    an hour, so asking every few seconds costs less than a socket that must be kept open over every line."""
    office = await staffing.office_for(session, actor, office_id)
    facts = await office_facts(request, session, actor, office, now)
    shown = await board.day_of(session, office, day, actor, now)
    return _unless_same(request, page(request, "viewings/day.html", partial="board", shown=shown, **facts))


@router.get(HOME + "/{office_id}/{day:isoday}/trays")
async def trays_page(
    request: Request, office_id: str, day: date, actor: Runner, session: Reading, now: Now
) -> Response:
    """What is taken out of the safe that day, for whom and when."""
    office = await staffing.office_for(session, actor, office_id)
    facts = await office_facts(request, session, actor, office, now)
    shown = await board.day_of(session, office, day, actor, now)
    lists = await desk_views.tray_list(session, office, shown, actor)
    return page(request, "viewings/trays.html", shown=shown, lists=lists, **facts)


@router.get(HOME + "/{office_id}/appointments/{appointment_id}")
async def visit_page(
    request: Request, office_id: str, appointment_id: str, actor: Runner, session: Reading, now: Now
) -> Response:
    office = await staffing.office_for(session, actor, office_id)
    found = await staffing.appointment_at(session, office, appointment_id)
    return await show_visit(request, session, actor, office, found, now)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/move")
async def move(
    request: Request,
    office_id: str,
    appointment_id: str,
    said: Annotated[ShiftForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    """Shown first, then done: the same checks decide both (R10)."""
    office = await staffing.office_for(session, actor, office_id)
    found = await staffing.appointment_at(session, office, appointment_id, lock=True)
    was = (found.starts_at, found.desk_id)
    aim = _Aim(said, office, found)
    refused = await tried(request, session, _moved(session, found, aim, by_of(actor), now))
    if refused is None and said.act == "move":
        day = board.local_day(office, found.starts_at)
        return RedirectResponse(f"{HOME}/{office.id}/{day}#visit-{found.public_id}", status_code=303)
    found = await staffing.appointment_at(session, office, appointment_id)
    aim.was = was
    if isinstance(refused, ViewingRefused):
        aim.offers = await _offers(session, office, found, aim, now)
    return await show_visit(request, session, actor, office, found, now, aim=aim, refused=refused)


@router.post(HOME + "/{office_id}/appointments/{appointment_id}/answer")
async def answer(
    request: Request,
    office_id: str,
    appointment_id: str,
    said: Annotated[WordForm, Form()],
    actor: Runner,
    session: Writing,
    now: Now,
) -> Response:
    """A request is approved or declined, an appointment cancelled for the company, or what needed a look has had it."""
    office = await staffing.office_for(session, actor, office_id)
    found = await staffing.appointment_at(session, office, appointment_id, lock=True)
    refused = await tried(request, session, _answered(session, found, said, by_of(actor), now))
    if refused is None:
        day = board.local_day(office, found.starts_at)
        return RedirectResponse(f"{HOME}/{office.id}/{day}", status_code=303)
    found = await staffing.appointment_at(session, office, appointment_id)
    return await show_visit(request, session, actor, office, found, now, refused=refused)


class _Aim:
    """Where an appointment is to go. A time that the clock shows twice, or never, is refused with both instants."""

    def __init__(self, said: ShiftForm, office: Office, found: Appointment) -> None:
        self.said, self.desk, self.was = said, said.desk, (found.starts_at, found.desk_id)
        self.lasts: timedelta = found.ends_at - found.starts_at
        hour, minute = map(int, said.clock.split(":"))
        local = datetime.combine(said.day, datetime.min.time()).replace(hour=hour, minute=minute)
        self.offers: list[Slot] = []
        self.typed = local_times.typed(local, ZoneInfo(office.zone))
        self.start = self.typed.at
        self.changes = self.start is not None and (self.start, self.desk) != self.was

    @property
    def end(self) -> datetime | None:
        return None if self.start is None else self.start + self.lasts


class DeskUnfit(Refusal):
    """A viewing by video stays at a station, one in person at a desk of a room."""

    status, code = 409, "desk_unfit"


async def _moved(session: AsyncSession, found: Appointment, aim: _Aim, by: str, now: datetime) -> None:
    if found.version != aim.said.version:
        raise StaleVersion()
    if aim.start is None or aim.end is None:
        names = ("before", "after") if aim.typed.code == "nonexistent_local_time" else ("first", "second")
        raise ViewingRefused(aim.typed.code, **dict(zip(names, aim.typed.choices, strict=True)))
    where = None if aim.desk == found.desk_id else aim.desk
    if where is not None and await staffing.is_station(session, where) != (found.mode == ViewingMode.REMOTE):
        raise DeskUnfit()
    if aim.said.act == "move":
        refuse_unless_ok(await _shifted(session, found, aim, where, by, now))
        return
    trial = await session.begin_nested()
    try:
        said = await _shifted(session, found, aim, where, by, now)
    finally:
        await trial.rollback()
        await session.refresh(found)
    refuse_unless_ok(said)


async def _offers(session: AsyncSession, office: Office, found: Appointment, aim: _Aim, now: datetime) -> list[Slot]:
    """The nearest times of this office that would do instead."""
    start = aim.start or aim.typed.choices[-1]
    wish = replace(await placing.wish_of(session, found), start=start, end=start + aim.lasts)
    near = await finding.nearest_to_move(session, found.id, wish, now)
    await session.refresh(found)
    stands = (found.starts_at, found.desk_id)
    return [slot for slot in near if slot.office == office.id and (slot.start, slot.desk) != stands]


async def _shifted(
    session: AsyncSession, found: Appointment, aim: _Aim, where: str | None, by: str, now: datetime
) -> Answer:
    assert aim.start is not None and aim.end is not None
    return await service.reschedule(
        session, found, start=aim.start, end=aim.end, desk=where, by=by, staff=True, reason=aim.said.reason, now=now
    )


async def _answered(session: AsyncSession, found: Appointment, said: WordForm, by: str, now: datetime) -> None:
    if said.act == "approve":
        refuse_unless_ok(await service.approve(session, found, by=by, now=now))
    elif said.act == "decline" and found.state == "held":
        refuse_unless_ok(await service.decline(session, found, by=by, reason=said.reason, now=now))
    elif said.act in ("decline", "cancel"):
        refuse_unless_ok(await service.cancel(session, found, by=by, staff=True, reason=said.reason, now=now))
    elif found.attention is not None:
        found.attention = None
        found.version += 1
        here = (await session.get_one(Desk, found.desk_id)).office_id
        recording.happened(session, found, "changed", office=here, by=by, at=now, reason=said.reason, cause="settled")


async def show_visit(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    office: Office,
    found: Appointment,
    now: datetime,
    *,
    aim: _Aim | None = None,
    refused: Refusal | None = None,
) -> Response:
    facts = await office_facts(request, session, actor, office, now)
    company = await session.get_one(Company, found.company_id)
    told = await session.scalars(
        select(AppointmentEvent).where(AppointmentEvent.appointment_id == found.id).order_by(AppointmentEvent.n)
    )
    return page(
        request,
        "viewings/visit.html",
        status_code=status_of(refused),
        partial="move",
        visit=found,
        company=company,
        desks=await staffing.desks_of(session, office),
        view=await desk_views.view_of(session, office, found, actor, now),
        events=list(told),
        aim=aim,
        refused=refused,
        refusal=said_of(facts["reader"], refused, office.zone),
        local=found.starts_at.astimezone(ZoneInfo(office.zone)),
        local_day=lambda at: board.local_day(office, at),
        **facts,
    )


def _unless_same(request: Request, made: Response) -> Response:
    tag = f'"{hashlib.sha256(bytes(made.body)).hexdigest()[:24]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    made.headers["etag"] = tag
    return made
