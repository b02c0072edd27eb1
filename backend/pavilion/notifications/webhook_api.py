"""Addresses of a company that is called when something changes, for programs."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import may
from pavilion.accounts.keys import KeyRests
from pavilion.accounts.once import Repeatable, as_done
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import ActNotAllowed, KeyReused, NotFound
from pavilion.kernel.instants import stamp
from pavilion.notifications import webhooks
from pavilion.notifications.webhook_answers import Calls, CallTold, Removed, Replayed, Webhooks, WebhookTold
from pavilion.notifications.webhook_forms import ReplayJson, WebhookJson
from pavilion.notifications.webhook_models import Webhook, WebhookCall
from pavilion.notifications.webhooks import WebhookPaused, WebhooksEnough
from pavilion.settings import Environment
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.idempotent import Done

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
Keeper = Annotated[Actor, may(Permission.PEOPLE_EDIT)]
FRESH = {"Cache-Control": "no-store"}


@router.get("", responses=answers({200: Webhooks}))
async def own(actor: Keeper, session: Reading) -> JSONResponse:
    """The company's addresses, the newest first."""
    lines = await webhooks.of_company(session, actor)
    return JSONResponse({"items": [facts(*line) for line in lines]}, headers=FRESH)


@router.post("", responses=answers({200: WebhookTold, 201: WebhookTold}, WebhooksEnough, KeyReused, KeyRests))
async def make(
    request: Request, said: WebhookJson, actor: Keeper, session: Writing, now: Now, once: Repeatable
) -> JSONResponse:
    """The address is called for what happens from now on. `secret` stands in this answer and in no other."""
    loopback = request.app.state.settings.environment is not Environment.PRODUCTION

    async def act() -> Done:
        row = await webhooks.make(session, url=said.url, kinds=said.events, loopback=loopback, actor=actor, now=now)
        return as_done(201, **facts(row, 0, 0))

    return await _with_secret(session, actor, await once.done(session, act))


@router.delete("/{webhook}", responses=answers({200: Removed}, NotFound, KeyReused))
async def remove(webhook: PublicId, actor: Keeper, session: Writing, now: Now, once: Repeatable) -> JSONResponse:
    """The address is called no more; what waited for it is dropped."""

    async def act() -> Done:
        await webhooks.remove(session, public_id=webhook, actor=actor, now=now)
        return as_done(200, id=webhook)

    return await once(session, act)


@router.get("/{webhook}/calls", responses=answers({200: Calls}, NotFound))
async def calls(webhook: PublicId, actor: Keeper, session: Reading) -> JSONResponse:
    """The last fifty calls, the newest first."""
    row = await webhooks.one(session, webhook, actor)
    found = await webhooks.calls_of(session, row)
    return JSONResponse({"items": [call_facts(one) for one in found]}, headers=FRESH)


@router.post(
    "/{webhook}/replays", responses=answers({200: Replayed}, NotFound, WebhookPaused, ActNotAllowed, KeyReused)
)
async def replay(
    webhook: PublicId, said: ReplayJson, actor: Keeper, session: Writing, now: Now, once: Repeatable
) -> JSONResponse:
    """One event, or what was called in a span of time, is sent again; at most a thousand calls of the last month."""

    async def act() -> Done:
        many = await webhooks.replay(session, public_id=webhook, **said.model_dump(), actor=actor, now=now)
        return as_done(200, calls=many)

    return await once(session, act)


@router.post("/{webhook}/tests", responses=answers({200: CallTold, 201: CallTold}, NotFound, WebhookPaused, KeyReused))
async def try_out(webhook: PublicId, actor: Keeper, session: Writing, now: Now, once: Repeatable) -> JSONResponse:
    """A call of the type `test` is sent."""

    async def act() -> Done:
        return Done(201, call_facts(await webhooks.try_out(session, public_id=webhook, actor=actor, now=now)))

    return await once(session, act)


@router.post("/{webhook}/resumption", responses=answers({200: WebhookTold}, NotFound, KeyReused))
async def resume(webhook: PublicId, actor: Keeper, session: Writing, now: Now, once: Repeatable) -> JSONResponse:
    """A paused address is called again, first with what waited."""

    async def act() -> Done:
        await webhooks.resume(session, public_id=webhook, actor=actor, now=now)
        return as_done(200, **await _told(session, actor, webhook))

    return await once(session, act)


@router.post("/{webhook}/secret", responses=answers({200: WebhookTold}, NotFound, KeyReused))
async def renew_secret(webhook: PublicId, actor: Keeper, session: Writing, now: Now, once: Repeatable) -> JSONResponse:
    """Another secret, told in this answer alone. For a day calls bear a signature by the old one beside it."""

    async def act() -> Done:
        await webhooks.renew_secret(session, public_id=webhook, actor=actor, now=now)
        return as_done(200, **await _told(session, actor, webhook))

    return await _with_secret(session, actor, await once.done(session, act))


def facts(row: Webhook, waiting: int, given_up: int) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "url": row.url,
        "events": row.events,
        "made_at": stamp(row.made_at),
        "waiting": waiting,
        "given_up": given_up,
        "failing_since": stamp(row.failing_since) if row.failing_since else None,
        "paused_at": stamp(row.paused_at) if row.paused_at else None,
    }


def call_facts(row: WebhookCall) -> dict[str, Any]:
    times = ("due_at", "sent_at", "given_up_at")
    return {
        "event": row.event,
        "type": row.kind,
        "made_at": stamp(row.made_at),
        "attempts": row.attempts,
        "status": row.status,
        "fault": row.fault,
        **{name: stamp(at) if (at := getattr(row, name)) else None for name in times},
    }


async def _told(session: Reading, actor: Actor, webhook: str) -> dict[str, Any]:
    lines = await webhooks.of_company(session, actor)
    return next(facts(*line) for line in lines if line.webhook.public_id == webhook)


async def _with_secret(session: Reading, actor: Actor, done: Done) -> JSONResponse:
    """The secret is read anew and stands in no answer that is kept."""
    row = await webhooks.one(session, done.body["id"], actor)
    return JSONResponse(done.body | {"secret": await webhooks.secret_of(session, row)}, done.status, headers=FRESH)
