"""Calendars for other programs: the feeds, the file of one appointment, and the page that makes their addresses."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr, parsedate_to_datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import NotFound
from pavilion.kernel.ids import is_ulid
from pavilion.settings import Settings
from pavilion.viewings import calendar, calendar_entries, feeds, places
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page

router = APIRouter(tags=["viewings"])
READS, MISSES, MAKES = 30, 30, 10  # a minute from one address
KEEPING = {
    "Cache-Control": "private, max-age=300",
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "X-Robots-Tag": "noindex",
}


class FeedForm(BaseModel):
    """Which calendar: of an office, or the own one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    office: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,12}$")] = ""


@router.api_route("/viewings/feed/{token}.ics", methods=["GET", "HEAD"], include_in_schema=False)
async def feed(request: Request, token: str, session: Reading, now: Now) -> Response:
    """The calendar behind a secret address, for programs that look again and again."""
    try:
        found = await feeds.behind(session, token)
    except NotFound:
        await limits.take(request, "feed guessed", per_minute=MISSES)
        raise
    await limits.take(request, "feed", found.token_sha256, per_minute=READS)
    base, sender = _house(request)
    rows = await feeds.entries(session, found, now, base=base, sender=sender)
    tongue = _pages(request).tongues["zh" if found.person.lang == "zh" else "en"]
    place = "" if found.office is None else calendar_entries.called(found.office, tongue.lang)
    name = tongue.say("feed_own" if found.office is None else "feed_office", office=place)
    text = calendar.published(rows, name).encode()
    changed = max([found.made_at, *(row.changed for row in rows if row.changed is not None)])
    return _answer(request, text, changed, "viewings.ics")


@router.get("/viewings/appointments/{appointment}/calendar.ics")
async def one_appointment(request: Request, appointment: str, actor: SignedInActor, session: Reading) -> Response:
    """The file of one appointment, for a calendar that is fed by hand."""
    assert actor.person_id is not None
    if not is_ulid(appointment):
        raise NotFound()
    base, sender = _house(request)
    lang = language(request)
    entry = await feeds.entry_of(session, appointment, actor.person_id, lang, base=base, sender=sender)
    assert entry.changed is not None
    return _answer(request, calendar.published([entry], "").encode(), entry.changed, "viewing.ics")


@router.get("/account/calendar")
async def addresses(request: Request, actor: SignedInActor, session: Reading, ended: bool = False) -> Response:
    return await _page(request, actor, session, ended=ended)


@router.post("/account/calendar/feeds")
async def make(
    request: Request, said: Annotated[FeedForm, Form()], actor: SignedInActor, session: Writing, now: Now
) -> Response:
    """The address is shown once, on the page that answers; only its hash is kept."""
    assert actor.person_id is not None
    await limits.take(request, "feed made", per_minute=MAKES)
    _, token = await feeds.make(
        session, person_id=actor.person_id, office=said.office or None, by=actor.public_id or "", now=now
    )
    return await _page(request, actor, session, link=f"{_house(request)[0]}/viewings/feed/{token}.ics", of=said.office)


@router.post("/account/calendar/feeds/end")
async def end(
    request: Request, said: Annotated[FeedForm, Form()], actor: SignedInActor, session: Writing, now: Now
) -> Response:
    assert actor.person_id is not None
    by = actor.public_id or ""
    await feeds.revoke(session, person_id=actor.person_id, office=said.office or None, by=by, now=now)
    return RedirectResponse("/account/calendar?ended=1", status_code=303)


async def _page(
    request: Request, actor: Actor, session: AsyncSession, *, link: str = "", of: str = "", ended: bool = False
) -> Response:
    assert actor.person_id is not None
    offices = await places.offices_of(session, actor.person_id) if actor.may(Permission.VIEWING_RUN) else []
    return page(
        request,
        "viewings/feeds.html",
        offices=offices,
        made=await feeds.made_by(session, actor.person_id),
        link=link,
        of=of,
        ended=ended,
    )


def _answer(request: Request, text: bytes, changed: datetime, name: str) -> Response:
    """The file, or only that nothing has changed since the reader last came."""
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {**KEEPING, "ETag": tag, "Last-Modified": format_datetime(changed.astimezone(UTC), usegmt=True)}
    if _known(request, tag, changed):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)


def _known(request: Request, tag: str, changed: datetime) -> bool:
    """The tag decides where one was sent; the date alone only without it (RFC 9110, 13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return tags.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in tags[:500].split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", "")[:60])
    except ValueError:
        return False
    return since.tzinfo is not None and changed.replace(microsecond=0) <= since


def _house(request: Request) -> tuple[str, str]:
    """Where this house is, and from which address it writes."""
    settings: Settings = request.app.state.settings
    return settings.public_url.rstrip("/"), parseaddr(settings.mail_from)[1]


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages
