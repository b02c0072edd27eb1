"""What became of a lot after the sale, where that differs from how the auction ended for it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class After(StrEnum):
    CANCELLED = "cancelled"  # the hammer fell, and the sale to its winner did not come about
    SOLD_AFTER = "sold_after"  # sold outside the auction, at a price that is nobody else's business


class LotSequel(Base):
    """One row for each turn; the last one holds. The book and its proof speak of the hammer and know none of this.
    Who bought, and for how much, stands nowhere here."""

    __tablename__ = "lot_sequels"
    __table_args__ = (one_of("became", After), Index("ix_lot_sequels_lot", "lot"))

    id: Mapped[int] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(String(26))
    sale: Mapped[str] = mapped_column(String(26))
    became: Mapped[str] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


append_only(LotSequel)
