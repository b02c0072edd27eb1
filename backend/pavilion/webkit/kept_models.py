"""Answers kept for a key, so that a request that is sent again is not done again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class KeptAnswer(Base):
    """What a caller's key was answered. Of the request only its hash is kept, of the answer what is no secret."""

    __tablename__ = "kept_answers"
    __table_args__ = (
        CheckConstraint("length(request_sha256) = 64", name="request_hashed"),
        CheckConstraint("status >= 200 and status < 300", name="done"),
        Index("ix_kept_answers_at", "at"),
    )

    caller: Mapped[str] = mapped_column(String(40), primary_key=True)  # a company, or a person of none
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
