"""All that passports are made from, read for many stones at once in a few statements."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import passport
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.hosted import HOUSE
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ChainEvent, StoneVerdict, VerdictRecord
from pavilion.provenance.passport_facts import PROCESSES, Known, Step
from pavilion.provenance.passport_models import Countersignature, Passport, StatusEntry, StoneReference
from pavilion.provenance.reported_models import ReportedEvent, ReportedPiece
from pavilion.provenance.video_media import with_films

BREATH, EVENTS_BREATH = 8, 100  # stones and events read before others in the process get a turn
_Row = TypeVar("_Row", Countersignature, StoneReference)


@dataclass(frozen=True, slots=True)
class Source:
    """One stone as its passport sees it. `known` is None while there is nothing to issue on."""

    stone: str
    verified: bool
    seen: str  # hash of the verdict that was read
    known: Known | None
    content: dict[str, Any] | None
    content_hash: str
    last_n: int
    last_content: str | None
    entry: tuple[int, int] | None  # its place in the status lists, unless revoked
    suspended: bool

    @property
    def due(self) -> bool:
        """Whether a new version is to be issued."""
        return self.content is not None and self.content_hash != self.last_content


async def read(session: AsyncSession, stones: Sequence[str]) -> list[Source]:
    verdicts = {row.stone: row for row in await session.execute(_verdicts(stones))}
    verified = [stone for stone, row in verdicts.items() if row.verdict == VerdictCode.VERIFIED]
    lasts = await _lasts(session, stones)
    entries = await _entries(session, stones)
    known = await _known(session, {stone: verdicts[stone] for stone in verified})
    found = []
    for nth, (stone, row) in enumerate(verdicts.items()):
        if nth % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        of_stone = known.get(stone)
        content = None if of_stone is None else passport.content_of(of_stone)
        n, last = lasts.get(stone, (0, None))
        entry, suspended = entries.get(stone, (None, False))
        found.append(
            Source(
                stone=stone,
                verified=row.verdict == VerdictCode.VERIFIED,
                seen=row.verdict_sha256,
                known=of_stone,
                content=content,
                content_hash="" if content is None else passport.content_hash(content),
                last_n=n,
                last_content=last,
                entry=entry,
                suspended=suspended,
            )
        )
    return found


async def facts_hashes(session: AsyncSession, stones: Sequence[str]) -> dict[str, str]:
    """The facts hash of each verified stone's passport, whether it is issued yet or not."""
    verdicts = {row.stone: row for row in await session.execute(_verdicts(stones))}
    verified = {stone: row for stone, row in verdicts.items() if row.verdict == VerdictCode.VERIFIED}
    contents = {stone: passport.content_of(known) for stone, known in (await _known(session, verified)).items()}
    return {
        stone: passport.facts_hash(content["characteristics"], content["origin"], content["reports"])
        for stone, content in contents.items()
    }


async def references_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, list[StoneReference]]:
    """The papers that stand, the first first: neither withdrawn nor ended."""
    wanted = select(StoneReference).where(
        StoneReference.stone.in_(stones), StoneReference.withdrawn_at.is_(None), StoneReference.ended_at.is_(None)
    )
    return _by_stone(await session.scalars(wanted.order_by(StoneReference.id)))


async def steps_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, list[Step]]:
    """The chains of these stones with the places of their events in the log."""
    rows = (
        await session.execute(
            select(ChainEvent.stone, ChainEvent.seq, ChainEvent.kind, ChainEvent.body, ChainEvent.sha256)
            .where(ChainEvent.stone.in_(stones))
            .order_by(ChainEvent.stone, ChainEvent.seq)
        )
    ).all()
    leaves = await _leaves(session, [f"{row.stone}/{row.seq}" for row in rows])
    chains: dict[str, list[Step]] = defaultdict(list)
    for nth, (stone, seq, kind, body, sha256) in enumerate(rows):
        if nth % EVENTS_BREATH == EVENTS_BREATH - 1:
            await asyncio.sleep(0)
        place, leaf = leaves.get(f"{stone}/{seq}", (-1, ""))
        chains[stone].append(Step(kind, json.loads(body), sha256, place, leaf))
    return chains


async def _known(session: AsyncSession, verdicts: Mapping[str, Any]) -> dict[str, Known]:
    stones = list(verdicts)
    if not stones:
        return {}
    chains = await steps_of(session, stones)
    documents = {
        (stone, sha256): document
        for stone, sha256, document in await session.execute(
            select(VerdictRecord.stone, VerdictRecord.sha256, VerdictRecord.document).where(
                VerdictRecord.sha256.in_({row.verdict_sha256 for row in verdicts.values()})
            )
        )
    }
    references = await references_of(session, stones)
    wanted = select(Countersignature).where(Countersignature.stone.in_(stones), Countersignature.withdrawn_at.is_(None))
    presented = _by_stone(await session.scalars(wanted.order_by(Countersignature.id)))
    held = await _held(session, stones)
    found = {}
    for nth, (stone, row) in enumerate(verdicts.items()):
        if nth % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        steps, document = chains.get(stone, []), documents.get((stone, row.verdict_sha256))
        # Without its place in the log an event is not proved to anyone: such a stone waits.
        if document is None or not steps or any(step.place < 0 for step in steps if step.kind in PROCESSES):
            continue
        found[stone] = Known(
            claim=ListingClaim.from_document(row.claim),
            steps=steps,
            verdict=json.loads(document),
            verdict_sha256=row.verdict_sha256,
            weakest=row.weakest,
            references=[reference.document() for reference in references.get(stone, ())],
            presented=[_presented(one) for one in presented.get(stone, ())],
            held=held.get(stone),
        )
    return await with_films(session, found)


async def _held(session: AsyncSession, stones: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Since when each that the house handed over for good is in other hands, and the hash of the event that says so.
    Whose hands is told to nobody."""
    rows = await session.execute(
        select(ReportedPiece.piece, ReportedEvent.at, ReportedEvent.sha256)
        .join(ReportedEvent, ReportedEvent.id == ReportedPiece.event_id)
        .where(ReportedPiece.piece.in_(stones), ReportedEvent.kind == "TRANSFERRED", ReportedEvent.issuer == HOUSE)
        .order_by(ReportedEvent.id)
    )
    return {stone: {"since": at.date().isoformat(), "digest": f"sha256:{sha256}"} for stone, at, sha256 in rows}


def _verdicts(stones: Sequence[str]) -> Any:
    return (
        select(
            StoneVerdict.stone,
            StoneVerdict.verdict,
            StoneVerdict.verdict_sha256,
            StoneVerdict.claim,
            StoneVerdict.weakest,
        )
        .where(StoneVerdict.stone.in_(stones))
        .order_by(StoneVerdict.stone)
    )


async def _lasts(session: AsyncSession, stones: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Number and content of each stone's newest version. A version that was revoked has no say any more."""
    top = select(Passport.stone, func.max(Passport.n).label("n")).where(Passport.stone.in_(stones))
    last = top.group_by(Passport.stone).subquery()
    joined = (Passport.stone == last.c.stone) & (Passport.n == last.c.n)
    rows = await session.execute(select(Passport.stone, Passport.n, Passport.content_hash).join(last, joined))
    return {stone: (n, content) for stone, n, content in rows}


async def _entries(session: AsyncSession, stones: Sequence[str]) -> dict[str, tuple[tuple[int, int], bool]]:
    wanted = select(StatusEntry.stone, StatusEntry.list_no, StatusEntry.idx, StatusEntry.suspended_at)
    rows = await session.execute(wanted.where(StatusEntry.stone.in_(stones), StatusEntry.revoked_at.is_(None)))
    return {stone: ((list_no, idx), suspended is not None) for stone, list_no, idx, suspended in rows}


async def _leaves(session: AsyncSession, subjects: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The place and leaf hash of each event's latest entry."""
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(subjects), 5_000):
        rows = await session.execute(
            select(LogEntry.subject, LogEntry.place, LogEntry.leaf)
            .where(LogEntry.kind == "event", LogEntry.subject.in_(subjects[start : start + 5_000]))
            .order_by(LogEntry.place)
        )
        found.update({subject: (place, bytes(leaf).hex()) for subject, place, leaf in rows})
    return found


def _presented(one: Countersignature) -> dict[str, Any]:
    return {
        "digest": f"sha256:{one.sha256}",
        "issuer": one.issuer,
        "displayName": one.display_name,
        "version": one.n,
        "date": one.at.date().isoformat(),
    }


def _by_stone(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.stone].append(row)
    return found
