"""How often a memo is prolonged and a hold is renewed is for the selling house to say, within bounds."""

from alembic import op

from pavilion.kernel.migrating import widen_check

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Table, the check's name and words, and what they are from here on.
WIDER = (
    ("memos", "ck_memos_extended_twice_at_most", "extensions <= 2", "ck_memos_extensions_counted", "extensions <= 12"),
    ("holds", "ck_holds_renewed_once", "renewed between 0 and 1", "ck_holds_renewals_counted", "renewed between 0 and 10"),
)  # fmt: skip
LEAST = {"memos": "extensions >= 0 and ", "holds": ""}


def upgrade() -> None:
    bind = op.get_bind()
    for table, name, words, new_name, new_words in WIDER:
        widen_check(bind, table, name, LEAST[table] + words, LEAST[table] + new_words)
        if bind.dialect.name == "postgresql":
            op.execute(f"alter table {table} rename constraint {name} to {new_name}")
        else:
            widen_check(bind, table, "", name, new_name)  # there a name is among the table's words


def downgrade() -> None:
    """What was prolonged or renewed more often stands: a check that allows less would have to look at the rows."""
    bind = op.get_bind()
    for table, name, _, new_name, _ in WIDER:
        if bind.dialect.name == "postgresql":
            op.execute(f"alter table {table} rename constraint {new_name} to {name}")
        else:
            widen_check(bind, table, "", new_name, name)
