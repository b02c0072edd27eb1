"""Origin that anyone can recompute: the log, passports, trust, inputs of verdicts, outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

TRIGGERS = {
    "postgresql": [
        "create trigger issuer_keys_append_only before update or delete on issuer_keys for each row execute function pavilion_refuse_change()",
        "create trigger trust_acts_append_only before update or delete on trust_acts for each row execute function pavilion_refuse_change()",
    ],
    "sqlite": [
        "create trigger issuer_keys_no_update before update on issuer_keys begin select raise(abort, 'append only: issuer_keys'); end",
        "create trigger issuer_keys_no_delete before delete on issuer_keys begin select raise(abort, 'append only: issuer_keys'); end",
        "create trigger trust_acts_no_update before update on trust_acts begin select raise(abort, 'append only: trust_acts'); end",
        "create trigger trust_acts_no_delete before delete on trust_acts begin select raise(abort, 'append only: trust_acts'); end",
    ],
}


def upgrade() -> None:
    op.create_table(
        "issuer_keys",
        sa.Column("id", BIG, nullable=False),
        sa.Column("act", sa.String(length=6), nullable=False),
        sa.Column("issuer", sa.String(length=80), nullable=False),
        sa.Column("kid", sa.String(length=100), nullable=False),
        sa.Column("public", sa.String(length=64), nullable=False),
        sa.Column("from_day", sa.String(length=10), nullable=False),
        sa.Column("to_day", sa.String(length=10), nullable=True),
        sa.Column("hosted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=40), nullable=False),
        sa.Column("approved_by", sa.String(length=40), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("act in ('add', 'revoke')", name=op.f("ck_issuer_keys_act_known")),
        sa.CheckConstraint(
            "hosted or act = 'revoke' or (approved_by is not null and approved_by <> proposed_by)",
            name=op.f("ck_issuer_keys_two_persons"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuer_keys")),
    )
    op.create_index("uq_issuer_keys_kid_act", "issuer_keys", ["kid", "act"], unique=True)
    op.create_table(
        "trust_acts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("act", sa.String(length=6), nullable=False),
        sa.Column("row", sa.String(length=26), nullable=False),
        sa.Column("issuer", sa.String(length=80), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("cc", sa.String(length=2), nullable=True),
        sa.Column("lab", sa.String(length=20), nullable=True),
        sa.Column("from_day", sa.String(length=10), nullable=False),
        sa.Column("to_day", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=40), nullable=False),
        sa.Column("approved_by", sa.String(length=40), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(act = 'stop' and approved_by is null) or (act <> 'stop' and approved_by is not null and approved_by <> proposed_by)",
            name=op.f("ck_trust_acts_two_persons"),
        ),
        sa.CheckConstraint("act in ('add', 'remove', 'stop')", name=op.f("ck_trust_acts_act_known")),
        sa.CheckConstraint("(act = 'stop') = (\"until\" is not null)", name=op.f("ck_trust_acts_a_stop_ends")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_acts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_trust_acts_public_id")),
    )
    op.create_index("ix_trust_acts_row", "trust_acts", ["row"], unique=False)
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("what was logged and issued is not unsaid")
