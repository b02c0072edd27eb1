"""Pages of searches for tours."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import NotAllowed, NotFound
from pavilion.viewings import staffing, tours_searching, travelling_reading
from pavilion.viewings.forms import PublicId
from pavilion.viewings.showing import reader_of, stones_shown
from pavilion.viewings.travel_routes import Runner, Watcher
from pavilion.viewings.travelling_forms import USUAL_PACK, USUAL_UNPACK, Minutes
from pavilion.viewings.travelling_models import TourSearch
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(prefix="/staff/viewings/travel/tours", tags=["viewings"])


class TourForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stones: Annotated[list[PublicId], Field(max_length=tours_searching.MOST_STONES)] = []
    weeks: Annotated[int, Field(ge=1, le=tours_searching.MOST_WEEKS)] = 4
    pack: Minutes = USUAL_PACK
    unpack: Minutes = USUAL_UNPACK


@router.post("")
async def ask(form: Annotated[TourForm, Form()], actor: Runner, session: Writing, now: Now) -> Response:
    """The search waits for the worker; its page tells how far it is."""
    await _own(session, actor, form.stones)
    search = await tours_searching.ask(
        session, form.stones, weeks=form.weeks, pack=form.pack, unpack=form.unpack, by=actor.public_id or "", now=now
    )
    return RedirectResponse(f"/staff/viewings/travel/tours/{search.public_id}", status_code=303)


@router.get("/{search}")
async def show(request: Request, search: str, actor: Watcher, session: Reading, now: Now) -> Response:
    found = await _search(session, search)
    lang = language(request)
    stones = await stones_shown(session, actor, found.asked["stones"], lang)
    waiting = {one.key: one for one in await travelling_reading.waiting(session, now)}
    named = {stone for one in waiting.values() for stone in one.stones}
    names = await stones_shown(session, actor, sorted(named | set(found.asked["stones"])), lang)
    return page(
        request,
        "viewings/travel_tour.html",
        search=found,
        stones=stones,
        names={one.stone.public_id: one for one in names},
        stops=[tours_searching.stop_of(said) for said in found.answer.get("stops", [])],
        served=[waiting[key] for key in found.answer.get("served", []) if key in waiting],
        unserved=[waiting[key] for key in found.answer.get("unserved", []) if key in waiting],
        offices=await travelling_reading.offices(session),
        mine={one.id for one in await staffing.offices_of(session, actor)},
        reader=await reader_of(request, session, actor, names),
        facts=_words(found.answer),
        now=now,
    )


@router.post("/{search}/acceptance")
async def accept(search: str, actor: Runner, session: Writing, now: Now) -> Response:
    """The tour becomes the stones' line, all in one."""
    found = await _search(session, search, lock=True)
    await _own(session, actor, found.asked["stones"])
    await tours_searching.accept(session, found, by=actor.public_id or "", now=now)
    return RedirectResponse(f"/staff/viewings/travel/tours/{search}?done=applied", status_code=303)


async def _search(session: AsyncSession, public_id: str, *, lock: bool = False) -> TourSearch:
    wanted = select(TourSearch).where(TourSearch.public_id == public_id)
    found = await session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound()
    return found


async def _own(session: AsyncSession, actor: Actor, stones: list[str]) -> None:
    """A tour of stones is planned by who acts for an office where they are or will be."""
    mine = {office.id for office in await staffing.offices_of(session, actor)}
    known = await travelling_reading.lines_of(session, stones)
    if not mine & {stop.office for line in known.values() for stop in line}:
        raise NotAllowed(right="viewing:run")


def _words(answer: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(answer.get(name, "")).strip() or "–" for name in ("one", "other")}
