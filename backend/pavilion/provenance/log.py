"""The house's public log: what was said about stones gets a place in it that nobody can take away or fill twice."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.cosigning import NO_QUORUM, NOBODY_ASKED, Policy
from pavilion.kernel.db import inserting
from pavilion.kernel.events import record
from pavilion.kernel.merkle import CompactTree, leaf_hash
from pavilion.kernel.putting import put_values
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from pavilion.kernel.tiles import MAX_ENTRY, grow, tree_root
from pavilion.provenance import log_queries
from pavilion.provenance.log_models import LogCheckpoint, LogCover, LogHead, LogSalt

KINDS = ("event", "verdict", "passport", "status", "table", "trust", "outcome", "decision")
SALT = 16
BREATH = 500  # leaves computed before others in the process get a turn
HALTED, RESUMED = "log:halted", "log:resumed"


class Leaf(NamedTuple):
    """What is to be logged: `object` are the canonical bytes of a document, `subject` the house's own name for it."""

    kind: str
    subject: str
    object: bytes
    issuer: str  # DID


@dataclass(frozen=True, slots=True)
class LogSigner:
    """Who signs the log's checkpoints, and which witnesses must have seen them. The key's name is the log's origin."""

    key: SigningKey
    policy: Policy = NOBODY_ASKED
    memory: Path | None = None  # a file beside the database that knows of a checkpoint which a restored one forgot

    @property
    def origin(self) -> str:
        return self.key.name

    @classmethod
    def of(cls, host_name: str, seed: bytes, policy: Policy = NOBODY_ASKED) -> "LogSigner":
        return cls(SigningKey(f"{host_name}/origin", seed), policy)

    async def cover_now(self, session: AsyncSession, now: datetime) -> int:
        """How many leaves count as logged. In a house that asks no witness these are all of them, by a checkpoint
        signed in this very transaction; else what the witnesses have seen so far."""
        if self.policy.quorum == NO_QUORUM:
            await sign(session, self, now)
        return await covered(session)


async def append(session: AsyncSession, leaves: Sequence[Leaf], now: datetime) -> list[int]:
    """Each leaf has its place in the log, in the act's own transaction. The log's head stays locked until its end."""
    if not leaves:
        return []
    head = await lock_head(session)
    tree = tree_of(head)
    for start in range(0, len(leaves), BREATH):
        await _add(session, tree, leaves[start : start + BREATH], now)
    places = list(range(head.size, tree.size))
    head.size, head.frontier = tree.size, b"".join(tree.frontier).hex()
    await session.flush()
    return places


async def covered(session: AsyncSession) -> int:
    """How many leaves stand under a checkpoint that satisfied the policy."""
    return await session.scalar(select(func.max(LogCover.size))) or 0


async def erase_salts(session: AsyncSession, places: Sequence[int]) -> None:
    """What these entries committed to can no longer be shown to be so by anyone; the tree stays whole."""
    await session.execute(delete(LogSalt).where(LogSalt.place.in_(places)))


async def sign(session: AsyncSession, signer: LogSigner, now: datetime) -> LogCheckpoint | None:
    """A checkpoint over everything in the log is stored, if anything is new and the tree continues the last one; a
    tree that does not is never signed, and the log says why it stopped."""
    head = await lock_head(session)
    last = await log_queries.last_checkpoint(session)
    if head.size == 0 or (last is not None and last.size == head.size and head.halted is None):
        return None
    fault = forgotten(signer.memory, last) or await _fault(session, head, last)
    if fault is not None:
        await halt(session, fault, now)
        return None
    if head.halted in _OWN_FAULTS:
        await resume(session, now)
    if head.halted is not None or (last is not None and last.size == head.size):
        return None
    root = tree_of(head).root()
    note = sign_note(checkpoint_text(signer.origin, head.size, root), signer.key)
    checkpoint = LogCheckpoint(size=head.size, root=root.hex(), note=note, at=now)
    session.add(checkpoint)
    await session.flush()
    if signer.policy.quorum == NO_QUORUM:
        await cover(session, checkpoint.size, signer.policy, now)
    return checkpoint


async def cover(session: AsyncSession, size: int, policy: Policy, now: datetime) -> None:
    """The leaves before `size` count as logged. Asked twice, nothing changes."""
    row = inserting(session, LogCover).values(size=size, policy_sha256=policy.sha256, at=now)
    await session.execute(row.on_conflict_do_nothing(index_elements=["size", "policy_sha256"]))


async def halt(session: AsyncSession, reason: str, now: datetime) -> None:
    """Nothing is signed any more, and the house hears why, once."""
    head = await lock_head(session)
    if head.halted == reason:
        return
    head.halted, head.halted_at = reason, now
    record(session, HALTED, "log", by=None, at=now, reason=reason, size=head.size)
    await session.flush()


async def resume(session: AsyncSession, now: datetime) -> None:
    """What stopped the log is over."""
    head = await lock_head(session)
    if head.halted is None:
        return
    record(session, RESUMED, "log", by=None, at=now, reason=head.halted, size=head.size)
    head.halted = head.halted_at = None
    await session.flush()


async def lock_head(session: AsyncSession) -> LogHead:
    """The log's head, ours until the transaction ends. Stones and contracts are locked before it, lists of statuses
    after it: two acts that took them in another order would wait for each other."""
    wanted = select(LogHead).with_for_update().execution_options(populate_existing=True)
    head = await session.scalar(wanted)
    if head is None:
        row = inserting(session, LogHead).values(id=1, size=0, frontier="", halted=None, halted_at=None)
        await session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
        head = (await session.scalars(wanted)).one()
    return head


def tree_of(head: LogHead) -> CompactTree:
    frontier = bytes.fromhex(head.frontier)
    return CompactTree(head.size, [frontier[start : start + 32] for start in range(0, len(frontier), 32)])


# -- entries ----------------------------------------------------------------------------------------------------------


def entries_of(leaves: Sequence[Leaf], salts: bytes, now: datetime) -> list[bytes]:
    """The canonical bytes of each entry: names in order, and no value that JSON would have to escape."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    tails: dict[tuple[str, str], str] = {}
    entries: list[bytes] = []
    for number, leaf in enumerate(leaves):
        said = (leaf.issuer, leaf.kind)
        if (tail := tails.get(said)) is None:
            tail = tails[said] = _tail(leaf, at)
        commit = sha256(salts[number * SALT : number * SALT + SALT] + leaf.object).hexdigest()
        entries.append(f'{{"commit":"{commit}"{tail}'.encode())
    return entries


def _tail(leaf: Leaf, at: str) -> str:
    if leaf.kind not in KINDS:
        raise ValueError(f"the log knows no {leaf.kind!r}")
    if log_queries.DID.fullmatch(leaf.issuer) is None:
        raise ValueError(f"not a DID: {leaf.issuer[:80]!r}")
    tail = f',"issuer":"{leaf.issuer}","kind":"{leaf.kind}","t":"{at}","v":1}}'
    assert len(tail) + 80 <= MAX_ENTRY
    return tail


# -- rows -------------------------------------------------------------------------------------------------------------

_ENTRIES = {
    "postgresql": "insert into log_entries (place, kind, subject, entry, leaf) "
    "select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[])",
    "sqlite": "insert into log_entries (place, kind, subject, entry, leaf)",
}
_SALTS = {
    "postgresql": "insert into log_salts (place, salt) select * from unnest($1::bigint[], $2::bytea[])",
    "sqlite": "insert into log_salts (place, salt)",
}
_NODES = {
    "postgresql": "insert into log_nodes (level, number, hash) "
    "select * from unnest($1::bigint[], $2::bigint[], $3::bytea[])",
    "sqlite": "insert into log_nodes (level, number, hash)",
}


async def _add(session: AsyncSession, tree: CompactTree, leaves: Sequence[Leaf], now: datetime) -> None:
    dialect = session.get_bind().dialect.name
    salts = secrets.token_bytes(SALT * len(leaves))
    entries = entries_of(leaves, salts, now)
    hashes = [leaf_hash(entry) for entry in entries]
    places = list(range(tree.size, tree.size + len(leaves)))
    nodes = grow(tree, hashes)
    kinds, subjects = [leaf.kind for leaf in leaves], [leaf.subject for leaf in leaves]
    await _put(session, _ENTRIES[dialect], places, kinds, subjects, [entry.decode() for entry in entries], hashes)
    parts = [salts[start : start + SALT] for start in range(0, len(salts), SALT)]
    await _put(session, _SALTS[dialect], places, parts)
    if nodes:
        await _put(session, _NODES[dialect], *(list(column) for column in zip(*nodes, strict=True)))


async def _put(session: AsyncSession, statement: str, *columns: list[Any]) -> None:
    """All rows in one statement: PostgreSQL takes whole columns, which costs it a third of row after row."""
    if session.get_bind().dialect.name == "postgresql":
        await (await session.connection()).exec_driver_sql(statement, columns)
    else:
        await put_values(session, statement, list(zip(*columns, strict=True)))


# -- before signing ---------------------------------------------------------------------------------------------------

SHRUNK, REWRITTEN, TORN, AUDIT_FAILED = "log_shrunk", "log_rewritten", "log_torn", "log_audit_failed"
FORGOTTEN = "log_forgotten"
FAULTS = (SHRUNK, REWRITTEN, TORN, FORGOTTEN, AUDIT_FAILED)
_OWN_FAULTS = frozenset({SHRUNK, REWRITTEN, TORN, FORGOTTEN})


def remember(signer: LogSigner, checkpoint: LogCheckpoint) -> None:
    """The checkpoint, once committed, is known outside the database too."""
    if signer.memory is None:
        return
    line = f"{checkpoint.size} {checkpoint.root}\n"
    if not signer.memory.exists() or signer.memory.read_text() != line:
        beside = signer.memory.with_name(f"{signer.memory.name}.new")
        beside.write_text(line)
        beside.replace(signer.memory)


def forgotten(memory: Path | None, last: LogCheckpoint | None) -> str | None:
    """The fault of a database that lost a checkpoint which this file remembers."""
    if memory is None or not memory.exists():
        return None
    size, _, root = memory.read_text().strip().partition(" ")
    known = (0, "") if last is None else (last.size, last.root)
    return FORGOTTEN if int(size) > known[0] or (int(size) == known[0] and root != known[1]) else None


async def _fault(session: AsyncSession, head: LogHead, last: LogCheckpoint | None) -> str | None:
    """Why the tree in the database may not be signed: it is not what the head says, or not what was signed before."""
    if last is not None and head.size < last.size:
        return SHRUNK
    sizes = [head.size] if last is None else [head.size, last.size]
    try:
        reader = await log_queries.reader_for(session, ((0, size) for size in sizes))
        roots = [tree_root(reader, size) for size in sizes]
    except (log_queries.Torn, ValueError):  # a hash that is not there, in the middle or at the end
        return TORN
    if roots[0] != tree_of(head).root():
        return TORN
    if last is not None and roots[1].hex() != last.root:
        return REWRITTEN
    return None
