"""Who has a stone in his hands, from one hand-over to the next."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base

_OPEN = text("closed_at is null")


class CustodyEntry(Base):
    """A stone, or a sealed tray of stones, handed out and not yet, or again, handed in. At each minute a stone has one
    custodian: the index lets no second entry of it stand open (viewings spec 6)."""

    __tablename__ = "custody_entries"
    __table_args__ = (
        CheckConstraint("(stone is null) <> (tray is null)", name="stone_or_tray"),
        CheckConstraint("closed_at is null or closed_at >= opened_at", name="closed_after_it_opened"),
        Index("uq_custody_entries_stone", "stone", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("uq_custody_entries_tray", "tray", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_custody_entries_ref", "ref"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    stone: Mapped[str | None] = mapped_column(String(26))
    tray: Mapped[str | None] = mapped_column(String(26))
    holder: Mapped[str] = mapped_column(String(20))  # viewer | courier | cutter | vault | owner
    place: Mapped[str] = mapped_column(String(40))  # an office
    ref: Mapped[str] = mapped_column(String(40))  # the appointment, order or leg it is for
    count: Mapped[int] = mapped_column(default=1)
    out_mct: Mapped[int]
    out_photo_sha256: Mapped[str | None] = mapped_column(String(64))
    out_by: Mapped[str] = mapped_column(String(80))  # two signatures: who gave
    out_to: Mapped[str] = mapped_column(String(120))  # and who took
    opened_at: Mapped[datetime]
    in_mct: Mapped[int | None]
    in_photo_sha256: Mapped[str | None] = mapped_column(String(64))
    in_by: Mapped[str | None] = mapped_column(String(120))
    in_to: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None]
