"""Cases of the fairness watch: renewed when a sale has ended and on each new day, decided by named people."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.bidding import voiding
from pavilion.insight import fairness_reading, fairness_rules
from pavilion.insight.fairness_findings import Finding
from pavilion.insight.fairness_models import STATE_AFTER, CaseState, FairnessCase, FairnessDecision, Verdict
from pavilion.kernel.canon import document_hash
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.events import Cursor, cursor_of, record
from pavilion.kernel.ids import ulid

DAY, SALES = "insight:fairness:day", "insight:fairness:sales"


class EvidenceMoved(Refusal):
    """The case shows other evidence now than the page on which it was decided."""

    status, code = 409, "evidence_moved"


class Word(NamedTuple):
    """What a person says about a case."""

    verdict: Verdict
    reason: str
    evidence_sha256: str
    suspend: Collection[str] = ()  # companies by public id
    void: Collection[str] = ()  # lots with a paddle, as `LiveBids.name`


async def tick(sessions: Sessions, now: datetime) -> int:
    """The cases are renewed when a sale has ended since the last time, and once a day; 1 when they were."""
    today = now.astimezone(UTC).date().toordinal()
    async with reading(sessions) as session:
        closed = await fairness_reading.closed_sales(session)
        day, sales = await session.get(Cursor, DAY), await session.get(Cursor, SALES)
        if day is not None and sales is not None and (day.last_id, sales.last_id) == (today, closed):
            return 0
        history = await fairness_reading.past(session, now)
    found = await asyncio.to_thread(fairness_rules.find, history, now)
    async with sessions.begin() as session:
        (await cursor_of(session, DAY)).last_id = today
        (await cursor_of(session, SALES)).last_id = closed
        await renew(session, found, now)
    return 1


async def renew(session: AsyncSession, found: Sequence[Finding], now: datetime) -> None:
    """Each finding is a case as of now. One that was decided opens again only when it shows what was not there to
    be decided upon."""
    known = {row.key: row for row in await session.scalars(select(FairnessCase).with_for_update())}
    for one in found:
        evidence = _evidence(one)
        case = known.get(one.key)
        if case is None:
            case = FairnessCase(public_id=ulid(now), key=one.key, kind=one.kind, parties=list(one.parties))
            case.consignor_id, case.state, case.first_seen = one.consignor, CaseState.OPEN, now
            session.add(case)
            record(session, "fairness:found", case.public_id, by=None, at=now, kind=one.kind, score=one.score)
        elif case.state != CaseState.OPEN and await _is_new(session, case, evidence):
            case.state = CaseState.OPEN
            record(session, "fairness:reopened", case.public_id, by=None, at=now, kind=one.kind, score=one.score)
        case.score, case.evidence, case.evidence_sha256 = one.score, evidence, document_hash(evidence)
        case.last_seen = max(now, case.first_seen)
    await session.flush()


def _evidence(one: Finding) -> dict[str, Any]:
    lots = [{"lot": grain.lot, "sale": grain.sale, "seqs": list(grain.seqs)} for grain in one.grains]
    return {"v": 1, "figures": dict(one.figures), "lots": lots}


async def _is_new(session: AsyncSession, case: FairnessCase, evidence: Mapping[str, Any]) -> bool:
    """Whether it names a bid, or a lot, that no decision on this case was given on."""
    decided = await session.scalars(select(FairnessDecision.evidence).where(FairnessDecision.case_id == case.id))
    return not _marks(evidence) <= {mark for one in decided for mark in _marks(one)}


def _marks(evidence: Mapping[str, Any]) -> set[tuple[str, int]]:
    return {(lot["lot"], seq) for lot in evidence["lots"] for seq in lot["seqs"] or (0,)}


async def decide(session: AsyncSession, *, case: str, word: Word, actor: Actor, now: datetime) -> FairnessDecision:
    """The person's word stands with the evidence it was given on. To bar means: a second person is asked."""
    if not actor.may(Permission.FAIRNESS_DECIDE) or actor.person_id is None:
        raise NotAllowed(right=Permission.FAIRNESS_DECIDE.value)
    row = await session.scalar(select(FairnessCase).where(FairnessCase.public_id == case).with_for_update())
    if row is None:
        raise NotFound()
    if row.evidence_sha256 != word.evidence_sha256:
        raise EvidenceMoved()
    if word.verdict != Verdict.BAR and (word.suspend or word.void):
        raise BadInput(fields={"verdict": "bar_to_propose"})
    proposals = await _proposed(session, row, word, actor, now)
    if word.verdict == Verdict.BAR and not proposals:
        raise BadInput(fields={"suspend": "bar_needs_proposal"})
    said = FairnessDecision(case_id=row.id, verdict=word.verdict, reason=word.reason, by=actor.person_id, at=now)
    said.score, said.evidence, said.evidence_sha256 = row.score, row.evidence, row.evidence_sha256
    said.proposals = proposals
    session.add(said)
    row.state = STATE_AFTER[word.verdict]
    await session.flush()
    record(session, "fairness:decided", row.public_id, by=actor.public_id, at=now, verdict=word.verdict)
    return said


async def _proposed(session: AsyncSession, case: FairnessCase, word: Word, actor: Actor, now: datetime) -> list[str]:
    """What a second person is asked: to suspend companies of the case, to void their bids on lots still running."""
    found: list[str] = []
    for firm in await may_be_suspended(session, case):
        if firm.public_id in word.suspend:
            facts = {"company": firm.name, "case": case.public_id}
            proposal = await accounts.propose(
                session,
                kind="company.suspend",
                subject=firm.public_id,
                facts=facts,
                actor=actor,
                reason=word.reason,
                now=now,
            )
            found.append(proposal.public_id)
    for live in await voiding.live_bids(session, case.parties, case.consignor_id):
        if live.name in word.void:
            proposal = await voiding.propose_void(session, live=live, told=word.reason, actor=actor, now=now)
            found.append(proposal.public_id)
    if len(found) != len(set(word.suspend)) + len(set(word.void)):
        raise EvidenceMoved()  # a lot has ended, or a company is suspended already
    return found


async def may_be_suspended(session: AsyncSession, case: FairnessCase) -> Sequence[Company]:
    """The bidders of the case, and its consignor, as far as they may trade."""
    companies = [*case.parties, *([case.consignor_id] if case.consignor_id else ())]
    wanted = select(Company).where(Company.id.in_(companies), Company.state == CompanyState.APPROVED)
    return (await session.scalars(wanted.order_by(Company.id))).all()
