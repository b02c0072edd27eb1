"""A stone of an appointment keeps a link to its exposure, without which it is not written, and what it was when it was
put there.

Of rows of before the link is set where the stone is exposed now, and empty where it is exposed no more; what the stone
was when the appointment was made is taken from its history, or is what it is now where no history says otherwise."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NAMING = ("public_id", "stock_no", "lab", "report_no", "species", "variety", "shape", "weight_mct", "color", "clarity")
NAMING += ("fancy_color", "fancy_secondary", "fancy_intensity", "fancy_overtone", "ratio", "table_pct")
LINE = sa.table("appointment_stones", *map(sa.column, ("appointment_id", "stone")), sa.column("snapshot", sa.JSON))
MADE = sa.table("appointments", sa.column("id"), sa.column("created_at"))
STONE = sa.table("stones", sa.column("id"), *map(sa.column, NAMING))
CHANGE = sa.table("stone_changes", *map(sa.column, ("seq", "stone_id", "at")), sa.column("before", sa.JSON))
LINK = "update appointment_stones set exposed_id = stone where stone in (select stone from exposed_stones)"

TABLE, NAME = "appointment_stones", "appointment_stones_exposed"
WRONG = "new.exposed_id is null or not (new.exposed_id is not distinct from new.stone)"
SAID = "only an exposed stone can stand here"
GUARD = {
    "postgresql": [
        f"create or replace function {NAME}() returns trigger language plpgsql as $$ begin if {WRONG} then raise exception '{SAID}' using errcode = '23514'; end if; return new; end $$",
        f"create trigger {NAME} before insert on {TABLE} for each row execute function {NAME}()",
    ],
    "sqlite": [
        f"create trigger {NAME} before insert on {TABLE} for each row when {WRONG} begin select raise(abort, '{SAID}'); end"
    ],
}


def upgrade() -> None:
    bind = op.get_bind()
    with op.batch_alter_table(TABLE) as lines:
        lines.add_column(sa.Column("exposed_id", sa.String(length=26), nullable=True))
        lines.add_column(sa.Column("snapshot", sa.JSON(), server_default="{}", nullable=False))
    as_they_were(bind)
    op.execute(LINK)
    with op.batch_alter_table(TABLE) as lines:
        lines.alter_column("snapshot", existing_type=sa.JSON(), existing_nullable=False, server_default=None)
        lines.create_check_constraint(op.f("ck_appointment_stones_exposed_as_itself"), "exposed_id = stone")
        name = op.f("fk_appointment_stones_exposed_id_exposed_stones")
        lines.create_foreign_key(name, "exposed_stones", ["exposed_id"], ["stone"], ondelete="SET NULL")
    op.create_index("ix_appointment_stones_exposed_id", TABLE, ["exposed_id"], unique=False)
    for statement in GUARD[bind.dialect.name]:
        op.execute(statement)


def as_they_were(bind: sa.Connection) -> None:
    """Each line with its stone as it was when the appointment was made."""
    of_lines = sa.select(LINE.c.appointment_id, STONE.c.id, MADE.c.created_at, *(STONE.c[name] for name in NAMING))
    of_lines = of_lines.join_from(LINE, MADE, MADE.c.id == LINE.c.appointment_id)
    rows = bind.execute(of_lines.join(STONE, STONE.c.public_id == LINE.c.stone)).all()
    since: dict[int, list[Any]] = {}
    ours = sa.select(STONE.c.id).where(STONE.c.public_id.in_(sa.select(LINE.c.stone)))
    for change in bind.execute(sa.select(CHANGE).where(CHANGE.c.stone_id.in_(ours)).order_by(CHANGE.c.seq.desc())):
        since.setdefault(change.stone_id, []).append(change)
    told = []
    for appointment, stone, made, *named in rows:
        was = dict(zip(NAMING, named, strict=True))
        for change in since.get(stone, ()):
            if change.at > made:
                was |= {name: value for name, value in change.before.items() if name in was}
        told.append({"line": appointment, "of": was["public_id"], "was": was})
    if told:
        this = (LINE.c.appointment_id == sa.bindparam("line")) & (LINE.c.stone == sa.bindparam("of"))
        bind.execute(sa.update(LINE).where(this).values(snapshot=sa.bindparam("was", type_=sa.JSON)), told)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"drop trigger {NAME} on {TABLE}")
        op.execute(f"drop function {NAME}()")
    else:
        op.execute(f"drop trigger {NAME}")
    op.drop_index("ix_appointment_stones_exposed_id", TABLE)
    with op.batch_alter_table(TABLE) as lines:
        lines.drop_constraint(op.f("fk_appointment_stones_exposed_id_exposed_stones"), type_="foreignkey")
        lines.drop_constraint(op.f("ck_appointment_stones_exposed_as_itself"), type_="check")
        lines.drop_column("snapshot")
        lines.drop_column("exposed_id")
