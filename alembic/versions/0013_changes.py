"""What changed of a stone and when, and the searches that are kept.

A history begins here. Of stones that were shown and are no longer one line says so, at the change that touched them
last: it is true of them now, and no later look takes them for listed. Listed stones have no line: when each was listed
stands in `stones`, and a line at their last change would claim that they were listed by that change. The place at which
keeping began is a counter, so that nobody asks for what was before."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KINDS = "('listed', 'changed', 'priced', 'committed', 'released', 'withdrawn', 'unlisted')"
APPEND_ONLY = {
    "postgresql": [
        "create trigger stone_changes_append_only before update or delete on stone_changes for each row execute function pavilion_refuse_change()",
    ],
    "sqlite": [
        f"create trigger stone_changes_no_{act} before {act} on stone_changes begin select raise(abort, 'append only: stone_changes'); end"
        for act in ("update", "delete")
    ],
}
GONE = """
insert into stone_changes (seq, stone_id, at, kind, before, after)
select seq, id, updated_at, case when withdrawn_at is null then 'unlisted' else 'withdrawn' end,
  '{"listed": false}', '{"listed": false}'
from stones where listed_at is not null and (exposed_id is null or withdrawn_at is not null)
"""
BEGINS = "insert into counters (series, last) select 'catalogue:history', last from counters where series = 'catalogue:changes'"


def upgrade() -> None:
    op.create_table(
        "stone_changes",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.CheckConstraint(f"kind in {KINDS}", name=op.f("ck_stone_changes_kind_known")),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_stone_changes_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seq", "stone_id", name=op.f("pk_stone_changes")),
    )
    op.create_index("ix_stone_changes_stone_id", "stone_changes", ["stone_id", "seq"], unique=False)
    op.execute(GONE)
    op.execute(BEGINS)
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("stone_changes")
    op.execute("delete from counters where series = 'catalogue:history'")
