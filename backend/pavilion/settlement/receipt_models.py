"""Money that came in, where it went, and money that goes back."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class Source(StrEnum):
    WIRE = "wire"  # seen by two persons on a bank statement
    CARD = "card"  # a charge through the payment provider
    TRANSFER = "transfer"  # a transfer into the provider's virtual account
    HOLD = "hold"  # a captured card hold
    CONVERTED = "converted"  # money of another receipt, in another currency by a recorded rate


class Receipt(Base):
    """One amount that reached the house. Never edited: what became of it stands in allocations, refunds, journal."""

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("provider_ref"),
        one_of("source", Source),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(source in ('wire', 'converted')) = (entered_by is not null and confirmed_by is not null)",
            name="wire_by_persons",
        ),
        CheckConstraint("confirmed_by is null or confirmed_by <> entered_by", name="two_persons"),
        Index("ix_receipts_company_id", "company_id"),
        Index("ix_receipts_entity_reference", "entity", "reference"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    source: Mapped[str] = mapped_column(String(10))
    entity: Mapped[str] = mapped_column(String(3))
    company_id: Mapped[int | None] = mapped_column(
        ForeignKey("companies.id", ondelete="RESTRICT")
    )  # none: unknown payer
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    value_date: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(80))  # the bank's, or what the payer wrote
    provider_ref: Mapped[str | None] = mapped_column(String(80))  # the provider's charge or cash transaction
    purpose: Mapped[str] = mapped_column(String(40), default="")  # invoice number or deposit the payer meant
    sender: Mapped[str] = mapped_column(String(140), default="")  # as the statement names who sent it
    sender_account: Mapped[str] = mapped_column(String(40), default="")  # or its last signs
    scan_sha256: Mapped[str | None] = mapped_column(String(64))
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    @property
    def value_day(self) -> date:
        return date.fromisoformat(self.value_date)


class Allocation(Base):
    """A part of a receipt that pays an invoice or a deposit; below zero: taken back (chargeback, reversed wire)."""

    __tablename__ = "allocations"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_moves"),
        CheckConstraint("(invoice_id is null) <> (deposit is null)", name="invoice_or_deposit"),
        Index("ix_allocations_receipt_id", "receipt_id"),
        Index("ix_allocations_invoice_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id", ondelete="RESTRICT"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    deposit: Mapped[str | None] = mapped_column(String(26))  # its public id
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")  # why money of another pays it
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


class Leaving(Base):
    """What left a receipt otherwise than as a payment or a refund: turned into a receipt of another currency, or taken
    back, because what was booked never came or came otherwise. Decided by two persons."""

    __tablename__ = "receipt_leavings"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(into_id is null) = (rate = '')", name="converted_by_a_rate"),
        CheckConstraint("proposed_by <> agreed_by", name="two_persons"),
        UniqueConstraint("into_id"),
        Index("ix_receipt_leavings_receipt_id", "receipt_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id", ondelete="RESTRICT"))
    amount_minor: Mapped[int]  # in the receipt's currency
    into_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id", ondelete="RESTRICT"))
    rate: Mapped[str] = mapped_column(String(24), default="")  # units of the new currency for one of the old
    rate_source: Mapped[str] = mapped_column(String(80), default="")
    rate_on: Mapped[str] = mapped_column(String(10), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    agreed_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]


class WireScan(Base):
    """The picture of the statement line that a cashier entered, kept by its hash."""

    __tablename__ = "wire_scans"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    media: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class RefundState(StrEnum):
    DECIDED = "decided"  # owed: stands in liability:refund
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # still owed, waits for a person
    REPLACED = "replaced"  # a failed one, sent again another way; or one that the payer's bank has taken back itself


BY_BANK = "charged_back"  # the note of a refund that ended because its payment was lost in a dispute


class Refund(Base):
    """Money owed back. One row per original receipt; without one, wire money returned to a named account."""

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("key"),
        UniqueConstraint("provider_ref"),
        one_of("state", RefundState),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refunds_receipt_id", "receipt_id"),
        Index("ix_refunds_company_id", "company_id"),
        Index("ix_refunds_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    key: Mapped[str] = mapped_column(String(120))  # the act that owes it: said twice, owed once
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id", ondelete="RESTRICT"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(String(40))  # a code: deposit_released, overpaid, credit_note, cancelled_sale
    ref: Mapped[str] = mapped_column(String(80))  # the invoice, deposit or receipt it is for
    state: Mapped[str] = mapped_column(String(10), default=RefundState.DECIDED)
    by_wire: Mapped[bool] = mapped_column(default=False)
    provider_ref: Mapped[str | None] = mapped_column(String(80))
    bank_reference: Mapped[str] = mapped_column(String(80), default="")
    payee: Mapped[str] = mapped_column(String(140), default="")  # asked where the statement named no account
    payee_account: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def shown(self) -> str:
        """Its state in a word that pages have."""
        return BY_BANK if self.state == RefundState.REPLACED and self.note == BY_BANK else self.state


class Discrepancy(Base):
    """What the books and the provider, or the payer and the invoice, do not agree on, until a person closes it."""

    __tablename__ = "discrepancies"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("key"),
        Index("ix_discrepancies_invoice", "invoice"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    key: Mapped[str] = mapped_column(String(160))  # found again every night, it is still one
    kind: Mapped[str] = mapped_column(String(40))
    invoice: Mapped[str | None] = mapped_column(String(40))  # its number: blocks the seller's payment
    subject: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(40))
    word: Mapped[str] = mapped_column(Text, default="")


for _model in (Receipt, Allocation, Leaving, WireScan):
    append_only(_model)
