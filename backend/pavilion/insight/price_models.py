"""Which results stand behind which told price: each in one batch at most, so that no two figures part one from it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base

LEAST = 5  # results under which nothing is told (catalogue spec 7)


class PriceBatch(Base):
    """Results of one cell that are told together, first when there were enough. `fine`: the cell is one shape, one
    colour and one clarity or intensity in a narrow band; otherwise it is one of the coarse grid."""

    __tablename__ = "price_batches"
    __table_args__ = (
        CheckConstraint(f"n >= {LEAST}", name="enough"),
        Index("ix_price_batches_cell", "currency", "shape_group", "size", "last_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fine: Mapped[bool]
    currency: Mapped[str] = mapped_column(String(3))
    shape_group: Mapped[str] = mapped_column(String(20))
    size: Mapped[str] = mapped_column(String(12))
    tone: Mapped[str] = mapped_column(String(20))  # group of colours, or of a fancy colour its hue
    clarity_group: Mapped[str] = mapped_column(String(20))  # empty for fancy colours
    shape: Mapped[str] = mapped_column(String(20))  # this and the next three are empty unless fine
    band: Mapped[str] = mapped_column(String(12))
    color: Mapped[str] = mapped_column(String(20))
    grade: Mapped[str] = mapped_column(String(20))  # clarity, or of a fancy colour its intensity
    n: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    told_at: Mapped[datetime]


class PriceResult(Base):
    """A result and the batch that holds it."""

    __tablename__ = "price_results"

    result_id: Mapped[int] = mapped_column(
        ForeignKey("result_lots.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    batch_id: Mapped[int] = mapped_column(ForeignKey("price_batches.id", ondelete="CASCADE"), index=True)
    per_carat: Mapped[int]
