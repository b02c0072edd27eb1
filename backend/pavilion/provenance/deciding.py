"""The word of a compliance person on a stone in review, and the verdict that follows from it."""

import hashlib
import json
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.events import record
from pavilion.kernel.instants import stamp
from pavilion.provenance import log as public_log
from pavilion.provenance.claims import Verdict, Weakest
from pavilion.provenance.findings import Finding, Severity, VerdictCode
from pavilion.provenance.log import Leaf
from pavilion.provenance.models import (
    ChainUse,
    ExposedStone,
    ReviewDecision,
    StoneVerdict,
    VerdictInput,
    VerdictRecord,
)
from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.rules import NO_GRADE
from pavilion.provenance.table_versions import tables_in_force

VERDICT_CHANGED = "stone:verdict_changed"


def decision_document(decision: ReviewDecision) -> dict[str, Any]:
    """What is logged of it: the reason by its hash only, and the person by a public id."""
    return {
        "v": 1,
        "stone": decision.stone,
        "accepted": decision.accepted,
        "codes": list(decision.codes),
        "by": decision.by,
        "reason": hashlib.sha256(decision.reason.encode()).hexdigest(),
        "at": stamp(decision.at),
        "basis": decision.inputs_sha256,
        "verdict": decision.verdict_sha256,
    }


async def keep_decision(session: AsyncSession, standing: StoneVerdict, decision: ReviewDecision, house: str) -> Verdict:
    """The verdict is as the person decided; it stands in the history with the decision among its inputs, and both stand
    in the log under the name of the house."""
    now = decision.at
    verdict = VerdictCode.VERIFIED if decision.accepted else VerdictCode.REJECTED
    grade = standing.assurance if decision.accepted else NO_GRADE
    decided = plain_bytes(decision_document(decision))
    decided_sha256 = hashlib.sha256(decided).hexdigest()
    last = select(VerdictRecord.document).where(VerdictRecord.stone == standing.stone)
    before = json.loads((await session.scalars(last.order_by(VerdictRecord.id.desc()).limit(1))).one())
    inputs = [*before["inputs"], decided_sha256]
    document = plain_bytes({**before, "inputs": inputs, "verdict": verdict.value, "grade": grade})
    sha256 = hashlib.sha256(document).hexdigest()
    session.add(VerdictInput(sha256=decided_sha256, document=decided.decode()))
    session.add(
        VerdictRecord(
            stone=standing.stone, verdict=verdict, grade=grade, document=document.decode(), sha256=sha256, at=now
        )
    )
    was, standing.verdict, standing.grade = standing.verdict, verdict.value, grade
    standing.verdict_sha256, standing.decided_at = sha256, now
    await session.flush()
    if decision.accepted and grade in (await tables_in_force(session)).limits.listed:
        session.add(ExposedStone(stone=standing.stone, verdict=verdict.value, exposed_at=now))
    if not decision.accepted:
        await session.execute(delete(ChainUse).where(ChainUse.stone == standing.stone))
    facts = {"from": was, "to": verdict.value, "grade": grade, "codes": decision.codes}
    record(session, VERDICT_CHANGED, standing.stone, by=decision.by, at=now, **facts)
    await session.flush()
    leaves = [
        Leaf("decision", f"{standing.stone}/{decision.public_id}", decided, house),
        Leaf("verdict", standing.stone, document, house),
    ]
    await public_log.append(session, leaves, now)
    weakest = Weakest(**standing.weakest) if standing.weakest is not None else None
    return Verdict(standing.stone, verdict.value, grade, tuple(map(finding_of, standing.findings)), sha256, weakest)


def finding_of(document: dict[str, Any]) -> Finding:
    return Finding(document["code"], Severity(document["severity"]), document["link"], document["params"])
