"""On which days a stone lies in which office."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No day of any stone was told before; the first look of the viewings tells them."""
    op.add_column("stones", sa.Column("lies", sa.String(length=400), nullable=True))
