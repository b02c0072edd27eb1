"""The capacity of an office on a page: hours, single dates, regimes, pads and clocks, each with a look ahead first."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any

from babel.dates import get_day_names
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.viewings import capacity, local_times, staffing
from pavilion.viewings.capacity_forms import CapacityForm, change_of
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Office, OpeningException, OpeningHours
from pavilion.viewings.planning import Broken, Outcome
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.staff_pages import by_of, office_facts, status_of
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.refusals import wants_json

router = APIRouter(tags=["viewings"])
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
PATH = "/staff/viewings/{office_id}/capacity"


@dataclass(frozen=True, slots=True)
class Row:
    """A broken appointment as staff read it."""

    broken: Broken
    company: str
    version: int
    desk: str
    reason: str
    where: str  # the desk proposed


@router.get(PATH)
async def capacity_page(request: Request, office_id: str, actor: Staff, session: Reading, now: Now) -> Response:
    office = await _office(session, actor, office_id)
    return await _shown(request, session, actor, office, now)


@router.post(PATH)
async def change(
    request: Request,
    office_id: str,
    said: Annotated[CapacityForm, Form()],
    actor: Staff,
    session: Writing,
    now: Now,
) -> Response:
    """Shown first, then applied as an act of its own: what was shown must still be so."""
    office = await _office(session, actor, office_id)
    outcome: Outcome | None = None
    refused: Refusal | None = None
    try:
        meant = change_of(said, local_times.zone_of(office.zone), now)
        if said.act == "apply":
            async with session.begin_nested():
                await capacity.apply(session, office, meant, seen=said.seen, by=by_of(actor), now=now)
            return RedirectResponse(f"/staff/viewings/{office.id}/capacity?done={said.what}", status_code=303)
        outcome = await capacity.dry_run(session, office, meant, now)
    except Refusal as refusal:
        if wants_json(request):
            raise
        refused = refusal
        if isinstance(refusal, StaleVersion):
            await session.refresh(office)
            outcome = await capacity.dry_run(session, office, meant, now)
    return await _shown(request, session, actor, office, now, said=said, outcome=outcome, refused=refused)


async def _office(session: AsyncSession, actor: Actor, office_id: str) -> Office:
    """Of this member of staff; the administrator of the house may look after any."""
    if actor.may(Permission.VIEWING_RUN):
        return await staffing.office_for(session, actor, office_id)
    if not actor.may(Permission.SETTING_EDIT):
        raise NotAllowed()
    found = await session.get(Office, office_id[:12])
    if found is None:
        raise NotFound()
    return found


async def _shown(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    office: Office,
    now: datetime,
    *,
    said: CapacityForm | None = None,
    outcome: Outcome | None = None,
    refused: Refusal | None = None,
) -> Response:
    facts = await office_facts(request, session, actor, office, now)
    zone = local_times.zone_of(office.zone)
    today = local_times.day_of(now, zone)
    unfit = None if said is not None else await capacity.unfit(session, office, now)
    shown = outcome or unfit
    hours = await session.scalars(
        select(OpeningHours).where(OpeningHours.office_id == office.id).order_by(OpeningHours.valid_from)
    )
    others = await session.scalars(
        select(OpeningException)
        .where(OpeningException.office_id == office.id, OpeningException.day >= today)
        .order_by(OpeningException.day)
    )
    known = list(hours)
    return page(
        request,
        "viewings/capacity.html",
        status_code=status_of(refused),
        weekdays=get_day_names("wide", locale=facts["reader"].tongue.locale),
        week=week_of([row for row in known if row.valid_to is None or row.valid_to >= today], today),
        later=sorted({row.valid_from for row in known if row.valid_from > today}),
        others=list(others),
        running=list(await session.scalars(capacity.running_regimes(office.id, now))),
        rules=BookingRules.of(office.rules),
        clocks=await capacity.clocks_of(session, office, now),
        release=local_times.tz_version(),
        today=today,
        local_of=lambda at: at.astimezone(zone),
        said=said,
        outcome=outcome,
        unfit=unfit,
        seen=capacity.digest(outcome) if outcome else "",
        rows=await _rows(session, facts["reader"], office, shown) if shown else [],
        refused=refused,
        fields=refused.fields if refused else {},
        refusal=facts["reader"].sentence(refused.code, refused.facts, office.zone) if refused else None,
        choices=refused.facts.get("choices", ()) if refused else (),
        asked=refused.facts.get("field", "") if refused else "",
        **facts,
    )


def week_of(rows: list[OpeningHours], today: date) -> list[dict[str, str]]:
    """The hours in force by weekday, as they are typed; two openings of a day are one with a break between."""
    week: list[dict[str, str]] = []
    for weekday in range(7):
        mine = sorted((r.opens, r.closes, r.breaks) for r in rows if r.weekday == weekday and r.valid_from <= today)
        if not mine:
            week.append({"opens": "", "closes": "", "breaks": ""})
            continue
        pauses = [list(pause) for _, _, breaks in mine for pause in breaks]
        pauses += [[one[1], two[0]] for one, two in pairwise(mine) if one[1] < two[0]]
        week.append({
            "opens": mine[0][0], "closes": max(one[1] for one in mine),
            "breaks": ", ".join(f"{since}-{until}" for since, until in sorted(pauses)),
        })  # fmt: skip
    return week


async def _rows(session: AsyncSession, reader: Any, office: Office, outcome: Outcome) -> list[Row]:
    names = [one.visit.public_id for one in outcome.broken]
    found = await session.execute(
        select(Appointment.public_id, Appointment.version, Company.name)
        .join(Company, Company.id == Appointment.company_id)
        .where(Appointment.public_id.in_(names))
    )
    known = {public_id: (version, company) for public_id, version, company in found}
    chinese = reader.tongue.lang == "zh"
    desks = {desk.id: desk.name_zh if chinese else desk.name_en for desk in await staffing.desks_of(session, office)}
    rows = []
    for one in outcome.broken:
        version, company = known[one.visit.public_id]
        place = one.proposal.desk if one.proposal else ""
        rows.append(
            Row(
                one, company, version, desks.get(one.visit.sitting.desk, one.visit.sitting.desk),
                reader.sentence(one.code, dict(one.facts), office.zone), desks.get(place, place),
            )
        )  # fmt: skip
    return rows
