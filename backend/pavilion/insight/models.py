"""What was published, which never changes, and what each reporter sees beside it."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class Snapshot(Base):
    """The figures of a quarter as they were published; `document` is their canonical bytes."""

    __tablename__ = "insight_snapshots"

    quarter: Mapped[str] = mapped_column(String(7), primary_key=True)  # 2026-Q3
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class CountedLine(Base):
    """A line of a report that stands in a published quarter; it is never counted again."""

    __tablename__ = "insight_counted"
    __table_args__ = {"sqlite_with_rowid": False}

    contract_id: Mapped[int] = mapped_column(ForeignKey("supply_contracts.id", ondelete="RESTRICT"), primary_key=True)
    object: Mapped[str] = mapped_column(String(80), primary_key=True)
    quarter: Mapped[str] = mapped_column(ForeignKey("insight_snapshots.quarter", ondelete="RESTRICT"))


class Comparison(Base):
    """The own yield of a reporter in a cell, and the median of the others, in basis points."""

    __tablename__ = "insight_comparisons"
    __table_args__ = {"sqlite_with_rowid": False}

    quarter: Mapped[str] = mapped_column(ForeignKey("insight_snapshots.quarter", ondelete="RESTRICT"), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    row: Mapped[str] = mapped_column(String(40), primary_key=True)
    col: Mapped[str] = mapped_column(String(40), primary_key=True)
    own_bp: Mapped[int]
    peer_median_bp: Mapped[int]


for _model in (Snapshot, CountedLine, Comparison):
    append_only(_model)
