"""Payouts of the provider: one account there takes the money of every selling entity, so each payout is shared among
them by the payments, refunds, disputes and fees it is made of, to the cent. What nobody can say is never guessed."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.kernel.money import parse_minor
from pavilion.settlement import discrepancies, ledger, postings
from pavilion.settlement.intent_models import Dispute, PaymentIntent
from pavilion.settlement.models import Entry, Posting
from pavilion.settlement.payments.port import BalanceLine, PaidOut
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund, Source

UNEXPLAINED = "payout_unexplained"
LEFT, ARRIVED = "payout:", "payout.arrived:"
REST_LEFT, REST_ARRIVED = "payout.rest:", "payout.rest.arrived:"
STRIPE = postings.stripe("")  # how the accounts at the provider begin


class Share(NamedTuple):
    """What of a payout is each selling entity's, and what is nobody's yet; together it is the payout."""

    parts: Mapping[str, int]
    rest: int


def house_entity(code: str = "") -> str:
    """The selling entity this is of; the first of the house where nothing says which."""
    return code if code in entities() else next(iter(entities()))


async def entity_of(session: AsyncSession, line: BalanceLine) -> str | None:
    """Whose money moved there, as our books know what moved."""
    match line.kind:
        case "payment":
            wanted = select(Receipt.entity).where(Receipt.provider_ref == line.source)
        case "refund" | "refund_failure":
            wanted = select(Refund.entity).where(Refund.provider_ref == line.source)
        case "dispute":
            wanted = select(Receipt.entity).join(Dispute, Dispute.receipt_id == Receipt.id)
            wanted = wanted.where(Dispute.provider_id == line.source)
        case "fee":
            return house_entity()  # of the account itself, not of a payment
        case _:
            return None
    found: str | None = await session.scalar(wanted.limit(1))
    return found or await _asked_by(session, line)


async def _asked_by(session: AsyncSession, line: BalanceLine) -> str | None:
    """By our own request, or by the payment it belongs to: a transfer taken from a cash balance, a refund that was made
    on the provider's own pages."""
    named = [one for one in (line.source, line.payment) if one]
    asked = select(PaymentIntent.entity).where(PaymentIntent.provider_id.in_(named)).limit(1)
    if found := await session.scalar(asked):
        return str(found)
    paid = select(Receipt.entity).where(Receipt.entity.in_(list(entities())), Receipt.reference == line.payment)
    paid = paid.where(Receipt.source.in_((Source.CARD, Source.HOLD))).limit(1)
    return await session.scalar(paid) if line.payment else None


async def share_of(session: AsyncSession, payout: PaidOut, *, whole_day: bool) -> Share:
    """`whole_day`: all that happened before is in our books. Then money of which the provider does not say whose it was
    is the one selling entity's that has any there; where two have, it stays a rest."""
    parts: dict[str, int] = {}
    for line in payout.lines or ():
        for entity, part in (await _parts_of(session, line)).items():
            parts[entity] = parts.get(entity, 0) + part
    rest = payout.amount_minor - sum(parts.values())
    if rest > 0 and whole_day and payout.lines is None:
        there = await _lying(session, payout.currency)
        if len(there) == 1 and rest <= next(iter(there.values())):
            return Share(dict.fromkeys(there, rest), 0)
    return Share({entity: part for entity, part in sorted(parts.items()) if part}, rest)


async def _parts_of(session: AsyncSession, line: BalanceLine) -> Mapping[str, int]:
    if line.kind != "payout":
        entity = await entity_of(session, line)
        return {} if entity is None else {entity: line.net_minor}
    booked = select(Entry.account, func.sum(Entry.amount_minor)).join(Posting, Posting.id == Entry.txn_id)
    keys = [f"{LEFT}{line.source}", f"{REST_LEFT}{line.source}"]  # an earlier one, as it was shared then
    booked = booked.where(Posting.key.in_(keys), Entry.account.startswith(STRIPE)).group_by(Entry.account)
    sign = -1 if line.amount_minor > 0 else 1
    return {account.removeprefix(STRIPE): sign * int(part) for account, part in await session.execute(booked)}


async def _lying(session: AsyncSession, currency: str) -> dict[str, int]:
    """The selling entities that have money at the provider, and how much."""
    total = func.sum(Entry.amount_minor)
    wanted = select(Entry.account, total).where(Entry.account.startswith(STRIPE), Entry.currency == currency)
    rows = await session.execute(wanted.group_by(Entry.account).having(total != 0))
    return {account.removeprefix(STRIPE): int(amount) for account, amount in rows}


async def arrived(session: AsyncSession, payout: PaidOut, share: Share, now: datetime) -> bool:
    """Each part has left the provider for the bank of its entity; the rest waits for a person. Done once."""
    new = await _post(session, payout.id, payout.currency, share.parts, LEFT, ARRIVED, by=None, now=now)
    if share.rest:
        facts = {"amount_minor": payout.amount_minor, "rest_minor": share.rest, "currency": payout.currency}
        new |= await discrepancies.found(
            session, key=f"{UNEXPLAINED}:{payout.id}", kind=UNEXPLAINED, subject=payout.id, facts=facts, now=now
        )
    return new


async def came_back(session: AsyncSession, payout: PaidOut, now: datetime) -> None:
    """The bank did not take it: all of it lies at the provider again, whoever's it was."""
    for key in (ARRIVED, LEFT, REST_ARRIVED, REST_LEFT):
        await ledger.reverse(session, f"{key}{payout.id}", by=None, at=now)


async def assign(
    session: AsyncSession, public_id: str, said: Mapping[str, str], *, word: str, by: str, now: datetime
) -> None:
    """A person says how much of the unexplained rest of a payout was each selling entity's, below zero what it owed
    there: together exactly the rest, and that closes the matter."""
    row = await session.scalar(select(Discrepancy).where(Discrepancy.public_id == public_id).with_for_update())
    if row is None:
        raise NotFound()
    if row.kind != UNEXPLAINED or row.closed_at is not None:
        raise ActNotAllowed(state="closed" if row.closed_at is not None else row.kind)
    if await session.scalar(select(Discrepancy.id).where(Discrepancy.key == f"payout_failed:{row.subject}")):
        raise ActNotAllowed(state="payout_failed")
    currency: str = row.facts["currency"]
    parts = {entity: _signed(text, currency) for entity, text in said.items() if text.strip()}
    if None in parts.values():
        raise BadInput(fields={"parts": "amount_format"})
    kept = {entity: part for entity, part in sorted(parts.items()) if part}
    if set(kept) - set(entities()) or sum(kept.values()) != row.facts["rest_minor"]:
        raise BadInput(fields={"parts": "payout_parts_wrong"})
    await _post(session, row.subject, currency, kept, REST_LEFT, REST_ARRIVED, by=by, now=now)
    events.record(session, "payout:assigned", row.subject, by=by, at=now, currency=currency, parts=kept)
    await discrepancies.close(session, public_id, word=word, by=by, now=now)


def _signed(text: str, currency: str) -> int | None:
    text = text.strip().replace("−", "-")
    amount = parse_minor(text.removeprefix("-"), currency)
    return -amount if amount is not None and text.startswith("-") else amount


async def _post(
    session: AsyncSession,
    payout: str,
    currency: str,
    parts: Mapping[str, int],
    left: str,
    arrived: str,
    *,
    by: str | None,
    now: datetime,
) -> bool:
    new = False
    for key, moves in ((left, postings.payout_left(parts)), (arrived, postings.payout_arrived(parts))):
        new |= await ledger.post(
            session, key=f"{key}{payout}", moves=moves, currency=currency, ref=payout, at=now, by=by
        )
    return new
