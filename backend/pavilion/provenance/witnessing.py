"""Asking the witnesses: each checkpoint goes to all of them at once, and counts when enough have cosigned it."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.clock import EPOCH
from pavilion.kernel.cosigning import NO_QUORUM, Witness, cosigned_at
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.events import record
from pavilion.kernel.signing import BadNote, parse_note, parse_signature
from pavilion.provenance import log, log_queries
from pavilion.provenance.log_models import LogCheckpoint, LogCosignature

EVERY = timedelta(seconds=1)  # no more than one checkpoint in this time
REFRESH = timedelta(minutes=5)  # a quiet log is cosigned anew, so that anyone sees that it lives
WORST_WAIT = timedelta(minutes=1)  # a witness that does not answer is asked no more seldom than this
CLOCKS_APART = timedelta(hours=1)
GRACE_S = 0.5  # once there are enough, how long the others are waited for
ROUNDS = 3
DISAGREES = "log:witness_disagrees"
AHEAD, REFUSES = "witness_ahead", "witness_refuses"


class Reply(NamedTuple):
    status: int
    body: bytes


Post = Callable[[str, bytes], Coroutine[Any, Any, Reply]]  # an OSError when there is no reply


@dataclass(slots=True)
class _Asked:
    """What this process knows of one witness."""

    witness: Witness
    holds: int | None = None  # the size of the last checkpoint it cosigned, as far as we know
    heard: bool = False  # it has answered since this process began
    cosigned: datetime | None = None
    failures: int = 0
    not_before: datetime | None = None
    accuses: str | None = None

    def is_due(self, size: int, now: datetime) -> bool:
        if self.not_before is not None and now < self.not_before:
            return False
        stale = self.cosigned is None or now - self.cosigned >= REFRESH
        return not self.heard or self.holds != size or stale or self.accuses is not None

    def failed(self, now: datetime) -> None:
        self.failures += 1
        self.not_before = now + min(WORST_WAIT, timedelta(seconds=2 ** min(self.failures, 6)))

    def agreed(self, size: int, now: datetime) -> None:
        self.holds, self.heard, self.cosigned = size, True, now
        self.failures, self.not_before, self.accuses = 0, None, None

    def accused(self, reason: str, now: datetime) -> None:
        self.heard, self.accuses = True, reason
        self.failed(now)


class Witnessing:
    """The worker's part in the log: signs what is new, at most once a second, and has it cosigned."""

    def __init__(self, sessions: Sessions, signer: log.LogSigner, post: Post) -> None:
        self._sessions, self._signer, self._post = sessions, signer, post
        self._remembered: int | None = None
        self._asked = [_Asked(witness) for witness in signer.policy.witnesses if witness.url]

    async def tick(self, now: datetime) -> int:
        """What was in the log is under a signed checkpoint, and that was shown to every witness that answers. They are
        asked once before anything is signed: only they know of a checkpoint that a restored backup forgot."""
        if not all(one.heard for one in self._asked):
            await self._ask(now)
        signed = await self._sign(now)
        await self._ask(now)
        return int(signed)

    async def _sign(self, now: datetime) -> bool:
        async with reading(self._sessions) as session:
            head, last = await log_queries.head(session), await log_queries.last_checkpoint(session)
        if last is not None and head is not None and head.halted is None:
            self._remember(last)
        if head is None or (last is not None and (head.size == last.size or now - last.at < EVERY)):
            return False
        async with self._sessions.begin() as session:
            return await log.sign(session, self._signer, now) is not None

    def _remember(self, checkpoint: LogCheckpoint) -> None:
        """Only what is not behind what was remembered: else it is the database that forgot, and `sign` says so."""
        if self._remembered is None or checkpoint.size > self._remembered:
            if not log.forgotten(self._signer.memory, checkpoint):
                log.remember(self._signer, checkpoint)
            self._remembered = checkpoint.size

    async def _ask(self, now: datetime) -> None:
        async with reading(self._sessions) as session:
            checkpoint = await log_queries.last_checkpoint(session)
            for one in self._asked:
                if one.holds is None:
                    one.holds = await _held(session, one.witness)
        if checkpoint is None:
            return
        waiting = [one for one in self._asked if one.is_due(checkpoint.size, now)]
        for _ in range(ROUNDS):
            if not waiting:
                break
            waiting = await self._round(waiting, checkpoint, now)
        await self._judge(now)

    async def _round(self, waiting: Sequence[_Asked], checkpoint: LogCheckpoint, now: datetime) -> list[_Asked]:
        """All are asked side by side; the answer are those who must be asked again from another size."""
        async with reading(self._sessions) as session:
            bodies = [_request(await _proof(session, one, checkpoint), one, checkpoint) for one in waiting]
        tasks = {
            asyncio.create_task(self._post(f"{one.witness.url.rstrip('/')}/add-checkpoint", body)): one
            for one, body in zip(waiting, bodies, strict=True)
        }
        again: list[_Asked] = []
        enough = False
        pending = set(tasks)
        try:
            while pending:
                patience = GRACE_S if enough else None
                done, pending = await asyncio.wait(pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for task in done:
                    if _must_ask_again(task, tasks[task], checkpoint, now):
                        again.append(tasks[task])
                    enough = await self._take(task, tasks[task], checkpoint, now) or enough
        finally:
            for task in pending:
                task.cancel()
                tasks[task].failed(now)
            await asyncio.gather(*pending, return_exceptions=True)
        return again

    async def _take(self, task: asyncio.Task[Reply], one: _Asked, checkpoint: LogCheckpoint, now: datetime) -> bool:
        """The witness's line is kept if it is one; whether the checkpoint now counts."""
        line = None if task.exception() is not None else _line(task.result(), one.witness, checkpoint, now)
        if line is None:
            return False
        at, text = line
        one.agreed(checkpoint.size, now)
        async with self._sessions.begin() as session:
            row = inserting(session, LogCosignature).values(
                size=checkpoint.size, witness=one.witness.key.name, at=at, line=text
            )
            await session.execute(row.on_conflict_do_nothing())
            if not await log_queries.is_satisfied(session, checkpoint, self._signer.policy):
                return False
            await log.cover(session, checkpoint.size, self._signer.policy, now)
        return True

    async def _judge(self, now: datetime) -> None:
        """When the quorum cannot be had without witnesses that contradict us, our own tree is what is wrong."""
        accusers = {one.witness.name: one.accuses for one in self._asked if one.accuses is not None}
        others = {witness.name: True for witness in self._signer.policy.witnesses if witness.name not in accusers}
        blocked = bool(accusers) and (self._signer.policy.quorum == NO_QUORUM or not self._signer.policy.enough(others))
        async with reading(self._sessions) as session:
            head = await log_queries.head(session)
        halted = None if head is None else head.halted
        if blocked and halted is None:
            async with self._sessions.begin() as session:
                await log.halt(session, sorted(filter(None, accusers.values()))[0], now)
                await _tell(session, accusers, now)
        elif not blocked and halted in (AHEAD, REFUSES) and all(one.heard for one in self._asked):
            async with self._sessions.begin() as session:
                await log.resume(session, now)


def _must_ask_again(task: asyncio.Task[Reply], one: _Asked, checkpoint: LogCheckpoint, now: datetime) -> bool:
    """Takes note of an answer that is no cosignature."""
    if (fault := task.exception()) is not None:
        if not isinstance(fault, OSError):
            raise fault
        one.failed(now)
        return False
    status, body = task.result()
    if status == 200:
        if _line(task.result(), one.witness, checkpoint, now) is None:
            one.failed(now)
        return False
    if status == 409 and (size := _size(body)) is not None and size != one.holds:
        if size > checkpoint.size:
            one.accused(AHEAD, now)
            return False
        one.holds = size
        return True
    if status in (409, 422):
        one.accused(REFUSES, now)
    else:
        one.failed(now)
    return False


def _size(body: bytes) -> int | None:
    text = body.decode("ascii", "replace").removesuffix("\n")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _line(reply: Reply, witness: Witness, checkpoint: LogCheckpoint, now: datetime) -> tuple[datetime, str] | None:
    """The witness's own line among those it sent, and when it says it saw the checkpoint."""
    if reply.status != 200:
        return None
    text = parse_note(checkpoint.note).text
    for line in reply.body.decode("utf-8", "replace").split("\n"):
        try:
            at_s = cosigned_at(text, parse_signature(line), witness.key)
        except BadNote:
            continue
        if at_s is not None and abs((at := EPOCH + timedelta(seconds=at_s)) - now) <= CLOCKS_APART:
            return at, line
    return None


def _request(proof: Sequence[bytes], one: _Asked, checkpoint: LogCheckpoint) -> bytes:
    lines = [f"old {one.holds}", *(base64.b64encode(part).decode() for part in proof)]
    return ("\n".join(lines) + f"\n\n{checkpoint.note}").encode()


async def _proof(session: AsyncSession, one: _Asked, checkpoint: LogCheckpoint) -> list[bytes]:
    assert one.holds is not None
    return await log_queries.consistency(session, min(one.holds, checkpoint.size), checkpoint.size)


async def _held(session: AsyncSession, witness: Witness) -> int:
    """The largest size this witness cosigned, by our own book."""
    wanted = select(func.max(LogCosignature.size)).where(LogCosignature.witness == witness.key.name)
    return await session.scalar(wanted) or 0


async def _tell(session: AsyncSession, accusers: Mapping[str, str | None], now: datetime) -> None:
    for name, reason in accusers.items():
        record(session, DISAGREES, name, by=None, at=now, reason=reason)
