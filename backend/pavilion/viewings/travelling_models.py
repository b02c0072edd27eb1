"""How long ways take, which buyer is to see which tray, and suggestions of where stones should travel."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class SearchState(StrEnum):
    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    APPLIED = "applied"


class TravelTime(Base):
    """The minutes a way needs from door to door, from a date on; the newest row of that date or before is in force."""

    __tablename__ = "travel_times"
    __table_args__ = (
        CheckConstraint("minutes between 5 and 20160", name="minutes_counted"),
        CheckConstraint("minutes % 5 = 0", name="minutes_on_grid"),
        CheckConstraint("from_office <> to_office", name="two_offices"),
        Index("ix_travel_times_from_office_to_office", "from_office", "to_office"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    from_office: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    to_office: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    minutes: Mapped[int]
    valid_from: Mapped[date] = mapped_column(Date)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


class TrayWant(Base):
    """A company is to see a tray, because somebody of the house wrote it down; other wants come of appointments."""

    __tablename__ = "tray_wants"

    tray_id: Mapped[int] = mapped_column(ForeignKey("viewing_trays.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


class RotationSpan(Base):
    """A company comes only in these rounds, both included, counted from 1."""

    __tablename__ = "rotation_spans"
    __table_args__ = (CheckConstraint("first >= 1 and first <= last", name="first_before_last"),)

    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="CASCADE"), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True)
    first: Mapped[int]
    last: Mapped[int]


class TourSearch(Base):
    """A search for the tour that serves most wishes: what was asked, how far it is, and what it found."""

    __tablename__ = "tour_searches"
    __table_args__ = (
        one_of("state", SearchState),
        CheckConstraint("done_pct between 0 and 100", name="done_of_hundred"),
        Index("ix_tour_searches_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(8), default=SearchState.DUE)
    done_pct: Mapped[int] = mapped_column(default=0)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    applied_by: Mapped[str | None] = mapped_column(String(40))
    applied_at: Mapped[datetime | None]


append_only(TravelTime)
