"""Benchmark lists of an operator, and which results stand behind which told price."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
WRITTEN_ONCE = ("benchmark_lists", "benchmark_rows", "benchmark_ends")


def upgrade() -> None:
    op.create_table(
        "benchmark_lists",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sent_by", sa.String(length=26), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benchmark_lists")),
        sa.UniqueConstraint(
            "owner", "name", "currency", "day", name=op.f("uq_benchmark_lists_owner_name_currency_day")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_benchmark_lists_public_id")),
    )
    op.create_table(
        "benchmark_rows",
        sa.Column("list_id", BIG, nullable=False),
        sa.Column("shape", sa.String(length=20), nullable=False),
        sa.Column("color", sa.String(length=4), nullable=False),
        sa.Column("clarity", sa.String(length=20), nullable=False),
        sa.Column("from_mct", BIG, nullable=False),
        sa.Column("to_mct", BIG, nullable=False),
        sa.Column("ppc_minor", BIG, nullable=False),
        sa.CheckConstraint("from_mct > 0 and to_mct >= from_mct", name=op.f("ck_benchmark_rows_band_rises")),
        sa.CheckConstraint("ppc_minor > 0", name=op.f("ck_benchmark_rows_price_positive")),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["benchmark_lists.id"],
            name=op.f("fk_benchmark_rows_list_id_benchmark_lists"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("list_id", "shape", "color", "clarity", "from_mct", name=op.f("pk_benchmark_rows")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_benchmark_rows_cell", "benchmark_rows", ["shape", "color", "clarity", "list_id"], unique=False)
    op.create_table(
        "benchmark_ends",
        sa.Column("list_id", BIG, autoincrement=False, nullable=False),
        sa.Column("by", sa.String(length=26), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["benchmark_lists.id"],
            name=op.f("fk_benchmark_ends_list_id_benchmark_lists"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_benchmark_ends")),
    )
    for table in WRITTEN_ONCE:
        written_once(table)
    told_prices()
    op.create_index("ix_stones_like", "stones", ["shape", "color", "clarity", "weight_mct"], unique=False)


def written_once(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        acts = f"before update or delete on {table} for each row execute function pavilion_refuse_change()"
        op.execute(f"create trigger {table}_append_only {acts}")
        return
    refuse = f"begin select raise(abort, 'append only: {table}'); end"
    for act in ("update", "delete"):
        op.execute(f"create trigger {table}_no_{act} before {act} on {table} {refuse}")


def told_prices() -> None:
    op.create_table(
        "price_batches",
        sa.Column("id", BIG, nullable=False),
        sa.Column("fine", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shape_group", sa.String(length=20), nullable=False),
        sa.Column("size", sa.String(length=12), nullable=False),
        sa.Column("tone", sa.String(length=20), nullable=False),
        sa.Column("clarity_group", sa.String(length=20), nullable=False),
        sa.Column("shape", sa.String(length=20), nullable=False),
        sa.Column("band", sa.String(length=12), nullable=False),
        sa.Column("color", sa.String(length=20), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("first_at", WHEN, nullable=False),
        sa.Column("last_at", WHEN, nullable=False),
        sa.Column("told_at", WHEN, nullable=False),
        sa.CheckConstraint("n >= 5", name=op.f("ck_price_batches_enough")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_batches")),
    )
    op.create_index(
        "ix_price_batches_cell", "price_batches", ["currency", "shape_group", "size", "last_at"], unique=False
    )
    op.create_table(
        "price_results",
        sa.Column("result_id", BIG, autoincrement=False, nullable=False),
        sa.Column("batch_id", BIG, nullable=False),
        sa.Column("per_carat", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["result_lots.id"], name=op.f("fk_price_results_result_id_result_lots"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["price_batches.id"],
            name=op.f("fk_price_results_batch_id_price_batches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_price_results")),
    )
    op.create_index(op.f("ix_price_results_batch_id"), "price_results", ["batch_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_stones_like", table_name="stones")
    op.drop_table("price_results")
    op.drop_table("price_batches")
    for table in reversed(WRITTEN_ONCE):
        op.drop_table(table)
