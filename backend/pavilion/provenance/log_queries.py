"""Reading the origin log: where something stands in it, the proof that it does, and the tiles everyone may fetch."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import read_json
from pavilion.kernel.cosigning import Policy
from pavilion.kernel.signing import parse_note
from pavilion.kernel.tiles import WIDTH, Reader, consistency_spans, inclusion_spans, tiles_of
from pavilion.kernel.tiles import prove_consistency as _prove_consistency
from pavilion.kernel.tiles import prove_inclusion as _prove_inclusion
from pavilion.kernel.tlogproof import TlogProof, format_tlog_proof
from pavilion.provenance.log_models import LogCheckpoint, LogCosignature, LogCover, LogEntry, LogHead, LogNode, LogSalt

DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400}")
AT_ONCE = 5_000


class Torn(Exception):
    """The database does not hold the tree it says it holds."""


async def indices(session: AsyncSession, kind: str, subjects: Iterable[str]) -> dict[str, int]:
    """Where the latest entry of each subject stands; subjects never logged are left out."""
    wanted, found = list(subjects), dict[str, int]()
    for start in range(0, len(wanted), AT_ONCE):
        rows = await session.execute(
            select(LogEntry.subject, func.max(LogEntry.place))
            .where(LogEntry.kind == kind, LogEntry.subject.in_(wanted[start : start + AT_ONCE]))
            .group_by(LogEntry.subject)
        )
        found.update((subject, place) for subject, place in rows)
    return found


async def entry(session: AsyncSession, index: int) -> tuple[bytes, bytes | None] | None:
    """The entry's bytes, and the salt that opens its commitment unless it was erased."""
    row = await session.get(LogEntry, index)
    if row is None:
        return None
    return row.entry.encode(), await session.scalar(select(LogSalt.salt).where(LogSalt.place == index))


async def proof(session: AsyncSession, index: int, reaching: int | None = None, *, opened: bool = True) -> str | None:
    """The tlog-proof of an entry with all cosignatures of its checkpoint; None while no checkpoint covers it. The
    checkpoint is the latest covered one, or the first that holds `reaching` leaves: then it is always the same.
    `opened` proofs carry the salt, which is for those who may see what was logged."""
    return (await proofs(session, [index], reaching, opened=opened)).get(index)


async def proofs(
    session: AsyncSession, wanted: Sequence[int], reaching: int | None = None, *, opened: bool = True
) -> dict[int, str]:
    """The proofs of several entries under one checkpoint; what it does not cover is left out."""
    checkpoint = await covered_checkpoint(session, reaching)
    if checkpoint is None:
        return {}
    within = [index for index in wanted if 0 <= index < checkpoint.size]
    reader = await reader_for(session, (span for index in within for span in inclusion_spans(index, checkpoint.size)))
    note = await cosigned_note(session, checkpoint)
    extras = await _extras(session, within) if opened else {}
    return {
        index: format_tlog_proof(
            TlogProof(index, _prove_inclusion(reader, index, checkpoint.size), note, extras.get(index))
        )
        for index in within
    }


async def consistency(session: AsyncSession, size1: int, size2: int) -> list[bytes]:
    if size1 in (0, size2):
        return []
    reader = await reader_for(session, consistency_spans(size1, size2))
    return _prove_consistency(reader, size1, size2)


async def head(session: AsyncSession) -> LogHead | None:
    return await session.scalar(select(LogHead))


async def last_checkpoint(session: AsyncSession) -> LogCheckpoint | None:
    return await session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))


async def covered_checkpoint(session: AsyncSession, reaching: int | None = None) -> LogCheckpoint | None:
    """The latest checkpoint that satisfied the policy, or the first such of at least `reaching` leaves. The policy is
    the one that was satisfied last: what only an easier one had covered is shown under a later checkpoint."""
    newest = select(LogCover.policy_sha256).order_by(LogCover.size.desc(), LogCover.at.desc()).limit(1)
    wanted = select(LogCheckpoint).join(LogCover, LogCover.size == LogCheckpoint.size)
    wanted = wanted.where(LogCover.policy_sha256 == newest.scalar_subquery())
    if reaching is not None:
        wanted = wanted.where(LogCheckpoint.size >= reaching).order_by(LogCheckpoint.size)
    else:
        wanted = wanted.order_by(LogCheckpoint.size.desc())
    return await session.scalar(wanted.limit(1))


async def cosigned_note(session: AsyncSession, checkpoint: LogCheckpoint, *, newest: bool = False) -> str:
    """The signed note, and below it the first line of each witness: what was handed out once stays the same. With
    `newest` it is the last line of each: it tells that the log was seen alive."""
    rows = await session.scalars(
        select(LogCosignature)
        .where(LogCosignature.size == checkpoint.size)
        .order_by(LogCosignature.at, LogCosignature.witness)
    )
    lines: dict[str, str] = {}
    for row in rows:
        if newest or row.witness not in lines:
            lines[row.witness] = row.line
    return checkpoint.note + "".join(f"{line}\n" for line in lines.values())


async def is_satisfied(session: AsyncSession, checkpoint: LogCheckpoint, policy: Policy) -> bool:
    return policy.enough(policy.cosigners(parse_note(await cosigned_note(session, checkpoint))))


async def hashes(session: AsyncSession, level: int, number: int) -> list[bytes]:
    """As many hashes of this tile as there are, in order."""
    first = number * WIDTH
    if level == 0:
        leaves = select(LogEntry.place, LogEntry.leaf).where(LogEntry.place >= first, LogEntry.place < first + WIDTH)
        rows = (await session.execute(leaves.order_by(LogEntry.place))).all()
    else:
        nodes = select(LogNode.number, LogNode.hash).where(LogNode.level == level)
        nodes = nodes.where(LogNode.number >= first, LogNode.number < first + WIDTH)
        rows = (await session.execute(nodes.order_by(LogNode.number))).all()
    if any(place != first + offset for offset, (place, _) in enumerate(rows)):
        raise Torn
    return [bytes(value) for _, value in rows]


async def bundle(session: AsyncSession, number: int, width: int) -> list[bytes]:
    first = number * WIDTH
    wanted = select(LogEntry.entry).where(LogEntry.place >= first, LogEntry.place < first + width)
    return [text.encode() for text in await session.scalars(wanted.order_by(LogEntry.place))]


async def reader_for(session: AsyncSession, spans: Iterable[tuple[int, int]]) -> Reader:
    """The tiles from which the roots of these spans are made, fetched once."""
    tiles = {place: await hashes(session, *place) for place in sorted(tiles_of(spans))}

    def read(level: int, number: int) -> Sequence[bytes]:
        return tiles[level, number]

    return read


class Extra(NamedTuple):
    kind: str
    salt: bytes


def read_extra(extra: bytes) -> Extra:
    """What our proofs carry besides: the entry's kind and salt; a ValueError for anything else."""
    document = read_json(extra, 1000)
    if not isinstance(document, dict) or set(document) != {"kind", "salt"}:
        raise ValueError("not the extra of an origin proof")
    if not all(isinstance(value, str) for value in document.values()) or len(document["salt"]) != 32:
        raise ValueError("not the extra of an origin proof")
    return Extra(document["kind"], bytes.fromhex(document["salt"]))


def extra_of(kind: str, salt: bytes) -> bytes:
    return json.dumps({"kind": kind, "salt": salt.hex()}, separators=(",", ":")).encode()


async def _extras(session: AsyncSession, wanted: Sequence[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = await session.execute(
            select(LogEntry.place, LogEntry.kind, LogSalt.salt)
            .join(LogSalt, LogSalt.place == LogEntry.place)
            .where(LogEntry.place.in_(wanted[start : start + AT_ONCE]))
        )
        found.update({place: extra_of(kind, bytes(salt)) for place, kind, salt in rows})
    return found
