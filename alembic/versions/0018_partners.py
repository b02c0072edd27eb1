"""Calls to partners and answers kept for a key."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """No key had an answer before."""
    op.create_table(
        "kept_answers",
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", BIG, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("length(request_sha256) = 64", name=op.f("ck_kept_answers_request_hashed")),
        sa.CheckConstraint("status >= 200 and status < 300", name=op.f("ck_kept_answers_done")),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"])


def downgrade() -> None:
    op.drop_table("kept_answers")
