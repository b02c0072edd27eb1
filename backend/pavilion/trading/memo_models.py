"""Stones that a buyer has out on memo (settlement spec 11.5)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.trading.memo_rules import MOST_EXTENSIONS, MemoState, StoneState


class Memo(Base):
    """Stones of one owner, entrusted to a company until a day at prices agreed beforehand. From its approval on it has
    a number, and what its paper says stands in `facts`."""

    __tablename__ = "memos"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        UniqueConstraint("company_id", "key"),
        one_of("state", MemoState),
        CheckConstraint("company_id <> seller_company_id", name="of_another"),
        CheckConstraint(f"total_minor > 0 and total_minor <= {MAX_AMOUNT}", name="total_counted"),
        CheckConstraint("insured_minor is null or insured_minor >= total_minor", name="insured_in_full"),
        CheckConstraint("length(destination) = 2", name="destination_two_letters"),
        CheckConstraint(f"extensions >= 0 and extensions <= {MOST_EXTENSIONS}", name="extensions_counted"),
        CheckConstraint(
            "state in ('requested', 'refused') or (number is not null and due_at is not null)",
            name="agreed_is_numbered",
        ),
        Index("ix_memos_seller_company_id", "seller_company_id"),
        Index("ix_memos_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    number: Mapped[str | None] = mapped_column(String(40))
    issued_on: Mapped[str | None] = mapped_column(String(10))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    seller_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    destination: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(10), default=MemoState.REQUESTED)
    days: Mapped[int]
    total_minor: Mapped[int]
    insured_minor: Mapped[int | None]
    due_on: Mapped[str | None] = mapped_column(String(10))
    due_at: Mapped[datetime | None]  # the end of that day at the house
    bill_on: Mapped[str | None] = mapped_column(String(10))  # from then on the house may bill what is still out
    extensions: Mapped[int] = mapped_column(default=0)
    extension_asked_at: Mapped[datetime | None]
    warranty_id: Mapped[str | None] = mapped_column(String(40))
    warranty_sha256: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    key: Mapped[str] = mapped_column(String(64))  # the buyer's own: said twice, done once
    body_sha256: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(String(40))
    requested_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    out_at: Mapped[datetime | None]
    out_to: Mapped[str | None] = mapped_column(String(120))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")  # why it was refused
    reminded_on: Mapped[str | None] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(default=1)

    stones: Mapped[list["MemoStone"]] = relationship(lazy="raise", order_by="MemoStone.place", viewonly=True)

    @property
    def due(self) -> date | None:
        return date.fromisoformat(self.due_on) if self.due_on else None

    @property
    def billable(self) -> date | None:
        return date.fromisoformat(self.bill_on) if self.bill_on else None


class MemoStone(Base):
    """One stone of a memo: its agreed price, how it stood, and how it went and came."""

    __tablename__ = "memo_stones"
    __table_args__ = (
        one_of("state", StoneState),
        UniqueConstraint("memo_id", "place"),
        CheckConstraint(f"price_minor > 0 and price_minor <= {MAX_AMOUNT}", name="price_counted"),
        CheckConstraint("state in ('waiting', 'released') or out_mct is not null", name="out_was_weighed"),
        Index("ix_memo_stones_stone", "stone"),
    )

    memo_id: Mapped[int] = mapped_column(ForeignKey("memos.id", ondelete="RESTRICT"), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    place: Mapped[int]
    price_minor: Mapped[int]
    title_en: Mapped[str] = mapped_column(String(200))
    title_zh: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default=StoneState.WAITING)
    out_mct: Mapped[int | None]
    in_mct: Mapped[int | None]
    in_at: Mapped[datetime | None]
    in_by: Mapped[str | None] = mapped_column(String(40))  # who weighed it
    order: Mapped[str | None] = mapped_column(String(26))  # that bought it
    accepted: Mapped[str] = mapped_column(Text, default="")  # why another weight was taken as it is


class MemoPaper(Base):
    """The memo as it was set, once, in a language."""

    __tablename__ = "memo_papers"

    memo_id: Mapped[int] = mapped_column(ForeignKey("memos.id", ondelete="RESTRICT"), primary_key=True)
    lang: Mapped[str] = mapped_column(String(2), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


append_only(MemoPaper)
