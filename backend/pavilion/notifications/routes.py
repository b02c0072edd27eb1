"""Pages of notices: what a person wants to be told, the link that stops a mail, the simulated mail box."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse

from pavilion.accounts import browsers
from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import saving, stop_links
from pavilion.kernel.errors import NotFound
from pavilion.notifications import box, service, zones
from pavilion.notifications.answers import StoppedTold
from pavilion.notifications.forms import ZONES, SubscriptionForm, WishesForm, minutes
from pavilion.notifications.jobs import push_of
from pavilion.notifications.models import NoticeWishes
from pavilion.notifications.push import PushService, Subscription
from pavilion.notifications.rules import PUSHED, Kind
from pavilion.notifications.wording import read_stop_token
from pavilion.settings import Environment, Settings
from pavilion.webkit import limits
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, page

router = APIRouter(tags=["notifications"])
StopToken = Annotated[str, Path(description="Of the mail's own link.", examples=["eyJrIjoic2VhcmNoIn0"])]
STOPS, SUBSCRIPTIONS = 30, 20  # a minute from one address


@router.get("/account/notifications")
async def wishes(request: Request, actor: SignedInActor, session: Reading, saved: bool = False) -> Response:
    assert actor.person_id is not None
    row = await session.get(NoticeWishes, actor.person_id)
    zone = await zones.of_person(session, actor.person_id)
    shown = [kind for kind in Kind if kind not in _hidden(actor)]
    return page(
        request,
        "notifications/wishes.html",
        kinds=shown,
        pushed=PUSHED,
        mail_off=row.mail_off if row else [],
        push_off=row.push_off if row else [],
        amounts=bool(row and row.amounts),
        quiet_from=_clock(row.quiet_from if row else None),
        quiet_to=_clock(row.quiet_to if row else None),
        zone=zone,
        zones=ZONES if zone in ZONES else (zone, *ZONES),
        known=[(one, browsers.named(one.browser)) for one in await service.browsers_of(session, actor.person_id)],
        push_key=push.public_key if (push := _push(request)) else "",
        simulated=_simulated(request),
        saved=saved,
    )


@router.post("/account/notifications")
async def set_wishes(
    request: Request, said: Annotated[WishesForm, Form()], actor: SignedInActor, session: Writing, now: Now
) -> Response:
    assert actor.person_id is not None
    await service.set_wishes(
        session,
        person=actor.person_id,
        mail=[*said.mail, *_hidden(actor)],
        push=[*said.push, *_hidden(actor), *(kind for kind in Kind if kind not in PUSHED)],
        amounts=said.amounts,
        quiet=(minutes(said.quiet_from), minutes(said.quiet_to)),
        zone=said.zone,
        now=now,
    )
    return RedirectResponse("/account/notifications?saved=1", status_code=303)


@router.post("/account/notifications/browsers")
async def subscribe(
    request: Request, said: SubscriptionForm, actor: SignedInActor, session: Writing, now: Now
) -> Response:
    """A browser asks to be told; its address must be of a push service that the house may call."""
    assert actor.person_id is not None
    await limits.take(request, "push", per_minute=SUBSCRIPTIONS)
    push = _push(request)
    if push is None:
        raise NotFound()
    place = Subscription(said.endpoint, said.keys.p256dh, said.keys.auth)
    push.check(place)
    agent = request.headers.get("user-agent", "")
    row = await service.add_browser(session, person=actor.person_id, place=place, browser=agent, now=now)
    return JSONResponse({"id": row.id}, 201)


@router.post("/account/notifications/browsers/{browser}/end")
async def unsubscribe(browser: int, actor: SignedInActor, session: Writing) -> Response:
    assert actor.person_id is not None
    await service.drop_browser(session, person=actor.person_id, browser=browser)
    return RedirectResponse("/account/notifications?saved=1", status_code=303)


@router.get("/notices/stop/{token}")
async def stop_page(request: Request, token: str) -> Response:
    """Asks first: mail scanners open every link."""
    kind, search = _stopped(request, token)[1:]
    return page(request, "notifications/stop.html", kind=kind, search=search, token=token, done=False)


@router.post("/notices/stop/{token}")
async def stop(request: Request, token: str, session: Writing, now: Now) -> Response:
    await limits.take(request, "stop", per_minute=STOPS)
    kind, search = await _stop(request, session, token, now)
    return page(request, "notifications/stop.html", kind=kind, search=search, token=token, done=True)


@router.get("/api/v1/notices/stop/{token}", responses=answers({303: None}))
async def stop_link(request: Request, token: StopToken) -> Response:
    """A person who followed the link of a mail is led to the page that asks first."""
    _stopped(request, token)
    return RedirectResponse(f"/notices/stop/{token}", status_code=303)


@router.post("/api/v1/notices/stop/{token}", responses=answers({200: StoppedTold}))
async def stop_at_once(request: Request, token: StopToken, session: Writing, now: Now) -> Response:
    """One click in the reader's mail program (RFC 8058); the token is what proves it."""
    await limits.take(request, "stop", per_minute=STOPS)
    kind, _ = await _stop(request, session, token, now)
    return JSONResponse({"stopped": kind.value})


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """At the root, so that its place never changes with its content."""
    pages: Pages = request.app.state.pages
    keeping = {"Cache-Control": "no-cache"}
    return FileResponse(pages.static.files["sw.js"], media_type="text/javascript", headers=keeping)


@router.get("/mail")
async def mail_box(request: Request, actor: SignedInActor, session: Reading) -> Response:
    """What would have been mailed to this person, where no mail server is set."""
    if not _simulated(request):
        raise NotFound()
    address = await service.address_of(session, actor.person_id)
    mails = await asyncio.to_thread(box.mails_of, _settings(request).data_dir / "mail", address)
    return page(request, "notifications/mail.html", mails=mails, address=address)


@router.get("/mail/{name}.ics")
async def mailed_calendar(request: Request, name: str, actor: SignedInActor, session: Reading) -> Response:
    """The calendar file of one of these mails."""
    if not _simulated(request):
        raise NotFound()
    address = await service.address_of(session, actor.person_id)
    mails = await asyncio.to_thread(box.mails_of, _settings(request).data_dir / "mail", address)
    found = next((mail.invitation for mail in mails if mail.name == name), None)
    if found is None:
        raise NotFound()
    media = f"text/calendar; charset=utf-8; method={found.method}"
    kept = {"Content-Disposition": 'attachment; filename="viewing.ics"', "Cache-Control": "no-store"}
    return Response(found.text.encode(), media_type=media, headers=kept)


def _hidden(actor: Actor) -> frozenset[Kind]:
    """What a reader is not asked, for it is not theirs: it stays on, should it become theirs."""
    theirs = {Kind.OFFICE: Permission.VIEWING_RUN, Kind.CURATION: Permission.LOT_CURATE}
    return frozenset(kind for kind, right in theirs.items() if not actor.may(right))


async def _stop(request: Request, session: Writing, token: str, now: Now) -> tuple[Kind, str | None]:
    """The mails of this link are stopped: those of a kind, or those of one kept search, whose id is the second."""
    person, kind, search = _stopped(request, token)
    if search is None:
        await service.stop_mail(session, person=person, kind=kind, now=now)
    else:
        await saving.stop(session, search, now=now)
    return kind, search


def _stopped(request: Request, token: str) -> tuple[str, Kind, str | None]:
    secret = _settings(request).secret_key.get_secret_value().encode()
    if (search := stop_links.opened(secret, token)) is not None:
        return "", Kind.SEARCH, search
    found = read_stop_token(secret, token[:200])
    if found is None:
        raise NotFound()
    return *found, None


def _push(request: Request) -> PushService | None:
    state = request.app.state
    if not hasattr(state, "push_service"):
        state.push_service = push_of(_settings(request))
    push: PushService | None = state.push_service
    return push


def _simulated(request: Request) -> bool:
    settings = _settings(request)
    return settings.environment is not Environment.PRODUCTION and not settings.smtp_url.get_secret_value()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"
