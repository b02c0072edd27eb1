"""All that a kept verdict rests on, fetched so that anybody can give it again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import table_history
from pavilion.provenance.casefile import Case, lab_words
from pavilion.provenance.models import ChainEvent, StoneVerdict, VerdictInput, VerdictRecord
from pavilion.provenance.tables import NAMES

AT_ONCE = 5_000


class Evidence(NamedTuple):
    """As `recomputing.recompute` takes it."""

    inputs: Mapping[str, bytes]
    tables: Mapping[str, bytes]
    events: Mapping[str, bytes]
    trust: bytes


async def evidence_of(session: AsyncSession, verdict: bytes) -> Evidence:
    """The documents that this verdict names; what is not kept is left out."""
    said = json.loads(verdict)
    trust_sha256 = said["tables"]["trust"]
    documents = await _inputs(session, [*said["inputs"], trust_sha256])
    case = json.loads(documents[said["inputs"][0]]) if said["inputs"][0] in documents else {"events": []}
    events = await _events(session, said["stone"], case["events"])
    return Evidence(
        inputs={sha256: documents[sha256] for sha256 in said["inputs"] if sha256 in documents},
        tables=await _tables(session, said["tables"]),
        events=events,
        trust=documents.get(trust_sha256, b"[]"),
    )


async def case_of(session: AsyncSession, stone: str) -> Case | None:
    """The case on which the verdict that stands for a stone was given."""
    wanted = select(VerdictRecord.document).join(
        StoneVerdict,
        (StoneVerdict.stone == VerdictRecord.stone) & (StoneVerdict.verdict_sha256 == VerdictRecord.sha256),
    )
    document = await session.scalar(wanted.where(StoneVerdict.stone == stone).limit(1))
    if document is None:
        return None
    text = await session.scalar(
        select(VerdictInput.document).where(VerdictInput.sha256 == json.loads(document)["inputs"][0])
    )
    case: Case | None = None if text is None else json.loads(text)
    return case


async def lab_words_of(session: AsyncSession, stone: str) -> dict[str, tuple[str | None, str]]:
    """What the listing says and what the laboratory says, grade by grade; empty where no laboratory was asked."""
    case = await case_of(session, stone)
    return {} if case is None else lab_words(case)


async def _inputs(session: AsyncSession, wanted: Iterable[str]) -> dict[str, bytes]:
    rows = await session.execute(
        select(VerdictInput.sha256, VerdictInput.document).where(VerdictInput.sha256.in_(set(wanted)))
    )
    return {sha256: document.encode() for sha256, document in rows}


async def _events(session: AsyncSession, stone: str, wanted: Sequence[str]) -> dict[str, bytes]:
    """From the stone's chain; those that never became part of it were kept as inputs."""
    rows = await session.execute(select(ChainEvent.sha256, ChainEvent.body).where(ChainEvent.stone == stone))
    chain = {sha256: body.encode() for sha256, body in rows}
    found = {sha256: chain[sha256] for sha256 in wanted if sha256 in chain}
    missing = [sha256 for sha256 in wanted if sha256 not in found]
    return found | (await _inputs(session, missing) if missing else {})


async def _tables(session: AsyncSession, said: Mapping[str, Any]) -> dict[str, bytes]:
    """As they stood when the verdict was given; what the house never had is left out."""
    found = {name: await table_history.table(session, name, str(said.get(name))) for name in NAMES}
    return {name: raw for name, raw in found.items() if raw is not None}
