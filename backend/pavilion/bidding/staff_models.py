"""What two persons agreed on for a running sale, on its way to the sale's writer."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class StaffOrder(Base):
    """Written with the approval, carried out by the sale's writer exactly once: its events and `done_at` are one
    commit. A refusal leaves its code and changes nothing else."""

    __tablename__ = "staff_orders"
    __table_args__ = (Index("ix_staff_orders_sale_done", "sale", "done_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    lot: Mapped[str | None] = mapped_column(String(26))
    proposal: Mapped[str] = mapped_column(String(26), unique=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)  # the act with both persons; a secret amount only sealed
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    code: Mapped[str | None] = mapped_column(String(40))  # why the book refused it
