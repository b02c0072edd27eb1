"""What we ask of the payment provider: written in the transaction of the act, sent by the worker, once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import inserting
from pavilion.kernel.ids import ulid
from pavilion.settlement.intent_models import IntentKind, IntentState, PaymentIntent


async def ask(
    session: AsyncSession,
    *,
    kind: IntentKind,
    key: str,
    ref: str,
    company_id: int | None,
    entity: str,
    currency: str,
    amount_minor: int,
    facts: Mapping[str, Any],
    now: datetime,
    expires_at: datetime | None = None,
) -> PaymentIntent:
    """The request stands as a row of the act's own transaction and is sent after its commit. `key` names the act: said
    twice, it is the same row. `ref`: the invoice's number, the deposit's or the refund's public id."""
    row = inserting(session, PaymentIntent).values(
        public_id=ulid(now),
        kind=kind,
        key=key,
        ref=ref,
        company_id=company_id,
        entity=entity,
        currency=currency,
        amount_minor=amount_minor,
        state=IntentState.NEW,
        url="",
        facts=dict(facts),
        made_at=now,
        next_at=now,
        expires_at=expires_at,
        attempts=0,
        last_error="",
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["kind", "key"]))
    wanted = select(PaymentIntent).where(PaymentIntent.kind == kind, PaymentIntent.key == key)
    return (await session.scalars(wanted)).one()
