"""The page on which a company's administrator keeps the addresses at which the company is called."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from pavilion.accounts import keys, service
from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.once import form_once
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, Refusal
from pavilion.notifications import webhooks
from pavilion.notifications.webhook_forms import WebhookForm
from pavilion.notifications.webhook_models import Webhook
from pavilion.notifications.webhook_rules import EventKind
from pavilion.settings import Environment
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["notifications"])
HOME = "/account/company/webhooks"
DONE = ("removed", "resumed", "sent")


@router.get(HOME)
async def own(request: Request, actor: SignedInActor, session: Reading) -> Response:
    return await _page(request, session, actor)


@router.post(HOME)
async def make(request: Request, actor: SignedInActor, session: Writing, now: Now) -> Response:
    """The secret stands on this one answer and nowhere else. Who asks says the password once more."""
    form = await request.form()
    said: dict[str, Any] = {name: value[:600] for name, value in form.items() if isinstance(value, str)}
    said["events"] = [value for value in form.getlist("events")[:20] if isinstance(value, str)]
    if not keys.may_keep(actor) or actor.person_id is None:
        raise NotAllowed(right=Permission.PEOPLE_EDIT.value)
    try:
        wanted = WebhookForm.model_validate(said)
    except ValidationError as error:
        faults = {str(fault["loc"][0]) if fault["loc"] else "form": "bad_input" for fault in error.errors()}
        return await _page(request, session, actor, said=said, faults=faults)
    if not await service.is_you(session, person_id=actor.person_id, password=wanted.password, now=now):
        return await _page(request, session, actor, said=said, faults={"password": "step_up_needed"})
    loopback = request.app.state.settings.environment is not Environment.PRODUCTION

    async def act() -> str:
        row = await webhooks.make(session, url=wanted.url, kinds=wanted.events, loopback=loopback, actor=actor, now=now)
        return row.public_id

    said_once = ("webhook", wanted.url, sorted(wanted.events))
    try:
        made = await form_once(session, actor=actor, name=wanted.once, said=said_once, act=act, now=now)
        row = await webhooks.one(session, made, actor)
    except BadInput:
        return await _page(request, session, actor, said=said, faults={"url": "webhook_url_bad"})
    except webhooks.WebhooksEnough as refused:
        return await _page(request, session, actor, said=said, refused=refused)
    return await _page(request, session, actor, shown=row, status=201)


@router.get(HOME + "/{webhook}")
async def one(webhook: str, request: Request, actor: SignedInActor, session: Reading) -> Response:
    """Its last calls."""
    row = await webhooks.one(session, webhook, actor)
    done = request.query_params.get("done")
    answer = page(
        request,
        "notifications/webhook.html",
        row=row,
        calls=await webhooks.calls_of(session, row),
        done=done if done in DONE else None,
    )
    answer.headers["cache-control"] = "no-store"
    return answer


@router.post(HOME + "/{webhook}/secret")
async def renew_secret(webhook: str, request: Request, actor: SignedInActor, session: Writing, now: Now) -> Response:
    row = await webhooks.renew_secret(session, public_id=webhook, actor=actor, now=now)
    return await _page(request, session, actor, shown=row)


@router.post(HOME + "/{webhook}/removal")
async def remove(webhook: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await webhooks.remove(session, public_id=webhook, actor=actor, now=now)
    return RedirectResponse(f"{HOME}?done=removed", status_code=303)


@router.post(HOME + "/{webhook}/resumption")
async def resume(webhook: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await webhooks.resume(session, public_id=webhook, actor=actor, now=now)
    return RedirectResponse(f"{HOME}/{webhook}?done=resumed", status_code=303)


@router.post(HOME + "/{webhook}/tests")
async def try_out(webhook: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await webhooks.try_out(session, public_id=webhook, actor=actor, now=now)
    return RedirectResponse(f"{HOME}/{webhook}?done=sent", status_code=303)


@router.post(HOME + "/{webhook}/replays")
async def replay(webhook: str, request: Request, actor: SignedInActor, session: Writing, now: Now) -> Response:
    event = (await request.form()).get("event")
    if not isinstance(event, str):
        raise BadInput(fields={"event": "bad_input"})
    await webhooks.replay(session, public_id=webhook, event=event[:80], actor=actor, now=now)
    return RedirectResponse(f"{HOME}/{webhook}?done=sent", status_code=303)


async def _page(
    request: Request,
    session: Reading,
    actor: Actor,
    *,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    refused: Refusal | None = None,
    shown: Webhook | None = None,
    status: int = 200,
) -> Response:
    lines = await webhooks.of_company(session, actor)
    answer = page(
        request,
        "notifications/webhooks.html",
        status_code=refused.status if refused else 422 if faults else status,
        lines=lines,
        kinds=list(EventKind),
        said=said or {},
        faults=faults or {},
        refused=refused,
        shown=shown,
        secret=await webhooks.secret_of(session, shown) if shown else None,
        done=request.query_params.get("done") == "removed",
    )
    answer.headers["cache-control"] = "no-store"
    return answer
