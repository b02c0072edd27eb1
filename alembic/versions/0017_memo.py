"""Stones out on memo, and what an owner's silence means to each company."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
PAPERS = "memo_papers"


def upgrade() -> None:
    """Nothing was out on memo before, and silence meant what the selling house says."""
    op.execute("alter table companies add column silence_refuses boolean default false not null")
    _memos()
    _stones()
    op.create_table(
        PAPERS,
        sa.Column("memo_id", BIG, nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["memo_id"], ["memos.id"], name=op.f("fk_memo_papers_memo_id_memos"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("memo_id", "lang", name=op.f("pk_memo_papers")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"create trigger {PAPERS}_append_only before update or delete on {PAPERS} for each row execute function pavilion_refuse_change()"
        )
        return
    for act in ("update", "delete"):
        op.execute(
            f"create trigger {PAPERS}_no_{act} before {act} on {PAPERS} begin select raise(abort, 'append only: {PAPERS}'); end"
        )


def downgrade() -> None:
    for table in (PAPERS, "memo_stones", "memos"):
        op.drop_table(table)
    op.execute("alter table companies drop column silence_refuses")


def _memos() -> None:
    op.create_table(
        "memos",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("issued_on", sa.String(length=10), nullable=True),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("seller_company_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("days", BIG, nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("insured_minor", BIG, nullable=True),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("due_at", WHEN, nullable=True),
        sa.Column("bill_on", sa.String(length=10), nullable=True),
        sa.Column("extensions", BIG, nullable=False),
        sa.Column("extension_asked_at", WHEN, nullable=True),
        sa.Column("warranty_id", sa.String(length=40), nullable=True),
        sa.Column("warranty_sha256", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=False),
        sa.Column("requested_at", WHEN, nullable=False),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.Column("out_at", WHEN, nullable=True),
        sa.Column("out_to", sa.String(length=120), nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reminded_on", sa.String(length=10), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint(
            "state in ('requested', 'approved', 'out', 'overdue', 'returned', 'invoiced', 'refused')",
            name=op.f("ck_memos_state_known"),
        ),
        sa.CheckConstraint("company_id <> seller_company_id", name=op.f("ck_memos_of_another")),
        sa.CheckConstraint("total_minor > 0 and total_minor <= 999999999999999", name=op.f("ck_memos_total_counted")),
        sa.CheckConstraint(
            "insured_minor is null or insured_minor >= total_minor", name=op.f("ck_memos_insured_in_full")
        ),
        sa.CheckConstraint("length(destination) = 2", name=op.f("ck_memos_destination_two_letters")),
        sa.CheckConstraint("extensions >= 0 and extensions <= 2", name=op.f("ck_memos_extended_twice_at_most")),
        sa.CheckConstraint(
            "state in ('requested', 'refused') or (number is not null and due_at is not null)",
            name=op.f("ck_memos_agreed_is_numbered"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_memos_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seller_company_id"],
            ["companies.id"],
            name=op.f("fk_memos_seller_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memos")),
        sa.UniqueConstraint("public_id", name=op.f("uq_memos_public_id")),
        sa.UniqueConstraint("number", name=op.f("uq_memos_number")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_memos_company_id_key")),
    )
    op.create_index("ix_memos_seller_company_id", "memos", ["seller_company_id"], unique=False)
    op.create_index("ix_memos_state_due_at", "memos", ["state", "due_at"], unique=False)


def _stones() -> None:
    op.create_table(
        "memo_stones",
        sa.Column("memo_id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("out_mct", BIG, nullable=True),
        sa.Column("in_mct", BIG, nullable=True),
        sa.Column("in_at", WHEN, nullable=True),
        sa.Column("in_by", sa.String(length=40), nullable=True),
        sa.Column("order", sa.String(length=26), nullable=True),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'out', 'returned', 'incident', 'invoiced', 'released')",
            name=op.f("ck_memo_stones_state_known"),
        ),
        sa.CheckConstraint(
            "price_minor > 0 and price_minor <= 999999999999999", name=op.f("ck_memo_stones_price_counted")
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'released') or out_mct is not null", name=op.f("ck_memo_stones_out_was_weighed")
        ),
        sa.ForeignKeyConstraint(
            ["memo_id"], ["memos.id"], name=op.f("fk_memo_stones_memo_id_memos"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("memo_id", "stone", name=op.f("pk_memo_stones")),
        sa.UniqueConstraint("memo_id", "place", name=op.f("uq_memo_stones_memo_id_place")),
    )
    op.create_index("ix_memo_stones_stone", "memo_stones", ["stone"], unique=False)
