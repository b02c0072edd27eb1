"""Photographs, turns, videos and reports of stones.

No stone of before has any: `media` is 0 and `photo` empty in every row, which is true."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
STANDING = sa.text("removed_at is null")


def upgrade() -> None:
    op.execute("alter table stones add column media smallint default 0 not null")
    op.execute("alter table stones add column photo varchar(26)")
    sendings()
    pieces()
    media()


def sendings() -> None:
    op.create_table(
        "media_sendings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("supplier_company_id", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("sent_by", sa.String(length=26), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.CheckConstraint("state in ('received', 'sorted', 'done')", name=op.f("ck_media_sendings_state_known")),
        sa.ForeignKeyConstraint(
            ["supplier_company_id"],
            ["companies.id"],
            name=op.f("fk_media_sendings_supplier_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_media_sendings_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_sendings")),
        sa.UniqueConstraint("public_id", name=op.f("uq_media_sendings_public_id")),
    )
    op.create_index("ix_media_sendings_supplier_company_id_id", "media_sendings", ["supplier_company_id", "id"])


def pieces() -> None:
    op.create_table(
        "media_pieces",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sending_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=True),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("nth", BIG, nullable=True),
        sa.Column("stone_id", BIG, nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'placed', 'again', 'refused')", name=op.f("ck_media_pieces_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["sending_id"],
            ["media_sendings.id"],
            name=op.f("fk_media_pieces_sending_id_media_sendings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_media_pieces_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_pieces")),
        sa.UniqueConstraint("sending_id", "place", name=op.f("uq_media_pieces_sending_id_place")),
    )
    op.create_index("ix_media_pieces_stone_id", "media_pieces", ["stone_id"])


def media() -> None:
    op.create_table(
        "stone_media",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("width", BIG, nullable=False),
        sa.Column("height", BIG, nullable=False),
        sa.Column("frames", BIG, nullable=True),
        sa.Column("millis", BIG, nullable=True),
        sa.Column("bytes", BIG, nullable=False),
        sa.Column("sent_by", sa.String(length=26), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("removed_by", sa.String(length=26), nullable=True),
        sa.Column("removed_at", WHEN, nullable=True),
        sa.CheckConstraint("kind in ('photo', 'spin', 'video', 'report')", name=op.f("ck_stone_media_kind_known")),
        sa.CheckConstraint("width > 0 and height > 0", name=op.f("ck_stone_media_size_positive")),
        sa.CheckConstraint(
            "(removed_at is null) = (removed_by is null)", name=op.f("ck_stone_media_removed_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_stone_media_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_media")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stone_media_public_id")),
    )
    op.create_index(
        "uq_stone_media_standing",
        "stone_media",
        ["stone_id", "kind", "sha256"],
        unique=True,
        postgresql_where=STANDING,
        sqlite_where=STANDING,
    )
    op.create_index("ix_stone_media_address", "stone_media", ["address"])


def downgrade() -> None:
    for name in ("stone_media", "media_pieces", "media_sendings"):
        op.drop_table(name)
    op.execute("alter table stones drop column photo")
    op.execute("alter table stones drop column media")
