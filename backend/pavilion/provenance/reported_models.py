"""Events that parties reported to the house themselves, as they signed them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class ReportedEvent(Base):
    """`body` is the event exactly as signed, `sha256` the hash of those bytes: the same event is kept once."""

    __tablename__ = "reported_events"
    __table_args__ = (Index("ix_reported_events_kind_at", "kind", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    issuer: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(26))  # public id of the person who sent it
    recorded_at: Mapped[datetime]


class ReportedPiece(Base):
    """Which pieces a reported event touches."""

    __tablename__ = "reported_pieces"

    piece: Mapped[str] = mapped_column(String(80), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("reported_events.id"), primary_key=True)


append_only(ReportedEvent)
append_only(ReportedPiece)
