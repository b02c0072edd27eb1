"""How often the page of a lot was looked at: a number for a day, and nothing of who looked."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class LotViews(Base):
    __tablename__ = "lot_views"
    __table_args__ = (CheckConstraint("n > 0", name="n_positive"),)

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # UTC
    n: Mapped[int]
