"""Bids that stood when their bidder's destination was closed to the lot."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class ClosedBid(Base):
    """A company has a maximum on a lot that may no longer go where it would be delivered. Staff void it before the
    close, or the settlement stops after it."""

    __tablename__ = "closed_bids"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    company_id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(80), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    paddle: Mapped[int]
    leads: Mapped[bool]
    destination: Mapped[str] = mapped_column(String(2))
    source: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


append_only(ClosedBid)
