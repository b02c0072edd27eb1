"""Invoices, the ledger and recorded payments. What is issued or posted is never edited."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.settlement.rules import InvoiceState, LineKind, Outcome


class Invoice(Base):
    """One per buyer, sale, currency and selling entity. `facts` freezes who bought from whom at the issue."""

    __tablename__ = "invoices"
    __table_args__ = (
        one_of("state", InvoiceState),
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        CheckConstraint("(state = 'draft') = (number is null)", name="issued_with_number"),
        CheckConstraint("total_minor >= 0", name="total_counted"),
        one_of("outcome", Outcome),
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
    default_on: Mapped[str | None] = mapped_column(String(10))  # the day from which it counts as defaulted
    paid_on: Mapped[str | None] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(6), default=Outcome.NONE)  # how it came to be paid
    credits_minor: Mapped[int] = mapped_column(default=0)  # Σ credit lines; never part of the total

    lines: Mapped[list["InvoiceLine"]] = relationship(lazy="raise", order_by="InvoiceLine.place")

    @property
    def paid_day(self) -> date | None:
        return date.fromisoformat(self.paid_on) if self.paid_on else None

    @property
    def due_day(self) -> date | None:
        return date.fromisoformat(self.due_on) if self.due_on else None


class InvoiceLine(Base):
    __tablename__ = "invoice_lines"
    __table_args__ = (
        one_of("kind", LineKind),
        UniqueConstraint("invoice_id", "place"),
        UniqueConstraint("invoice_id", "lot", "kind"),
        CheckConstraint("amount_minor >= 0", name="amount_counted"),
        Index("ix_invoice_lines_lot", "lot"),
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


class BilledLot(Base):
    """A sold lot stands on exactly one live invoice. The row goes when a credit note cancels the sale of the lot."""

    __tablename__ = "billed_lots"
    __table_args__ = (Index("ix_billed_lots_invoice_id", "invoice_id"),)

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))


class HouseCompany(Base):
    """A company row through which the house itself owns stones: what it sells is its own goods, not a consignment."""

    __tablename__ = "house_companies"

    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(3))


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
        Index("ix_journal_ref_account", "ref", "account"),  # what is left to pay of an invoice
        Index("ix_journal_txn_id", "txn_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    txn_id: Mapped[int] = mapped_column(ForeignKey("postings.id", ondelete="RESTRICT"))
    account: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
    ref: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class Guarded(Base):
    """The running balance of an account that may never fall below zero for its creditor (settlement spec 5): deposits,
    refunds owed and money not yet allocated. Re-proved against the journal every night."""

    __tablename__ = "guarded_balances"
    __table_args__ = (CheckConstraint("amount_minor <= 0", name="never_below_zero"),)

    account: Mapped[str] = mapped_column(String(120), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    amount_minor: Mapped[int]  # as the journal: credit below zero


for _model in (InvoicePaper, Posting, Entry):
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
# SQLite defers nothing but foreign keys: an unbalanced posting points at a posting that never is, until it balances.
_SUMS = """
create table posting_sums (
  txn_id integer not null, currency varchar(3) not null, amount_minor integer not null,
  balanced integer default -1 not null references postings (id) deferrable initially deferred,
  primary key (txn_id, currency), check (balanced = -1)
)
"""
_SUMMED = """
create trigger journal_balances after insert on journal begin
  insert into posting_sums (txn_id, currency, amount_minor) values (new.txn_id, new.currency, new.amount_minor)
    on conflict (txn_id, currency) do update set amount_minor = amount_minor + excluded.amount_minor;
  delete from posting_sums where txn_id = new.txn_id and currency = new.currency and amount_minor = 0;
end
"""
for _dialect, _statements in {"postgresql": (_BALANCED, _BALANCES), "sqlite": (_SUMS, _SUMMED)}.items():
    for _statement in _statements:
        _ddl = DDL(_statement.strip().replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(Base.metadata.tables["journal"], "after_create", _ddl.execute_if(dialect=_dialect))
