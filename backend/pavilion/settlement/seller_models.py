"""What a consignor gets: statements, the account it is paid to, and payouts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class SellerStatement(Base):
    """Numbered SST, per consignor and sale: each lot with hammer, commission, charges, tax; net. Immutable; lots paid
    later stand on a later one."""

    __tablename__ = "seller_statements"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        CheckConstraint(
            "net_minor = gross_minor + forfeits_minor + carried_minor - commission_minor - charges_minor - tax_minor",
            name="net_adds_up",
        ),
        Index("ix_seller_statements_company_id", "company_id"),
        Index("ix_seller_statements_sale", "sale"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    number: Mapped[str] = mapped_column(String(40))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    sale: Mapped[str] = mapped_column(String(26))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    gross_minor: Mapped[int]  # hammers, less what credit notes took back
    forfeits_minor: Mapped[int]  # its shares of deposits that defaulters lost
    carried_minor: Mapped[int]  # the nets of earlier statements that this one takes over
    commission_minor: Mapped[int]
    charges_minor: Mapped[int]
    tax_minor: Mapped[int]
    net_minor: Mapped[int]  # below zero: carried to the next
    payable_on: Mapped[str] = mapped_column(String(10))
    issued_at: Mapped[datetime]
    issued_on: Mapped[str] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)  # lines per lot, parties, bands

    @property
    def issued_day(self) -> date:
        return date.fromisoformat(self.issued_on)

    @property
    def payable_day(self) -> date:
        return date.fromisoformat(self.payable_on)


class StatedItem(Base):
    """What stands on a statement stands on one only: `line:7` (a sold lot's line of its invoice), `note:3` (the part of
    it that a credit note took back), `forfeit:9` (a share, by its entry), `unsold:LOT`, `statement:5` (carried on)."""

    __tablename__ = "stated_items"
    __table_args__ = (Index("ix_stated_items_statement_id", "statement_id"),)

    item: Mapped[str] = mapped_column(String(40), primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("seller_statements.id", ondelete="RESTRICT"))


class SellerAccount(Base):
    """A bank account a seller named; paid to once a person of that company confirmed it anew and 48 hours passed."""

    __tablename__ = "seller_accounts"
    __table_args__ = (UniqueConstraint("public_id"), Index("ix_seller_accounts_company_id", "company_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    currency: Mapped[str] = mapped_column(String(3))
    holder: Mapped[str] = mapped_column(String(160))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # account number, under the data key
    tail: Mapped[str] = mapped_column(String(4))  # what is shown of it
    bic: Mapped[str] = mapped_column(String(11))
    named_by: Mapped[str] = mapped_column(String(26))
    named_at: Mapped[datetime]
    confirmed_by: Mapped[str | None] = mapped_column(String(26))
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class PayoutState(StrEnum):
    APPROVED = "approved"  # by two persons; the transfer is being made
    PAID = "paid"
    CANCELLED = "cancelled"  # never sent, or sent back by the bank


_LIVE = text("state <> 'cancelled'")


class Payout(Base):
    """Money for a seller, decided by two persons, then recorded with the bank's reference."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("uq_payouts_live", "statement_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        one_of("state", PayoutState),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("approved_by <> proposed_by", name="two_persons"),
        Index("ix_payouts_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    statement_id: Mapped[int] = mapped_column(ForeignKey("seller_statements.id", ondelete="RESTRICT"))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("seller_accounts.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=PayoutState.APPROVED)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    approved_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    bank_reference: Mapped[str] = mapped_column(String(80), default="")
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


for _model in (SellerStatement, StatedItem):
    append_only(_model)
