"""What the world must hear, written in the transaction of the act and drained by the worker."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class Outbox(Base):
    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("kind", "key"), Index("ix_outbox_sent_at_id", "sent_at", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(160))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


async def enqueue(session: AsyncSession, kind: str, key: str, payload: dict[str, Any], *, at: datetime) -> None:
    """Said once however often it is asked: a repeated key changes nothing."""
    await _insert_once(session, Outbox, kind=kind, key=key, payload=payload, at=at)


async def _insert_once(session: AsyncSession, table: type[Base], **values: Any) -> None:
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    await session.execute(build(table).values(**values).on_conflict_do_nothing(index_elements=["kind", "key"]))
