"""The end of an approval; screenings and references of companies; how often a lot's page was looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """No approval ended before, and nobody was screened, spoken for or counted."""
    op.add_column("registrations", sa.Column("approved_until", WHEN, nullable=True))
    op.create_table(
        "company_screenings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("list_version", sa.String(length=80), nullable=False),
        sa.Column("list_issued", sa.String(length=10), nullable=False),
        sa.Column("list_sha256", sa.String(length=64), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("first_at", WHEN, nullable=False),
        sa.Column("last_at", WHEN, nullable=False),
        sa.CheckConstraint(
            "outcome in ('clear', 'resembles', 'listed')", name=op.f("ck_company_screenings_outcome_known")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_company_screenings_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_screenings")),
    )  # fmt: skip
    op.create_index("ix_company_screenings_company_id_id", "company_screenings", ["company_id", "id"])
    references()
    op.create_table(
        "lot_views",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.CheckConstraint("n > 0", name=op.f("ck_lot_views_n_positive")),
        sa.PrimaryKeyConstraint("lot", "day", name=op.f("pk_lot_views")),
    )


def references() -> None:
    op.create_table(
        "trade_references",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("referee", sa.String(length=160), nullable=False),
        sa.Column("confirmed_by", sa.String(length=120), nullable=False),
        sa.Column("confirmed_on", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("entered_by", BIG, nullable=False),
        sa.Column("entered_at", WHEN, nullable=False),
        sa.Column("withdrawn_by", BIG, nullable=True),
        sa.Column("withdrawn_at", WHEN, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_trade_references_{column}_{table}"), ondelete="RESTRICT"
            )
            for column, table in (("company_id", "companies"), ("entered_by", "people"), ("withdrawn_by", "people"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade_references")),
        sa.UniqueConstraint("public_id", name=op.f("uq_trade_references_public_id")),
    )
    op.create_index("ix_trade_references_company_id", "trade_references", ["company_id"])


def downgrade() -> None:
    op.drop_table("lot_views")
    op.drop_table("trade_references")
    op.drop_table("company_screenings")
    op.drop_column("registrations", "approved_until")
