"""Calls on their way: claimed, signed and sent outside of transactions, tried again for two days, then given up."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState, Role
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.notifications.telling import Teller
from pavilion.notifications.webhook_models import Webhook, WebhookCall
from pavilion.notifications.webhook_rules import KEPT, PAUSED_AFTER, wait_after
from pavilion.notifications.webhook_signing import EVENT, signed
from pavilion.notifications.webhooks import secrets_of
from pavilion.provenance.registries.outbound import Outbound, Refused
from pavilion.settings import Environment, Settings

TIMEOUT_S = 10.0
MOST_HEARD = 64 * 1024  # bytes of an answer, which nobody reads
LEASE = timedelta(minutes=2)
TOGETHER, TO_ONE = 40, 8  # calls in one go, and of them to one address; to one that failed last, a single one
LOOKED_AT = 400
PURGED = 500


class Ready(NamedTuple):
    """A call as it goes out."""

    id: int
    attempts: int
    webhook_id: int
    url: str
    event: str
    body: bytes
    secrets: Sequence[str]


class Answer(NamedTuple):
    status: int | None
    fault: str | None  # a code; None: the call was taken


def door_of(settings: Settings) -> Outbound:
    """Any public host; this machine itself only where nothing is real."""
    loopback = settings.environment is not Environment.PRODUCTION
    return Outbound(None, loopback=loopback, timeout_s=TIMEOUT_S, most_bytes=MOST_HEARD)


class Calling:
    """Sends what is due for one house."""

    def __init__(self, sessions: Sessions, outbound: Outbound) -> None:
        self._sessions, self._outbound = sessions, outbound
        self._purged: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """How many calls were made."""
        ready = await claim(self._sessions, now)
        if ready:
            answers = await asyncio.gather(*(self._call(one, now) for one in ready))
            async with self._sessions.begin() as session:
                await _settle(session, dict(zip(ready, answers, strict=True)), now)
        if self._purged is None or now >= self._purged + timedelta(hours=1):
            self._purged = now
            await _purge(self._sessions, now)
        return len(ready)

    async def _call(self, one: Ready, now: datetime) -> Answer:
        headers = {"content-type": "application/json", "user-agent": "Pavilion-Webhooks/1", EVENT: one.event}
        try:
            heard = await self._outbound.post(one.url, one.body, headers | signed(one.secrets, one.body, now))
        except Refused:
            return Answer(None, "webhook_not_called")
        except TimeoutError:
            return Answer(None, "webhook_slow")
        except (OSError, ValueError):
            return Answer(None, "webhook_unreached")
        return Answer(heard.status, None if 200 <= heard.status < 300 else "webhook_not_taken")


async def claim(sessions: Sessions, now: datetime) -> list[Ready]:
    """What is due is ours until the lease ends. Who is killed between the call and its mark leaves it to another, who
    makes it a second time with the same id."""
    due = (
        select(WebhookCall.id, WebhookCall.webhook_id, Webhook.failing_since)
        .join(Webhook, Webhook.id == WebhookCall.webhook_id)
        .join(Company, Company.id == Webhook.company_id)
        .where(WebhookCall.due_at <= now, Webhook.removed_at.is_(None), Webhook.paused_at.is_(None))
        .where(Company.state == CompanyState.APPROVED)
        .order_by(WebhookCall.due_at, WebhookCall.id)
        .limit(LOOKED_AT)
    )
    async with reading(sessions) as session:
        rows = (await session.execute(due)).all()
    if not rows:
        return []
    many: Counter[int] = Counter()
    ids: list[int] = []
    for call, webhook, failing in rows:
        if len(ids) < TOGETHER and many[webhook] < (TO_ONE if failing is None else 1):
            many[webhook] += 1
            ids.append(call)
    async with sessions.begin() as session:
        mine = select(WebhookCall).where(WebhookCall.id.in_(ids), WebhookCall.due_at <= now).order_by(WebhookCall.id)
        calls = (await session.scalars(mine.with_for_update(skip_locked=True))).all()
        whose = select(Webhook, Company.public_id).join(Company, Company.id == Webhook.company_id)
        found = await session.execute(whose.where(Webhook.id.in_(list(many))))
        targets = {row.id: (row.url, secrets_of(session, row, company, now)) for row, company in found}
        ready = []
        for row in calls:
            row.attempts, row.due_at = row.attempts + 1, now + LEASE
            url, secrets = targets[row.webhook_id]
            ready.append(Ready(row.id, row.attempts, row.webhook_id, url, row.event, row.body.encode(), tuple(secrets)))
        return ready


async def _settle(session: AsyncSession, answered: dict[Ready, Answer], now: datetime) -> None:
    hooks = select(Webhook).where(Webhook.id.in_({one.webhook_id for one in answered})).order_by(Webhook.id)
    rows = {row.id: row for row in await session.scalars(hooks.with_for_update())}
    calls = select(WebhookCall).where(WebhookCall.id.in_([one.id for one in answered])).order_by(WebhookCall.id)
    kept = {call.id: call for call in await session.scalars(calls.with_for_update())}
    for one, answer in answered.items():
        call, row = kept.get(one.id), rows.get(one.webhook_id)
        if call is None or row is None or call.attempts != one.attempts or call.due_at is None:
            continue  # removed, or asked for again meanwhile
        call.status, call.fault = answer.status, answer.fault
        if answer.fault is None:
            call.sent_at, call.due_at, row.failing_since = now, None, None
            continue
        row.failing_since = row.failing_since or now
        wait = wait_after(call.attempts, call.id)
        call.due_at = None if wait is None else now + wait
        call.given_up_at = now if wait is None else None
    for row in rows.values():
        failing = row.failing_since is not None and now - row.failing_since >= PAUSED_AFTER
        if failing and row.paused_at is None and row.removed_at is None:
            await _pause(session, row, now)


async def _pause(session: AsyncSession, row: Webhook, now: datetime) -> None:
    row.paused_at = now
    events.record(session, "webhook:paused", row.public_id, by=None, at=now)
    key = f"{row.public_id}:{int(now.timestamp())}"
    host = urlsplit(row.url).hostname or ""
    admins = (Role.COMPANY_ADMIN,)  # its maker is one of them, or is called for no more
    await Teller(session, now).tell("webhook_paused", key, [row.company_id], at=now, roles=admins, host=host)


async def _purge(sessions: Sessions, now: datetime) -> None:
    """What was settled a month ago is gone, a piece at a time."""
    old = select(WebhookCall.id).where(WebhookCall.made_at < now - KEPT, WebhookCall.due_at.is_(None)).limit(PURGED)
    async with reading(sessions) as session:
        ids = (await session.scalars(old)).all()
    if ids:
        async with sessions.begin() as session:
            await session.execute(delete(WebhookCall).where(WebhookCall.id.in_(ids), WebhookCall.due_at.is_(None)))
