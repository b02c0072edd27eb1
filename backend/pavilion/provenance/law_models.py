"""Grandfathering claims, and when each exposed stone was last looked at again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class GrandfatherClaim(Base):
    """That a stone was outside the banned origin before the ban, with day, place and the hashes of the evidence. The
    newest row of a stone counts; one that claims nothing takes the claim back."""

    __tablename__ = "grandfather_claims"
    __table_args__ = (Index("ix_grandfather_claims_stone_id", "stone", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)  # claimed, date, place, evidence[]
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


class Recheck(Base):
    """When the origin of an exposed stone was last looked at again, and why it must be before its turn."""

    __tablename__ = "rechecks"
    __table_args__ = (Index("ix_rechecks_due_at", "due_at"), Index("ix_rechecks_looked_at", "looked_at"))

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    due_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(String(40), default="")
    looked_at: Mapped[datetime | None]
    heard: Mapped[str] = mapped_column(String(64), default="")  # hash of what the registries then said


append_only(GrandfatherClaim)
