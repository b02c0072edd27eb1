"""The whole log computed anew from its entries, and held against everything that was ever signed."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event, record
from pavilion.kernel.merkle import CompactTree, leaf_hash
from pavilion.kernel.signing import BadNote, parse_checkpoint, parse_note
from pavilion.kernel.tiles import Node, grow
from pavilion.provenance import log, log_queries
from pavilion.provenance.log_models import LogCheckpoint, LogEntry, LogNode

AT_ONCE = 512  # entries computed before others in the process get a turn
AUDITED = "log:audited"
NIGHT_HOUR = 2  # UTC: audited in the first tick after this hour, once a day
LEAF_WRONG, ENTRY_MISSING, NODE_WRONG = "leaf_wrong", "entry_missing", "node_wrong"
CHECKPOINT_WRONG, HEAD_WRONG = "checkpoint_wrong", "head_wrong"


class Fault(NamedTuple):
    """Where the rows contradict each other: a code and a place in the log."""

    code: str
    place: int


@dataclass(frozen=True, slots=True)
class Audit:
    size: int
    checkpoints: int
    root: str
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


async def audit(session: AsyncSession, most_faults: int = 20) -> Audit:
    """The tree made from the entries alone agrees with every leaf, node, checkpoint and the head; or where it does
    not."""
    tree, faults, signed = CompactTree(), list[Fault](), 0
    checkpoints = list(await session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size)))
    ends = [checkpoint.size for checkpoint in checkpoints]
    while len(faults) < most_faults:
        end = next((size for size in ends if size > tree.size), tree.size + AT_ONCE)
        rows = await _entries(session, tree.size, min(end, tree.size + AT_ONCE))
        first = tree.size
        nodes = grow(tree, [leaf_hash(row.entry.encode()) for row in rows])
        faults += _leaf_faults(rows, first)
        faults += await _node_faults(session, nodes)
        while signed < len(checkpoints) and checkpoints[signed].size <= tree.size:
            if not _says(checkpoints[signed], tree):
                faults.append(Fault(CHECKPOINT_WRONG, checkpoints[signed].size))
            signed += 1
        if not rows:
            break
    faults += [Fault(CHECKPOINT_WRONG, size) for size in ends[signed:]]
    head = await log_queries.head(session)
    if not faults and head is not None and (head.size, log.tree_of(head).root()) != (tree.size, tree.root()):
        faults.append(Fault(HEAD_WRONG, head.size))
    return Audit(tree.size, len(checkpoints), tree.root().hex(), tuple(faults[:most_faults]))


class Nightly:
    """The audit of every night; what it finds stops the log."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._done: date | None = None

    async def tick(self, now: datetime) -> int:
        if now.hour < NIGHT_HOUR or self._done == now.date():
            return 0
        async with reading(self._sessions) as session:
            last = await session.scalar(
                select(Event.at).where(Event.name == AUDITED).order_by(Event.id.desc()).limit(1)
            )
            if last is not None and last.date() == now.date():
                self._done = now.date()
                return 0
            found = await audit(session)
        async with self._sessions.begin() as session:
            codes = [f"{fault.code} {fault.place}" for fault in found.faults]
            facts = {"size": found.size, "checkpoints": found.checkpoints, "faults": codes}
            record(session, AUDITED, "log", by=None, at=now, **facts)
            if not found.ok:
                await log.halt(session, log.AUDIT_FAILED, now)
            elif await _stopped_by_us(session):
                await log.resume(session, now)
        self._done = now.date()
        return 1


async def _stopped_by_us(session: AsyncSession) -> bool:
    head = await log_queries.head(session)
    return head is not None and head.halted == log.AUDIT_FAILED


class _Row(NamedTuple):
    place: int
    entry: str
    leaf: bytes


async def _entries(session: AsyncSession, first: int, end: int) -> list[_Row]:
    wanted = select(LogEntry.place, LogEntry.entry, LogEntry.leaf)
    wanted = wanted.where(LogEntry.place >= first, LogEntry.place < end).order_by(LogEntry.place)
    return [_Row(*row) for row in await session.execute(wanted)]


def _leaf_faults(rows: list[_Row], first: int) -> list[Fault]:
    for place, row in enumerate(rows, start=first):
        if row.place != place:
            return [Fault(ENTRY_MISSING, place)]
        if bytes(row.leaf) != leaf_hash(row.entry.encode()):
            return [Fault(LEAF_WRONG, place)]
    return []


async def _node_faults(session: AsyncSession, nodes: list[Node]) -> list[Fault]:
    faults = []
    for level, number, value in nodes:
        kept = await session.scalar(select(LogNode.hash).where(LogNode.level == level, LogNode.number == number))
        if kept is None or bytes(kept) != value:
            faults.append(Fault(NODE_WRONG, number << 8 * level))
    return faults


def _says(checkpoint: LogCheckpoint, tree: CompactTree) -> bool:
    """Whether row and note both name this tree; the key is not asked, it may have changed since."""
    try:
        said = parse_checkpoint(parse_note(checkpoint.note).text)
    except BadNote:
        return False
    return (said.size, said.root, checkpoint.root) == (tree.size, tree.root(), tree.root().hex())
