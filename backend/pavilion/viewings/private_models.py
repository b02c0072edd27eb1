"""People who come to see stones without a company of their own: each is a company of one, invited or approved."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class PrivateState(StrEnum):
    INVITED = "invited"
    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"


class PrivateViewer(Base):
    """An invitation of the house, or somebody's own asking. With `company_id` that company is of the kind private.

    Of the invitation's secret only the hash is kept.
    """

    __tablename__ = "private_viewers"
    __table_args__ = (
        one_of("state", PrivateState),
        UniqueConstraint("public_id"),
        UniqueConstraint("company_id"),
        UniqueConstraint("token_sha256"),
        Index("ix_private_viewers_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(8))
    office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    words: Mapped[str] = mapped_column(Text, default="")  # what they wish to see, and who knows them
    token_sha256: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    made_at: Mapped[datetime]
    made_by: Mapped[str | None] = mapped_column(String(40))  # public id of who invited; none: they asked themselves
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))
