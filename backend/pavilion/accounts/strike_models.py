"""Strikes: a company that did not pay what it bought. Enough of them bar it from every sale."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class Strike(Base):
    """Open from the default of an invoice until it is cured (paid) or waived by two persons."""

    __tablename__ = "strikes"
    __table_args__ = (
        UniqueConstraint("invoice"),
        CheckConstraint("(ended_at is null) = (how is null)", name="ended_somehow"),
        Index("ix_strikes_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    invoice: Mapped[str] = mapped_column(String(40))  # its number
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    how: Mapped[str | None] = mapped_column(String(8))  # cured, waived
    by: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")
