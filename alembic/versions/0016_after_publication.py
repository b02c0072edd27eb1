"""A published sale of any kind stands still by the database itself; kept versions, notices by field, words of a lot.

Until now the guards asked for the hashed rule set, which a collection of fixed prices has not."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KEPT = ("catalogue_versions", "lot_notices", "lot_notices_given")

STANDS = "a published sale does not change"
FACTS = (
    "sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id, group_id"
)
SALE_FACTS = (
    "type, title_en, title_zh, text_en, text_zh, currency, zone, opens_at, first_close_at, stagger_s, stagger_per, "
    "breaks, increments, mode, soft_close, premium, reserve_rule, options, rules, rules_hash, entity"
)
SEALING = (
    "old.reserve_minor is not null and old.reserve_sealed is null "
    "and new.reserve_minor is null and new.reserve_sealed is not null"
)
HASHED = "(select rules_hash from sales where id = {row}.sale_id) is not null"
PUBLISHED = "(select state from sales where id = {row}.sale_id) <> 'draft'"
LATE = "{lot} <> 'draft' or (select state from sales where id = {row}.sale_id) <> 'published'"
TAKES_NONE = " or (select type from sales where id = {row}.sale_id) = 'collection'"
LOT = "(select state from lots where id = {row}.lot_id)"


def guards(
    frozen: str, sale: str, gone: str, late: str, facts: str, sale_facts: str
) -> list[tuple[str, str, str, str]]:
    """Name, table, act and when it is refused; `frozen` is what is asked of a row's sale."""
    new, old = frozen.format(row="new"), frozen.format(row="old")
    of_lot, of_stone = late.format(lot="new.state", row="new"), late.format(lot=LOT.format(row="new"), row="new")
    return [
        ("sales_facts_stand", "sales", f"update of {sale_facts}", sale),
        ("sales_stay", "sales", "delete", gone),
        ("lots_none_added", "lots", "insert", f"{new} and ({of_lot})"),
        ("lots_facts_stand", "lots", f"update of {facts}", f"{old} and old.state <> 'draft'"),
        (
            "lots_reserve_stands",
            "lots",
            "update of reserve_minor, reserve_sealed",
            f"{old} and old.state <> 'draft' and not ({SEALING})",
        ),
        ("lots_stay", "lots", "delete", f"{old} and old.state <> 'draft'"),
        ("lot_stones_none_added", "lot_stones", "insert", f"{new} and ({of_stone})"),
        ("lot_stones_stand", "lot_stones", "update of lot_id, sale_id, stone_id, place", old),
        ("lot_stones_stay", "lot_stones", "delete", f"{old} and {LOT.format(row='old')} <> 'draft'"),
    ]


BEFORE = guards(
    HASHED,
    "old.rules_hash is not null and new.rules_hash is not null",
    "old.rules_hash is not null",
    LATE,
    FACTS,
    SALE_FACTS,
)
NOW = guards(
    PUBLISHED,
    "old.state <> 'draft' and new.state <> 'draft'",
    "old.state <> 'draft'",
    LATE + TAKES_NONE,
    f"{FACTS}, text_en, text_zh, on_request",
    f"{SALE_FACTS}, langs",
)
LISTED = (
    "lots_stay_listed",
    "lots",
    "update of state",
    f"{PUBLISHED.format(row='old')} and old.state <> 'draft' and new.state = 'draft'",
)


def upgrade() -> None:
    words_and_spans()
    versions_and_notices()
    for guard in BEFORE:
        drop(guard)
    for guard in [*NOW, LISTED]:
        keep(guard)


def downgrade() -> None:
    for guard in [*NOW, LISTED]:
        drop(guard)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function lots_stay_listed()")
    for guard in BEFORE:
        keep(guard)
    for table in reversed(KEPT):
        op.drop_table(table)
    for name in ("text_en", "text_zh", "on_request"):
        op.drop_column("lots", name)
    for name in ("langs", "registers_from", "registers_until"):
        op.drop_column("sales", name)


def words_and_spans() -> None:
    """Sales of before are printed in both languages and take registrations as long as they run; no lot of them has
    words of its own."""
    when = WHEN.compile(op.get_bind().dialect)
    op.execute("""alter table sales add column langs json default '["en", "zh"]' not null""")
    op.execute(f"alter table sales add column registers_from {when}")
    op.execute(f"alter table sales add column registers_until {when}")
    op.execute("alter table lots add column text_en text default '' not null")
    op.execute("alter table lots add column text_zh text default '' not null")
    op.execute("alter table lots add column on_request boolean default false not null")


def versions_and_notices() -> None:
    """Of what was published before only the hash is known: those sales have no kept version."""
    op.create_table(
        "catalogue_versions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("log_index", BIG, nullable=True),
        sa.CheckConstraint("n > 0", name=op.f("ck_catalogue_versions_n_counted")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_catalogue_versions_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_versions")),
        sa.UniqueConstraint("sale", "n", name=op.f("uq_catalogue_versions_sale_n")),
    )
    op.create_table(
        "lot_notices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("field", sa.String(length=10), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("field in ('estimate', 'text', 'fact')", name=op.f("ck_lot_notices_field_known")),
        sa.CheckConstraint("text_en <> '' and text_zh <> '' and reason <> ''", name=op.f("ck_lot_notices_said")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_notices")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lot_notices_public_id")),
    )
    op.create_index("ix_lot_notices_sale_id", "lot_notices", ["sale", "id"], unique=False)
    op.create_index("ix_lot_notices_lot", "lot_notices", ["lot"], unique=False)
    op.create_table(
        "lot_notices_given",
        sa.Column("notice_id", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["lot_notices.id"],
            name=op.f("fk_lot_notices_given_notice_id_lot_notices"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_lot_notices_given")),
    )
    for table in KEPT:
        for statement in unaltered(table):
            op.execute(statement)


def unaltered(table: str) -> list[str]:
    if op.get_bind().dialect.name == "postgresql":
        acts = f"before update or delete on {table} for each row execute function pavilion_refuse_change()"
        return [f"create trigger {table}_append_only {acts}"]
    refuse = f"begin select raise(abort, 'append only: {table}'); end"
    return [f"create trigger {table}_no_{act} before {act} on {table} {refuse}" for act in ("update", "delete")]


def drop(guard: tuple[str, str, str, str]) -> None:
    name, table, _, _ = guard
    op.execute(f"drop trigger {name}" + (f" on {table}" if op.get_bind().dialect.name == "postgresql" else ""))


def keep(guard: tuple[str, str, str, str]) -> None:
    name, table, act, when = guard
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"create trigger {name} before {act} on {table} for each row when {when} "
            f"begin select raise(abort, '{STANDS}'); end"
        )
        return
    row = "old" if act == "delete" else "new"
    op.execute(
        f"create or replace function {name}() returns trigger language plpgsql as $$ begin "
        f"if {when} then raise exception '{STANDS}' using errcode = '23514'; end if; return {row}; end $$"
    )
    op.execute(f"create trigger {name} before {act} on {table} for each row execute function {name}()")
