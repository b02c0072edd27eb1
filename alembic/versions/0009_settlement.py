"""Settlement: receipts and where they went, refunds, credit notes, intents and events of the payment provider, deposits,
strikes and offers, releases and owners, what sellers get."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
APPEND_ONLY = (
    *(
        "receipts",
        "allocations",
        "receipt_leavings",
        "wire_scans",
        "credit_notes",
        "credit_note_lines",
        "settlement_papers",
    ),
    *("provider_events", "release_files", "ownerships", "seller_statements", "stated_items"),
)
ADDED = (
    ("companies", sa.Column("verified_until", sa.String(length=10), nullable=True)),
    ("registrations", sa.Column("marked", sa.JSON(), server_default="[]", nullable=False)),
    ("registrations", sa.Column("deposit_minor", BIG, nullable=True)),
    ("registrations", sa.Column("granted_minor", BIG, nullable=True)),
    ("invoices", sa.Column("default_on", sa.String(length=10), nullable=True)),
    ("invoices", sa.Column("paid_on", sa.String(length=10), nullable=True)),
    ("invoices", sa.Column("credits_minor", BIG, server_default="0", nullable=False)),
)
BILLED = "insert into billed_lots (lot, invoice_id) select lot, invoice_id from invoice_lines where kind = 'hammer'"
RECEIPTS = """insert into receipts (public_id, source, entity, company_id, currency, amount_minor, value_date, reference,
    purpose, sender, sender_account, entered_by, confirmed_by, at)
    select p.public_id, 'wire', p.entity, i.company_id, p.currency, p.amount_minor, p.value_date, p.bank_reference,
    i.number, '', '', p.entered_by, p.confirmed_by, p.at from payments p join invoices i on i.id = p.invoice_id order by p.id"""
ALLOCATIONS = """insert into allocations (receipt_id, invoice_id, amount_minor, reason, by, at)
    select r.id, p.invoice_id, p.amount_minor, '', o.public_id, p.at from payments p
    join receipts r on r.public_id = p.public_id join people o on o.id = p.confirmed_by order by p.id"""

SUMS = (
    """
create table posting_sums (
  txn_id integer not null, currency varchar(3) not null, amount_minor integer not null,
  balanced integer default -1 not null references postings (id) deferrable initially deferred,
  primary key (txn_id, currency), check (balanced = -1)
)
""",
    """
create trigger journal_balances after insert on journal begin
  insert into posting_sums (txn_id, currency, amount_minor) values (new.txn_id, new.currency, new.amount_minor)
    on conflict (txn_id, currency) do update set amount_minor = amount_minor + excluded.amount_minor;
  delete from posting_sums where txn_id = new.txn_id and currency = new.currency and amount_minor = 0;
end
""",
)


def _refuse_change(table: str) -> list[str]:
    if op.get_bind().dialect.name == "postgresql":
        acts = f"before update or delete on {table} for each row execute function pavilion_refuse_change()"
        return [f"create trigger {table}_append_only {acts}"]
    refuse = f"begin select raise(abort, 'append only: {table}'); end"
    return [f"create trigger {table}_no_{act} before {act} on {table} {refuse}" for act in ("update", "delete")]


def upgrade() -> None:
    for table, column in ADDED:
        op.add_column(table, column)
    known = "constraint ck_invoices_outcome_known check (outcome in ('', 'late', 'cured'))"
    op.execute(f"alter table invoices add column outcome varchar(6) default '' not null {known}")
    unheld = "constraint ck_registrations_no_limit_before_deposit check (not awaits_deposit or limit_minor = 0)"
    op.execute(f"alter table registrations add column awaits_deposit boolean default false not null {unheld}")
    with op.batch_alter_table("invoice_lines") as lines:
        lines.drop_constraint(op.f("uq_invoice_lines_lot_kind"), type_="unique")
        lines.create_unique_constraint(op.f("uq_invoice_lines_invoice_id_lot_kind"), ["invoice_id", "lot", "kind"])
    op.create_index("ix_invoice_lines_lot", "invoice_lines", ["lot"], unique=False)
    op.create_index("ix_journal_ref_account", "journal", ["ref", "account"], unique=False)
    op.create_table(
        "discrepancies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("invoice", sa.String(length=40), nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("closed_by", sa.String(length=40), nullable=True),
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancies")),
        sa.UniqueConstraint("key", name=op.f("uq_discrepancies_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_discrepancies_public_id")),
    )
    op.create_index("ix_discrepancies_invoice", "discrepancies", ["invoice"], unique=False)
    op.create_table(
        "guarded_balances",
        sa.Column("account", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.CheckConstraint("amount_minor <= 0", name=op.f("ck_guarded_balances_never_below_zero")),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_guarded_balances")),
    )
    op.create_table(
        "provider_events",
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("created", WHEN, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("effect", sa.String(length=40), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_provider_events")),
        info={"append_only": True},
    )
    op.create_index("ix_provider_events_object", "provider_events", ["object"], unique=False)
    op.create_table(
        "provider_objects",
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("created", WHEN, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("object", name=op.f("pk_provider_objects")),
    )
    op.create_table(
        "settlement_papers",
        sa.Column("owner", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("owner", "kind", "lang", name=op.f("pk_settlement_papers")),
        info={"append_only": True},
    )
    op.create_table(
        "settlement_terms",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("sale", name=op.f("pk_settlement_terms")),
    )
    op.create_table(
        "webhook_refusals",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.PrimaryKeyConstraint("day", "reason", name=op.f("pk_webhook_refusals")),
    )
    op.create_table(
        "wire_scans",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_wire_scans")),
        info={"append_only": True},
    )
    op.create_table(
        "charge_consents",
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("given_by", sa.String(length=26), nullable=False),
        sa.Column("given_at", WHEN, nullable=False),
        sa.Column("withdrawn_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_charge_consents_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("company_id", "sale", name=op.f("pk_charge_consents")),
    )
    op.create_table(
        "deposits",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("registration", sa.String(length=26), nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("asked_minor", BIG, nullable=False),
        sa.Column("lots", sa.JSON(), nullable=False),
        sa.Column("factor", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by_hold", sa.Boolean(), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("held_at", WHEN, nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.CheckConstraint("state in ('asked', 'pending', 'held', 'closed')", name=op.f("ck_deposits_state_known")),
        sa.CheckConstraint("asked_minor > 0", name=op.f("ck_deposits_asked_positive")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_deposits_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("company_id", "sale", name=op.f("uq_deposits_company_id_sale")),
        sa.UniqueConstraint("public_id", name=op.f("uq_deposits_public_id")),
    )
    op.create_index("ix_deposits_sale_state", "deposits", ["sale", "state"], unique=False)
    op.create_table(
        "house_companies",
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_house_companies_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_house_companies")),
    )
    op.create_table(
        "lot_offers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("registration", sa.String(length=26), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.CheckConstraint("kind in ('underbidder', 'passed')", name=op.f("ck_lot_offers_kind_known")),
        sa.CheckConstraint(
            "state in ('open', 'accepted', 'declined', 'lapsed', 'withdrawn')", name=op.f("ck_lot_offers_state_known")
        ),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_lot_offers_price_positive")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_lot_offers_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_offers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lot_offers_public_id")),
    )
    op.create_index("ix_lot_offers_company_id", "lot_offers", ["company_id"], unique=False)
    op.create_index("ix_lot_offers_state_expires_at", "lot_offers", ["state", "expires_at"], unique=False)
    op.create_index(
        "uq_lot_offers_open",
        "lot_offers",
        ["lot", "company_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "payment_intents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("sent_at", WHEN, nullable=True),
        sa.Column("next_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('checkout', 'deposit', 'hold', 'capture', 'release_hold', 'account', 'charge', 'refund', 'expire')",
            name=op.f("ck_payment_intents_kind_known"),
        ),
        sa.CheckConstraint(
            "state in ('new', 'sent', 'waiting', 'succeeded', 'failed', 'expired', 'cancelled', 'unknown')",
            name=op.f("ck_payment_intents_state_known"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_payment_intents_amount_counted")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_payment_intents_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_intents")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_payment_intents_kind_key")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_payment_intents_provider_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_intents_public_id")),
    )
    op.create_index("ix_payment_intents_ref", "payment_intents", ["ref"], unique=False)
    op.create_index("ix_payment_intents_state_next_at", "payment_intents", ["state", "next_at"], unique=False)
    op.create_table(
        "provider_customers",
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=True),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_provider_customers_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("company_id", "entity", name=op.f("pk_provider_customers")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_provider_customers_provider_id")),
    )
    op.create_table(
        "seller_accounts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tail", sa.String(length=4), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column("named_by", sa.String(length=26), nullable=False),
        sa.Column("named_at", WHEN, nullable=False),
        sa.Column("confirmed_by", sa.String(length=26), nullable=True),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_seller_accounts_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_accounts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_seller_accounts_public_id")),
    )
    op.create_index("ix_seller_accounts_company_id", "seller_accounts", ["company_id"], unique=False)
    op.create_table(
        "seller_statements",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("gross_minor", BIG, nullable=False),
        sa.Column("forfeits_minor", BIG, nullable=False),
        sa.Column("carried_minor", BIG, nullable=False),
        sa.Column("commission_minor", BIG, nullable=False),
        sa.Column("charges_minor", BIG, nullable=False),
        sa.Column("tax_minor", BIG, nullable=False),
        sa.Column("net_minor", BIG, nullable=False),
        sa.Column("payable_on", sa.String(length=10), nullable=False),
        sa.Column("issued_at", WHEN, nullable=False),
        sa.Column("issued_on", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "net_minor = gross_minor + forfeits_minor + carried_minor - commission_minor - charges_minor - tax_minor",
            name=op.f("ck_seller_statements_net_adds_up"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_seller_statements_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_statements")),
        sa.UniqueConstraint("number", name=op.f("uq_seller_statements_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_seller_statements_public_id")),
        info={"append_only": True},
    )
    op.create_index("ix_seller_statements_company_id", "seller_statements", ["company_id"], unique=False)
    op.create_index("ix_seller_statements_sale", "seller_statements", ["sale"], unique=False)
    op.create_table(
        "strikes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("invoice", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("how", sa.String(length=8), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("(ended_at is null) = (how is null)", name=op.f("ck_strikes_ended_somehow")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_strikes_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strikes")),
        sa.UniqueConstraint("invoice", name=op.f("uq_strikes_invoice")),
    )
    op.create_index("ix_strikes_company_id", "strikes", ["company_id"], unique=False)
    op.create_table(
        "billed_lots",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_billed_lots_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_billed_lots")),
    )
    op.create_index("ix_billed_lots_invoice_id", "billed_lots", ["invoice_id"], unique=False)
    op.create_table(
        "credit_notes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("memo_tax_minor", BIG, nullable=False),
        sa.Column("issued_at", WHEN, nullable=False),
        sa.Column("issued_on", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_credit_notes_total_counted")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_credit_notes_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_notes_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_credit_notes_public_id")),
        info={"append_only": True},
    )
    op.create_index("ix_credit_notes_invoice_id", "credit_notes", ["invoice_id"], unique=False)
    op.create_table(
        "goods",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("release", sa.String(length=26), nullable=True),
        sa.Column("changed_at", WHEN, nullable=False),
        sa.CheckConstraint(
            "state in ('at_house', 'reserved', 'released', 'handed_over', 'received', 'returned')",
            name=op.f("ck_goods_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_goods_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_goods")),
    )
    op.create_index("ix_goods_release", "goods", ["release"], unique=False)
    op.create_table(
        "lot_remedies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("choice", sa.String(length=8), nullable=False),
        sa.Column("credit_note", sa.String(length=40), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("choice in ('offer', 'relot', 'return')", name=op.f("ck_lot_remedies_choice_known")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_lot_remedies_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_remedies")),
    )
    op.create_index("ix_lot_remedies_lot", "lot_remedies", ["lot"], unique=False)
    op.create_table(
        "ownerships",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("from_company_id", BIG, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("event_sha256", sa.String(length=64), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_ownerships_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["from_company_id"],
            ["companies.id"],
            name=op.f("fk_ownerships_from_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_ownerships_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownerships")),
        sa.UniqueConstraint(
            "stone", "invoice_id", "company_id", name=op.f("uq_ownerships_stone_invoice_id_company_id")
        ),
        info={"append_only": True},
    )
    op.create_index("ix_ownerships_company_id", "ownerships", ["company_id"], unique=False)
    op.create_index("ix_ownerships_stone_id", "ownerships", ["stone", "id"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("statement_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_by", BIG, nullable=False),
        sa.Column("approved_by", BIG, nullable=False),
        sa.Column("bank_reference", sa.String(length=80), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint("state in ('approved', 'paid', 'cancelled')", name=op.f("ck_payouts_state_known")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payouts_amount_positive")),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_payouts_two_persons")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["seller_accounts.id"],
            name=op.f("fk_payouts_account_id_seller_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["people.id"], name=op.f("fk_payouts_approved_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_payouts_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["people.id"], name=op.f("fk_payouts_proposed_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["seller_statements.id"],
            name=op.f("fk_payouts_statement_id_seller_statements"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payouts_public_id")),
    )
    op.create_index("ix_payouts_state", "payouts", ["state"], unique=False)
    op.create_index(
        "uq_payouts_live",
        "payouts",
        ["statement_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("value_date", sa.String(length=10), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("provider_ref", sa.String(length=80), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("sender", sa.String(length=140), nullable=False),
        sa.Column("sender_account", sa.String(length=40), nullable=False),
        sa.Column("scan_sha256", sa.String(length=64), nullable=True),
        sa.Column("entered_by", BIG, nullable=True),
        sa.Column("confirmed_by", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint(
            "(source in ('wire', 'converted')) = (entered_by is not null and confirmed_by is not null)",
            name=op.f("ck_receipts_wire_by_persons"),
        ),
        sa.CheckConstraint(
            "source in ('wire', 'card', 'transfer', 'hold', 'converted')", name=op.f("ck_receipts_source_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_receipts_amount_positive")),
        sa.CheckConstraint("confirmed_by is null or confirmed_by <> entered_by", name=op.f("ck_receipts_two_persons")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_receipts_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["people.id"], name=op.f("fk_receipts_confirmed_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["people.id"], name=op.f("fk_receipts_entered_by_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_receipts_provider_ref")),
        sa.UniqueConstraint("public_id", name=op.f("uq_receipts_public_id")),
        info={"append_only": True},
    )
    op.create_index("ix_receipts_company_id", "receipts", ["company_id"], unique=False)
    op.create_index("ix_receipts_entity_reference", "receipts", ["entity", "reference"], unique=False)
    op.create_table(
        "receipt_leavings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("into_id", BIG, nullable=True),
        sa.Column("rate", sa.String(length=24), nullable=False),
        sa.Column("rate_source", sa.String(length=80), nullable=False),
        sa.Column("rate_on", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", BIG, nullable=False),
        sa.Column("agreed_by", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_receipt_leavings_amount_positive")),
        sa.CheckConstraint("(into_id is null) = (rate = '')", name=op.f("ck_receipt_leavings_converted_by_a_rate")),
        sa.CheckConstraint("proposed_by <> agreed_by", name=op.f("ck_receipt_leavings_two_persons")),
        sa.ForeignKeyConstraint(
            ["agreed_by"], ["people.id"], name=op.f("fk_receipt_leavings_agreed_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["into_id"], ["receipts.id"], name=op.f("fk_receipt_leavings_into_id_receipts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["people.id"], name=op.f("fk_receipt_leavings_proposed_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_receipt_leavings_receipt_id_receipts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_leavings")),
        sa.UniqueConstraint("into_id", name=op.f("uq_receipt_leavings_into_id")),
        info={"append_only": True},
    )
    op.create_index("ix_receipt_leavings_receipt_id", "receipt_leavings", ["receipt_id"], unique=False)
    op.create_table(
        "releases",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("office", sa.String(length=40), nullable=False),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("collector", sa.String(length=120), nullable=False),
        sa.Column("pass_sha256", sa.String(length=64), nullable=True),
        sa.Column("document_seen", sa.String(length=20), nullable=False),
        sa.Column("signature_sha256", sa.String(length=64), nullable=True),
        sa.Column("carrier", sa.String(length=80), nullable=False),
        sa.Column("airway_bill", sa.String(length=40), nullable=False),
        sa.Column("insured_minor", BIG, nullable=True),
        sa.Column("picked", sa.JSON(), nullable=False),
        sa.Column("weighed", sa.JSON(), nullable=False),
        sa.Column("prepared_by", sa.String(length=40), nullable=False),
        sa.Column("prepared_at", WHEN, nullable=False),
        sa.Column("packed_at", WHEN, nullable=True),
        sa.Column("released_at", WHEN, nullable=True),
        sa.Column("handed_at", WHEN, nullable=True),
        sa.Column("handed_by", sa.String(length=40), nullable=True),
        sa.Column("received_at", WHEN, nullable=True),
        sa.Column("export_proof_at", WHEN, nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint("mode in ('collection', 'carrier')", name=op.f("ck_releases_mode_known")),
        sa.CheckConstraint(
            "state in ('at_house', 'reserved', 'released', 'handed_over', 'received', 'returned')",
            name=op.f("ck_releases_state_known"),
        ),
        sa.CheckConstraint("insured_minor is null or insured_minor > 0", name=op.f("ck_releases_insured_positive")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_releases_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_releases_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("pass_sha256", name=op.f("uq_releases_pass_sha256")),
        sa.UniqueConstraint("public_id", name=op.f("uq_releases_public_id")),
    )
    op.create_index("ix_releases_invoice_id", "releases", ["invoice_id"], unique=False)
    op.create_index("ix_releases_state", "releases", ["state"], unique=False)
    op.create_table(
        "release_files",
        sa.Column("id", BIG, nullable=False),
        sa.Column("release_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_release_files_release_id_releases"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_files")),
        sa.UniqueConstraint(
            "release_id", "version", "kind", "lang", name=op.f("uq_release_files_release_id_version_kind_lang")
        ),
        info={"append_only": True},
    )
    op.create_table(
        "stated_items",
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("statement_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["seller_statements.id"],
            name=op.f("fk_stated_items_statement_id_seller_statements"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_stated_items")),
        info={"append_only": True},
    )
    op.create_index("ix_stated_items_statement_id", "stated_items", ["statement_id"], unique=False)
    op.create_table(
        "allocations",
        sa.Column("id", BIG, nullable=False),
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("deposit", sa.String(length=26), nullable=True),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("(invoice_id is null) <> (deposit is null)", name=op.f("ck_allocations_invoice_or_deposit")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_allocations_amount_moves")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_allocations_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_allocations_receipt_id_receipts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
        info={"append_only": True},
    )
    op.create_index("ix_allocations_invoice_id", "allocations", ["invoice_id"], unique=False)
    op.create_index("ix_allocations_receipt_id", "allocations", ["receipt_id"], unique=False)
    op.create_table(
        "credit_note_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("note_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_credit_note_lines_amount_counted")),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["invoice_lines.id"],
            name=op.f("fk_credit_note_lines_line_id_invoice_lines"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["note_id"],
            ["credit_notes.id"],
            name=op.f("fk_credit_note_lines_note_id_credit_notes"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_lines")),
        sa.UniqueConstraint("note_id", "place", name=op.f("uq_credit_note_lines_note_id_place")),
        info={"append_only": True},
    )
    op.create_index("ix_credit_note_lines_line_id", "credit_note_lines", ["line_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("provider_id", sa.String(length=80), nullable=False),
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_disputes_receipt_id_receipts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_receipt_id", "disputes", ["receipt_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("receipt_id", BIG, nullable=True),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by_wire", sa.Boolean(), nullable=False),
        sa.Column("provider_ref", sa.String(length=80), nullable=True),
        sa.Column("bank_reference", sa.String(length=80), nullable=False),
        sa.Column("payee", sa.String(length=140), nullable=False),
        sa.Column("payee_account", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state in ('decided', 'sent', 'succeeded', 'failed', 'replaced')", name=op.f("ck_refunds_state_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_refunds_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_refunds_receipt_id_receipts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("key", name=op.f("uq_refunds_key")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_refunds_provider_ref")),
        sa.UniqueConstraint("public_id", name=op.f("uq_refunds_public_id")),
    )
    op.create_index("ix_refunds_company_id", "refunds", ["company_id"], unique=False)
    op.create_index("ix_refunds_receipt_id", "refunds", ["receipt_id"], unique=False)
    op.create_index("ix_refunds_state", "refunds", ["state"], unique=False)
    op.execute(BILLED)
    op.execute(RECEIPTS)
    op.execute(ALLOCATIONS)
    op.drop_index(op.f("ix_payments_invoice_id"), table_name="payments")
    op.drop_table("payments")
    if op.get_bind().dialect.name == "sqlite":
        for statement in SUMS:
            op.execute(statement.strip())
    for table in APPEND_ONLY:
        for statement in _refuse_change(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what was paid is not unsaid")
