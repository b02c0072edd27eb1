"""Claiming that a stone was outside the banned origin before the ban."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.provenance import eligibility, law
from pavilion.provenance.law_forms import GrandfatherForm
from pavilion.provenance.law_models import GrandfatherClaim
from pavilion.provenance.models import StoneVerdict


class ClaimNotAccepted(BadInput):
    """Evidence, a day after the mine and before the ban, and a place that is not the banned origin."""

    code = "grandfather_not_accepted"


async def claim_grandfather(
    session: AsyncSession, stone: str, said: GrandfatherForm, *, actor: Actor, now: datetime
) -> GrandfatherClaim:
    """What compliance says about the stone before the ban stands, if the rule on such claims accepts it."""
    if not actor.may(Permission.ORIGIN_DECIDE) or actor.public_id is None:
        raise NotAllowed(right=Permission.ORIGIN_DECIDE.value)
    if await session.get(StoneVerdict, stone) is None:
        raise NotFound(stone=stone)
    document: dict[str, Any] = {"claimed": said.claimed == "yes"}
    if said.claimed:
        document |= {"date": said.day.isoformat() if said.day else None, "place": said.place or None}
        document |= {"evidence": said.evidence.split()}
    claim = GrandfatherClaim(stone=stone, document=document, reason=said.reason, by=actor.public_id, at=now)
    session.add(claim)
    await session.flush()
    case = (await eligibility.cases_of(session, [stone], now.date()))[stone]
    if list(law.grandfathering(case)):
        raise ClaimNotAccepted(fields={"day": "grandfather_not_accepted"})
    events.record(session, "law:grandfather_claimed", stone, by=actor.public_id, at=now, claimed=document["claimed"])
    return claim
