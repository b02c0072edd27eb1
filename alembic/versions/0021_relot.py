"""A lot that ended without a buyer can come back into its own sale; notices tell that, and titles.

A stone stands in one lot of a sale, but for lots that were offered again."""

import re

import sqlalchemy as sa
from alembic import op

from pavilion.kernel import migrating

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None

STANDS = "a published sale does not change"
NEW = "(select state from sales where id = new.sale_id) <> 'draft'"
LOT = "(select state from lots where id = new.lot_id)"
BEFORE = (
    "{lot} <> 'draft' or (select state from sales where id = new.sale_id) <> 'published' "
    "or (select type from sales where id = new.sale_id) = 'collection'"
)
NOW = (
    "{lot} <> 'draft' or (select type from sales where id = new.sale_id) = 'collection' "
    "or ((select state from sales where id = new.sale_id) <> 'published' and not ({again} is not null "
    "and (select state from sales where id = new.sale_id) in ('open', 'paused')))"
)
AGAIN = "(select reoffer_of from lots where id = new.lot_id)"
STILL_OFFERED = (
    "new.relotted and not old.relotted "
    "and (select state from lots where id = old.lot_id) not in ('passed', 'withdrawn')"
)
RELOTTED = ("lot_stones_relotted", "lot_stones", "update of relotted", STILL_OFFERED)
FIELDS = "field in ('estimate', 'text', 'title', 'again', 'fact')"
UNIQUE = "CONSTRAINT uq_lot_stones_sale_id_stone_id UNIQUE (sale_id, stone_id)"


def late(form: str) -> list[tuple[str, str, str, str]]:
    of_lot, of_stone = form.format(lot="new.state", again="new.reoffer_of"), form.format(lot=LOT, again=AGAIN)
    return [
        ("lots_none_added", "lots", "insert", f"{NEW} and ({of_lot})"),
        ("lot_stones_none_added", "lot_stones", "insert", f"{NEW} and ({of_stone})"),
    ]


def upgrade() -> None:
    op.execute("alter table lot_stones add column relotted boolean default false not null")
    one_lot_of_a_sale(apart=True)
    for guard in late(BEFORE):
        drop(guard)
    for guard in [*late(NOW), RELOTTED]:
        keep(guard)
    known = "field in ('estimate', 'text', 'fact')"
    migrating.widen_check(op.get_bind(), "lot_notices", "ck_lot_notices_field_known", known, FIELDS)
    untold()


def untold() -> None:
    """Results that were archived before say nothing of an estimate that was on request either."""
    bind = op.get_bind()
    told = "update result_lots set low = 0, high = 0, against = '', against_bp = -10000, step = 0 "
    told += "where lot in (select public_id from lots where on_request)"
    if postgres():
        op.execute("alter table result_lots disable trigger result_lots_no_update")
        op.execute(told)
        op.execute("alter table result_lots enable trigger result_lots_no_update")
        return
    guard = bind.execute(sa.text("select sql from sqlite_master where name = 'result_lots_no_update'")).scalar_one()
    op.execute("drop trigger result_lots_no_update")
    op.execute(told)
    op.execute(guard)


def downgrade() -> None:
    """Refused by the database while a stone stands in two lots of a sale. The wider check of notices stays."""
    for guard in [*late(NOW), RELOTTED]:
        drop(guard)
    if postgres():
        op.execute("drop function lot_stones_relotted()")
    one_lot_of_a_sale(apart=False)
    op.execute("alter table lot_stones drop column relotted")
    for guard in late(BEFORE):
        keep(guard)


def postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def drop(guard: tuple[str, str, str, str]) -> None:
    name, table, _, _ = guard
    op.execute(f"drop trigger {name}" + (f" on {table}" if postgres() else ""))


def keep(guard: tuple[str, str, str, str]) -> None:
    name, table, act, when = guard
    if not postgres():
        op.execute(
            f"create trigger {name} before {act} on {table} for each row when {when} "
            f"begin select raise(abort, '{STANDS}'); end"
        )
        return
    op.execute(
        f"create or replace function {name}() returns trigger language plpgsql as $$ begin "
        f"if {when} then raise exception '{STANDS}' using errcode = '23514'; end if; return new; end $$"
    )
    op.execute(f"create trigger {name} before {act} on {table} for each row execute function {name}()")


def one_lot_of_a_sale(*, apart: bool) -> None:
    """`apart`: lots that were offered again are left out. SQLite takes no constraint away from a table: there it is made
    anew with its rows, indexes and guards; nothing points at it."""
    if postgres():
        if apart:
            op.execute("alter table lot_stones drop constraint uq_lot_stones_sale_id_stone_id")
        else:
            op.execute("drop index uq_lot_stones_sale_id_stone_id")
            op.execute(
                "alter table lot_stones add constraint uq_lot_stones_sale_id_stone_id unique (sale_id, stone_id)"
            )
    else:
        made_anew(apart=apart)
    if apart:
        op.execute(
            "create unique index uq_lot_stones_sale_id_stone_id on lot_stones (sale_id, stone_id) where not relotted"
        )


def made_anew(*, apart: bool) -> None:
    bind = op.get_bind()
    table = bind.execute(sa.text("select sql from sqlite_master where name = 'lot_stones'")).scalar_one()
    wanted = "select sql from sqlite_master where tbl_name = 'lot_stones' and type in ('index', 'trigger') "
    wanted += "and sql is not null and name <> 'uq_lot_stones_sale_id_stone_id'"
    beside = bind.execute(sa.text(wanted)).scalars().all()
    if apart:
        assert table.count(UNIQUE) == 1, table
        table = re.sub(rf",\s*{re.escape(UNIQUE)}", "", table)
    else:
        table = f"{table.rstrip().removesuffix(')')}, {UNIQUE})"
    assert table.startswith("CREATE TABLE lot_stones ("), table
    op.execute(table.replace("CREATE TABLE lot_stones (", "CREATE TABLE lot_stones_anew (", 1))
    op.execute("insert into lot_stones_anew select * from lot_stones")
    op.execute("drop table lot_stones")
    op.execute("alter table lot_stones_anew rename to lot_stones")
    for statement in beside:
        op.execute(statement)
