"""The plans of a sale, as they are kept: every version, its amounts sealed."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class BookPlan(Base):
    """One version of a plan. Lots, maxima, places and budget are in the sealed part, which the sale's writer alone
    opens; the last version counts."""

    __tablename__ = "book_plans"
    __table_args__ = (UniqueConstraint("sale", "paddle", "key"),)

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    plan: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int]  # by creation
    paddle: Mapped[int]
    key: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


append_only(BookPlan)
