"""Sold lots whose settlement waits for a person."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class StopState(StrEnum):
    OPEN = "open"
    RELEASED = "released"
    CANCELLED = "cancelled"


_OPEN = text("state = 'open'")


class SettlementStop(Base):
    """After the hammer a stone of the lot lost its verdict, or the buyer's destination closed: nothing of it is issued
    or captured until a named person has released or cancelled it."""

    __tablename__ = "settlement_stops"
    __table_args__ = (
        one_of("state", StopState),
        CheckConstraint("(state = 'open') = (decided_by is null)", name="decided_by_a_person"),
        Index("uq_settlement_stops_open", "lot", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_settlement_stops_sale", "sale"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(String(26))
    sale: Mapped[str] = mapped_column(String(26))
    number: Mapped[str] = mapped_column(String(10))
    company_id: Mapped[int]
    destination: Mapped[str] = mapped_column(String(2))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # code, entry and source of each
    state: Mapped[str] = mapped_column(String(10), default=StopState.OPEN)
    made_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(26))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
