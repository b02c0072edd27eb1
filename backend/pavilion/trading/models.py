"""What was bought and held at a fixed price (settlement spec 11.2 and 11.4)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, one_of
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.trading.rules import MOST_RENEWALS, HoldState, OrderSource, OrderState

_OPEN_HOLD = text("state in ('asked', 'active')")
_WAITS = text("ended_at is null")


class Order(Base):
    """Stones bought at a fixed price from one seller through one house of ours. Its lines never change."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("company_id", "key"),
        one_of("state", OrderState),
        one_of("source", OrderSource),
        CheckConstraint("company_id <> seller_company_id", name="of_another"),
        CheckConstraint(f"total_minor > 0 and total_minor <= {MAX_AMOUNT}", name="total_counted"),
        CheckConstraint("length(destination) = 2", name="destination_two_letters"),
        Index("ix_orders_seller_company_id", "seller_company_id"),
        Index("ix_orders_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    seller_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    destination: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(10), default=OrderState.PLACED)
    total_minor: Mapped[int]
    source: Mapped[str] = mapped_column(String(10))
    source_ref: Mapped[str | None] = mapped_column(String(26))  # hold, offer, memo or sale it came from
    key: Mapped[str] = mapped_column(String(64))  # the buyer's own: said twice, done once
    body_sha256: Mapped[str] = mapped_column(String(64))
    placed_by: Mapped[str | None] = mapped_column(String(40))
    placed_at: Mapped[datetime]
    confirm_by: Mapped[datetime | None]  # none: nobody is asked
    answered_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")  # why it was refused or cancelled
    invoice: Mapped[str | None] = mapped_column(String(40))  # its number, once issued
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list["OrderLine"]] = relationship(lazy="raise", order_by="OrderLine.place", viewonly=True)


class OrderLine(Base):
    """What was bought for one price: a stone, or a lot of a collection with its stones, as they stood then."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("order_id", "place"),
        CheckConstraint(f"price_minor > 0 and price_minor <= {MAX_AMOUNT}", name="price_counted"),
        Index("ix_order_lines_lot", "lot"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))  # under which settlement knows it, as it does a lot
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    place: Mapped[int]
    stones: Mapped[list[str]] = mapped_column(JSON)  # public ids
    lot: Mapped[str | None] = mapped_column(String(26))  # of a collection
    price_minor: Mapped[int]
    title_en: Mapped[str] = mapped_column(String(200))
    title_zh: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class Hold(Base):
    """A company's word for a stone, asked of its owner or granted at once, that ends by itself."""

    __tablename__ = "holds"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("company_id", "key"),
        one_of("state", HoldState),
        CheckConstraint(f"renewed between 0 and {MOST_RENEWALS}", name="renewals_counted"),
        CheckConstraint("state <> 'active' or expires_at is not null", name="active_with_end"),
        CheckConstraint("state <> 'asked' or answer_by is not null", name="asked_with_answer_day"),
        Index(
            "uq_holds_open",
            "stone",
            "company_id",
            unique=True,
            sqlite_where=_OPEN_HOLD,
            postgresql_where=_OPEN_HOLD,
        ),
        Index("ix_holds_company_id_state", "company_id", "state"),
        Index("ix_holds_seller_company_id", "seller_company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    stone: Mapped[str] = mapped_column(String(26))  # public id
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    seller_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str | None] = mapped_column(String(40))
    asked_at: Mapped[datetime]
    answer_by: Mapped[datetime | None]
    granted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    renewed: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class HoldWait(Base):
    """A company that waits for a held stone. Told in order, each has the first right for a while."""

    __tablename__ = "hold_waits"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("uq_hold_waits_open", "stone", "company_id", unique=True, sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("ix_hold_waits_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    stone: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]
    first_right_until: Mapped[datetime | None]  # set when it is this company's turn
    ended_at: Mapped[datetime | None]
