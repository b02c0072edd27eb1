"""What the house has agreed with a company for trade at a price: how much may be unpaid, and what its silence means."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT

LIMIT = "company.limit"


async def set_limit(
    session: AsyncSession, *, company: str, minor: int, currency: str, actor: Actor, now: datetime
) -> Proposal | None:
    """A lower limit holds at once; a higher one, or one in another currency, waits for a second person."""
    if currency not in CURRENCIES:
        raise BadInput(fields={"currency": "wrong_currency"})
    if not 0 <= minor <= MAX_AMOUNT:
        raise BadInput(fields={"limit": "amount_invalid"})
    row = await _locked(session, company)
    if minor == 0 or (currency == row.trade_currency and minor <= row.trade_limit_minor):
        _set(session, row, minor, currency, actor, now)
        return None
    facts = {"company": row.name, "amount_minor": minor, "currency": currency}
    return await service.propose(session, kind=LIMIT, subject=row.public_id, facts=facts, actor=actor, now=now)


async def limit_agreed(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Two persons have agreed on this limit."""
    row = await _locked(session, proposal.subject)
    _set(session, row, proposal.facts["amount_minor"], proposal.facts["currency"], actor, now)


async def set_silence(session: AsyncSession, *, company: str, refuses: bool, actor: Actor, now: datetime) -> None:
    """What an order of its stones that the company lets lie comes to from now on."""
    row = await _locked(session, company)
    if row.silence_refuses != refuses:
        row.silence_refuses = refuses
        events.record(session, "company:silence_set", row.public_id, by=actor.public_id, at=now, refuses=refuses)


PROPOSAL_HANDLERS: dict[str, service.ProposalHandler] = {LIMIT: limit_agreed}


def _set(session: AsyncSession, row: Company, minor: int, currency: str, actor: Actor, now: datetime) -> None:
    """No amount in the event: it is read by more than those who may know it."""
    if (row.trade_limit_minor, row.trade_currency) != (minor, currency):
        row.trade_limit_minor, row.trade_currency = minor, currency
        events.record(session, "company:limit_set", row.public_id, by=actor.public_id, at=now)


async def _locked(session: AsyncSession, company: str) -> Company:
    row = await session.scalar(select(Company).where(Company.public_id == company).with_for_update())
    if row is None:
        raise NotFound()
    return row
