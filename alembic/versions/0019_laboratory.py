"""What a supplier said where the laboratory says otherwise, and rows of stock files that wait for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0022"
branch_labels = None
depends_on = None

WAITING = sa.text("outcome in ('pending_lab', 'pending_origin')")


def upgrade() -> None:
    """Until now no stone had another grade than its supplier's."""
    op.add_column("stones", sa.Column("supplier_said", sa.JSON(), nullable=True))
    op.add_column("stock_rows", sa.Column("graded", sa.JSON(), nullable=True))
    op.create_index("ix_stock_rows_waiting", "stock_rows", ["stone"], postgresql_where=WAITING, sqlite_where=WAITING)


def downgrade() -> None:
    op.drop_index("ix_stock_rows_waiting", table_name="stock_rows")
    op.drop_column("stock_rows", "graded")
    op.drop_column("stones", "supplier_said")
