"""The archive of results: every ended lot of every closed sale, as facts that anyone may be told."""

from datetime import datetime

from sqlalchemy import DDL, CheckConstraint, Index, String, event
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only_ddl


class ResultLot(Base):
    """How a lot ended, with what was published of it. Who bought stands nowhere here. Amounts are minor units, 0 where
    nothing was sold under the hammer, or that sale did not come about; a fact of the stones is empty where they differ.
    A row changes only to say what became of its lot after the sale."""

    __tablename__ = "result_lots"
    __table_args__ = (
        CheckConstraint("(state = 'sold') = (hammer > 0)", name="sold_at_a_price"),
        Index("ix_result_lots_sale_position", "sale", "position"),
        *(
            Index(f"ix_result_lots_{name}", name, "id")
            for name in ("ended_at", "hammer", "per_carat", "weight_mct", "against_bp")
        ),
        # Holds whatever the sums may be asked by, so that they are read from here and not from the rows.
        Index(
            "ix_result_lots_sums",
            *("currency", "state", "against", "step", "shape", "tone", "color", "fancy_color", "clarity", "lab"),
            *("weight_mct", "ended_at", "sale", "hammer", "per_carat", "premium", "low"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(String(26), unique=True)
    sale: Mapped[str] = mapped_column(String(26))
    position: Mapped[int]
    number: Mapped[str] = mapped_column(String(12))
    title_en: Mapped[str] = mapped_column(String(200))
    title_zh: Mapped[str] = mapped_column(String(200))
    stones: Mapped[int]
    shape: Mapped[str] = mapped_column(String(20))
    tone: Mapped[str] = mapped_column(String(6))  # group of colours: D-F .. N-Z, FANCY, or GEM for what is no diamond
    color: Mapped[str] = mapped_column(String(4))
    fancy_color: Mapped[str] = mapped_column(String(20))
    clarity: Mapped[str] = mapped_column(String(20))
    lab: Mapped[str] = mapped_column(String(20))
    weight_mct: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(10))
    low: Mapped[int]  # both nought where it was on request: then nothing is compared
    high: Mapped[int]
    hammer: Mapped[int]
    premium: Mapped[int]  # by the rules of the sale
    per_carat: Mapped[int]
    against: Mapped[str] = mapped_column(String(6))  # below, within or above the estimate; empty where nothing was sold
    against_bp: Mapped[int]  # the hammer against the middle of the estimate
    step: Mapped[int]  # of the distribution of `against_bp`
    bids: Mapped[int]
    bidders: Mapped[int]
    ended_at: Mapped[datetime]
    bids_told_at: Mapped[datetime]  # of a lot that was not sold, nobody outside is told of its bids before


_KEPT = "('cancelled', 'sold_after')"
_REFUSE, _ = append_only_ddl("result_lots", "postgresql")
_ACTS = "on result_lots for each row"
_ABORT = "begin select raise(abort, 'append only: result_lots'); end"
_RULES = {
    "postgresql": (
        _REFUSE,
        f"create trigger result_lots_no_delete before delete {_ACTS} execute function pavilion_refuse_change()",
        f"create trigger result_lots_no_update before update {_ACTS} when (new.state not in {_KEPT}) "
        "execute function pavilion_refuse_change()",
    ),
    "sqlite": (
        f"create trigger result_lots_no_update before update on result_lots when new.state not in {_KEPT} {_ABORT}",
        f"create trigger result_lots_no_delete before delete on result_lots {_ABORT}",
    ),
}
for _dialect, _statements in _RULES.items():
    for _statement in _statements:
        _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(ResultLot.__table__, "after_create", _ddl.execute_if(dialect=_dialect))
