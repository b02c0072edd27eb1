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
    saved_searches()


def saved_searches() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("cadence", sa.String(length=16), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("drop_pct", BIG, nullable=False),
        sa.Column("from_seq", BIG, nullable=False),
        sa.Column("looked_seq", BIG, nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("told_at", WHEN, nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "cadence in ('at_once', 'hourly', 'daily', 'never')", name=op.f("ck_saved_searches_cadence_known")
        ),
        sa.CheckConstraint("drop_pct between 1 and 90", name=op.f("ck_saved_searches_drop_is_a_part")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_saved_searches_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("public_id", name=op.f("uq_saved_searches_public_id")),
    )
    kept, untold = sa.text("ended_at is null"), sa.text("told_at is null")
    op.create_index(
        "uq_saved_searches_kept", "saved_searches", ["person_id", "address"], unique=True,
        postgresql_where=kept, sqlite_where=kept,
    )  # fmt: skip
    op.create_index("ix_saved_searches_person_id", "saved_searches", ["person_id"], unique=False)
    op.create_table(
        "search_alerts",
        sa.Column("search_id", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("told_at", WHEN, nullable=True),
        sa.CheckConstraint("kind in ('new', 'price', 'back', 'in_sale')", name=op.f("ck_search_alerts_kind_known")),
        sa.ForeignKeyConstraint(
            ["search_id"], ["saved_searches.id"], name=op.f("fk_search_alerts_search_id_saved_searches"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_search_alerts_stone_id_stones"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "stone_id", "kind", name=op.f("pk_search_alerts")),
    )  # fmt: skip
    op.create_index(
        "ix_search_alerts_untold", "search_alerts", ["search_id"], unique=False,
        postgresql_where=untold, sqlite_where=untold,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("search_alerts")
    op.drop_table("saved_searches")
    op.drop_table("stone_changes")
    op.execute("delete from counters where series = 'catalogue:history'")
