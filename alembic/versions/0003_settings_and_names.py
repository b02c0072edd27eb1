"""Every table of the rules is changed by two persons, a stone is known by many names, a certificate ends, and a stop
that was a mistake is ended."""

import sqlalchemy as sa
from alembic import op

from pavilion.kernel.migrating import widen_check

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
ACTS = "act in ('add', 'remove', 'stop')"
MORE_ACTS = "act in ('add', 'remove', 'stop', 'resume')"
TRIGGERS = {
    "postgresql": [
        "create trigger table_versions_append_only before update or delete on table_versions for each row "
        "execute function pavilion_refuse_change()",
    ],
    "sqlite": [
        "create trigger table_versions_no_update before update on table_versions "
        "begin select raise(abort, 'append only: table_versions'); end",
        "create trigger table_versions_no_delete before delete on table_versions "
        "begin select raise(abort, 'append only: table_versions'); end",
    ],
}


def upgrade() -> None:
    op.create_table(
        "external_ids",
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("scheme", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=160), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.CheckConstraint(
            "scheme in ('tracr', 'producer', 'scanner', 'gia_report', 'inscription', 'gs1_dl')",
            name=op.f("ck_external_ids_scheme_known"),
        ),
        sa.PrimaryKeyConstraint("stone", "scheme", "value", name=op.f("pk_external_ids")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_external_ids_key", "external_ids", ["key", "stone"], unique=False)
    op.create_table(
        "table_versions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=26), nullable=False),
        sa.Column("approved_by", sa.String(length=26), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("proposed_by <> approved_by", name=op.f("ck_table_versions_two_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_versions")),
    )
    op.create_index("ix_table_versions_name_id", "table_versions", ["name", "id"], unique=False)
    op.add_column("stone_references", sa.Column("ended_at", INSTANT, nullable=True))
    op.create_index("ix_stone_references_valid_to", "stone_references", ["valid_to"], unique=False)
    _laws_are_tables()
    bind = op.get_bind()
    widen_check(bind, "trust_acts", op.f("ck_trust_acts_act_known"), ACTS, MORE_ACTS)
    for statement in TRIGGERS[bind.dialect.name]:
        bind.exec_driver_sql(statement)


def _laws_are_tables() -> None:
    """What two persons agreed on as law stays agreed on, under the same number and hash."""
    columns = "id, sha256, document, reason, proposed_by, approved_by, at"
    op.execute(f"insert into table_versions (name, {columns}) select 'law', {columns} from law_versions")  # noqa: S608 - no input
    op.drop_table("law_versions")  # its triggers refuse changes of rows, and go with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "select setval(pg_get_serial_sequence('table_versions', 'id'), (select max(id) from table_versions)) "
            "where exists (select 1 from table_versions)"
        )


def downgrade() -> None:
    raise NotImplementedError("what two persons agreed on is not unsaid")
