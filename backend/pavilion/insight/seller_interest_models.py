"""In how many companies a stone has found interest, as its seller was told last."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.insight.seller_interest_rules import LEAST_COMPANIES
from pavilion.kernel.db import Base


class InterestWeek(Base):
    """A week, named by its Monday, whose interest was counted; it is counted once."""

    __tablename__ = "interest_weeks"

    week: Mapped[str] = mapped_column(String(10), primary_key=True)
    counted_at: Mapped[datetime]


class InterestTold(Base):
    """`n` is what the seller reads, 0 for too few; of which companies no page shows: it is what the next count is held
    against."""

    __tablename__ = "interest_told"
    __table_args__ = (CheckConstraint(f"n = 0 or n >= {LEAST_COMPANIES}", name="enough_or_none"),)

    stone_id: Mapped[int] = mapped_column(
        ForeignKey("stones.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    week: Mapped[str] = mapped_column(String(10), ForeignKey("interest_weeks.week", ondelete="RESTRICT"))
    n: Mapped[int]
    companies: Mapped[list[int]] = mapped_column(JSON)
