"""Who has a lot open on the curators' desk; a row is true for a minute, then it only waits to be forgotten."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class LotPresence(Base):
    __tablename__ = "lot_presence"
    __table_args__ = (Index("ix_lot_presence_seen_at", "seen_at"),)

    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    seen_at: Mapped[datetime]
