"""Deposits that are raised after the approval.

Rows of before say what they said: nothing was raised."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("deposits", sa.Column("raise_minor", BIG, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("what was put down is not forgotten")
