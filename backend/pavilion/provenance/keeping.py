"""Verdicts as rows: judged against what is kept, then written in a few statements per batch."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Base
from pavilion.kernel.events import Event, record
from pavilion.kernel.instants import stamp
from pavilion.provenance.claims import Verdict
from pavilion.provenance.dossier import Dossier, Link, facts_of, inputs_of, verdict_document
from pavilion.provenance.findings import Finding, Severity, VerdictCode
from pavilion.provenance.models import (
    ChainEvent,
    ChainUse,
    ExposedStone,
    RegistryAnswer,
    ReviewDecision,
    StoneVerdict,
    VerdictRecord,
)
from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.rules import EXPOSED_GRADES, NO_GRADE, RULESET, Judgement, judge
from pavilion.provenance.tables import shipped
from pavilion.provenance.trust import NOBODY
from pavilion.provenance.uses import Use, Uses, known_uses, uses_of

BREATH = 16  # stones judged before others in the process get a turn
WAITS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
GIVE_UP = timedelta(hours=24)
VERDICT_CHANGED = "stone:verdict_changed"
_ONE_AT_A_TIME = 0x70_72_6F_76  # advisory lock: no two batches claim the same piece unseen


class Waiting(NamedTuple):
    """For an absent registry; `next_try` is None once nobody waits any more."""

    attempts: int
    pending_since: datetime | None
    next_try: datetime | None


NOT_WAITING = Waiting(0, None, None)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be written about one stone."""

    stone: str
    verdict: VerdictCode
    grade: str
    assurance: str
    findings: tuple[Finding, ...]
    document: bytes
    sha256: str
    inputs_sha256: str
    was: StoneVerdict | None
    dossier: Dossier
    new_links: tuple[tuple[int, Link], ...]
    uses: tuple[Use, ...]
    waiting: Waiting

    @property
    def exposed(self) -> bool:
        return self.verdict is VerdictCode.VERIFIED and self.grade in EXPOSED_GRADES


async def rule(session: AsyncSession, dossiers: Sequence[Dossier], now: datetime) -> list[Ruling]:
    """Each stone judged by its chain, and by what the chains of all others claim; the first to claim keeps it."""
    stones = [dossier.claim.stone for dossier in dossiers]
    assert len(set(stones)) == len(stones), "a stone twice in one batch"
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    standing = await _standing(session, stones)
    heads = await _heads(session, standing)
    decisions = await _decisions(session, standing)
    own = [uses_of(dossier) if dossier.keeps_chain else [] for dossier in dossiers]
    uses = await known_uses(session, (use.what for each in own for use in each))
    rulings: list[Ruling] = []
    for place, (dossier, claimed) in enumerate(zip(dossiers, own, strict=True)):
        if place % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        stone = dossier.claim.stone
        ruling = _judged(dossier, claimed, uses, standing.get(stone), heads.get(stone), decisions.get(stone), now)
        uses.add(ruling.uses)
        rulings.append(ruling)
    return rulings


async def keep(session: AsyncSession, rulings: Sequence[Ruling], now: datetime) -> None:
    known = [ruling for ruling in rulings if ruling.was is not None]
    await _put(session, RegistryAnswer, [_answer_row(ruling) for ruling in rulings])
    await _put(session, ChainEvent, [row for ruling in rulings for row in _chain_rows(ruling, now)])
    await _put(session, VerdictRecord, [_verdict_row(ruling, now) for ruling in rulings])
    exposed = await _exposed(session, known)
    # The exposure goes first: while it stands, the database refuses any other verdict.
    hidden = [ruling.stone for ruling in known if ruling.stone in exposed and not ruling.exposed]
    if hidden:
        await session.execute(delete(ExposedStone).where(ExposedStone.stone.in_(hidden)))
    if known:
        changed = [_standing_row(ruling, now) for ruling in known]
        await session.execute(update(StoneVerdict), changed, execution_options={"synchronize_session": False})
        await session.execute(delete(ChainUse).where(ChainUse.stone.in_([ruling.stone for ruling in known])))
    await _put(session, StoneVerdict, [_standing_row(ruling, now) for ruling in rulings if ruling.was is None])
    await _put(session, ChainUse, [use._asdict() for ruling in rulings for use in ruling.uses])
    shown = [ruling for ruling in rulings if ruling.exposed and ruling.stone not in exposed]
    await _put(session, ExposedStone, [{"stone": r.stone, "verdict": "verified", "exposed_at": now} for r in shown])
    await _put(session, Event, [row for ruling in rulings if (row := _event_row(ruling, now)) is not None])


async def keep_decision(session: AsyncSession, standing: StoneVerdict, decision: ReviewDecision) -> Verdict:
    """The verdict is as the person decided; it stands in the history with the decision among its inputs."""
    now = decision.at
    verdict = VerdictCode.VERIFIED if decision.accepted else VerdictCode.REJECTED
    grade = standing.assurance if decision.accepted else NO_GRADE
    last = select(VerdictRecord.document).where(VerdictRecord.stone == standing.stone)
    before = json.loads((await session.scalars(last.order_by(VerdictRecord.id.desc()).limit(1))).one())
    inputs = [*before["inputs"], decision_sha256(decision)]
    document = plain_bytes({**before, "inputs": inputs, "verdict": verdict.value, "grade": grade})
    sha256 = hashlib.sha256(document).hexdigest()
    row = VerdictRecord(
        stone=standing.stone, verdict=verdict, grade=grade, document=document.decode(), sha256=sha256, at=now
    )
    session.add(row)
    was, standing.verdict, standing.grade = standing.verdict, verdict.value, grade
    standing.verdict_sha256, standing.decided_at = sha256, now
    await session.flush()
    if decision.accepted and grade in EXPOSED_GRADES:
        session.add(ExposedStone(stone=standing.stone, verdict=verdict.value, exposed_at=now))
    if not decision.accepted:
        await session.execute(delete(ChainUse).where(ChainUse.stone == standing.stone))
    facts = {"from": was, "to": verdict.value, "grade": grade, "codes": decision.codes}
    record(session, VERDICT_CHANGED, standing.stone, by=decision.by, at=now, **facts)
    await session.flush()
    return Verdict(standing.stone, verdict.value, grade, tuple(map(_finding, standing.findings)), sha256)


def decision_sha256(decision: ReviewDecision) -> str:
    facts = {"stone": decision.stone, "accepted": decision.accepted, "codes": decision.codes, "by": decision.by}
    document = {**facts, "reason": decision.reason, "at": stamp(decision.at), "verdict": decision.verdict_sha256}
    return hashlib.sha256(plain_bytes(document)).hexdigest()


def _judged(
    dossier: Dossier,
    claimed: list[Use],
    uses: Uses,
    was: StoneVerdict | None,
    head: tuple[int, str] | None,
    decision: ReviewDecision | None,
    now: datetime,
) -> Ruling:
    stone, tables = dossier.claim.stone, shipped()
    new_links = _continued(dossier, head)
    elsewhere = uses.elsewhere(dossier, claimed)
    judgement = judge(facts_of(dossier, elsewhere, now, unbroken=new_links is not None), tables)
    inputs = inputs_of(dossier, elsewhere)
    inputs_sha256 = hashlib.sha256(plain_bytes(inputs)).hexdigest()
    verdict, findings, waiting = judgement.verdict, judgement.findings, NOT_WAITING
    if verdict is VerdictCode.PENDING:
        waiting = _waiting(stone, was, now)
        if waiting.next_try is None:
            verdict, findings = VerdictCode.REVIEW, tuple(map(_expired, findings))
    elif verdict is VerdictCode.REVIEW and decision is not None and _holds(decision, judgement, inputs_sha256):
        verdict = VerdictCode.VERIFIED if decision.accepted else VerdictCode.REJECTED
        inputs.append(decision_sha256(decision))
    grade = judgement.assurance if verdict is VerdictCode.VERIFIED else NO_GRADE
    document = verdict_document(
        stone,
        verdict=verdict.value,
        grade=grade,
        findings=findings,
        inputs=inputs,
        trust=dossier.answer.trust or NOBODY,
        tables=tables,
        now=now,
    )
    return Ruling(
        stone=stone,
        verdict=verdict,
        grade=grade,
        assurance=judgement.assurance,
        findings=findings,
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        inputs_sha256=inputs_sha256,
        was=was,
        dossier=dossier,
        new_links=new_links or (),
        uses=() if verdict is VerdictCode.REJECTED else tuple(claimed),
        waiting=waiting,
    )


def _continued(dossier: Dossier, head: tuple[int, str] | None) -> tuple[tuple[int, Link], ...] | None:
    """The links that follow those already kept; None if the record no longer begins with what was kept."""
    if not dossier.keeps_chain:
        return ()
    links = tuple(enumerate(dossier.links))
    if head is None:
        return links
    seq, sha256 = head
    if len(links) <= seq or dossier.links[seq].sha256 != sha256:
        return None
    return links[seq + 1 :]


def _holds(decision: ReviewDecision, judgement: Judgement, inputs_sha256: str) -> bool:
    held = sorted(finding.code for finding in judgement.findings if finding.severity is Severity.HOLD)
    return decision.inputs_sha256 == inputs_sha256 and decision.codes == held


def _waiting(stone: str, was: StoneVerdict | None, now: datetime) -> Waiting:
    """Asked again after growing waits, spread by up to half so that not all come at once; a day is enough."""
    since = was.pending_since if was is not None and was.pending_since is not None else now
    attempts = was.attempts + 1 if was is not None and was.pending_since is not None else 0
    if now - since >= GIVE_UP:
        return Waiting(attempts, since, None)
    wait = WAITS[min(attempts, len(WAITS) - 1)]
    spread = hashlib.sha256(f"{stone} {attempts}".encode()).digest()[0]
    return Waiting(attempts, since, now + wait + wait * spread // 512)


def _expired(finding: Finding) -> Finding:
    if finding.severity is not Severity.PENDING:
        return finding
    return replace(finding, severity=Severity.HOLD, params={**finding.params, "expired": 1})


async def _standing(session: AsyncSession, stones: Sequence[str]) -> dict[str, StoneVerdict]:
    wanted = select(StoneVerdict).where(StoneVerdict.stone.in_(stones)).order_by(StoneVerdict.stone).with_for_update()
    return {row.stone: row for row in await session.scalars(wanted.execution_options(populate_existing=True))}


async def _heads(session: AsyncSession, stones: Iterable[str]) -> dict[str, tuple[int, str]]:
    """The last kept event of each chain."""
    if not (wanted := list(stones)):
        return {}
    last = select(ChainEvent.stone, func.max(ChainEvent.seq).label("seq")).where(ChainEvent.stone.in_(wanted))
    top = last.group_by(ChainEvent.stone).subquery()
    joined = (ChainEvent.stone == top.c.stone) & (ChainEvent.seq == top.c.seq)
    rows = await session.execute(select(ChainEvent.stone, ChainEvent.seq, ChainEvent.sha256).join(top, joined))
    return {stone: (seq, sha256) for stone, seq, sha256 in rows}


async def _decisions(session: AsyncSession, stones: Iterable[str]) -> dict[str, ReviewDecision]:
    """The last decision on each stone."""
    if not (wanted := list(stones)):
        return {}
    rows = await session.scalars(
        select(ReviewDecision).where(ReviewDecision.stone.in_(wanted)).order_by(ReviewDecision.id)
    )
    return {row.stone: row for row in rows}


async def _exposed(session: AsyncSession, known: Sequence[Ruling]) -> set[str]:
    if not known:
        return set()
    stones = [ruling.stone for ruling in known]
    return set(await session.scalars(select(ExposedStone.stone).where(ExposedStone.stone.in_(stones))))


async def _put(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows in one statement, handed to the driver as they are: a stone has some twenty, and the way through the
    toolkit costs three times the insert itself."""
    if not rows:
        return
    table, dialect = model.metadata.tables[model.__tablename__], session.get_bind().dialect
    statement = insert(table).values({name: bindparam(name) for name in rows[0]}).compile(dialect=dialect)
    names = statement.positiontup
    assert names is not None
    bind = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or _same for name in names}
    values = [tuple([bind[name](row[name]) for name in names]) for row in rows]
    connection = await session.connection()
    await connection.exec_driver_sql(statement.string, values)


def _same(value: Any) -> Any:
    return value


def _answer_row(ruling: Ruling) -> dict[str, Any]:
    answer = ruling.dossier.answer
    return {
        "stone": ruling.stone,
        "registry_name": answer.registry,
        "claim_sha256": ruling.dossier.asked.sha256(),
        "status": answer.status.value,
        "reason": answer.reason.value if answer.reason is not None else None,
        "differs": " ".join(answer.differs),
        "raw_sha256": answer.raw_sha256,
        "signature": answer.signature,
        "simulated": answer.simulated,
        "at": answer.at,
    }


def _chain_rows(ruling: Ruling, now: datetime) -> Iterable[dict[str, Any]]:
    for seq, link in ruling.new_links:
        yield {"stone": ruling.stone, "seq": seq, **link._asdict(), "recorded_at": now}


def _verdict_row(ruling: Ruling, now: datetime) -> dict[str, Any]:
    return {
        "stone": ruling.stone,
        "verdict": ruling.verdict.value,
        "grade": ruling.grade,
        "document": ruling.document.decode(),
        "sha256": ruling.sha256,
        "at": now,
    }


def _standing_row(ruling: Ruling, now: datetime) -> dict[str, Any]:
    return {
        "stone": ruling.stone,
        "verdict": ruling.verdict.value,
        "grade": ruling.grade,
        "assurance": ruling.assurance,
        "ruleset": RULESET,
        "findings": [finding.document() for finding in ruling.findings],
        "codes": f" {' '.join(finding.code for finding in ruling.findings)} ",
        "claim": ruling.dossier.claim.document(),
        "registry_name": ruling.dossier.answer.registry,
        "simulated": ruling.dossier.answer.simulated,
        "inputs_sha256": ruling.inputs_sha256,
        "verdict_sha256": ruling.sha256,
        "decided_at": now,
        **ruling.waiting._asdict(),
    }


def _event_row(ruling: Ruling, now: datetime) -> dict[str, Any] | None:
    was = ruling.was.verdict if ruling.was is not None else None
    if was == ruling.verdict.value:
        return None
    codes = [finding.code for finding in ruling.findings]
    facts = {"from": was, "to": ruling.verdict.value, "grade": ruling.grade, "codes": codes}
    return {"name": VERDICT_CHANGED, "subject": ruling.stone, "by": None, "at": now, "facts": facts}


def _finding(document: Mapping[str, Any]) -> Finding:
    return Finding(document["code"], Severity(document["severity"]), document["link"], document["params"])
