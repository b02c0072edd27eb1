"""Invoices, the ledger and recorded payments. What is issued or posted is never edited."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.settlement.rules import InvoiceState, LineKind


class Invoice(Base):
    """One per buyer, sale, currency and selling entity. `facts` freezes who bought from whom at the issue."""

    __tablename__ = "invoices"
    __table_args__ = (
        one_of("state", InvoiceState),
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        CheckConstraint("(state = 'draft') = (number is null)", name="issued_with_number"),
        CheckConstraint("total_minor >= 0", name="total_counted"),
        Index(
            "uq_invoices_draft",
            "sale",
            "company_id",
            "currency",
            "entity",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index("ix_invoices_company_id", "company_id"),
        Index("ix_invoices_sale", "sale"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    number: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12), default=InvoiceState.DRAFT)
    sale: Mapped[str] = mapped_column(String(26))  # public id
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    currency: Mapped[str] = mapped_column(String(3))
    entity: Mapped[str] = mapped_column(String(3))
    destination: Mapped[str] = mapped_column(String(2))
    regime: Mapped[str | None] = mapped_column(String(20))
    rate_bp: Mapped[int] = mapped_column(default=0)
    tax_table: Mapped[str] = mapped_column(String(40), default="")
    total_minor: Mapped[int] = mapped_column(default=0)
    memo_tax_minor: Mapped[int] = mapped_column(default=0)
    warranty_id: Mapped[str | None] = mapped_column(String(60))
    warranty_sha256: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    issued_on: Mapped[str | None] = mapped_column(String(10))  # local day of the sale's zone
    due_on: Mapped[str | None] = mapped_column(String(10))

    lines: Mapped[list["InvoiceLine"]] = relationship(lazy="raise", order_by="InvoiceLine.place")

    @property
    def due_day(self) -> date | None:
        return date.fromisoformat(self.due_on) if self.due_on else None


class InvoiceLine(Base):
    __tablename__ = "invoice_lines"
    __table_args__ = (
        one_of("kind", LineKind),
        UniqueConstraint("invoice_id", "place"),
        UniqueConstraint("lot", "kind"),  # a sold lot stands on exactly one invoice
        CheckConstraint("amount_minor >= 0", name="amount_counted"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    place: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    lot: Mapped[str | None] = mapped_column(String(26))
    text_en: Mapped[str] = mapped_column(String(300), default="")
    text_zh: Mapped[str] = mapped_column(String(300), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    amount_minor: Mapped[int]


class InvoicePaper(Base):
    """An issued invoice as it was set, with its hash: what the buyer was given can always be given again."""

    __tablename__ = "invoice_papers"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"), primary_key=True)
    lang: Mapped[str] = mapped_column(String(2), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    pdf: Mapped[bytes] = mapped_column(LargeBinary)


class Posting(Base):
    """One transaction of the journal; its key names the business act, so that no act posts twice."""

    __tablename__ = "postings"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    by: Mapped[str | None] = mapped_column(String(40))
    reverses: Mapped[int | None] = mapped_column(ForeignKey("postings.id", ondelete="RESTRICT"))


class Entry(Base):
    """One line of the journal: debit above zero, credit below. Σ = 0 per posting and currency."""

    __tablename__ = "journal"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_moves"),
        Index("ix_journal_account_currency", "account", "currency"),
        Index("ix_journal_txn_id", "txn_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    txn_id: Mapped[int] = mapped_column(ForeignKey("postings.id", ondelete="RESTRICT"))
    account: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    ref: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class Payment(Base):
    """Money that two persons saw on a bank statement."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("entity", "bank_reference"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("confirmed_by <> entered_by", name="two_persons"),
        Index("ix_payments_invoice_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    entity: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    value_date: Mapped[str] = mapped_column(String(10))
    bank_reference: Mapped[str] = mapped_column(String(60))
    entered_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    confirmed_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    @property
    def value_day(self) -> date:
        return date.fromisoformat(self.value_date)


for _model in (InvoicePaper, Posting, Entry, Payment):
    append_only(_model)

_BALANCED = """
create or replace function pavilion_posting_balances() returns trigger language plpgsql as
$$ begin
  if exists (select 1 from journal where txn_id = new.txn_id group by currency having sum(amount_minor) <> 0) then
    raise exception 'posting % does not balance', new.txn_id using errcode = 'check_violation';
  end if;
  return null;
end $$
"""
_BALANCES = (
    "create constraint trigger journal_balances after insert on journal deferrable initially deferred "
    "for each row execute function pavilion_posting_balances()"
)
for _statement in (_BALANCED.strip(), _BALANCES):
    _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(Base.metadata.tables["journal"], "after_create", _ddl.execute_if(dialect="postgresql"))
