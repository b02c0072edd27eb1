"""Verdicts as rows: judged against what is kept, then written in a few statements per batch."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.events import Event
from pavilion.kernel.putting import put
from pavilion.provenance import external
from pavilion.provenance.casefile import (
    PUBLIC_LOG,
    Case,
    basis_of,
    case_of,
    concluded,
    facts_of,
    hash_of,
    verdict_document,
)
from pavilion.provenance.claims import Weakest
from pavilion.provenance.deciding import decision_document
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.findings import Finding, VerdictCode
from pavilion.provenance.house import House
from pavilion.provenance.models import (
    ChainUse,
    ExposedStone,
    RegistryAnswer,
    ReviewDecision,
    StoneVerdict,
    VerdictRecord,
)
from pavilion.provenance.putting import put_inputs
from pavilion.provenance.recording import Recorded
from pavilion.provenance.references import stated_origins
from pavilion.provenance.registries.port import Answer, plain_bytes
from pavilion.provenance.reported import under_notice, weighed_apart
from pavilion.provenance.rules import RULESET, judge
from pavilion.provenance.table_versions import house_in_force, tables_in_force
from pavilion.provenance.tables import Tables
from pavilion.provenance.uses import Use, Uses, known_uses, pieces_of, uses_of

BREATH = 16  # stones judged before others in the process get a turn
WAITS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
COVER_SOON = timedelta(seconds=2)  # until the log is looked at again for a stone that only waits for its witnesses
COVER_LATER = timedelta(minutes=1)  # the same for a stone whose former verdict stands meanwhile
VERDICT_CHANGED = "stone:verdict_changed"


class Waiting(NamedTuple):
    """For an absent registry; `next_try` is None once nobody waits any more."""

    attempts: int
    pending_since: datetime | None
    next_try: datetime | None


NOT_WAITING = Waiting(0, None, None)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be written about one stone. `inputs` are the documents that the verdict rests on, by their hashes."""

    stone: str
    verdict: VerdictCode
    grade: str
    assurance: str
    weakest: Weakest | None
    findings: tuple[Finding, ...]
    case: Case
    inputs: Mapping[str, str]
    document: bytes
    sha256: str
    basis: str
    was: StoneVerdict | None
    dossier: Dossier
    uses: tuple[Use, ...]
    waiting: Waiting
    listed: frozenset[str]  # the grades that buyers may see

    @property
    def exposed(self) -> bool:
        return self.verdict is VerdictCode.VERIFIED and self.grade in self.listed

    @property
    def fell(self) -> bool:
        """It was verified, and is no more."""
        return self.was is not None and self.was.verdict == "verified" and self.verdict is not VerdictCode.VERIFIED

    @property
    def awaits_log(self) -> bool:
        return self.verdict is VerdictCode.PENDING and bool(self.case.get("awaits_log"))


async def rule(session: AsyncSession, recorded: Sequence[Recorded], now: datetime) -> list[Ruling]:
    """Each stone judged by its chain, and by what the chains of all others claim; the first to claim keeps it."""
    standing = {one.was.stone for one in recorded if one.was is not None}
    decisions = await _decisions(session, standing)
    tables, house = await tables_in_force(session), await house_in_force(session)
    stated = await stated_origins(session, [one.dossier.claim.stone for one in recorded])
    gone = await under_notice(session, (piece for one in recorded for piece in pieces_of(one.dossier)))
    apart = await weighed_apart(session, [one.dossier.piece for one in recorded], tables.limits.handling_mct)
    own = [uses_of(one.dossier) if one.dossier.keeps_chain else [] for one in recorded]
    uses = await known_uses(session, (use.what for each in own for use in each))
    rulings: list[Ruling] = []
    for place, (one, claimed) in enumerate(zip(recorded, own, strict=True)):
        if place % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        stone = one.dossier.claim.stone
        noticed = gone & pieces_of(one.dossier) if gone else frozenset[str]()
        told = (decisions.get(stone), stated.get(stone, {}), noticed, apart.get(one.dossier.piece, ()))
        ruling = _judged(one, claimed, uses, *told, tables, house, now)
        uses.add(ruling.uses)
        rulings.append(ruling)
    return rulings


async def keep(session: AsyncSession, rulings: Sequence[Ruling], now: datetime) -> None:
    known = [ruling for ruling in rulings if ruling.was is not None]
    await put(session, RegistryAnswer, [row for ruling in rulings for row in _answer_rows(ruling)])
    await put_inputs(session, {sha256: text for ruling in rulings for sha256, text in ruling.inputs.items()})
    await put(session, VerdictRecord, [_verdict_row(ruling, now) for ruling in rulings])
    exposed = await _exposed(session, known)
    # The exposure goes first: while it stands, the database refuses any other verdict.
    hidden = [ruling.stone for ruling in known if ruling.stone in exposed and not ruling.exposed]
    if hidden:
        links = select(ExposedStone.stone).where(ExposedStone.stone.in_(hidden)).order_by(ExposedStone.stone)
        await session.execute(links.with_for_update())  # in the order in which who links to several takes them
        await session.execute(delete(ExposedStone).where(ExposedStone.stone.in_(hidden)))
    if known:
        changed = [_standing_row(ruling, now) for ruling in known]
        await session.execute(update(StoneVerdict), changed, execution_options={"synchronize_session": False})
        # Where the producer was silent, what the stone lays claim to stays its own.
        heard = [r.stone for r in known if r.dossier.keeps_chain or r.verdict is VerdictCode.REJECTED]
        await session.execute(delete(ChainUse).where(ChainUse.stone.in_(heard)))
    await put(session, StoneVerdict, [_standing_row(ruling, now) for ruling in rulings if ruling.was is None])
    await put(session, ChainUse, [use._asdict() for ruling in rulings for use in ruling.uses])
    await external.keep(session, [ruling.dossier for ruling in rulings if ruling.dossier.keeps_chain])
    shown = [ruling for ruling in rulings if ruling.exposed and ruling.stone not in exposed]
    await put(session, ExposedStone, [{"stone": r.stone, "verdict": "verified", "exposed_at": now} for r in shown])
    told = [_event_row(ruling, ruling.stone in exposed, now) for ruling in rulings]
    await put(session, Event, [row for row in told if row is not None])


def _judged(
    one: Recorded,
    claimed: list[Use],
    uses: Uses,
    decided: ReviewDecision | None,
    stated: Mapping[str, str],
    noticed: frozenset[str],
    weighed: tuple[tuple[int, int], ...],
    tables: Tables,
    house: House,
    now: datetime,
) -> Ruling:
    dossier, stone, was = one.dossier, one.dossier.claim.stone, one.was
    known = uses.elsewhere(dossier, claimed)
    if stated or noticed or weighed:
        known = replace(known, stated_origins=stated, noticed=noticed, weighed=weighed)
    links, events, logged = one.judged()
    case = case_of(dossier, known, links, logged, awaits_log=one.awaits_log)
    basis = basis_of(case, links)
    decision = decision_document(decided) if decided is not None and decided.inputs_sha256 == basis else None
    judgement = judge(facts_of(case, events, one.trust, now.date()), tables)
    conclusion, waiting = concluded(case, judgement, decision), NOT_WAITING
    if conclusion.verdict is VerdictCode.PENDING:
        waiting = _waiting(one, conclusion.findings, house, now)
        if waiting.next_try is None:
            case = {**case, "expired": True}
            conclusion = concluded(case, judgement, decision)
    elif one.behind:
        waiting = Waiting(0, None, now + COVER_LATER)
    keys, trust = dossier.keys, one.trust
    inputs = dict([_document(plain_bytes(case)), (keys.sha256, keys.document.decode())])
    if decision is not None and conclusion.verdict not in (judgement.verdict, VerdictCode.REVIEW):
        inputs |= [_document(plain_bytes(decision))]
    document = verdict_document(stone, conclusion, list(inputs), trust=trust, tables=tables, as_of=now.date())
    return Ruling(
        stone=stone,
        verdict=conclusion.verdict,
        grade=conclusion.grade,
        assurance=judgement.assurance,
        weakest=judgement.weakest,
        findings=conclusion.findings,
        case=case,
        inputs=inputs | {trust.sha256: trust.document.decode()},
        document=document,
        sha256=hash_of(document),
        basis=basis,
        was=was,
        dossier=dossier,
        uses=() if conclusion.verdict is VerdictCode.REJECTED else tuple(claimed),
        waiting=waiting,
        listed=tables.limits.listed,
    )


def _document(document: bytes) -> tuple[str, str]:
    return hash_of(document), document.decode()


def _waiting(one: Recorded, findings: Sequence[Finding], house: House, now: datetime) -> Waiting:
    """Asked again after growing waits, spread by up to half so that not all come at once, until the house gives up. A
    stone that only waits for the log's witnesses is looked at as soon as they may have seen it."""
    stone, was = one.dossier.claim.stone, one.was
    since = was.pending_since if was is not None and was.pending_since is not None else now
    if all(finding.params.get("registry") == PUBLIC_LOG for finding in findings if finding.severity == "pending"):
        return Waiting(0, since, now + COVER_SOON)
    attempts = was.attempts + 1 if was is not None and was.pending_since is not None else 0
    if now - since >= house.give_up:
        return Waiting(attempts, since, None)
    wait = WAITS[min(attempts, len(WAITS) - 1)]
    spread = hashlib.sha256(f"{stone} {attempts}".encode()).digest()[0]
    return Waiting(attempts, since, now + wait + wait * spread // 512)


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


def _answer_rows(ruling: Ruling) -> Iterable[dict[str, Any]]:
    for answer in ruling.dossier.answers if ruling.dossier.heard_now else ():
        yield _answer_row(ruling.stone, answer)


def _answer_row(stone: str, answer: Answer) -> dict[str, Any]:
    return {
        "stone": stone,
        "registry_name": answer.registry[:60],
        "claim_sha256": answer.claim_sha256,
        "status": answer.status.value,
        "reason": answer.reason.value if answer.reason is not None else None,
        "differs": " ".join(answer.differs)[:200],
        "raw_sha256": answer.raw_sha256,
        "signature": answer.signature,
        "simulated": answer.simulated,
        "at": answer.at,
        "ms": answer.ms,
        "quota_left": answer.quota_left,
    }


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
    waits_for = PUBLIC_LOG if _waits_for_log_only(ruling) else ruling.dossier.producer.registry
    return {
        "stone": ruling.stone,
        "verdict": ruling.verdict.value,
        "grade": ruling.grade,
        "assurance": ruling.assurance,
        "ruleset": RULESET,
        "findings": [finding.document() for finding in ruling.findings],
        "codes": f" {' '.join(finding.code for finding in ruling.findings)} ",
        "claim": ruling.dossier.claim.document(),
        "registry_name": waits_for[:60],
        "simulated": ruling.dossier.producer.simulated,
        "inputs_sha256": ruling.basis,
        "verdict_sha256": ruling.sha256,
        "decided_at": now,
        **ruling.waiting._asdict(),
        "weakest": None if ruling.weakest is None else ruling.weakest._asdict(),
    }


def _waits_for_log_only(ruling: Ruling) -> bool:
    pending = [finding for finding in ruling.findings if finding.severity == "pending"]
    return ruling.awaits_log and all(finding.params.get("registry") == PUBLIC_LOG for finding in pending)


def _event_row(ruling: Ruling, shown: bool, now: datetime) -> dict[str, Any] | None:
    """Another verdict; or the same, and yet buyers see a stone that they did not see, or no more the one they saw."""
    was = ruling.was.verdict if ruling.was is not None else None
    if was == ruling.verdict.value and shown == ruling.exposed:
        return None
    codes = [finding.code for finding in ruling.findings]
    facts = {"from": was, "to": ruling.verdict.value, "grade": ruling.grade, "codes": codes}
    return {"name": VERDICT_CHANGED, "subject": ruling.stone, "by": None, "at": now, "facts": facts}
