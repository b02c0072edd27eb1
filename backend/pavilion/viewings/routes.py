"""Booking a viewing: the page with its stones, offices and slots, and the hold of a slot for five minutes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import plan
from pavilion.kernel import db
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.ids import is_ulid
from pavilion.provenance import custody_models as _custody_models  # noqa: F401 - the tables of the day at the desk
from pavilion.viewings import (
    api,
    appointment_routes,
    asking,
    forms,
    link_routes,
    move_routes,
    private_routes,
    showing,
    showing_book,
    visitors,
    waitlist_routes,
)
from pavilion.viewings import desk_models as _desk_models  # noqa: F401
from pavilion.viewings import models as _models  # noqa: F401
from pavilion.viewings import place_models as _place_models  # noqa: F401
from pavilion.viewings import private_models as _private_models  # noqa: F401
from pavilion.viewings import stone_models as _stone_models  # noqa: F401
from pavilion.viewings import travelling_models as _travelling_models  # noqa: F401
from pavilion.viewings.asking import Asker, Tried
from pavilion.viewings.forms import BookForm
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.showing_book import Asked
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Answer
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page, safe_back

router = APIRouter(tags=["viewings"])
PARTS = (appointment_routes, move_routes, waitlist_routes, link_routes, private_routes, api)
for part in PARTS:
    router.routes.extend(part.router.routes)  # one table: what a buyer's side of viewings answers
Booker = Annotated[Actor, may(Permission.VIEWING_BOOK)]
YEAR = 365 * 24 * 3600


@router.get("/viewings")
async def book_page(request: Request, session: Reading, actor: CurrentActor, now: Now) -> Response:
    """Who is not signed in learns how to come; who may book chooses stones, office and hour."""
    if not actor.signed_in:
        return page(request, "viewings/door.html")
    if not actor.may(Permission.VIEWING_BOOK):
        raise NotAllowed(right=Permission.VIEWING_BOOK.value)
    asker = asking.asker_of(actor)
    return await shown(request, session, asker, _asked(request), now)


@router.post("/viewings/holds")
async def hold(request: Request, actor: Booker, now: Now) -> Response:
    """The slot is held for five minutes, or the page comes back with the reason and the nearest slots."""
    asker = asking.asker_of(actor)
    said = forms.said_in(await request.form())
    if "wait" in said:
        return await _wait(request, asker, said | {"slot": said["wait"]}, now)
    tried, faults = await _try(request, asker, said, now, wait=False)
    if tried is not None and tried.appointment is not None and tried.answer.ok:
        return RedirectResponse(f"/viewings/appointments/{tried.appointment.public_id}", status_code=303)
    return await _again(request, asker, said, now, faults, tried)


@router.post("/viewings/waitlist")
async def join(request: Request, actor: Booker, now: Now) -> Response:
    """The whole wish waits for its place; the form is the one of the booking page."""
    said = forms.said_in(await request.form())
    return await _wait(request, asking.asker_of(actor), said | {"slot": said.get("wait") or said.get("slot", "")}, now)


@router.post("/viewings/zone")
async def set_zone(
    zone: Annotated[str, Form(max_length=40)] = "", back: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """The reader's own clock, for who has no script that tells it."""
    known = forms.zone_asked(zone)
    if known is None:
        raise BadInput(fields={"zone": "bad_input"})
    answer = RedirectResponse(safe_back(back, "/viewings"), status_code=303)
    answer.set_cookie(showing.ZONE_COOKIE, known, max_age=YEAR, samesite="lax")
    return answer


async def _wait(request: Request, asker: Asker, said: dict[str, Any], now: datetime) -> Response:
    tried, faults = await _try(request, asker, said, now, wait=True)
    if tried is not None and tried.entry is not None and tried.answer.ok:
        return RedirectResponse(f"/viewings/waitlist#{tried.entry.public_id}", status_code=303)
    return await _again(request, asker, said, now, faults, tried)


async def _try(
    request: Request, asker: Asker, said: dict[str, Any], now: datetime, *, wait: bool
) -> tuple[Tried | None, dict[str, str]]:
    """What became of the form: tried, or its faults. A refusal leaves no row behind."""
    form, faults = forms.read(BookForm, {name: value for name, value in said.items() if name != "wait"})
    if form is None:
        return None, faults
    try:
        async with request.app.state.sessions.begin() as session:
            return await tried_of(session, asker, form, now, wait=wait), {}
    except BadInput as fault:
        return None, fault.fields


async def tried_of(session: AsyncSession, asker: Asker, form: BookForm, now: datetime, *, wait: bool) -> Tried:
    async with session.begin_nested() as attempt:
        wish = await asking.wish_of(session, asker, form, now)
        if isinstance(wish, Answer):
            raise ViewingRefused(wish.code, **wish.facts)
        asked = form.model_dump_json(include={"slot", "stones", "mode", "party", "known", "named"})
        what = f"{'wait' if wait else 'hold'} {asked}"
        act = asking.join if wait else asking.hold_near
        tried = await act(session, asker, wish, asking.key_of(asker, form.key, what), now)
        if not tried.answer.ok and tried.appointment is None:
            await attempt.rollback()
        elif tried.appointment is not None and form.note:
            tried.appointment.note = form.note
    return tried


async def _again(
    request: Request,
    asker: Asker,
    said: dict[str, Any],
    now: datetime,
    faults: dict[str, str],
    tried: Tried | None,
) -> Response:
    """The page with what was typed, and what kept it from being done."""
    async with db.reading(request.app.state.sessions) as session:
        offers = await asking.offers(session, tried.wish, tried.answer, now) if tried else ()
        status = 422 if tried is None else ViewingRefused(tried.answer.code).status
        faults = faults | _marked(tried.answer) if tried else faults
        asked = await _asked_again(session, said)
        return await shown(
            request, session, asker, asked, now, said=said, faults=faults,
            answer=tried.answer if tried else None, offers=offers, status=status,
        )  # fmt: skip


def _marked(answer: Answer) -> dict[str, str]:
    """The fields that a refusal is about."""
    fields = answer.facts.get("fields") or {}
    return dict(fields) if isinstance(fields, dict) else {}


async def shown(
    request: Request,
    session: AsyncSession,
    asker: Asker,
    asked: Asked,
    now: datetime,
    *,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    answer: Answer | None = None,
    offers: Sequence[Any] = (),
    status: int = 200,
) -> Response:
    lang = language(request)
    stones = await showing.stones_shown(session, asker.actor, asked.stones, lang)
    reader = await showing.reader_of(request, session, asker.actor, stones)
    sale = showing.sale_of_stones(stones) or asked.sale or None
    found = await showing_book.page_of(session, asked, stones, reader, asker.company_id, now, sale=sale)
    sales = await showing_book.sales_to_choose(session)
    chosen_from = next((one for one in sales if one.public_id == asked.sale), None)
    lots = await showing_book.lots_to_choose(session, chosen_from, asker.actor) if chosen_from else []
    return page(
        request,
        "viewings/book.html",
        status,
        book=found,
        asked=asked,
        reader=reader,
        zones=showing.ZONES,
        sales=sales,
        chosen_from=chosen_from,
        lots=lots,
        plan=plan.plan_of,
        lost=len(asked.stones) - len(stones),
        known=await visitors.known_of(session, asker.company_id),
        documents=[(kind, reader.say(f"document_{kind}")) for kind in forms.DOCUMENTS],
        said=said or {},
        faults=faults or {},
        answer=answer,
        offers=await showing_book.offers_shown(session, offers, reader),
        now=now,
    )


def _asked(request: Request) -> Asked:
    """The address, read kindly: what it says wrongly is left out."""
    query = request.query_params
    facts = {name: query.get(name, "") for name in ("party", "sale", "office", "day", "mode")}
    return _read_kindly(query.getlist("stones"), facts)


async def _asked_again(session: AsyncSession, said: dict[str, Any]) -> Asked:
    """The booking page that this form stood on."""
    facts = {name: str(said.get(name, "")) for name in ("party", "sale", "office", "day", "mode")}
    try:
        slot = forms.slot_of(str(said.get("slot", "")))
        place = await showing_book.desk_of(session, slot.desk)
        if place is not None:
            facts["office"] = place[1].id
            facts["day"] = facts["day"] or showing.local_day(slot.start, place[1].zone).isoformat()
    except ValueError:
        pass
    return _read_kindly(said.get("stones", []), facts)


def _read_kindly(stones: Sequence[str], facts: dict[str, str]) -> Asked:
    party = facts["party"][:3]
    return Asked(
        stones=tuple(forms.stones_asked(stones[: forms.MOST_STONES + 1])[0]),
        sale=facts["sale"] if is_ulid(facts["sale"]) else "",
        office=facts["office"][:12],
        day=forms.day_asked(facts["day"]),
        mode=ViewingMode.REMOTE if facts["mode"] == ViewingMode.REMOTE else ViewingMode.IN_PERSON,
        party=int(party) if party.isascii() and party.isdigit() and 1 <= int(party) <= forms.MOST_PERSONS else 1,
    )
