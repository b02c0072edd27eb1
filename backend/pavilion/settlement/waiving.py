"""A strike forgiven: one person says why, another agrees (settlement spec 8)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts import strikes
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound

KIND = "strike.waive"
REASON_LEAST, REASON_MOST = 10, 2000


async def propose(session: AsyncSession, *, number: str, reason: str, actor: Actor, now: datetime) -> Proposal:
    """The strike for this invoice waits for a second person's word."""
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_length"})
    strike = (await strikes.strikes_of(session, [number])).get(number)
    if strike is None:
        raise NotFound()
    if strike.ended_at is not None:
        raise ActNotAllowed(state=strike.how or "")
    firm = await session.get_one(Company, strike.company_id)
    facts = {"invoice": number, "company": firm.name}
    return await accounts.propose(
        session, kind=KIND, subject=number, facts=facts, reason=reason, actor=actor, now=now
    )  # fmt: skip


async def waive(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """What was agreed: the strike is closed and counts no more."""
    by = actor.public_id or ""
    if not await strikes.waive(session, invoice=proposal.subject, reason=proposal.reason, by=by, now=now):
        raise ActNotAllowed(state="closed")  # paid meanwhile


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {KIND: waive}
