"""A notice has its reason in both languages; results that were archived before say the estimate that its last notice
gave."""

from bisect import bisect_right

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

EDGES = (-5000, -3000, -2000, -1000, 0, 1000, 2000, 3000, 5000, 10_000, 20_000)  # of the distribution, as it is drawn
LAST = (
    "select r.id, r.hammer, r.low, r.high, n.new from result_lots r join lot_notices n on n.lot = r.lot "
    "join lot_notices_given g on g.notice_id = n.id join sales s on s.public_id = n.sale "
    "where n.field = 'estimate' and g.at >= s.published_at order by n.id"
)
MENDED = (
    "update result_lots set low = :low, high = :high, against = :where, against_bp = :bp, step = :step where id = :id"
)


def upgrade() -> None:
    op.add_column("lot_notices", sa.Column("reason_zh", sa.Text(), server_default="", nullable=False))
    corrected(op.get_bind())


def downgrade() -> None:
    """What was corrected stays so."""
    op.drop_column("lot_notices", "reason_zh")


def corrected(bind: sa.Connection) -> None:
    """What was archived before notices of estimates were read there, or with what stood before one, is told anew."""
    rows = {row.id: row for row in bind.execute(sa.text(LAST))}
    ends = {id_: tuple(map(int, row.new.split(" "))) for id_, row in rows.items()}
    wrong = [row for id_, row in rows.items() if (row.low, row.high) != ends[id_]]
    if not wrong:
        return
    postgres = bind.dialect.name == "postgresql"
    if postgres:
        guard = "alter table result_lots enable trigger result_lots_no_update"
        bind.execute(sa.text("alter table result_lots disable trigger result_lots_no_update"))
    else:
        kept = sa.text("select sql from sqlite_master where name = 'result_lots_no_update'")
        guard = bind.execute(kept).scalar_one()
        bind.execute(sa.text("drop trigger result_lots_no_update"))
    for row in wrong:
        bind.execute(sa.text(MENDED), {"id": row.id} | beside(row.hammer, *ends[row.id]))
    bind.execute(sa.text(guard))


def beside(hammer: int, low: int, high: int) -> dict[str, int | str]:
    """The estimate, and the hammer against its middle, halves away from zero; nothing where none fell."""
    if not hammer:
        return {"low": low, "high": high, "where": "", "bp": -10_000, "step": 0}
    span = max(low + high, 1)
    over = (2 * hammer - low - high) * 10_000
    bp = (2 * abs(over) + span) // (2 * span) * (1 if over >= 0 else -1)
    where = "below" if hammer < low else "above" if hammer > high else "within"
    return {"low": low, "high": high, "where": where, "bp": bp, "step": bisect_right(EDGES, bp)}
