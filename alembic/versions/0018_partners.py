"""Calls to partners and answers kept for a key."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """No key had an answer before."""
    op.create_table(
        "kept_answers",
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", BIG, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("length(request_sha256) = 64", name=op.f("ck_kept_answers_request_hashed")),
        sa.CheckConstraint("status >= 200 and status < 300", name=op.f("ck_kept_answers_done")),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"])
    webhooks()


def webhooks() -> None:
    """No address was called before."""
    op.create_table(
        "webhooks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", WHEN, nullable=True),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("failing_since", WHEN, nullable=True),
        sa.Column("paused_at", WHEN, nullable=True),
        sa.Column("removed_at", WHEN, nullable=True),
        sa.CheckConstraint("length(url) > 0", name=op.f("ck_webhooks_has_address")),
        sa.CheckConstraint(
            "(old_secret_sealed is null) = (old_until is null)", name=op.f("ck_webhooks_old_secret_ends")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_webhooks_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_webhooks_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhooks_public_id")),
    )
    op.create_index("ix_webhooks_company_id", "webhooks", ["company_id"])
    op.create_table(
        "webhook_calls",
        sa.Column("id", BIG, nullable=False),
        sa.Column("webhook_id", BIG, nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("due_at", WHEN, nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("status", BIG, nullable=True),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("sent_at", WHEN, nullable=True),
        sa.Column("given_up_at", WHEN, nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhook_calls_attempts_counted")),
        sa.CheckConstraint(
            "due_at is null or (sent_at is null and given_up_at is null)", name=op.f("ck_webhook_calls_due_or_settled")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_calls_webhook_id_webhooks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_calls")),
        sa.UniqueConstraint("webhook_id", "event", name=op.f("uq_webhook_calls_webhook_id_event")),
    )
    op.create_index("ix_webhook_calls_due_at", "webhook_calls", ["due_at"])
    op.create_index("ix_webhook_calls_made_at", "webhook_calls", ["made_at"])


def downgrade() -> None:
    op.drop_table("webhook_calls")
    op.drop_table("webhooks")
    op.drop_table("kept_answers")
