"""Deposits that are raised after the approval; offers of buyers for passed lots; what became of a lot after the sale;
streets of companies, with every earlier address.

Rows of before say what they said: nothing was raised. A lot whose sale was cancelled, or that an offer sold, says so."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
BECAME = """
insert into lot_sequels (lot, sale, became, "by", at) select lot, sale, became, "by", at from (
  select r.lot as lot, i.sale as sale, 'cancelled' as became, r."by" as "by", r.at as at
    from lot_remedies r join invoices i on i.id = r.invoice_id
  union all
  select l.lot, i.sale, 'cancelled', cast(null as varchar(40)), max(n.issued_at)
    from credit_note_lines c join credit_notes n on n.id = c.note_id join invoice_lines l on l.id = c.line_id
    join invoices i on i.id = l.invoice_id
    where l.kind = 'hammer' and not exists (select 1 from lot_remedies r where r.lot = l.lot)
      and not exists (select 1 from billed_lots b where b.lot = l.lot) group by l.lot, i.sale
  union all
  select lot, sale, 'cancelled', decided_by, decided_at from settlement_stops where state = 'cancelled'
  union all
  select lot, sale, 'sold_after', answered_by, answered_at from lot_offers where state = 'accepted'
) told order by at
"""
KEPT = "('cancelled', 'sold_after')"
RULES = {
    "postgresql": [
        *(
            f"create trigger {table}_append_only before update or delete on {table} for each row execute function pavilion_refuse_change()"
            for table in ("approach_rounds", "company_addresses", "lot_sequels")
        ),
        "drop trigger result_lots_append_only on result_lots",
        "create trigger result_lots_no_delete before delete on result_lots for each row execute function pavilion_refuse_change()",
        f"create trigger result_lots_no_update before update on result_lots for each row when (new.state not in {KEPT}) execute function pavilion_refuse_change()",
    ],
    "sqlite": [
        *(
            f"create trigger {table}_no_{act} before {act} on {table} begin select raise(abort, 'append only: {table}'); end"
            for table in ("approach_rounds", "company_addresses", "lot_sequels")
            for act in ("update", "delete")
        ),
        "drop trigger result_lots_no_update",
        f"create trigger result_lots_no_update before update on result_lots when new.state not in {KEPT} begin select raise(abort, 'append only: result_lots'); end",
    ],
}


# That a lot is paid is taken back with its payment.
UNPAID = {
    "postgresql": ["drop trigger paid_lots_append_only on paid_lots"],
    "sqlite": ["drop trigger paid_lots_no_update", "drop trigger paid_lots_no_delete"],
}


def upgrade() -> None:
    for statement in UNPAID[op.get_bind().dialect.name]:
        op.execute(statement)
    op.add_column("deposits", sa.Column("raise_minor", BIG, nullable=True))
    op.add_column("companies", sa.Column("street", sa.String(length=160), server_default="", nullable=False))
    op.add_column("companies", sa.Column("postcode", sa.String(length=16), server_default="", nullable=False))
    op.create_table(
        "company_addresses",
        sa.Column("id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("street", sa.String(length=160), nullable=False),
        sa.Column("postcode", sa.String(length=16), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_company_addresses_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_addresses")),
    )  # fmt: skip
    op.create_index("ix_company_addresses_company_id", "company_addresses", ["company_id"], unique=False)
    after_the_sale()


def after_the_sale() -> None:
    op.create_table(
        "lot_sequels",
        sa.Column("id", BIG, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("became", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("became in ('cancelled', 'sold_after')", name=op.f("ck_lot_sequels_became_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_sequels")),
    )
    op.create_index("ix_lot_sequels_lot", "lot_sequels", ["lot"], unique=False)
    op.create_table(
        "approaches",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("registration", sa.String(length=26), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("round", BIG, nullable=False),
        sa.Column("turn", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("consent", sa.String(length=8), nullable=True),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'accepted', 'declined', 'withdrawn', 'lapsed', 'void')",
            name=op.f("ck_approaches_state_known"),
        ),
        sa.CheckConstraint("turn in ('buyer', 'seller')", name=op.f("ck_approaches_turn_known")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_approaches_price_positive")),
        sa.CheckConstraint("round >= 1 and round <= 10", name=op.f("ck_approaches_round_counted")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_approaches_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approaches")),
        sa.UniqueConstraint("public_id", name=op.f("uq_approaches_public_id")),
    )
    op.create_index("ix_approaches_company_id", "approaches", ["company_id"], unique=False)
    op.create_index("ix_approaches_lot", "approaches", ["lot"], unique=False)
    op.create_index("ix_approaches_state_expires_at", "approaches", ["state", "expires_at"], unique=False)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_approaches_open",
        "approaches",
        ["lot", "company_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "approach_rounds",
        sa.Column("approach_id", BIG, nullable=False),
        sa.Column("round", BIG, autoincrement=False, nullable=False),
        sa.Column("side", sa.String(length=6), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("consent", sa.String(length=8), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.CheckConstraint("side in ('buyer', 'seller')", name=op.f("ck_approach_rounds_side_known")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_approach_rounds_price_positive")),
        sa.CheckConstraint("round >= 1 and round <= 10", name=op.f("ck_approach_rounds_round_counted")),
        sa.ForeignKeyConstraint(
            ["approach_id"],
            ["approaches.id"],
            name=op.f("fk_approach_rounds_approach_id_approaches"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("approach_id", "round", name=op.f("pk_approach_rounds")),
    )
    for statement in RULES[op.get_bind().dialect.name]:
        op.execute(statement)
    op.execute(BECAME.strip())


def downgrade() -> None:
    raise NotImplementedError("what was put down is not forgotten")
