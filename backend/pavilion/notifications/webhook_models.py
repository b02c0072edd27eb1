"""Where companies want to be called when something changes, and what they were called with."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class Webhook(Base):
    """One address of a company. It is told what its maker may see; paused or removed, it is called no more."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("length(url) > 0", name="has_address"),
        CheckConstraint("(old_secret_sealed is null) = (old_until is null)", name="old_secret_ends"),
        Index("ix_webhooks_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[str]] = mapped_column(JSON)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # signs too, until `old_until`
    old_until: Mapped[datetime | None]
    made_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]  # the first call that failed after the last that was taken
    paused_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class WebhookCall(Base):
    """One event for one address, its body as it is signed and sent, however often."""

    __tablename__ = "webhook_calls"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event"),
        CheckConstraint("attempts >= 0", name="attempts_counted"),
        CheckConstraint("due_at is null or (sent_at is null and given_up_at is null)", name="due_or_settled"),
        Index("ix_webhook_calls_due_at", "due_at"),
        Index("ix_webhook_calls_made_at", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # also the lease of whoever sends it now; none once it is settled
    attempts: Mapped[int]
    status: Mapped[int | None]  # of the last answer
    fault: Mapped[str | None] = mapped_column(String(40))  # a code: why there was no good answer
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
