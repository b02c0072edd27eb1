"""Offers that buyers make for a passed lot (settlement spec 9, by the turns of 11.3)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.trading.turns import MOST_ROUNDS, Side, Standing, ThreadState


class Consent(StrEnum):
    """Why the house may sell at this price."""

    OWNER = "owner"  # the owner said so in person
    TOLD = "told"  # the owner told the house, and one of its staff says so
    RESERVE = "reserve"  # it is not below the price the owner had set


_OPEN = text("state = 'open'")
_SPOKEN = f"round >= 1 and round <= {MOST_ROUNDS}"


class Approach(Base):
    """What one company offers for a passed lot, turn by turn; `price_minor` is the last proposal's, and `turn` says who
    has to answer it. Nobody else's amounts are in it."""

    __tablename__ = "approaches"
    __table_args__ = (
        UniqueConstraint("public_id"),
        one_of("state", ThreadState),
        one_of("turn", Side),
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint(_SPOKEN, name="round_counted"),
        Index("uq_approaches_open", "lot", "company_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_approaches_company_id", "company_id"),
        Index("ix_approaches_lot", "lot"),
        Index("ix_approaches_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    lot: Mapped[str] = mapped_column(String(26))
    sale: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    registration: Mapped[str] = mapped_column(String(26))
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int]
    round: Mapped[int]
    turn: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(10), default=ThreadState.OPEN)
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    consent: Mapped[str | None] = mapped_column(String(8))  # of the seller's side, to its last proposal or its yes
    answered_by: Mapped[str | None] = mapped_column(String(40))
    answered_at: Mapped[datetime | None]

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.turn, self.round, self.expires_at)


class ApproachRound(Base):
    """A proposal as it was said; `consent` stands beside what the seller's side proposes or accepts."""

    __tablename__ = "approach_rounds"
    __table_args__ = (
        one_of("side", Side),
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint(_SPOKEN, name="round_counted"),
    )

    approach_id: Mapped[int] = mapped_column(ForeignKey("approaches.id", ondelete="RESTRICT"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    side: Mapped[str] = mapped_column(String(6))
    price_minor: Mapped[int]
    consent: Mapped[str | None] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    expires_at: Mapped[datetime]


append_only(ApproachRound)
