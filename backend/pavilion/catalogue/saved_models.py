"""Searches that people keep, and what each has told them."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of

LONGEST_ADDRESS = 2000
_KEPT = text("ended_at is null")
_UNTOLD = text("told_at is null")


class Cadence(StrEnum):
    """How soon mail says what a search found; its page says it at once in any case."""

    AT_ONCE = "at_once"
    HOURLY = "hourly"
    DAILY = "daily"
    NEVER = "never"


EVERY = {
    Cadence.AT_ONCE: timedelta(minutes=5),  # after a mail; a large upload is listed in a hundred pieces
    Cadence.HOURLY: timedelta(hours=1),
    Cadence.DAILY: timedelta(days=1),
}


class AlertKind(StrEnum):
    NEW = "new"
    PRICE = "price"
    BACK = "back"
    IN_SALE = "in_sale"
    VIEWING = "viewing"


class SavedSearch(Base):
    """One question of one person, by its one address. What became of stones up to change `from_seq` is no news to it,
    and what came after `looked_seq` is new to the person."""

    __tablename__ = "saved_searches"
    __table_args__ = (
        one_of("cadence", Cadence),
        CheckConstraint("drop_pct between 1 and 90", name="drop_is_a_part"),
        Index(
            "uq_saved_searches_kept", "person_id", "address", unique=True, postgresql_where=_KEPT, sqlite_where=_KEPT
        ),
        Index("ix_saved_searches_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(LONGEST_ADDRESS))
    cadence: Mapped[str] = mapped_column(String(16))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    drop_pct: Mapped[int]  # by how much a price must have fallen since
    from_seq: Mapped[int]
    looked_seq: Mapped[int]
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]  # the last mail
    ended_at: Mapped[datetime | None]


class SearchAlert(Base):
    """A stone that a search found, once for each kind of news; `told_at` is the mail that named it."""

    __tablename__ = "search_alerts"
    __table_args__ = (
        one_of("kind", AlertKind),
        Index("ix_search_alerts_untold", "search_id", postgresql_where=_UNTOLD, sqlite_where=_UNTOLD),
    )

    search_id: Mapped[int] = mapped_column(ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True)
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    seq: Mapped[int]  # the change that made it news
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]
