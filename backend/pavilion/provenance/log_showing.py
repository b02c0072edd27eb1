"""What the log's page says: how far it goes, who has seen it, and what came last."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.cosigning import NO_QUORUM
from pavilion.provenance import log_queries
from pavilion.provenance.log import LogSigner
from pavilion.provenance.log_models import LogCheckpoint, LogCosignature, LogEntry

NEWEST = 12
OUT_OF_SIGHT = timedelta(minutes=15)  # a witness not heard for so long is said to be away
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


class WitnessLine(NamedTuple):
    name: str
    key: str
    size: int | None  # of the last checkpoint it cosigned
    at: datetime | None
    behind: int
    away: bool


class EntryLine(NamedTuple):
    place: int
    kind: str
    issuer: str
    at: datetime
    covered: bool


class Overview(NamedTuple):
    size: int
    covered: int
    root: str | None
    at: datetime | None
    origin: str
    key: str
    needed: int
    witnesses: Sequence[WitnessLine]
    newest: Sequence[EntryLine]
    halted: str | None
    halted_at: datetime | None

    @property
    def waiting(self) -> int:
        return self.size - self.covered


class EntryShown(NamedTuple):
    place: int
    facts: Mapping[str, Any]
    at: datetime
    text: str
    leaf: str
    covered: bool
    last: bool


def index_of(text: str) -> int | None:
    text = text.strip().replace(",", "").replace(" ", "")
    return int(text) if _INDEX.fullmatch(text) else None


async def overview(session: AsyncSession, signer: LogSigner, now: datetime) -> Overview:
    head = await log_queries.head(session)
    signed = await log_queries.last_checkpoint(session)
    shown = await log_queries.covered_checkpoint(session)
    covered = 0 if shown is None else shown.size
    return Overview(
        size=0 if head is None else head.size,
        covered=covered,
        root=None if shown is None else shown.root,
        at=None if shown is None else shown.at,
        origin=signer.origin,
        key=str(signer.key.verifier),
        needed=0 if signer.policy.quorum == NO_QUORUM else signer.policy.needed,
        witnesses=await _witnesses(session, signer, signed, now),
        newest=await _newest(session, covered),
        halted=None if head is None else head.halted,
        halted_at=None if head is None else head.halted_at,
    )


async def entry(session: AsyncSession, index: int) -> EntryShown | None:
    row = await session.get(LogEntry, index)
    if row is None:
        return None
    shown = await log_queries.covered_checkpoint(session)
    facts = json.loads(row.entry)
    last = await session.get(LogEntry, index + 1) is None
    covered = shown is not None and index < shown.size
    return EntryShown(index, facts, _instant(facts["t"]), row.entry, bytes(row.leaf).hex(), covered, last)


async def _witnesses(
    session: AsyncSession, signer: LogSigner, signed: LogCheckpoint | None, now: datetime
) -> list[WitnessLine]:
    lines = []
    for witness in signer.policy.witnesses:
        last = await session.scalar(
            select(LogCosignature)
            .where(LogCosignature.witness == witness.key.name)
            .order_by(LogCosignature.size.desc(), LogCosignature.at.desc())
            .limit(1)
        )
        size, at = (None, None) if last is None else (last.size, last.at)
        behind = (0 if signed is None else signed.size) - (size or 0)
        away = at is None or now - at > OUT_OF_SIGHT
        lines.append(WitnessLine(witness.name, str(witness.key), size, at, behind, away))
    return lines


async def _newest(session: AsyncSession, covered: int) -> list[EntryLine]:
    rows = await session.execute(select(LogEntry.place, LogEntry.entry).order_by(LogEntry.place.desc()).limit(NEWEST))
    lines = []
    for place, text in rows:
        facts = json.loads(text)
        lines.append(EntryLine(place, facts["kind"], facts["issuer"], _instant(facts["t"]), place < covered))
    return lines


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
