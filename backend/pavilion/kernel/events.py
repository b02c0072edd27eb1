"""What happened: the audit line and the source of everything downstream. Append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, Sessions, append_only, reading


class Event(Base):
    """`name` is `subject:happened`; followers read by `id` with a cursor of their own."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_name_id", "name", "id"), Index("ix_events_subject", "subject"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80))
    by: Mapped[str | None] = mapped_column(String(40))  # public id of the person, or the process
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class Cursor(Base):
    """How far a follower has read the events."""

    __tablename__ = "event_cursors"

    follower: Mapped[str] = mapped_column(String(60), primary_key=True)
    last_id: Mapped[int]


def record(
    session: AsyncSession, name: str, subject: str | int, *, by: str | None, at: datetime, **facts: object
) -> Event:
    """The event stands in the transaction of the act itself. Facts are codes, ids and public figures, never secrets."""
    event = Event(name=name, subject=str(subject), by=by, at=at, facts=facts)
    session.add(event)
    return event


async def news(sessions: Sessions, follower: str, names: Sequence[str] | None = None) -> bool:
    """Whether a follower has something to read, among events of these names or among all. It is asked without becoming
    a writer; one that never read anything always has."""
    async with reading(sessions) as session:
        read = await session.scalar(select(Cursor.last_id).where(Cursor.follower == follower))
        if read is None:
            return True
        fresh = select(Event.id).where(Event.id > read).limit(1)
        return await session.scalar(fresh if names is None else fresh.where(Event.name.in_(names))) is not None


async def cursor_of(session: AsyncSession, follower: str, *, from_now: bool = False) -> Cursor:
    """The follower's place, locked until the transaction ends. One that never read anything begins with the first
    event, or behind the newest."""
    cursor = await session.get(Cursor, follower, with_for_update=True)
    if cursor is None:
        newest = await session.scalar(select(func.max(Event.id))) if from_now else None
        cursor = Cursor(follower=follower, last_id=newest or 0)
        session.add(cursor)
    return cursor


async def unread(
    session: AsyncSession, cursor: Cursor, names: Sequence[str], *, at_once: int = 100, look_back: int = 100
) -> tuple[list[Event], list[Event]]:
    """The newest few read before, and at most `at_once` that are new, each in their order; the cursor stays. Ids are
    given before they are committed, so a follower looks at the newest few again: its acts end in the same rows."""
    said = select(Event).where(Event.name.in_(names)).order_by(Event.id)
    again = await session.scalars(said.where(Event.id <= cursor.last_id, Event.id > cursor.last_id - look_back))
    fresh = await session.scalars(said.where(Event.id > cursor.last_id).limit(at_once))
    return list(again), list(fresh)


append_only(Event)
