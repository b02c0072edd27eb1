"""Of how many companies a seller was told that a stone interests them, and which weeks were counted."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "interest_weeks",
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("counted_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_interest_weeks")),
    )
    op.create_table(
        "interest_told",
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("companies", sa.JSON(), nullable=False),
        sa.CheckConstraint("n = 0 or n >= 3", name=op.f("ck_interest_told_enough_or_none")),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_interest_told_stone_id_stones"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["week"], ["interest_weeks.week"], name=op.f("fk_interest_told_week_interest_weeks"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("stone_id", name=op.f("pk_interest_told")),
    )


def downgrade() -> None:
    op.drop_table("interest_told")
    op.drop_table("interest_weeks")
