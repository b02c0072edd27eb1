"""Confirming listings: asking the registry, judging, and keeping chain, verdict and exposure in step."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import ulid
from pavilion.provenance import keeping, queries, recording
from pavilion.provenance import log as public_log
from pavilion.provenance import standing as passport_standing
from pavilion.provenance.casefile import lab_words
from pavilion.provenance.claims import ListingClaim, Verdict
from pavilion.provenance.deciding import keep_decision
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.findings import Severity
from pavilion.provenance.keeping import Ruling
from pavilion.provenance.log import Leaf, LogSigner
from pavilion.provenance.models import ReviewDecision
from pavilion.provenance.opening import Opener
from pavilion.provenance.recording import Recorded
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import Answer, Registry
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST

GENTLY = 4  # listings asked about at once beside bids
SHARE = 16  # listings judged in one transaction beside bids


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
    session: AsyncSession,
    *,
    claims: Sequence[ListingClaim],
    registry: Registry | Registries,
    now: datetime,
    log: LogSigner | None = None,
) -> list[Verdict]:
    """Each listing has a verdict, in the order of the claims, and stands exposed exactly if that is VERIFIED.

    Made for batches of a thousand. The registries are asked before the session is first used, so that with a fresh
    session no transaction waits for them. Without `log` nothing is signed here: events that are new to the log wait
    for its next checkpoint, and their stones for the worker.
    """
    return await settle(session, dossiers=await ask(claims, registry, now), now=now, log=log)


async def ask(
    claims: Sequence[ListingClaim],
    registry: Registry | Registries,
    now: datetime,
    opener: Opener | None = None,
    *,
    at_once: int | None = None,
) -> list[Dossier]:
    """What the registries answered for each claim, read and checked; touches no database. A single registry speaks for
    itself alone: no other is asked, and none is missed. Listings are asked about `at_once`, a few where bids are taken
    in the same process: what many answers at the same moment cost, a bid would wait for."""
    asked = registry if isinstance(registry, Registries) else Registries.of(registry)
    found = dict[int, tuple[Answer, ...]]()
    waiting = iter(enumerate(claims))

    async def one_after_another() -> None:
        for place, claim in waiting:
            found[place] = await asked.ask(claim, now)
            await asyncio.sleep(0)  # an answer that comes at once must not keep bidders waiting

    await asyncio.gather(*(one_after_another() for _ in range(min(at_once or asked.in_flight, len(claims)))))
    answers = [found[place] for place in range(len(claims))]
    return await (opener or Opener()).open(claims, answers)


async def record(
    session: AsyncSession,
    dossiers: Sequence[Dossier],
    now: datetime,
    *,
    log: LogSigner | None = None,
    rehearsal: bool = False,
) -> list[Recorded]:
    """What the registries handed over is kept and logged, before anybody judges it."""
    return await recording.record(session, dossiers, now, log=log, rehearsal=rehearsal)


async def covered(session: AsyncSession) -> int:
    """How many leaves of the log stand under a checkpoint that counts."""
    return await public_log.covered(session)


async def settle(
    session: AsyncSession,
    *,
    dossiers: Sequence[Dossier],
    now: datetime,
    log: LogSigner | None = None,
    rehearsal: bool = False,
) -> list[Verdict]:
    """The verdicts that follow from these answers stand; earlier ones stay in the history. What the log's witnesses
    have not seen yet waits, and the worker settles it. In a rehearsal nothing is logged."""
    recorded = await recording.record(session, dossiers, now, log=log, rehearsal=rehearsal)
    return await judge_recorded(session, recorded, now, log=log, rehearsal=rehearsal)


async def judge_recorded(
    session: AsyncSession,
    recorded: Sequence[Recorded],
    now: datetime,
    *,
    log: LogSigner | None = None,
    rehearsal: bool = False,
) -> list[Verdict]:
    """The verdicts on what was recorded in this very transaction; each new one is a leaf of the log."""
    rulings = await keeping.rule(session, recorded, now)
    await keeping.keep(session, rulings, now)
    if not rehearsal:
        house = recording.did_of(recording.host_of(log))
        new = [ruling for ruling in rulings if ruling.was is None or ruling.was.verdict_sha256 != ruling.sha256]
        leaves = [Leaf("verdict", ruling.stone, ruling.document, house) for ruling in new]
        await public_log.append(session, leaves, now)
        fallen = [ruling.stone for ruling in rulings if ruling.fell]
        await passport_standing.suspend(session, house, fallen, now)
    return [_told(ruling) for ruling in rulings]


async def bad_news(session: AsyncSession, *, dossiers: Sequence[Dossier], now: datetime) -> set[str]:
    """The verified stones that the registries which did answer speak against, though others kept silent. Nothing is
    written: where silence is the only fault, the former verdict may stand a while."""
    rulings = await keeping.rule(session, await recording.record(session, dossiers, now, rehearsal=True), now)
    return {ruling.stone for ruling in rulings if ruling.was is None or _speaks_against(ruling, ruling.was.codes)}


def _speaks_against(ruling: Ruling, before: str) -> bool:
    """A person may have accepted what was held before; what is new is not accepted."""
    return any(
        finding.severity is Severity.BLOCK
        or (finding.severity is Severity.HOLD and f" {finding.code} " not in before and finding.code != "RG-01")
        for finding in ruling.findings
    )


async def decide_review(
    session: AsyncSession,
    *,
    stone: str,
    accept: bool,
    codes: Sequence[str],
    reason: str,
    actor: Actor,
    now: datetime,
    log: LogSigner | None = None,
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
    return await keep_decision(session, standing, decision, recording.did_of(recording.host_of(log)))


def _told(ruling: Ruling) -> Verdict:
    return Verdict(
        ruling.stone,
        ruling.verdict.value,
        ruling.grade,
        ruling.findings,
        ruling.sha256,
        ruling.weakest,
        lab_words(ruling.case),
    )
