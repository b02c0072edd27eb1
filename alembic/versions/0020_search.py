"""Where a stone lies now, and news of viewings that became free."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0021"
branch_labels = None
depends_on = None

KINDS = ("new", "price", "back", "in_sale", "viewing")


def upgrade() -> None:
    """No stone was told to lie anywhere before; the first look of the viewings tells it."""
    op.create_table(
        "office_names",
        sa.Column("office", sa.String(length=12), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_office_names")),
    )
    op.add_column("stones", sa.Column("office", sa.String(length=12), nullable=True))
    op.drop_index("ix_search_alerts_untold", table_name="search_alerts")
    with op.batch_alter_table("search_alerts") as alerts:
        alerts.drop_constraint(op.f("ck_search_alerts_kind_known"), type_="check")
        told = ", ".join(f"'{kind}'" for kind in KINDS)
        alerts.create_check_constraint(op.f("ck_search_alerts_kind_known"), f"kind in ({told})")
    untold = sa.text("told_at is null")
    op.create_index(
        "ix_search_alerts_untold", "search_alerts", ["search_id"], postgresql_where=untold, sqlite_where=untold
    )
