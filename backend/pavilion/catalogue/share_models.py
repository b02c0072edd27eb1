"""Links by which a company or the house shows chosen stones to somebody who needs no account."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.catalogue.shortlist_models import guard
from pavilion.kernel.db import Base


class StoneShare(Base):
    """A link that is open until it expires or is ended. Its token is known to whoever has the link, here only its hash.

    No company: the house itself shows the stones."""

    __tablename__ = "stone_shares"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("token_sha256"),
        CheckConstraint("markup_bp between 0 and 10000", name="markup_up_to_double"),
        CheckConstraint("expires_at > made_at", name="expires_later"),
        Index("ix_stone_shares_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    token_sha256: Mapped[str] = mapped_column(String(64))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    made_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    title: Mapped[str] = mapped_column(String(120))  # stands on the page that is shown
    note: Mapped[str] = mapped_column(String(120))  # for whom: only its own side reads it
    prices: Mapped[bool]
    markup_bp: Mapped[int]
    names_supplier: Mapped[bool]
    opened: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StoneShareLine(Base):
    """A stone of a link. Once `exposed_id` is emptied the link does not show it again."""

    __tablename__ = "stone_share_lines"
    __table_args__ = (
        UniqueConstraint("share_id", "stone_id"),
        Index("ix_stone_share_lines_stone_id", "stone_id"),
        Index("ix_stone_share_lines_exposed_id", "exposed_id"),
    )

    share_id: Mapped[int] = mapped_column(ForeignKey("stone_shares.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)


class StoneShareOpening(Base):
    """When a link was opened; by whom only if somebody signed in did."""

    __tablename__ = "stone_share_openings"
    __table_args__ = (Index("ix_stone_share_openings_share_id", "share_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("stone_shares.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]


guard(StoneShareLine)
