"""The dated rates at which amounts are shown in other currencies beside the one that is bid in."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class DisplayRates(Base):
    """A table two persons put in force; the newest row counts. Rates are micro-units of each currency for one USD."""

    __tablename__ = "display_rates"
    __table_args__ = (CheckConstraint("proposed_by <> approved_by", name="two_persons"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(160))
    rates: Mapped[dict[str, int]] = mapped_column(JSON)
    proposed_by: Mapped[str] = mapped_column(String(26))
    approved_by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


append_only(DisplayRates)
