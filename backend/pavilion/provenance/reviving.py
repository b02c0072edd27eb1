"""A stone that only waited for the log's witnesses: its dossier as it was heard and kept, without asking anybody."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import log, log_queries
from pavilion.provenance.casefile import PUBLIC_LOG, Case
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.dossier import Dossier, chain_of
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.models import ChainEvent, StoneVerdict, VerdictInput, VerdictRecord
from pavilion.provenance.registries.port import Answer, Reason, Status
from pavilion.provenance.table_versions import house_in_force
from pavilion.provenance.trust import Trust


async def covered_now(session: AsyncSession, now: datetime, limit: int) -> list[Dossier]:
    """The stones whose last event stands under a checkpoint that counts, or that have waited long enough."""
    waiting = (
        select(StoneVerdict)
        .where(StoneVerdict.registry_name == PUBLIC_LOG, StoneVerdict.next_try <= now)
        .order_by(StoneVerdict.next_try, StoneVerdict.stone)
        .limit(limit)
    )
    rows = {row.stone: row for row in await session.scalars(waiting)}
    if not rows:
        return []
    last = select(ChainEvent.stone, func.max(ChainEvent.seq)).where(ChainEvent.stone.in_(rows))
    ends = [(stone, seq) for stone, seq in await session.execute(last.group_by(ChainEvent.stone))]
    places = await log_queries.indices(session, "event", [f"{stone}/{seq}" for stone, seq in ends])
    covered, house = await log.covered(session), await house_in_force(session)
    ready = [
        rows[stone]
        for stone, seq in ends
        if places.get(f"{stone}/{seq}", covered) < covered
        or now - (rows[stone].pending_since or now) > house.unwitnessed
    ]
    return await _revived(session, ready)


async def _revived(session: AsyncSession, rows: Sequence[StoneVerdict]) -> list[Dossier]:
    if not rows:
        return []
    documents = await _documents(session, rows)
    wanted = {sha256 for said in documents.values() for sha256 in (*said["inputs"][:2], said["tables"]["trust"])}
    found = await session.execute(
        select(VerdictInput.sha256, VerdictInput.document).where(VerdictInput.sha256.in_(wanted))
    )
    inputs: dict[str, Any] = {sha256: json.loads(text) for sha256, text in found}
    chains: dict[str, list[str]] = {row.stone: [] for row in rows}
    bodies = select(ChainEvent.stone, ChainEvent.body).where(ChainEvent.stone.in_(chains))
    for stone, body in await session.execute(bodies.order_by(ChainEvent.stone, ChainEvent.seq)):
        chains[stone].append(body)
    keys = {sha256: IssuerKeys(inputs[sha256]) for sha256 in {said["inputs"][1] for said in documents.values()}}
    trusts = {sha256: Trust(inputs[sha256]) for sha256 in {said["tables"]["trust"] for said in documents.values()}}
    return [
        _dossier(
            row,
            inputs[documents[row.stone]["inputs"][0]],
            chains[row.stone],
            keys[documents[row.stone]["inputs"][1]],
            trusts[documents[row.stone]["tables"]["trust"]],
        )
        for row in rows
    ]


async def _documents(session: AsyncSession, rows: Sequence[StoneVerdict]) -> dict[str, dict[str, Any]]:
    """The verdict documents that stand for these stones."""
    wanted = {row.stone: row.verdict_sha256 for row in rows}
    found = await session.execute(
        select(VerdictRecord.stone, VerdictRecord.sha256, VerdictRecord.document).where(
            VerdictRecord.stone.in_(wanted), VerdictRecord.sha256.in_(wanted.values())
        )
    )
    return {stone: json.loads(document) for stone, sha256, document in found if wanted[stone] == sha256}


def _dossier(row: StoneVerdict, case: Case, bodies: Sequence[str], keys: IssuerKeys, trust: Trust) -> Dossier:
    claim = ListingClaim.from_document(case["claim"])
    events = tuple(json.loads(body) for body in bodies)
    answers: list[Answer] = []
    for said in case["answers"]:
        producer = said["registry"] == claim.origin_registry
        answer = _answer(row, said, case["piece"], trust if producer else None, keys if producer else None)
        answers.insert(0 if producer else len(answers), answer)
    links, happened = chain_of(events, bodies, keys)
    answers[0] = replace(answers[0], events=events, bodies=tuple(bodies))
    return Dossier(claim, tuple(answers), links, happened, keys, heard_now=False)


def _answer(
    row: StoneVerdict, said: Mapping[str, Any], piece: str, trust: Trust | None, keys: IssuerKeys | None
) -> Answer:
    reason = Reason(said["why"]) if said["status"] == Status.UNAVAILABLE.value and said["why"] else None
    return Answer(
        registry=said["registry"],
        status=Status(said["status"]),
        at=row.decided_at,
        reason=reason,
        differs=() if reason is not None else tuple(said["why"].split()),
        stone=piece,
        trust=trust,
        keys=keys,
        simulated=row.simulated,
        fields=said["fields"],
        mandatory=said["mandatory"],
    )
