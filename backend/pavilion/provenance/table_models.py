"""Versions of the tables that two persons may change."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class TableVersion(Base):
    """A table that two persons put in force; the newest row of a name is in force, before the first the shipped one."""

    __tablename__ = "table_versions"
    __table_args__ = (
        CheckConstraint("proposed_by <> approved_by", name="two_persons"),
        Index("ix_table_versions_name_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(26))
    approved_by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


append_only(TableVersion)
