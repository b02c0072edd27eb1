"""What happened: the audit line and the source of everything downstream. Append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


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


append_only(Event)
