"""Reports that a person has to look at: why, what chains tell afterwards, and what was decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.canon import canonical
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.provenance import log, outcome_chains
from pavilion.provenance import outcome_queries as queries
from pavilion.provenance.outcome_models import OutcomeCase, OutcomeDecision, OutcomeReport, SupplyContract
from pavilion.provenance.outcomes import Remark
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST
from pavilion.provenance.table_versions import tables_in_force


class CaseDecided(Refusal):
    status, code = 409, "po_case_decided"


class OwnReport(Refusal):
    """Who reported does not decide on it."""

    status, code = 403, "po_own_report"


async def open_case(
    session: AsyncSession,
    reported: OutcomeReport,
    subject: str,
    remarks: Sequence[Remark],
    flagged: bool,
    now: datetime,
) -> OutcomeCase:
    case = OutcomeCase(
        public_id=ulid(now),
        report_id=reported.id,
        subject=subject,
        flagged=flagged,
        remarks=told(remarks),
        at=now,
    )
    session.add(case)
    await session.flush()
    record(session, "outcome:case", case.public_id, by=None, at=now, report=reported.public_id)
    return case


async def look_again(session: AsyncSession, contract: SupplyContract, now: datetime) -> OutcomeCase | None:
    """What chains tell since the standing report was judged: a resale it did not declare opens a case of its own."""
    standing = (await queries.standing_reports(session, [contract.id])).get(contract.id)
    parties = await queries.parties_of(session, [contract.buyer_company_id])
    seen = await outcome_chains.rough_sales(session, parties.get(contract.buyer_company_id, []))
    if standing is None or not seen:
        return None
    declared: dict[str, int] = {}
    for one in standing.resold:
        declared[one["party"]] = declared.get(one["party"], 0) + one["mct"]
    told = {one["facts"]["counterpart"] for one in standing.remarks if one["code"] == "PO-04"}
    excess_bp = (await tables_in_force(session)).limits.excess_bp
    for party, mct in sorted(seen.items()):
        over = mct * 10_000 > declared.get(party, 0) * (10_000 + excess_bp)
        known = select(OutcomeCase.id).where(OutcomeCase.report_id == standing.id, OutcomeCase.subject == party)
        if over and party not in told and await session.scalar(known) is None:
            facts = {"counterpart": party, "seen_mct": mct, "declared_mct": declared.get(party, 0)}
            return await open_case(session, standing, party, [Remark("PO-04", facts)], True, now)
    return None


async def decide(
    session: AsyncSession, *, public_id: str, accept: bool, reason: str, house: str, actor: Actor, now: datetime
) -> OutcomeDecision:
    """A named compliance person has accepted the report as it is explained, or refused it; the reason is kept."""
    if not actor.may(Permission.ORIGIN_DECIDE) or actor.public_id is None:
        raise NotAllowed(right=Permission.ORIGIN_DECIDE.value)
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST or not reason.isprintable():
        raise BadInput(fields={"reason": "reason_length"})
    case = await queries.case_of(session, public_id, lock=True)
    if case is None:
        raise NotFound()
    if await session.scalar(select(OutcomeDecision.id).where(OutcomeDecision.case_id == case.id)) is not None:
        raise CaseDecided()
    reported = await session.get_one(OutcomeReport, case.report_id)
    if reported.by == actor.public_id:
        raise OwnReport()
    decision = OutcomeDecision(case_id=case.id, accepted=accept, reason=reason, by=actor.public_id, at=now)
    session.add(decision)
    await session.flush()
    said = {"v": 1, "case": case.public_id, "report": reported.sha256, "accepted": accept}
    told_ = {**said, "reason": reason, "by": actor.public_id, "at": stamp(now)}
    await log.append(session, [log.Leaf("decision", case.public_id, canonical(told_), house)], now)
    record(session, "outcome:decided", reported.public_id, by=actor.public_id, at=now, accepted=accept)
    return decision


def told(remarks: Sequence[Remark]) -> list[dict[str, Any]]:
    return [{"code": remark.code, "facts": dict(remark.facts)} for remark in remarks]
