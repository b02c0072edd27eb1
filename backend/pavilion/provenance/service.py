"""Confirming listings: asking the registry, judging, and keeping chain, verdict and exposure in step."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import ulid
from pavilion.provenance import keeping, queries
from pavilion.provenance.claims import ListingClaim, Verdict
from pavilion.provenance.dossier import Dossier, opened, question
from pavilion.provenance.keeping import Ruling
from pavilion.provenance.models import ReviewDecision
from pavilion.provenance.registries.guarding import IN_FLIGHT, guarded
from pavilion.provenance.registries.port import Registry
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST


class NotInReview(Refusal):
    """Only a stone in review waits for a person's word."""

    status, code = 409, "not_in_review"


class OwnUpload(Refusal):
    """Who brought the stone in does not decide on it."""

    status, code = 403, "own_upload"


class CannotAccept(Refusal):
    """Nobody's word stands in for a registry that has not answered."""

    status, code = 409, "registry_still_silent"


async def confirm(
    session: AsyncSession, *, claims: Sequence[ListingClaim], registry: Registry, now: datetime
) -> list[Verdict]:
    """Each listing has a verdict, in the order of the claims, and stands exposed exactly if that is VERIFIED.

    Made for batches of a thousand. The registry is asked before the session is first used, so that with a fresh session
    no transaction waits for it.
    """
    return await settle(session, dossiers=await ask(claims, registry, now), now=now)


async def ask(claims: Sequence[ListingClaim], registry: Registry, now: datetime) -> list[Dossier]:
    """What the registry answered for each claim, read and checked; touches no database."""
    safe, found = guarded(registry), dict[int, Dossier]()
    waiting = iter(enumerate(claims))

    async def one_after_another() -> None:
        for place, claim in waiting:
            asked = question(claim, safe.name)
            found[place] = opened(claim, asked, await safe.confirm(asked, now))
            await asyncio.sleep(0)  # an answer that comes at once must not keep bidders waiting

    await asyncio.gather(*(one_after_another() for _ in range(min(IN_FLIGHT, len(claims)))))
    return [found[place] for place in range(len(claims))]


async def settle(session: AsyncSession, *, dossiers: Sequence[Dossier], now: datetime) -> list[Verdict]:
    """The verdicts that follow from these answers stand; earlier ones stay in the history."""
    rulings = await keeping.rule(session, dossiers, now)
    await keeping.keep(session, rulings, now)
    return [_told(ruling) for ruling in rulings]


async def decide_review(
    session: AsyncSession, *, stone: str, accept: bool, codes: Sequence[str], reason: str, actor: Actor, now: datetime
) -> Verdict:
    """A named compliance person has accepted the findings named by `codes`, or refused the stone because of them. The
    decision holds until any of the verdict's inputs changes."""
    if not actor.may(Permission.ORIGIN_DECIDE) or actor.public_id is None:
        raise NotAllowed(right=Permission.ORIGIN_DECIDE.value)
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST or not reason.isprintable():
        raise BadInput(fields={"reason": "reason_length"})
    standing = await queries.standing(session, stone, lock=True)
    if standing is None:
        raise NotFound(stone=stone)
    if standing.verdict != "review":
        raise NotInReview(verdict=standing.verdict)
    if standing.claim.get("uploader") == actor.public_id or actor.company_id is not None:
        raise OwnUpload()
    held = sorted(f["code"] for f in standing.findings if f["severity"] == "hold")
    if sorted(set(codes)) != held:
        raise StaleVersion(codes=held)
    if accept and any(code.startswith("RG-") for code in held):
        raise CannotAccept()
    decision = ReviewDecision(
        public_id=ulid(now),
        stone=stone,
        accepted=accept,
        codes=held,
        reason=reason,
        inputs_sha256=standing.inputs_sha256,
        verdict_sha256=standing.verdict_sha256,
        by=actor.public_id,
        at=now,
    )
    session.add(decision)
    return await keeping.keep_decision(session, standing, decision)


def _told(ruling: Ruling) -> Verdict:
    return Verdict(ruling.stone, ruling.verdict.value, ruling.grade, ruling.findings, ruling.sha256)
