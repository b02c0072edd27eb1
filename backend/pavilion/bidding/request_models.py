"""What bidders ask and state about a lot, and who has seen it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class ViewingKind(StrEnum):
    IN_PERSON = "in_person"
    REMOTE = "remote"
    VIDEO = "video"  # what `remote` was called at first; rows of then stay
    WAIVER = "waiver"


class Ground(StrEnum):
    SLIP = "slip"
    DESCRIPTION = "description"


class Decision(StrEnum):
    DECLINED = "declined"
    VOID_PROPOSED = "void_proposed"


class Viewing(Base):
    """Somebody of the company saw the lot, or signed that it bids without seeing it."""

    __tablename__ = "viewing_gate"
    __table_args__ = (UniqueConstraint("lot", "company_id", "kind"), one_of("kind", ViewingKind))

    id: Mapped[int] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    signed_as: Mapped[str | None] = mapped_column(String(120))  # of a waiver


class Acknowledgement(Base):
    """A bidder has read the lot's notices up to this event."""

    __tablename__ = "lot_acknowledgements"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))


class Confirmation(Base):
    """A bidder keeps its maximum after the lot's passport changed to this one."""

    __tablename__ = "lot_confirmations"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    passport: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))


class Retraction(Base):
    """A bidder asks that one bid be voided. It holds no amount: what was compared is forgotten with the comparison."""

    __tablename__ = "retraction_requests"
    __table_args__ = (
        UniqueConstraint("sale", "n"),
        one_of("ground", Ground),
        one_of("decision", Decision),
        Index("ix_retraction_requests_sale_decision", "sale", "decision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    sale: Mapped[str] = mapped_column(String(26))
    lot: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    n: Mapped[int]  # the bid, by its place in the log
    seq: Mapped[int]
    ground: Mapped[str] = mapped_column(String(12))
    words: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    decision: Mapped[str | None] = mapped_column(String(16))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))
    proposal: Mapped[str | None] = mapped_column(String(26))  # the void that a second person was asked for


for _model in (Viewing, Acknowledgement, Confirmation):
    append_only(_model)
