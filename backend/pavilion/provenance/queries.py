"""Reading chains, verdicts and the queue of exceptions."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.instants import from_stamp, stamp
from pavilion.provenance import external
from pavilion.provenance.casefile import PUBLIC_LOG, lab_words
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.disclosure import is_open_verdict
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.law import NOT_PUBLIC
from pavilion.provenance.models import (
    ChainEvent,
    ExposedStone,
    RegistryAnswer,
    ReviewDecision,
    StoneVerdict,
    VerdictInput,
    VerdictRecord,
)
from pavilion.provenance.rules import CODES

PAGE = 50
QUEUE = (VerdictCode.REVIEW, VerdictCode.PENDING, VerdictCode.REJECTED)


class ChainStep(NamedTuple):
    """One event of a stone's way, as a page tells it. `facts` is the event as it was signed."""

    seq: int
    kind: str
    at: datetime
    by: str | None
    cc: str | None
    facts: dict[str, Any]
    sha256: str


class RuleLine(NamedTuple):
    code: str
    outcome: str  # passed, or the finding's severity
    link: int | None
    params: dict[str, Any]


class Exceptions(NamedTuple):
    rows: Sequence[StoneVerdict]
    after: str | None  # where the next page begins


async def chain_of(session: AsyncSession, stone: str) -> list[ChainStep]:
    rows = await session.scalars(select(ChainEvent).where(ChainEvent.stone == stone).order_by(ChainEvent.seq))
    return [_step(row) for row in rows]


async def cutters_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the last event that names a cutter says of him, for each of these stones."""
    rows = select(ChainEvent).where(ChainEvent.stone.in_(stones), ChainEvent.body.contains('"cutter"'))
    found = {}
    for row in await session.scalars(rows.order_by(ChainEvent.stone, ChainEvent.seq)):
        if isinstance(said := _step(row).facts.get("cutter"), dict):
            found[row.stone] = said
    return found


async def verdict_of(session: AsyncSession, stone: str) -> StoneVerdict | None:
    """The verdict that stands, or None for a stone never judged."""
    return await session.get(StoneVerdict, stone)


async def verdicts_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, StoneVerdict]:
    rows = await session.scalars(select(StoneVerdict).where(StoneVerdict.stone.in_(stones)))
    return {row.stone: row for row in rows}


async def history_of(session: AsyncSession, stone: str) -> Sequence[VerdictRecord]:
    wanted = select(VerdictRecord).where(VerdictRecord.stone == stone).order_by(VerdictRecord.id.desc())
    return (await session.scalars(wanted)).all()


async def document_of(session: AsyncSession, verdict: StoneVerdict) -> str | None:
    """The canonical document of the verdict that stands, whose bytes have the hash that is shown."""
    wanted = select(VerdictRecord.document).where(
        VerdictRecord.stone == verdict.stone, VerdictRecord.sha256 == verdict.verdict_sha256
    )
    return await session.scalar(wanted.order_by(VerdictRecord.id.desc()).limit(1))


async def document_named(session: AsyncSession, stone: str, sha256: str) -> str | None:
    """A verdict of this stone, or one of the documents that its verdicts rest on, by the hash of its bytes."""
    records = await history_of(session, stone)
    for record in records:
        if record.sha256 == sha256:
            return record.document
    if any(sha256 in json.loads(record.document)["inputs"] for record in records):
        return await session.scalar(select(VerdictInput.document).where(VerdictInput.sha256 == sha256))
    return None


async def typed_and_told(session: AsyncSession, verdict: StoneVerdict) -> dict[str, tuple[str | None, str]]:
    """For each grade that the laboratory told when the standing verdict was given: what was typed, what it says."""
    document = await document_of(session, verdict)
    inputs = json.loads(document)["inputs"] if document is not None else []
    case = await session.get(VerdictInput, inputs[0]) if inputs else None
    return {} if case is None else lab_words(json.loads(case.document))


async def answers_of(session: AsyncSession, stone: str) -> Sequence[RegistryAnswer]:
    wanted = select(RegistryAnswer).where(RegistryAnswer.stone == stone).order_by(RegistryAnswer.id.desc())
    return (await session.scalars(wanted.limit(20))).all()


async def decisions_of(session: AsyncSession, stone: str) -> Sequence[ReviewDecision]:
    wanted = select(ReviewDecision).where(ReviewDecision.stone == stone).order_by(ReviewDecision.id.desc())
    return (await session.scalars(wanted)).all()


async def deciders_of(session: AsyncSession, decisions: Sequence[ReviewDecision]) -> dict[str, str]:
    """The names of those who decided, by their public ids."""
    people = {decision.by for decision in decisions}
    rows = await session.scalars(select(Person).where(Person.public_id.in_(people)))
    return {person.public_id: person.name for person in rows}


async def is_exposed(session: AsyncSession, stone: str) -> bool:
    return await session.get(ExposedStone, stone) is not None


async def standing(session: AsyncSession, stone: str, *, lock: bool = False) -> StoneVerdict | None:
    wanted = select(StoneVerdict).where(StoneVerdict.stone == stone)
    if lock:  # what this session read before the lock may no longer be so
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(wanted)


async def claim_of(session: AsyncSession, stone: str) -> ListingClaim | None:
    """The listing's facts the standing verdict was given on."""
    document = await session.scalar(select(StoneVerdict.claim).where(StoneVerdict.stone == stone))
    return None if document is None else ListingClaim.from_document(document)


async def due(session: AsyncSession, now: datetime, limit: int) -> list[ListingClaim]:
    """Claims about which the registries should be asked again now, the longest waiting first."""
    wanted = (
        select(StoneVerdict.claim)
        .where(StoneVerdict.registry_name != PUBLIC_LOG, StoneVerdict.next_try <= now)
        .order_by(StoneVerdict.next_try, StoneVerdict.stone)
        .limit(limit)
    )
    return [ListingClaim.from_document(document) for document in await session.scalars(wanted)]


async def exceptions(
    session: AsyncSession,
    *,
    verdict: str | None = None,
    code: str | None = None,
    name: str | None = None,
    after: str | None = None,
) -> Exceptions:
    """One page of the stones that are not verified, or of all that bear a name, the latest first; `after` is where the
    last page ended."""
    wanted = _open(verdict, code) if name is None else external.named(name)
    if after is not None and (place := _place(after)) is not None:
        at = literal(place[0], StoneVerdict.decided_at.type)
        wanted = wanted.where(tuple_(StoneVerdict.decided_at, StoneVerdict.stone) < tuple_(at, place[1]))
    wanted = wanted.order_by(StoneVerdict.decided_at.desc(), StoneVerdict.stone.desc()).limit(PAGE + 1)
    rows = (await session.scalars(wanted)).all()
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Exceptions(rows[:PAGE], None if last is None else _cursor(last))


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many stones stand at each verdict that is not VERIFIED."""
    wanted = (
        select(StoneVerdict.verdict, func.count())
        .where(StoneVerdict.verdict != VerdictCode.VERIFIED)
        .group_by(StoneVerdict.verdict)
    )
    found = {row.verdict: row[1] for row in await session.execute(wanted)}
    return {verdict.value: found.get(verdict.value, 0) for verdict in QUEUE}


def rule_by_rule(row: StoneVerdict, *, inside: bool) -> list[RuleLine]:
    """Every rule in order, the passed ones too. Of a stone whose registry is silent only what was asked is told; what
    is for compliance alone is told nobody else, kept or not."""
    fired = {finding["code"]: finding for finding in row.findings}
    silent = any(code in fired for code in ("RG-01", "RG-03")) and not any(code.startswith("ID") for code in fired)
    lines = []
    for code in CODES if inside else (code for code in CODES if code not in NOT_PUBLIC):
        if code in fired:
            lines.append(RuleLine(code, fired[code]["severity"], fired[code]["link"], fired[code]["params"]))
        elif not silent or code.startswith(("RG", "NM")):
            lines.append(RuleLine(code, "passed", None, {}))
    return lines


def may_read_document(actor: Actor, verdict: StoneVerdict) -> bool:
    """Whether its document tells this reader no more than the stone's page does. Bytes cannot be shown in part."""
    return actor.may(Permission.ORIGIN_SEE) or is_open_verdict(verdict.findings)


def _open(verdict: str | None, code: str | None) -> Select[StoneVerdict]:
    wanted = select(StoneVerdict).where(StoneVerdict.verdict != VerdictCode.VERIFIED)
    if verdict is not None:
        wanted = wanted.where(StoneVerdict.verdict == verdict)
    return wanted if code is None else wanted.where(StoneVerdict.codes.contains(f" {code} ", autoescape=True))


def _cursor(row: StoneVerdict) -> str:
    return f"{stamp(row.decided_at)}_{row.stone}"


def _place(cursor: str) -> tuple[datetime, str] | None:
    at, _, stone = cursor.partition("_")
    try:
        return from_stamp(at), stone
    except ValueError:
        return None


def _step(row: ChainEvent) -> ChainStep:
    facts = json.loads(row.body)
    return ChainStep(row.seq, row.kind, row.at, facts.get("by"), facts.get("cc"), facts, row.sha256)
