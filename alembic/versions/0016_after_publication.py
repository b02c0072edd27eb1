"""A published sale of any kind stands still by the database itself; kept versions, notices by field, words of a lot.

Until now the guards asked for the hashed rule set, which a collection of fixed prices has not."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

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
    FACTS,
    SALE_FACTS,
)
LISTED = (
    "lots_stay_listed",
    "lots",
    "update of state",
    f"{PUBLISHED.format(row='old')} and old.state <> 'draft' and new.state = 'draft'",
)


def upgrade() -> None:
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
