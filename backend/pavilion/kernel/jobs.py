"""Work that must happen later, as rows: due, running under a lease, done or failed."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, Sessions, inserting, one_of, reading

ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=5)
LEASE = timedelta(minutes=5)


class State(StrEnum):
    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        one_of("state", State),
        Index("ix_jobs_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(160))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default=State.DUE)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    run_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


async def enqueue(session: AsyncSession, kind: str, key: str, payload: dict[str, Any], *, due_at: datetime) -> None:
    """The work is a row of the act's own transaction; a repeated key is the same work."""
    row = inserting(session, Job).values(
        kind=kind, key=key, payload=payload, due_at=due_at, state=State.DUE, attempts=0
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["kind", "key"]))


async def claim(session: AsyncSession, now: datetime, *, kinds: list[str]) -> Job | None:
    """One due job, or one whose runner died, is ours until its lease ends."""
    free = or_(Job.state == State.DUE, (Job.state == State.RUNNING) & (Job.run_until < now))
    wanted = select(Job).where(Job.kind.in_(kinds), free, Job.due_at <= now).order_by(Job.due_at, Job.id).limit(1)
    job = await session.scalar(wanted.with_for_update(skip_locked=True))
    if job is None:
        return None
    taken = await session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == job.state, Job.attempts == job.attempts)
        .values(state=State.RUNNING, attempts=job.attempts + 1, run_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]  # SQLAlchemy drops SKIP LOCKED on SQLite; the row count decides
        return None
    await session.refresh(job)
    return job


async def taken(sessions: Sessions, now: datetime, *, kinds: list[str]) -> Job | None:
    """As `claim`, in a transaction of its own. A worker with nothing to do only reads, and keeps no writer waiting."""
    free = or_(Job.state == State.DUE, (Job.state == State.RUNNING) & (Job.run_until < now))
    async with reading(sessions) as session:
        waits = await session.scalar(select(Job.id).where(Job.kind.in_(kinds), free, Job.due_at <= now).limit(1))
    if waits is None:
        return None
    async with sessions.begin() as session:
        return await claim(session, now, kinds=kinds)


async def done(session: AsyncSession, job_id: int) -> None:
    await session.execute(update(Job).where(Job.id == job_id).values(state=State.DONE, run_until=None, last_error=None))


async def failed(session: AsyncSession, job_id: int, error: str, now: datetime) -> None:
    """Tried again after a growing wait; after the last attempt it stays failed and staff see it."""
    job = await session.get_one(Job, job_id)
    job.last_error, job.run_until = error[:2000], None
    if job.attempts >= ATTEMPTS:
        job.state = State.FAILED
        return
    wait = FIRST_WAIT * 2 ** (job.attempts - 1)
    jitter = job_id * 7919 % 100  # spreads jobs that failed together, the same on every run
    job.state, job.due_at = State.DUE, now + wait + wait * jitter / 200
