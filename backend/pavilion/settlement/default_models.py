"""What becomes of a lot whose winner did not pay, or that nobody won: choices of staff, and offers."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class OfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"  # no answer in time: counts as declined
    WITHDRAWN = "withdrawn"


class OfferKind(StrEnum):
    UNDERBIDDER = "underbidder"  # after a default, as if the defaulters had never bid
    PASSED = "passed"  # after the sale, at the reserve or a price the seller approved


_OPEN = text("state = 'open'")


class LotOffer(Base):
    """A lot offered to one company at one price, for a time. Nobody else's amounts are in it."""

    __tablename__ = "lot_offers"
    __table_args__ = (
        UniqueConstraint("public_id"),
        one_of("state", OfferState),
        one_of("kind", OfferKind),
        CheckConstraint("price_minor > 0", name="price_positive"),
        Index("uq_lot_offers_open", "lot", "company_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_lot_offers_company_id", "company_id"),
        Index("ix_lot_offers_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(12))
    lot: Mapped[str] = mapped_column(String(26))
    sale: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    registration: Mapped[str] = mapped_column(String(26))
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=OfferState.OPEN)
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_by: Mapped[str | None] = mapped_column(String(40))
    answered_at: Mapped[datetime | None]


class Remedy(StrEnum):
    OFFER = "offer"  # to the underbidder
    RELOT = "relot"  # in a later sale
    RETURN = "return"  # back to the owner


class LotRemedy(Base):
    """What staff chose for a lot of a defaulted invoice. The sale of it is cancelled by a credit note first."""

    __tablename__ = "lot_remedies"
    __table_args__ = (one_of("choice", Remedy), Index("ix_lot_remedies_lot", "lot"))

    id: Mapped[int] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(String(26))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    choice: Mapped[str] = mapped_column(String(8))
    credit_note: Mapped[str | None] = mapped_column(String(40))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
