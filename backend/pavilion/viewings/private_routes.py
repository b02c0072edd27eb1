"""How people without a company come: asking, an invitation, and the staff's answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.accounts.service import EmailTaken
from pavilion.kernel import db
from pavilion.kernel.errors import NotFound
from pavilion.settings import Settings
from pavilion.viewings import changing, forms, private_viewers, showing
from pavilion.viewings.forms import AcceptForm, InviteForm, PrivateForm
from pavilion.viewings.place_models import Office
from pavilion.viewings.private_models import PrivateState
from pavilion.viewings.staffing import offices_of
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["viewings"])
Staff = Annotated[Actor, may(Permission.VIEWING_RUN)]
ASKINGS, TRIES = 10, 30  # a minute from one address


@router.get("/viewings/apply")
async def apply_page(request: Request, session: Reading) -> Response:
    return page(request, "viewings/apply.html", offices=await _offices(session, request), form={}, faults={})


@router.post("/viewings/apply")
async def apply(request: Request, now: Now) -> Response:
    """Asked; the house answers. What was typed comes back with its faults, but never the password."""
    await limits.take(request, "viewings apply", per_minute=ASKINGS)
    said = forms.said_in(await request.form())
    form, faults = forms.read(PrivateForm, said)
    if form is not None:
        try:
            async with request.app.state.sessions.begin() as session:
                await private_viewers.ask(session, form, lang=language(request), now=now)
            return RedirectResponse("/sign-in?applied=viewing", status_code=303)
        except EmailTaken as taken:
            faults = {"email": taken.code}
        except private_viewers.NoSuchOffice as unknown:
            faults = {"office": unknown.code}
    async with db.reading(request.app.state.sessions) as session:
        offices = await _offices(session, request)
    kept = {name: str(value)[: forms.MOST_WORDS] for name, value in said.items() if name != "password"}
    return page(request, "viewings/apply.html", 422, offices=offices, form=kept, faults=faults)


@router.get("/viewings/invitation/{token}")
async def invitation(request: Request, token: str, session: Reading, now: Now) -> Response:
    await limits.take(request, "viewings invitation", per_minute=TRIES)
    row = await private_viewers.by_token(session, token[:60], now)
    return _invited(request, token, {"name": row.name}, row.email, {})


@router.post("/viewings/invitation/{token}")
async def accept(request: Request, token: str, now: Now) -> Response:
    await limits.take(request, "viewings invitation", per_minute=TRIES)
    said = forms.said_in(await request.form())
    form, faults = forms.read(AcceptForm, said)
    if form is not None:
        try:
            async with request.app.state.sessions.begin() as session:
                await private_viewers.accept(session, token[:60], form, lang=language(request), now=now)
            return RedirectResponse("/sign-in?next=/viewings", status_code=303)
        except EmailTaken as taken:
            faults = {"name": taken.code}
    async with db.reading(request.app.state.sessions) as session:
        row = await private_viewers.by_token(session, token[:60], now)
    return _invited(request, token, said, row.email, faults, 422)


@router.get("/staff/viewings/private-viewers")
async def private_page(request: Request, actor: Staff, session: Reading, now: Now) -> Response:
    return await _staff_page(request, session, actor, {})


@router.post("/staff/viewings/private-viewers")
async def invite(request: Request, actor: Staff, now: Now) -> Response:
    """The address of the invitation is shown once, on the page that answers."""
    assert actor.person_id is not None and actor.public_id is not None
    said = forms.said_in(await request.form())
    form, faults = forms.read(InviteForm, said)
    link = ""
    if form is not None:
        try:
            async with request.app.state.sessions.begin() as session:
                if not await private_viewers.acts_for(session, actor.person_id, form.office):
                    raise NotFound()
                _, token = await private_viewers.invite(session, form, by=actor.public_id, now=now)
            settings: Settings = request.app.state.settings
            link = f"{settings.public_url.rstrip('/')}/viewings/invitation/{token}"
        except EmailTaken as taken:
            faults = {"email": taken.code}
    async with db.reading(request.app.state.sessions) as session:
        return await _staff_page(request, session, actor, {} if link else said, faults, link)


@router.post("/staff/viewings/private-viewers/{viewer}/{word}")
async def decide(viewer: str, word: str, actor: Staff, session: Writing, now: Now) -> Response:
    if word not in ("approval", "decline"):
        raise NotFound()
    assert actor.person_id is not None and actor.public_id is not None
    await private_viewers.decide(
        session, viewer, approve=word == "approval", by=actor.public_id, person_id=actor.person_id, now=now
    )
    return RedirectResponse(f"/staff/viewings/private-viewers?done={word}", status_code=303)


async def _staff_page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    said: dict[str, Any],
    faults: dict[str, str] | None = None,
    link: str = "",
) -> Response:
    assert actor.person_id is not None
    lang = language(request)
    offices = await offices_of(session, actor)
    return page(
        request,
        "viewings/private_viewers.html",
        422 if faults else 200,
        rows=await private_viewers.of_offices(session, actor.person_id),
        offices=[(one.id, showing.office_name(one, lang)) for one in offices],
        names={one[0]: one[1] for one in await _offices(session, request)},
        asked=PrivateState.ASKED,
        invited=PrivateState.INVITED,
        said=said,
        faults=faults or {},
        link=link,
        key=changing.new_key(),
        done=request.query_params.get("done", "")[:12],
    )


def _invited(
    request: Request, token: str, said: dict[str, Any], email: str, faults: dict[str, str], status: int = 200
) -> Response:
    kept = {name: str(value)[:200] for name, value in said.items() if name != "password"}
    answer = page(request, "viewings/invitation.html", status, token=token, form=kept, email=email, faults=faults)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


async def _offices(session: AsyncSession, request: Request) -> list[tuple[str, str]]:
    lang = language(request)
    rows = await session.scalars(select(Office).order_by(Office.name_en))
    return [(one.id, showing.office_name(one, lang)) for one in rows]
