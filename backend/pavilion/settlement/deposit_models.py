"""Deposits: what a sale asks, and what each company has put down."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, or_
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of

REFERENCE = "DEP-"


class DepositState(StrEnum):
    ASKED = "asked"
    PENDING = "pending"  # the provider or a second person is still to confirm
    HELD = "held"
    CLOSED = "closed"  # all of it applied, refunded or forfeited; or no longer asked


UNPAID = (DepositState.ASKED, DepositState.PENDING)


class Deposit(Base):
    """One per company and sale. What is left of it is the balance of `liability:deposit:{company}:{sale}`."""

    __tablename__ = "deposits"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("company_id", "sale"),
        one_of("state", DepositState),
        CheckConstraint("asked_minor > 0", name="asked_positive"),
        Index("ix_deposits_sale_state", "sale", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    sale: Mapped[str] = mapped_column(String(26))
    registration: Mapped[str] = mapped_column(String(26))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    asked_minor: Mapped[int]
    raise_minor: Mapped[int | None]  # what more is to be put down for a higher limit; the present one holds meanwhile
    lots: Mapped[list[str]] = mapped_column(JSON)  # the lots it was counted from; empty: a fixed sum
    factor: Mapped[int]  # limit = deposit x factor
    state: Mapped[str] = mapped_column(String(10), default=DepositState.ASKED)
    by_hold: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime]
    held_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def wanted_minor(self) -> int:
        """What is to lie with us once all that was asked is there."""
        return self.asked_minor + (self.raise_minor or 0)

    @property
    def takes_money(self) -> bool:
        return self.state in UNPAID or self.raise_minor is not None

    @property
    def reference(self) -> str:
        """What a payer writes: short enough to be typed, and no other deposit's."""
        return f"{REFERENCE}{self.public_id[-8:]}"


def takes_money() -> ColumnElement[bool]:
    """The same as a condition: something of it is still to be put down."""
    return or_(Deposit.state.in_(UNPAID), Deposit.raise_minor.is_not(None))
