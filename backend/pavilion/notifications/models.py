"""What each person wants to be told, where their browsers are reached, and when they were last told of a lot."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class NoticeWishes(Base):
    """Without a row a person is told everything by mail, and in the browser what cannot wait."""

    __tablename__ = "notice_wishes"
    __table_args__ = (
        CheckConstraint("(quiet_from is null) = (quiet_to is null)", name="quiet_both"),
        CheckConstraint(
            "quiet_from >= 0 and quiet_from < 1440 and quiet_to >= 0 and quiet_to < 1440", name="quiet_day"
        ),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    mail_off: Mapped[list[str]] = mapped_column(JSON, default=list)  # kinds
    push_off: Mapped[list[str]] = mapped_column(JSON, default=list)
    amounts: Mapped[bool] = mapped_column(default=False)  # own sums may stand in a notice
    quiet_from: Mapped[int | None]  # minutes of the local day
    quiet_to: Mapped[int | None]
    zone: Mapped[str] = mapped_column(String(40), default="UTC")
    changed_at: Mapped[datetime]


class PushBrowser(Base):
    """A browser that asked for notices, at the address its maker gave it, with the keys only it can read with."""

    __tablename__ = "push_browsers"
    __table_args__ = (Index("ix_push_browsers_person_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    endpoint: Mapped[str] = mapped_column(Text)
    endpoint_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    browser: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class NoticePace(Base):
    """When a person is next told, or was last told, of being outbid on a lot: not more often than once a minute."""

    __tablename__ = "notice_paces"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    due_at: Mapped[datetime]
