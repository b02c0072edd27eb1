"""Pages of where stones are and travel: one stone's line, and all of them. A change is looked at before it is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, SignedOut
from pavilion.viewings import (
    blocks,
    staffing,
    travelling,
    travelling_forms,
    travelling_reading,
    travelling_showing,
    trays_reading,
)
from pavilion.viewings.lines import Draft, Line, LineFault, Moves
from pavilion.viewings.place_models import Office
from pavilion.viewings.refusing import ViewingRefused, refuse_unless_ok
from pavilion.viewings.showing import Reader, StoneShown, office_name, reader_of, stones_shown
from pavilion.viewings.travelling import LineRefused, Outlook
from pavilion.viewings.travelling_forms import Act, TravelForm, Wall
from pavilion.viewings.wishes import Code
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(prefix="/staff/viewings", tags=["viewings"])

MOST_FIELDS = 1000
DAY = timedelta(days=1)
LINE_ACTS = (Act.PLACE, Act.SEND, Act.CHANGE, Act.REMOVE, Act.DELAY)
TRAVEL_ACTS = (Act.TOUR, Act.DELAY)


async def watching(actor: CurrentActor) -> Actor:
    """Who runs viewings, or curates: these may see where every stone is."""
    if actor.may(Permission.VIEWING_RUN) or actor.may(Permission.LOT_CURATE):
        return actor
    raise NotAllowed(right=Permission.VIEWING_RUN.value) if actor.signed_in else SignedOut()


Watcher = Annotated[Actor, Depends(watching)]
Runner = Annotated[Actor, may(Permission.VIEWING_RUN)]


class BlockForm(BaseModel):
    """A memo or an exclusive hold of a company, from and to on the clock of an office."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Field(pattern="^(memo|hold)$")]
    company: Annotated[str, Field(max_length=160)] = ""
    office: Annotated[str, Field(max_length=12)]
    since: Wall
    until: Wall


class BlockEnd(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Field(pattern="^(memo|hold)$")]
    company_id: int | None = None


@router.get("/stones/{stone}")
async def stone_line(request: Request, stone: str, actor: Watcher, session: Reading, now: Now) -> Response:
    return await _line_page(request, session, actor, stone, now)


@router.post("/stones/{stone}/what-if")
async def line_ahead(request: Request, stone: str, actor: Runner, session: Writing, now: Now) -> Response:
    """What the change would break and where that could move; nothing is changed."""
    typed = await request.form(max_fields=MOST_FIELDS, max_files=0)
    try:
        said = _one_act(travelling_forms.read(typed), LINE_ACTS)
        draft = await _draft(session, actor, said, [stone], now)
        outlook = await travelling.look_ahead(session, draft, now=now)
    except (BadInput, LineRefused) as refusal:
        return await _line_page(request, session, actor, stone, now, refusal, travelling_forms.typed_values(typed))
    return await _line_page(request, session, actor, stone, now, outlook=outlook, said=said)


@router.post("/stones/{stone}/changes")
async def change_line(request: Request, stone: str, actor: Runner, session: Writing, now: Now) -> Response:
    """The change that was looked at is made."""
    said = _one_act(travelling_forms.read(await request.form(max_fields=MOST_FIELDS, max_files=0)), LINE_ACTS)
    draft = await _draft(session, actor, said, [stone], now)
    await travelling.change(session, draft, seen=said.seen, by=actor.public_id or "", now=now)
    return RedirectResponse(f"/staff/viewings/stones/{stone}?done=changed", status_code=303)


@router.post("/stones/{stone}/blocks")
async def block(
    request: Request, stone: str, form: Annotated[BlockForm, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    """Nobody, or one company alone, may see it for a time. A memo cannot start over appointments."""
    zones = await _zones(session)
    try:
        await _own(session, actor, [form.office])
        since = travelling_forms.instant(form.since, zones.get(form.office, "UTC"), "since")
        until = travelling_forms.instant(form.until, zones.get(form.office, "UTC"), "until")
        if since is None or until is None or until <= since:
            raise BadInput(fields={"until" if since else "since": "required" if not (since and until) else "bad_input"})
        firm = await travelling_reading.company_by_name(session, form.company)
        if firm is None and (form.company.strip() or form.kind == "hold"):
            raise BadInput(fields={"company": "unknown_reference"})
        by = actor.public_id or ""
        if form.kind == "memo":
            company_id = firm.id if firm else None
            answer = await blocks.memo_out(session, stone, frm=since, to=until, company_id=company_id, by=by, now=now)
        else:
            assert firm is not None
            answer = await blocks.stone_hold(session, stone, company_id=firm.id, frm=since, to=until, by=by, now=now)
        if answer.code is Code.STONE_TAKEN:
            raise ViewingRefused(answer.code, **answer.facts, clashes=await _in_the_way(session, stone, since, until))
        refuse_unless_ok(answer)
    except Refusal as refusal:
        return await _line_page(request, session, actor, stone, now, refusal, form.model_dump())
    return RedirectResponse(f"/staff/viewings/stones/{stone}?done=blocked", status_code=303)


@router.post("/stones/{stone}/block-ends")
async def end_block(
    stone: str, form: Annotated[BlockEnd, Form()], actor: Runner, session: Writing, now: Now
) -> Response:
    line = (await travelling_reading.lines_of(session, [stone]))[stone]
    await _own(session, actor, [stop.office for stop in line])
    by = actor.public_id or ""
    if form.kind == "memo":
        refuse_unless_ok(await blocks.memo_return(session, stone, by=by, now=now))
    else:
        held_by = form.company_id or 0
        refuse_unless_ok(await blocks.stone_hold_end(session, stone, company_id=held_by, by=by, now=now))
    return RedirectResponse(f"/staff/viewings/stones/{stone}?done=unblocked", status_code=303)


@router.get("/travel")
async def travel(
    request: Request, actor: Watcher, session: Reading, now: Now,
    office: Annotated[str, Query(max_length=12)] = "", sale: Annotated[str, Query(max_length=26)] = "",
    first: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:  # fmt: skip
    return await _travel_page(request, session, actor, now, office=office, sale=sale, first=first)


@router.post("/travel/what-if")
async def travel_ahead(request: Request, actor: Runner, session: Writing, now: Now) -> Response:
    """What a tour, or a late flight, would break for all stones of the trunk."""
    typed = await request.form(max_fields=MOST_FIELDS, max_files=0)
    values = travelling_forms.typed_values(typed)
    try:
        said = _one_act(travelling_forms.read(typed), TRAVEL_ACTS)
        draft = await _draft(session, actor, said, said.stones, now)
        outlook = await travelling.look_ahead(session, draft, now=now)
    except (BadInput, LineRefused) as refusal:
        values |= {name: "\n".join(map(str, typed.getlist(name))) for name in travelling_forms.LISTS if name in typed}
        return await _travel_page(request, session, actor, now, refusal=refusal, typed=values)
    return await _travel_page(request, session, actor, now, outlook=outlook, said=said)


@router.post("/travel/changes")
async def change_travel(request: Request, actor: Runner, session: Writing, now: Now) -> Response:
    said = _one_act(travelling_forms.read(await request.form(max_fields=MOST_FIELDS, max_files=0)), TRAVEL_ACTS)
    draft = await _draft(session, actor, said, said.stones, now)
    await travelling.change(session, draft, seen=said.seen, by=actor.public_id or "", now=now)
    return RedirectResponse("/staff/viewings/travel?done=changed", status_code=303)


@router.get("/travel/ways")
async def ways(request: Request, actor: Watcher, session: Reading, now: Now) -> Response:
    return await _ways_page(request, session, actor)


@router.post("/travel/ways")
async def set_way(request: Request, actor: Runner, session: Writing, now: Now) -> Response:
    """From a day on a way takes so long."""
    typed = await request.form(max_fields=20, max_files=0)
    try:
        said = travelling_forms.read_way(typed)
        await _own(session, actor, [said.start, said.end])
        await travelling.set_way(
            session, said.start, said.end, minutes=said.minutes, valid_from=said.valid_from, by=actor.public_id or "",
            now=now,
        )  # fmt: skip
    except BadInput as refusal:
        return await _ways_page(request, session, actor, refusal.fields, travelling_forms.typed_values(typed))
    return RedirectResponse("/staff/viewings/travel/ways?done=set", status_code=303)


async def _in_the_way(session: AsyncSession, stone: str, since: datetime, until: datetime) -> list[str]:
    """The appointments, by number, that a span meets with their pads."""
    visits = await travelling_reading.visits(session, [stone], since - DAY)
    return [one.row.number for one in visits if one.since < until and since < one.until]


def _one_act(said: TravelForm, allowed: Sequence[Act]) -> TravelForm:
    if said.act not in allowed:
        raise BadInput(fields={"act": "bad_input"})
    return said


async def _draft(session: AsyncSession, actor: Actor, said: TravelForm, stones: Sequence[str], now: datetime) -> Draft:
    """The lines as this person wants them; of offices that the person does not act for, nothing is changed."""
    known = await travelling_reading.lines_of(session, stones)
    try:
        draft = travelling_forms.draft_of(said, known, await _zones(session), now)
    except LineFault as fault:
        raise LineRefused(fault) from fault
    await _own(session, actor, _touched(known, draft))
    return draft


def _touched(known: Mapping[str, Line], draft: Draft) -> list[str]:
    """The offices that send or receive in what is changed."""
    found: set[str] = set()
    for stone, line in draft.lines.items():
        changed = set(line) ^ set(known[stone])
        for every in (line, known[stone]):
            for n, stop in enumerate(every):
                if stop in changed:
                    found |= {near.office for near in every[max(0, n - 1) : n + 1]}
    return sorted(found)


async def _own(session: AsyncSession, actor: Actor, offices: Sequence[str]) -> None:
    """Who acts for an office that sends or receives may plan the way between them."""
    mine = {office.id for office in await staffing.offices_of(session, actor)}
    if offices and not mine & set(offices):
        raise NotAllowed(right=Permission.VIEWING_RUN.value)


async def _zones(session: AsyncSession) -> dict[str, str]:
    return {office.id: office.zone for office in (await travelling_reading.offices(session)).values()}


def _words(refusal: Refusal | None, reader: Reader, offices: Mapping[str, Office], zone: str) -> str:
    """Why not, with offices and stones by their names."""
    if refusal is None:
        return ""
    facts = {name: value for name, value in refusal.facts.items() if name != "fields"}
    for name in ("one", "other", "place"):
        if facts.get(name) in offices:
            facts[name] = office_name(offices[str(facts[name])], reader.tongue.lang)
    if "stone" not in facts and len(reader.names) == 1:
        facts["stone"] = next(iter(reader.names))
    return reader.sentence(refusal.code, facts, zone)


async def _line_page(
    request: Request, session: AsyncSession, actor: Actor, stone: str, now: datetime, refusal: Refusal | None = None,
    typed: Mapping[str, Any] | None = None, *, outlook: Outlook | None = None, said: TravelForm | None = None,
) -> Response:  # fmt: skip
    lang = language(request)
    found = await travelling_showing.line_page(session, actor, stone, lang, now)
    if found is None:
        raise NotFound()
    offices = await travelling_reading.offices(session)
    reader = await reader_of(request, session, actor, [found.stone])
    zone = found.now.at.zone if found.now.at else "UTC"
    return page(
        request,
        "viewings/stone_line.html",
        status_code=refusal.status if refusal else 200,
        whole=found,
        reader=reader,
        zone=zone,
        refused=_words(refusal, reader, offices, zone),
        clashes=refusal.facts.get("clashes", []) if refusal else [],
        offices=offices,
        mine={office.id for office in await staffing.offices_of(session, actor)},
        refusal=refusal,
        faults=refusal.fields if refusal else {},
        typed=typed or {},
        outlook=outlook,
        said=said,
        moves=[one.value for one in Moves],
        names={stone: found.stone},
        now=now,
        now_x=travelling_showing.now_x(now),
        wall_of=travelling_showing.wall_of,
        wide=travelling_showing.WIDE,
    )


async def _travel_page(
    request: Request, session: AsyncSession, actor: Actor, now: datetime, *, office: str = "", sale: str = "",
    first: int = 0, refusal: Refusal | None = None, typed: Mapping[str, str] | None = None,
    outlook: Outlook | None = None, said: TravelForm | None = None,
) -> Response:  # fmt: skip
    lang = language(request)
    among = None
    if sale:
        lots = await trays_reading.lots_of(session, actor, await trays_reading.sale_of(session, actor, sale))
        among = [stone for lot in lots for stone in lot.public_ids]
    found = await travelling_showing.travel_page(
        session, actor, lang, office=office or None, among=among, first=first, now=now
    )
    shown: list[StoneShown] = list(found.names.values())
    if outlook:
        missing = [one for one in outlook.draft.lines if one not in found.names]
        shown += await stones_shown(session, actor, missing, lang)
    reader = await reader_of(request, session, actor, shown)
    return page(
        request,
        "viewings/travel.html",
        status_code=refusal.status if refusal else 200,
        whole=found,
        reader=reader,
        refused=_words(refusal, reader, found.offices, "UTC"),
        offices=found.offices,
        mine={one.id for one in await staffing.offices_of(session, actor)},
        office=office,
        sale=sale,
        sales=await trays_reading.sales(session, actor),
        first=first,
        refusal=refusal,
        faults=refusal.fields if refusal else {},
        typed=typed or {},
        outlook=outlook,
        said=said,
        moves=[one.value for one in Moves],
        names={one.stone.public_id: one for one in shown},
        now=now,
        now_x=travelling_showing.now_x(now),
        page_size=travelling_showing.PAGE,
        wide=travelling_showing.WIDE,
        stops=range(travelling_forms.MOST_STOPS - 2),
    )


async def _ways_page(
    request: Request, session: AsyncSession, actor: Actor, faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    offices: dict[str, Office] = await travelling_reading.offices(session)
    return page(
        request,
        "viewings/travel_ways.html",
        status_code=422 if faults else 200,
        rows=await travelling_reading.way_rows(session),
        offices=offices,
        mine={one.id for one in await staffing.offices_of(session, actor)},
        faults=faults or {},
        typed=typed or {},
    )
