"""Credit notes, and every document that settlement sets on paper."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, append_only


class CreditNote(Base):
    """Takes back lines of an issued invoice, all or in part. Numbered in a series of its own; immutable."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        CheckConstraint("total_minor >= 0", name="total_counted"),
        Index("ix_credit_notes_invoice_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    number: Mapped[str] = mapped_column(String(40))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(Text)
    total_minor: Mapped[int]
    memo_tax_minor: Mapped[int] = mapped_column(default=0)
    issued_at: Mapped[datetime]
    issued_on: Mapped[str] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)

    lines: Mapped[list["CreditNoteLine"]] = relationship(lazy="raise", order_by="CreditNoteLine.place")


class CreditNoteLine(Base):
    __tablename__ = "credit_note_lines"
    __table_args__ = (
        UniqueConstraint("note_id", "place"),
        CheckConstraint("amount_minor >= 0", name="amount_counted"),
        Index("ix_credit_note_lines_line_id", "line_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey("credit_notes.id", ondelete="RESTRICT"))
    place: Mapped[int]
    line_id: Mapped[int] = mapped_column(ForeignKey("invoice_lines.id", ondelete="RESTRICT"))  # what it takes back
    amount_minor: Mapped[int]


class Paper(Base):
    """A document as it was set, with its hash. `kind`: credit_note, statement, packing_list, commercial_invoice,
    warranty, due_diligence, receipt …; `owner`: the public id of what it documents."""

    __tablename__ = "settlement_papers"

    owner: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    lang: Mapped[str] = mapped_column(String(2), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


for _model in (CreditNote, CreditNoteLine, Paper):
    append_only(_model)
