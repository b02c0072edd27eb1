"""Addresses at which a company is called when something changes: made, tried and removed by its administrator."""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import keys
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.kernel import events
from pavilion.kernel.db import seal_of
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.kernel.seals import CompanySeal
from pavilion.notifications.webhook_models import Webhook, WebhookCall
from pavilion.notifications.webhook_rules import MOST, MOST_REPLAYED, OLD_SECRET, TEST, EventKind
from pavilion.provenance.registries.outbound import Outbound, Refused

SHOWN = 50  # calls
LENGTH = 500


class WebhooksEnough(Refusal):
    status, code = 409, "webhooks_enough"


class WebhookPaused(Refusal):
    status, code = 409, "webhook_paused_now"


class Line(NamedTuple):
    webhook: Webhook
    waiting: int
    given_up: int


async def of_company(session: AsyncSession, actor: Actor) -> list[Line]:
    """The company's own, the newest first."""
    _refuse_others(actor)
    own = select(Webhook).where(Webhook.company_id == actor.company_id, Webhook.removed_at.is_(None))
    rows = (await session.scalars(own.order_by(Webhook.id.desc()))).all()
    counts = select(WebhookCall.webhook_id, func.count(WebhookCall.due_at), func.count(WebhookCall.given_up_at))
    counts = counts.where(WebhookCall.webhook_id.in_([row.id for row in rows])).group_by(WebhookCall.webhook_id)
    found = {row[0]: (row[1], row[2]) for row in await session.execute(counts)}
    return [Line(row, *found.get(row.id, (0, 0))) for row in rows]


async def one(session: AsyncSession, public_id: str, actor: Actor, *, lock: bool = False) -> Webhook:
    _refuse_others(actor)
    own = select(Webhook).where(Webhook.public_id == public_id, Webhook.company_id == actor.company_id)
    own = own.where(Webhook.removed_at.is_(None))
    row = await session.scalar(own.with_for_update() if lock else own)
    if row is None:
        raise NotFound()
    return row


async def calls_of(session: AsyncSession, row: Webhook) -> Sequence[WebhookCall]:
    """The last calls, the newest first."""
    wanted = select(WebhookCall).where(WebhookCall.webhook_id == row.id).order_by(WebhookCall.id.desc())
    return (await session.scalars(wanted.limit(SHOWN))).all()


async def make(
    session: AsyncSession, *, url: str, kinds: Sequence[EventKind], loopback: bool, actor: Actor, now: datetime
) -> Webhook:
    """It is called for what happens from now on. Its secret is read with `secret_of`, while it is shown."""
    _refuse_others(actor)
    if actor.company_state != CompanyState.APPROVED:
        raise keys.KeyRests()
    assert actor.company_id is not None and actor.person_id is not None
    try:
        Outbound(None, loopback=loopback).check(url)
        if len(url) > LENGTH or not url.isascii() or not url.isprintable():
            raise Refused("not an address")
    except Refused:
        raise BadInput(fields={"url": "webhook_url_bad"}) from None
    if not kinds:
        raise BadInput(fields={"events": "bad_input"})
    company = await session.scalar(select(Company).where(Company.id == actor.company_id).with_for_update())
    assert company is not None
    live = select(func.count(Webhook.id)).where(Webhook.company_id == company.id, Webhook.removed_at.is_(None))
    if (await session.scalar(live) or 0) >= MOST:
        raise WebhooksEnough(most=MOST)
    row = Webhook(public_id=ulid(now), company_id=company.id, person_id=actor.person_id, url=url, made_at=now)
    row.events = [kind.value for kind in EventKind if kind in kinds]
    row.secret_sealed = _seal(session, company.public_id).close(_new_secret(), row.public_id)
    session.add(row)
    await session.flush()
    events.record(session, "webhook:made", row.public_id, by=actor.public_id, at=now, events=row.events)
    return row


async def secret_of(session: AsyncSession, row: Webhook) -> str:
    company = await session.scalar(select(Company.public_id).where(Company.id == row.company_id))
    return _seal(session, company or "").open(row.secret_sealed, row.public_id)


def secrets_of(session: AsyncSession, row: Webhook, company: str, now: datetime) -> list[str]:
    """With which a call is signed now: the newest first, and the one before while it still holds."""
    seal = _seal(session, company)
    found = [seal.open(row.secret_sealed, row.public_id)]
    if row.old_secret_sealed is not None and row.old_until is not None and now < row.old_until:
        found.append(seal.open(row.old_secret_sealed, row.public_id))
    return found


async def renew_secret(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> Webhook:
    """From now on calls are signed with another secret, and for a day with the one before too."""
    row = await one(session, public_id, actor, lock=True)
    company = await session.scalar(select(Company.public_id).where(Company.id == row.company_id))
    row.old_secret_sealed, row.old_until = row.secret_sealed, now + OLD_SECRET
    row.secret_sealed = _seal(session, company or "").close(_new_secret(), row.public_id)
    events.record(session, "webhook:secret_renewed", row.public_id, by=actor.public_id, at=now)
    return row


async def remove(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> None:
    """It is called no more, and what waited for it is dropped."""
    row = await one(session, public_id, actor, lock=True)
    row.removed_at = now
    waits = update(WebhookCall).where(WebhookCall.webhook_id == row.id, WebhookCall.due_at.is_not(None))
    await session.execute(waits.values(due_at=None, given_up_at=now))
    events.record(session, "webhook:removed", row.public_id, by=actor.public_id, at=now)


async def resume(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> Webhook:
    """A paused one is called again; what waited when it was paused comes first. Said twice, done once."""
    row = await one(session, public_id, actor, lock=True)
    if row.paused_at is not None:
        row.paused_at, row.failing_since = None, None
        waits = update(WebhookCall).where(WebhookCall.webhook_id == row.id, WebhookCall.due_at.is_not(None))
        await session.execute(waits.values(due_at=now))
        events.record(session, "webhook:resumed", row.public_id, by=actor.public_id, at=now)
    return row


async def try_out(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> WebhookCall:
    """A call that tells nothing but that the address is reached."""
    row = await one(session, public_id, actor, lock=True)
    if row.paused_at is not None:
        raise WebhookPaused()
    event = f"test-{ulid(now)}"
    call = WebhookCall(webhook_id=row.id, event=event, kind=TEST, body=body_of(event, TEST, now, {}))
    call.made_at, call.due_at, call.attempts = now, now, 0
    session.add(call)
    await session.flush()
    return call


async def replay(
    session: AsyncSession,
    *,
    public_id: str,
    event: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """One call, or all of a span of time, is sent again under the same event ids; how many. A call that still waits is
    due at once."""
    row = await one(session, public_id, actor, lock=True)
    if (event is None) == (since is None):
        raise BadInput(fields={"event": "bad_input"})
    if row.paused_at is not None:
        raise WebhookPaused()
    wanted = select(WebhookCall.id).where(WebhookCall.webhook_id == row.id)
    if event is not None:
        wanted = wanted.where(WebhookCall.event == event)
    else:
        wanted = wanted.where(WebhookCall.made_at >= since, WebhookCall.made_at <= (until or now))
    ids = (await session.scalars(wanted.order_by(WebhookCall.id).limit(MOST_REPLAYED + 1))).all()
    if event is not None and not ids:
        raise NotFound()
    if len(ids) > MOST_REPLAYED:
        raise ActNotAllowed(most=MOST_REPLAYED)
    again = {"due_at": now, "attempts": 0, "sent_at": None, "given_up_at": None}
    for start in range(0, len(ids), 500):
        await session.execute(update(WebhookCall).where(WebhookCall.id.in_(ids[start : start + 500])).values(again))
    events.record(session, "webhook:replayed", row.public_id, by=actor.public_id, at=now, calls=len(ids))
    return len(ids)


def body_of(event: str, kind: str, at: datetime, data: dict[str, object]) -> str:
    """The text of a call, as it is kept, signed and sent."""
    said = {"id": event, "type": kind, "at": stamp(at), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _seal(session: AsyncSession, company: str) -> CompanySeal:
    house = seal_of(session)
    assert house is not None, "a house without its data key keeps no secrets of others"
    return house.of_company(company)


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def _refuse_others(actor: Actor) -> None:
    if not keys.may_keep(actor):
        raise NotAllowed(right=Permission.PEOPLE_EDIT.value)
