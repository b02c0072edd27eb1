"""What the first round of a tender held, sealed until the award of the second."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RULES = {
    "postgresql": [
        "create trigger tender_held_append_only before update or delete on tender_held for each row execute function pavilion_refuse_change()",
    ],
    "sqlite": [
        "create trigger tender_held_no_update before update on tender_held begin select raise(abort, 'append only: tender_held'); end",
        "create trigger tender_held_no_delete before delete on tender_held begin select raise(abort, 'append only: tender_held'); end",
    ],
}


def upgrade() -> None:
    op.create_table(
        "tender_held",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("n", BIG, autoincrement=False, nullable=False),
        sa.Column("invited", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sale", "n", name=op.f("pk_tender_held")),
    )
    for statement in RULES[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what was promised in a sale is not unsaid")
