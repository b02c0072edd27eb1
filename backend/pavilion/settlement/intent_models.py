"""What we ask of the payment provider, and what it tells us."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class IntentKind(StrEnum):
    CHECKOUT = "checkout"  # a page of the provider on which an invoice is paid
    DEPOSIT = "deposit"  # the same for a deposit
    HOLD = "hold"  # a deposit as an uncaptured card authorisation
    CAPTURE = "capture"
    RELEASE_HOLD = "release_hold"
    ACCOUNT = "account"  # a virtual account for transfers
    CHARGE = "charge"  # a saved method, with consent
    REFUND = "refund"
    EXPIRE = "expire"  # a page that must not be paid any more


class IntentState(StrEnum):
    NEW = "new"
    SENT = "sent"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # no answer for a day: a person looks


class PaymentIntent(Base):
    """An outgoing request, written in the transaction of the act. Its public id is the idempotency key; a state never
    goes back (settlement spec 6.1)."""

    __tablename__ = "payment_intents"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("kind", "key"),
        UniqueConstraint("provider_id"),
        one_of("kind", IntentKind),
        one_of("state", IntentState),
        CheckConstraint("amount_minor >= 0", name="amount_counted"),
        Index("ix_payment_intents_state_next_at", "state", "next_at"),
        Index("ix_payment_intents_ref", "ref"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(14))
    key: Mapped[str] = mapped_column(String(120))  # the act that asks; said twice, asked once
    ref: Mapped[str] = mapped_column(String(80))  # invoice number, deposit or refund
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=IntentState.NEW)
    provider_id: Mapped[str | None] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(Text, default="")  # where the buyer pays
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")


class ProviderEvent(Base):
    """A webhook that was verified, with what it did; its id is unique, so that told again it does nothing."""

    __tablename__ = "provider_events"
    __table_args__ = (Index("ix_provider_events_object", "object"),)

    event: Mapped[str] = mapped_column(String(80), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    object: Mapped[str] = mapped_column(String(80))
    created: Mapped[datetime]  # by the provider's clock
    at: Mapped[datetime]
    effect: Mapped[str] = mapped_column(String(40))  # a code: paid, held, refunded, nothing, unknown_type, discrepancy
    found: Mapped[bool] = mapped_column(default=False)  # by the nightly pass, not told
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)  # amounts and ids; nothing of a person or a card


class ProviderObject(Base):
    """The newest news we acted on of one object of the provider: what is older makes us read the object again."""

    __tablename__ = "provider_objects"

    object: Mapped[str] = mapped_column(String(80), primary_key=True)
    created: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(40))


class WebhookCount(Base):
    """How many calls were turned away, by day and reason; nothing else of them is kept."""

    __tablename__ = "webhook_refusals"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int]


class ProviderCustomer(Base):
    """A company at the provider, once per selling entity, and its virtual account per currency."""

    __tablename__ = "provider_customers"
    __table_args__ = (UniqueConstraint("provider_id"),)

    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(3), primary_key=True)
    provider_id: Mapped[str] = mapped_column(String(80))
    method: Mapped[str | None] = mapped_column(String(80))  # a saved payment method
    accounts: Mapped[dict[str, Any]] = mapped_column(JSON)  # currency -> account lines and reference
    at: Mapped[datetime]


class ChargeConsent(Base):
    """A company lets the house charge its saved method at the close of one sale, up to the ceiling."""

    __tablename__ = "charge_consents"

    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    given_by: Mapped[str] = mapped_column(String(26))
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Dispute(Base):
    """A chargeback: while it is open the money is not cleared."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_receipt_id", "receipt_id"),)

    provider_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id", ondelete="RESTRICT"))
    amount_minor: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))  # open, won, lost
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


append_only(ProviderEvent)
