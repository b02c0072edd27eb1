"""The saleroom: tenders, plans, requests, notices, fairness and the archive of results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

TRIGGERS = {
    "postgresql": [],
    "sqlite": [],
}


def upgrade() -> None:
    op.create_table(
        "staff_orders",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=True),
        sa.Column("proposal", sa.String(length=26), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_orders")),
        sa.UniqueConstraint("proposal", name=op.f("uq_staff_orders_proposal")),
    )
    op.create_index("ix_staff_orders_sale_done", "staff_orders", ["sale", "done_at"], unique=False)
    op.add_column("book_bids", sa.Column("entered_by", sa.String(length=26), nullable=True))
    op.add_column("book_bids", sa.Column("mandate", sa.String(length=10), nullable=True))
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("what was promised in a sale is not unsaid")
