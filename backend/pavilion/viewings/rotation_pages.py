"""The rotation of trays at an office: trays, who must see them, the rounds, and their papers."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import SaleState
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.viewings import local_times, rotation_sheets, staffing, trays, trays_reading
from pavilion.viewings.place_models import Office
from pavilion.viewings.rotation_sheets import USUAL_MINUTES, Circulation
from pavilion.viewings.showing import Reader, office_name, reader_of
from pavilion.viewings.travel_routes import Watcher
from pavilion.viewings.travelling_reading import company_by_name
from pavilion.webkit import pdf
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page, with_query

router = APIRouter(prefix="/staff/viewings/{office}/rotation", tags=["viewings"])

OVER = (SaleState.CLOSED, SaleState.SETTLED)  # nobody comes to see these any more
KINDS = ("circulation", "desks", "buyers")
MOST_FIELDS = 20_000  # sixty buyers by three hundred trays
SaleId = Annotated[str, Field(max_length=26)]


class Asked(BaseModel):
    """Of which sale, and from when on in rounds of how many minutes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sale: SaleId = ""
    day: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    first: Annotated[str, Field(pattern=r"^(\d\d:\d\d)?$")] = ""
    minutes: Annotated[int, Field(ge=5, le=480, multiple_of=5)] = USUAL_MINUTES


class TrayForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sale: SaleId
    label: Annotated[str, Field(max_length=20)] = ""
    numbers: Annotated[str, Field(max_length=2000)] = ""


class SaleForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sale: SaleId


@router.get("")
async def show(
    request: Request, office: str, asked: Annotated[Asked, Query()], actor: Watcher, session: Reading, now: Now
) -> Response:
    return await _page(request, session, actor, office, asked, now)


@router.post("/trays")
async def compose(
    request: Request, office: str, form: Annotated[TrayForm, Form()], actor: Watcher, session: Writing, now: Now
) -> Response:
    place, sale = await _both(session, actor, office, form.sale)
    lots = await trays_reading.lots_of(session, actor, sale)
    try:
        await trays.compose(
            session,
            place,
            sale,
            lots,
            label=form.label.strip(),
            numbers=form.numbers,
            by=actor.public_id or "",
            now=now,
        )
    except BadInput as refusal:
        said = form.model_dump()
        return await _page(request, session, actor, office, Asked(sale=form.sale), now, refusal.fields, said)
    return _back(office, form.sale, "trays")


@router.post("/trays/{tray}/dissolution")
async def dissolve(
    office: str, tray: str, form: Annotated[SaleForm, Form()], actor: Watcher, session: Writing, now: Now
) -> Response:
    place, _ = await _both(session, actor, office, form.sale)
    await trays.dissolve(session, place, tray, by=actor.public_id or "", now=now)
    return _back(office, form.sale, "trays")


@router.post("/wants")
async def want(request: Request, office: str, actor: Watcher, session: Writing, now: Now) -> Response:
    """Exactly the ticked companies must see the trays; who gave rounds comes only in them."""
    typed = await request.form(max_fields=MOST_FIELDS, max_files=0)
    values = {name: [str(one)[:64] for one in typed.getlist(name)] for name in typed}
    sale_id = next(iter(values.get("sale", [])), "")
    place, sale = await _both(session, actor, office, sale_id)
    try:
        pairs, spans = _wants(values)
        name = next(iter(values.get("company_name", [])), "").strip()
        if name:
            company = await _company(session, name)
            pairs += [(tray, company) for tray in values.get("new_want", [])]
        await trays.set_wants(session, place, sale, pairs, spans, by=actor.public_id or "", now=now)
    except BadInput as refusal:
        said = {name: some[0] for name, some in values.items() if some}
        return await _page(request, session, actor, office, Asked(sale=sale_id), now, refusal.fields, said)
    return _back(office, sale_id, "wants")


@router.get("/{kind}.pdf")
async def sheets(
    request: Request,
    office: str,
    kind: str,
    asked: Annotated[Asked, Query()],
    actor: Watcher,
    session: Reading,
    now: Now,
) -> Response:
    """The circulation sheet of each round, the card of each desk, or the list of each buyer."""
    if kind not in KINDS:
        raise NotFound()
    place, sale = await _both(session, actor, office, asked.sale)
    shown = await _circulation(session, actor, place, sale, asked, now)
    if not shown.rounds:
        raise NotFound()
    pages: Pages = request.app.state.pages
    reader = Reader(pages.tongues[language(request)], place.zone)
    title = reader.say(
        "sheet_place", office=office_name(place, reader.tongue.lang), day=reader.day(now, place.zone, year=True)
    )
    data = rotation_sheets.paper(shown, kind, reader, {str(key): one for key, one in pages.tongues.items()}, title)
    made = await to_thread.run_sync(pdf.render, "viewing_rotation.typ", data)
    name = f"{kind}-{place.id}.pdf"
    return Response(made, media_type="application/pdf", headers={"content-disposition": f'inline; filename="{name}"'})


async def _page(
    request: Request, session: AsyncSession, actor: Actor, office: str, asked: Asked, now: datetime,
    faults: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    place = await _office(session, actor, office)
    sales = await trays_reading.sales(session, actor)
    sale = next((one for one in sales if one.public_id == asked.sale), None)
    if asked.sale and sale is None:
        raise NotFound()
    shown, lots = None, []
    if sale is not None:
        shown = await _circulation(session, actor, place, sale, asked, now)
        lots = await trays_reading.lots_of(session, actor, sale)
    inside = {stone for tray in shown.trays for stone in tray.stones} if shown else set()
    return page(
        request,
        "viewings/rotation.html",
        status_code=422 if faults else 200,
        place=place,
        sales=[one for one in sales if one is sale or one.state not in OVER],
        sale=sale,
        shown=shown,
        lots=lots,
        loose=[one for one in lots if one.lot.number is not None and not inside & set(one.public_ids)],
        asked=asked,
        since_day=local_times.day_of(_since(place, asked, now), ZoneInfo(place.zone)).isoformat(),
        reader=await reader_of(request, session, actor),
        faults=faults or {},
        typed=typed or {},
        papers=[
            (kind, with_query(f"/staff/viewings/{place.id}/rotation/{kind}.pdf", **_said(asked))) for kind in KINDS
        ],
        desk_name=rotation_sheets.desk_name,
    )


async def _circulation(
    session: AsyncSession, actor: Actor, place: Office, sale: Sale, asked: Asked, now: datetime
) -> Circulation:
    lots = await trays_reading.lots_of(session, actor, sale)
    since = _since(place, asked, now)
    return await rotation_sheets.circulation(session, place, sale, lots, since=since, minutes=asked.minutes)


def _since(place: Office, asked: Asked, now: datetime) -> datetime:
    """The first round: at the time asked on its clock, else with the next opening."""
    zone = ZoneInfo(place.zone)
    try:
        day = date.fromisoformat(asked.day) if asked.day else local_times.day_of(now, zone) + timedelta(days=1)
    except ValueError:
        raise BadInput(fields={"day": "bad_input"}) from None
    clock = local_times.clock_of(asked.first or "00:00")
    if clock is None or not local_times.known_year(day):
        raise BadInput(fields={"first" if clock is None else "day": "not_on_grid" if clock is None else "bad_input"})
    return local_times.at_clock(day, clock, zone).astimezone(UTC)


async def _both(session: AsyncSession, actor: Actor, office: str, sale: str) -> tuple[Office, Sale]:
    return await _office(session, actor, office), await trays_reading.sale_of(session, actor, sale)


async def _office(session: AsyncSession, actor: Actor, office: str) -> Office:
    """Who curates plans for every office, who runs viewings for the own ones."""
    if actor.may(Permission.LOT_CURATE):
        found = await session.get(Office, office[:12])
        if found is None:
            raise NotFound()
        return found
    return await staffing.office_for(session, actor, office)


async def _company(session: AsyncSession, name: str) -> str:
    found = await company_by_name(session, name)
    if found is None:
        raise BadInput(fields={"company_name": "unknown_reference"})
    return found.public_id


def _wants(values: Mapping[str, list[str]]) -> tuple[list[tuple[str, str]], dict[str, tuple[int, int]]]:
    pairs: list[tuple[str, str]] = []
    for one in values.get("want", []):
        tray, _, company = one.partition("~")
        pairs.append((tray, company))
    spans: dict[str, tuple[int, int]] = {}
    rows = zip(values.get("company", []), values.get("from", []), values.get("to", []), strict=False)
    for company, first, last in rows:
        if not first.strip() and not last.strip():
            continue
        low, high = first.strip() or "1", last.strip() or str(trays.MOST_ROUNDS)
        if not (low.isascii() and high.isascii() and low.isdecimal() and high.isdecimal() and len(low + high) < 10):
            raise BadInput(fields={"first": "bad_input"})
        spans[company] = (int(low), int(high))
    return pairs, spans


def _said(asked: Asked) -> dict[str, object]:
    return {name: value for name, value in asked.model_dump().items() if value}


def _back(office: str, sale: str, part: str) -> Response:
    return RedirectResponse(with_query(f"/staff/viewings/{office}/rotation", sale=sale) + f"#{part}", status_code=303)
