"""Shortlists of a company and links to shared stones. Of before there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
WRONG = "new.exposed_id is null or not (new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id))"
SAID = "only an exposed stone can stand here"


def upgrade() -> None:
    shortlists()
    shares()
    columns()
    for table in ("shortlist_lines", "stone_share_lines"):
        for statement in only_exposed(table)[op.get_bind().dialect.name]:
            op.execute(statement)


def only_exposed(table: str) -> dict[str, list[str]]:
    name = f"{table}_exposed"
    return {
        "postgresql": [
            f"create or replace function {name}() returns trigger language plpgsql as $$ begin if {WRONG} then raise exception '{SAID}' using errcode = '23514'; end if; return new; end $$",
            f"create trigger {name} before insert on {table} for each row execute function {name}()",
        ],
        "sqlite": [
            f"create trigger {name} before insert on {table} for each row when {WRONG} begin select raise(abort, '{SAID}'); end"
        ],
    }


def shortlists() -> None:
    op.create_table(
        "shortlists",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("made_by", BIG, nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("removed_at", WHEN, nullable=True),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_shortlists_named")),
        belongs("shortlists", "company_id", "companies"),
        belongs("shortlists", "made_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlists")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shortlists_public_id")),
    )
    op.create_index("ix_shortlists_company_id", "shortlists", ["company_id"], unique=False)
    op.create_table(
        "shortlist_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("list_id", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("exposed_id", sa.String(length=26), nullable=True),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("added_by", BIG, nullable=False),
        sa.Column("added_at", WHEN, nullable=False),
        sa.Column("removed_at", WHEN, nullable=True),
        belongs("shortlist_lines", "list_id", "shortlists", "CASCADE"),
        belongs("shortlist_lines", "stone_id", "stones"),
        exposed("shortlist_lines"),
        belongs("shortlist_lines", "added_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlist_lines")),
        sa.UniqueConstraint("list_id", "stone_id", name=op.f("uq_shortlist_lines_list_id_stone_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shortlist_lines_public_id")),
    )
    op.create_index("ix_shortlist_lines_stone_id", "shortlist_lines", ["stone_id"], unique=False)
    op.create_index("ix_shortlist_lines_exposed_id", "shortlist_lines", ["exposed_id"], unique=False)
    op.create_table(
        "shortlist_words",
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("verdict", sa.String(length=1), nullable=True),
        sa.Column("maximum_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("shared_note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("own_note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("verdict in ('A', 'B', 'C')", name=op.f("ck_shortlist_words_verdict_known")),
        sa.CheckConstraint(
            "(maximum_sealed is null) = (currency is null)", name=op.f("ck_shortlist_words_maximum_with_currency")
        ),
        belongs("shortlist_words", "line_id", "shortlist_lines", "CASCADE"),
        belongs("shortlist_words", "person_id", "people"),
        sa.PrimaryKeyConstraint("line_id", "person_id", name=op.f("pk_shortlist_words")),
    )


def shares() -> None:
    op.create_table(
        "stone_shares",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("made_by", BIG, nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("prices", sa.Boolean(), nullable=False),
        sa.Column("markup_bp", BIG, nullable=False),
        sa.Column("names_supplier", sa.Boolean(), nullable=False),
        sa.Column("opened", BIG, nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint("markup_bp between 0 and 10000", name=op.f("ck_stone_shares_markup_up_to_double")),
        sa.CheckConstraint("expires_at > made_at", name=op.f("ck_stone_shares_expires_later")),
        belongs("stone_shares", "company_id", "companies"),
        belongs("stone_shares", "made_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_shares")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stone_shares_public_id")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_stone_shares_token_sha256")),
    )
    op.create_index("ix_stone_shares_company_id", "stone_shares", ["company_id"], unique=False)
    op.create_table(
        "stone_share_lines",
        sa.Column("share_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("exposed_id", sa.String(length=26), nullable=True),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        belongs("stone_share_lines", "share_id", "stone_shares", "CASCADE"),
        belongs("stone_share_lines", "stone_id", "stones"),
        exposed("stone_share_lines"),
        sa.PrimaryKeyConstraint("share_id", "place", name=op.f("pk_stone_share_lines")),
        sa.UniqueConstraint("share_id", "stone_id", name=op.f("uq_stone_share_lines_share_id_stone_id")),
    )
    op.create_index("ix_stone_share_lines_stone_id", "stone_share_lines", ["stone_id"], unique=False)
    op.create_index("ix_stone_share_lines_exposed_id", "stone_share_lines", ["exposed_id"], unique=False)
    op.create_table(
        "stone_share_openings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("share_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        belongs("stone_share_openings", "share_id", "stone_shares", "CASCADE"),
        belongs("stone_share_openings", "person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_share_openings")),
    )
    op.create_index("ix_stone_share_openings_share_id", "stone_share_openings", ["share_id", "id"], unique=False)


def columns() -> None:
    """Whoever has chosen none reads the usual ones."""
    op.create_table(
        "chosen_columns",
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        belongs("chosen_columns", "person_id", "people", "CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_chosen_columns")),
    )


def belongs(table: str, column: str, other: str, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), ondelete=ondelete
    )


def exposed(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_exposed_id_exposed_stones")
    return sa.ForeignKeyConstraint(["exposed_id"], ["exposed_stones.stone"], name=name, ondelete="SET NULL")


def downgrade() -> None:
    for table in ("shortlist_lines", "stone_share_lines"):
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"drop trigger {table}_exposed on {table}")
            op.execute(f"drop function {table}_exposed()")
        else:
            op.execute(f"drop trigger {table}_exposed")
    for table in ("chosen_columns", "stone_share_openings", "stone_share_lines", "stone_shares"):
        op.drop_table(table)
    for table in ("shortlist_words", "shortlist_lines", "shortlists"):
        op.drop_table(table)
