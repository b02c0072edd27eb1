"""What the world must hear, written in the transaction of the act and drained by the worker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, Index, String, UniqueConstraint, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, Sessions, inserting, reading

ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=5)
LEASE = timedelta(minutes=2)


class Outbox(Base):
    """Sent once `sent_at` stands. Until then it is tried again at `due_at`, which is also the lease of whoever tries it
    now; `given_up_at`: nobody tries it any more, and why."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("kind", "key"), Index("ix_outbox_sent_at_id", "sent_at", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(160))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))


async def enqueue(
    session: AsyncSession,
    kind: str,
    key: str,
    payload: dict[str, Any],
    *,
    at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Said once however often it is asked: a repeated key changes nothing."""
    row = inserting(session, Outbox).values(kind=kind, key=key, payload=payload, at=at, due_at=due_at)
    await session.execute(row.on_conflict_do_nothing(index_elements=["kind", "key"]))


async def claim(sessions: Sessions, kind: str, now: datetime, *, most: int = 20) -> Sequence[Outbox]:
    """What is due, the oldest first, is ours until the lease ends. Who is killed between the effect and its mark leaves
    it to another, who does it a second time under the same key."""
    wanted = select(Outbox).where(Outbox.kind == kind, *_due(now)).order_by(Outbox.id).limit(most)
    async with reading(sessions) as session:
        if await session.scalar(wanted.with_only_columns(Outbox.id).limit(1)) is None:
            return []
    async with sessions.begin() as session:
        rows = (await session.scalars(wanted.with_for_update(skip_locked=True))).all()
        for row in rows:
            row.attempts, row.due_at = (row.attempts or 0) + 1, now + LEASE
        return rows


async def sent(session: AsyncSession, row: Outbox, now: datetime) -> None:
    await session.execute(update(Outbox).where(Outbox.id == row.id).values(sent_at=now, last_error=None))


async def failed(session: AsyncSession, row: Outbox, error: str, now: datetime, *, final: bool = False) -> None:
    """Tried again after a growing wait; after the last attempt, or where no attempt can help, it is given up."""
    tries = row.attempts or 1
    if final or tries >= ATTEMPTS:
        values: dict[str, Any] = {"given_up_at": now, "due_at": None}
    else:
        wait = FIRST_WAIT * 2 ** (tries - 1)
        jitter = row.id * 7919 % 100  # spreads rows that failed together, the same on every run
        values = {"due_at": now + wait + wait * jitter / 200}
    await session.execute(update(Outbox).where(Outbox.id == row.id).values(last_error=error[:200], **values))


async def withdraw(session: AsyncSession, kind: str, keys: Sequence[str], why: str, now: datetime) -> None:
    """What still waits under these keys is given up: it holds no longer."""
    waits = (Outbox.kind == kind, Outbox.key.in_(keys), Outbox.sent_at.is_(None), Outbox.given_up_at.is_(None))
    gone = update(Outbox).where(*waits).values(given_up_at=now, due_at=None, last_error=why[:200])
    await session.execute(gone.execution_options(synchronize_session=False))


async def waiting(session: AsyncSession, kind: str) -> int:
    """How many are neither sent nor given up."""
    mine = (Outbox.kind == kind, Outbox.sent_at.is_(None), Outbox.given_up_at.is_(None))
    return await session.scalar(select(func.count(Outbox.id)).where(*mine)) or 0


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Outbox.sent_at.is_(None),
        Outbox.given_up_at.is_(None),
        or_(Outbox.due_at.is_(None), Outbox.due_at <= now),
    )
