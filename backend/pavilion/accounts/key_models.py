"""Keys by which a company's programs act for it."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base

_LIVE = text("revoked_at is null")


class ApiKey(Base):
    """A program's key. It acts as the person who made it, within its scopes. Only the hash of its secret is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("expires_at > made_at", name="expires_later"),
        CheckConstraint("length(secret_sha256) = 64", name="secret_hashed"),
        Index("uq_api_keys_live_name", "company_id", "name", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
        Index("ix_api_keys_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(80))
    secret_sha256: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
